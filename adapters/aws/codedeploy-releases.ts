import {
  type CodeDeployClient,
  GetDeploymentCommand,
  PutLifecycleEventHookExecutionStatusCommand,
} from '@aws-sdk/client-codedeploy';
import type { ReleaseStore } from '../../core/watch/ports.ts';
import * as z from '../contracts/zod.ts';

// https://docs.aws.amazon.com/codedeploy/latest/userguide/reference-appspec-file-structure-resources.html
const appSpec = z.object({
  Resources: z
    .array(
      z.record(z.string(), z.object({ Properties: z.object({ Name: z.string(), TargetVersion: z.coerce.string() }) })),
    )
    .check(z.minLength(1)),
});

/**
 * Releases in CodeDeploy.
 *
 * @param steps the functions that have a check
 */
export function codeDeployReleases<Step extends string>({
  client,
  steps,
}: {
  readonly client: CodeDeployClient;
  readonly steps: readonly Step[];
}): ReleaseStore<Step> {
  return {
    async newVersion(deploymentId) {
      const { deploymentInfo } = await client.send(new GetDeploymentCommand({ deploymentId }));
      const { appSpecContent, string } = deploymentInfo?.revision ?? {};
      // CloudFormation passes the AppSpec as a plain string, other callers as AppSpecContent.
      const content = appSpecContent?.content ?? string?.content;
      if (content === undefined)
        throw new Error(`Deployment ${deploymentId} has no AppSpec, so its function is unknown.`);
      const [resource] = appSpec.parse(JSON.parse(content)).Resources.flatMap((entry) => Object.values(entry));
      if (resource === undefined) throw new Error(`The AppSpec of deployment ${deploymentId} names no function.`);
      const { Name: functionName, TargetVersion: version } = resource.Properties;
      return { functionName, version, step: stepOf(functionName, steps) };
    },

    async report({ deploymentId, executionId }, { verdict }) {
      await client.send(
        new PutLifecycleEventHookExecutionStatusCommand({
          deploymentId,
          lifecycleEventHookExecutionId: executionId,
          status: verdict === 'passed' ? 'Succeeded' : 'Failed',
        }),
      );
    },
  };
}

/** CloudFormation names a function after its stack and logical id: images-prod-ResizeImageFunction-1A2B3C. */
function stepOf<Step extends string>(functionName: string, steps: readonly Step[]): Step {
  const step = steps.find((candidate) => functionName.includes(`-${candidate}Function`));
  if (step !== undefined) return step;
  throw new Error(
    `There is no check for ${functionName} (only for ${steps.join(', ')}): add one to check-release.ts. ` +
      'If the name is truncated, use a stack name of at most 25 characters.',
  );
}
