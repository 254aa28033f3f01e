/** The check before traffic, on the emulator: broken versions are refused, and the live one passes. */
import {
  DeleteFunctionCommand,
  type FunctionConfiguration,
  GetAliasCommand,
  GetFunctionConfigurationCommand,
  type LambdaClient,
  PublishVersionCommand,
  UpdateFunctionConfigurationCommand,
  type UpdateFunctionConfigurationCommandInput,
} from '@aws-sdk/client-lambda';
import * as z from 'zod';
import { knownImage } from '../../adapters/aws/known-image.ts';
import { lambdaSteps } from '../../adapters/aws/lambda-steps.ts';
import { s3RenditionReader } from '../../adapters/aws/s3-rendition-reader.ts';
import { s3RenditionStore } from '../../adapters/aws/s3-rendition-store.ts';
import { s3Uploader } from '../../adapters/aws/s3-uploader.ts';
import { renditionGroups } from '../../core/presets.ts';
import { checkRelease } from '../../core/watch/check-release.ts';
import { type ReleasedStep, releasedSteps, type Verdict } from '../../core/watch/release.ts';
import { physicalId, type Stack } from '../../scripts/stack/stack.ts';

export interface CheckedVersion {
  readonly step: ReleasedStep;
  readonly what: string;
  readonly broken: boolean;
  readonly verdict: Verdict;
}

type Settings = Omit<UpdateFunctionConfigurationCommandInput, 'FunctionName'>;

/** Ways to break a release that no compiler and no unit test detects. */
const mistakes: readonly {
  readonly what: string;
  readonly step: ReleasedStep;
  break(live: FunctionConfiguration): Settings;
}[] = [
  {
    what: 'a setting was forgotten',
    step: 'ResizeImage',
    break: ({ Environment }) => {
      const { RENDITION_BUCKET: _forgotten, ...Variables } = Environment?.Variables ?? {};
      return { Environment: { Variables } };
    },
  },
  {
    what: 'it writes to the wrong bucket',
    step: 'ResizeImage',
    break: ({ Environment }) => ({
      Environment: { Variables: { ...Environment?.Variables, RENDITION_BUCKET: 'bucket-of-another-account' } },
    }),
  },
  { what: 'the handler was renamed', step: 'ExtractMetadata', break: () => ({ Handler: 'handler.main' }) },
];

export async function playPreTraffic(
  stack: Stack,
  checked: (version: CheckedVersion) => void,
): Promise<readonly CheckedVersion[]> {
  const { lambda, s3 } = stack.clients;
  const { UploadBucketName, RenditionBucketName } = stack.outputs;
  const renditions = { client: s3, bucket: RenditionBucketName };
  const results: CheckedVersion[] = [];

  const check = async (
    { step, what, broken }: Omit<CheckedVersion, 'verdict'>,
    functionName: string,
    version: string,
  ): Promise<void> => {
    await checkRelease(
      { deploymentId: `${step}-${version}-${Date.now()}`, executionId: 'played' },
      {
        // Replaces CodeDeploy, which the emulator does not have: names the version, and stores the verdict.
        releases: {
          newVersion: async () => ({ step, functionName, version }),
          report: async (_, verdict) => {
            results.push({ step, what, broken, verdict });
            checked({ step, what, broken, verdict });
          },
        },
        uploader: s3Uploader({ client: s3, bucket: UploadBucketName }),
        steps: lambdaSteps({ client: lambda }),
        publishedRenditions: s3RenditionReader(renditions),
        renditionStore: s3RenditionStore(renditions),
      },
      { knownImage, groups: renditionGroups },
    );
  };

  for (const step of releasedSteps) {
    const functionName = await physicalId(stack, `${step}Function`);
    const live = await lambda.send(new GetAliasCommand({ FunctionName: functionName, Name: 'live' }));
    const version = z.string().parse(live.FunctionVersion);
    await check({ step, what: 'the live version', broken: false }, functionName, version);
  }
  for (const { what, step, break: breakIt } of mistakes) {
    const functionName = await physicalId(stack, `${step}Function`);
    await withVersion(lambda, functionName, breakIt, (version) =>
      check({ step, what, broken: true }, functionName, version),
    );
  }
  return results;
}

/** Publishes the function with other settings, and removes that version afterwards. The alias never changes. */
async function withVersion(
  lambda: LambdaClient,
  FunctionName: string,
  breakIt: (live: FunctionConfiguration) => Settings,
  use: (version: string) => Promise<void>,
): Promise<void> {
  const before = await lambda.send(new GetFunctionConfigurationCommand({ FunctionName }));
  const { Handler, Environment } = before;
  let version: string | undefined;
  try {
    await lambda.send(new UpdateFunctionConfigurationCommand({ FunctionName, ...breakIt(before) }));
    version = (await lambda.send(new PublishVersionCommand({ FunctionName }))).Version;
    await use(z.string().parse(version));
  } finally {
    await lambda.send(
      new UpdateFunctionConfigurationCommand({
        FunctionName,
        Handler,
        Environment: { Variables: Environment?.Variables ?? {} },
      }),
    );
    if (version !== undefined) await lambda.send(new DeleteFunctionCommand({ FunctionName, Qualifier: version }));
  }
}
