import { codeDeployClient, lambdaClient } from '../../../adapters/aws/aws-clients.ts';
import { codeDeployReleases } from '../../../adapters/aws/codedeploy-releases.ts';
import { text } from '../../../adapters/contracts/zod.ts';
import { positiveInteger, readEnvironment } from '../../../adapters/lambda/environment.ts';
import { releaseHook } from '../../../adapters/lambda/release-hook.ts';
import { lambdaFunctions } from '../../adapters/aws/lambda-functions.ts';
import { checkRelease, releasedFunctions } from '../../core/check-release.ts';

const env = readEnvironment({ UPLOAD_BUCKET: text, CALL_WAIT_MILLIS: positiveInteger });
const ports = {
  releases: codeDeployReleases({ client: codeDeployClient(), steps: releasedFunctions }),
  functions: lambdaFunctions({ client: lambdaClient({ timeoutMillis: env.CALL_WAIT_MILLIS }) }),
  uploadBucket: env.UPLOAD_BUCKET,
  randomId: () => crypto.randomUUID(),
  now: Date.now,
};

export const handler = releaseHook((hook) => checkRelease(hook, ports));
