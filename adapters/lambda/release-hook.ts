import { Logger } from '@aws-lambda-powertools/logger';
import type { Context } from 'aws-lambda';
import type { ReleaseHook, Verdict } from '../../core/watch/release.ts';
import * as z from '../contracts/zod.ts';

// https://docs.aws.amazon.com/codedeploy/latest/userguide/reference-appspec-file-structure-hooks.html
const hookEvent = z.object({ DeploymentId: z.string(), LifecycleEventHookExecutionId: z.string() });

/** A Lambda handler for CodeDeploy's BeforeAllowTraffic hook: one log line with the verdict and its reason. */
export function releaseHook(check: (hook: ReleaseHook) => Promise<Verdict>) {
  const logger = new Logger();
  return async (input: unknown, context: Context): Promise<Verdict> => {
    logger.addContext(context);
    const { DeploymentId: deploymentId, LifecycleEventHookExecutionId: executionId } = hookEvent.parse(input);
    const verdict = await check({ deploymentId, executionId });
    const log = verdict.verdict === 'passed' ? 'info' : 'error';
    // The new version's log lines for this check carry the same id.
    logger[log]('Release checked', { correlation_id: `release-${deploymentId}`, deploymentId, ...verdict });
    return verdict;
  };
}
