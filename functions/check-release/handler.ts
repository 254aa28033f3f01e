import { codeDeployClient, lambdaClient, s3Client } from '../../adapters/aws/aws-clients.ts';
import { codeDeployReleases } from '../../adapters/aws/codedeploy-releases.ts';
import { knownImage } from '../../adapters/aws/known-image.ts';
import { lambdaSteps } from '../../adapters/aws/lambda-steps.ts';
import { s3RenditionReader } from '../../adapters/aws/s3-rendition-reader.ts';
import { s3RenditionStore } from '../../adapters/aws/s3-rendition-store.ts';
import { s3Uploader } from '../../adapters/aws/s3-uploader.ts';
import { text } from '../../adapters/contracts/zod.ts';
import { positiveInteger, readEnvironment } from '../../adapters/lambda/environment.ts';
import { releaseHook } from '../../adapters/lambda/release-hook.ts';
import { renditionGroups } from '../../core/presets.ts';
import { checkRelease } from '../../core/watch/check-release.ts';
import { releasedSteps } from '../../core/watch/release.ts';

const env = readEnvironment({ UPLOAD_BUCKET: text, RENDITION_BUCKET: text, STEP_WAIT_MILLIS: positiveInteger });
const client = s3Client();
const renditions = { client, bucket: env.RENDITION_BUCKET };
const ports = {
  releases: codeDeployReleases({ client: codeDeployClient(), steps: releasedSteps }),
  uploader: s3Uploader({ client, bucket: env.UPLOAD_BUCKET }),
  steps: lambdaSteps({ client: lambdaClient({ timeoutMillis: env.STEP_WAIT_MILLIS }) }),
  publishedRenditions: s3RenditionReader(renditions),
  renditionStore: s3RenditionStore(renditions),
};

export const handler = releaseHook((hook) => checkRelease(hook, ports, { knownImage, groups: renditionGroups }));
