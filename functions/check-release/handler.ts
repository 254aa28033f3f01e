import { codeDeployClient, lambdaClient, s3Client } from '../../adapters/aws/aws-clients.ts';
import { codeDeployReleases } from '../../adapters/aws/codedeploy-releases.ts';
import { knownImage } from '../../adapters/aws/known-image.ts';
import { lambdaSteps } from '../../adapters/aws/lambda-steps.ts';
import { s3RenditionReader } from '../../adapters/aws/s3-rendition-reader.ts';
import { s3RenditionStore } from '../../adapters/aws/s3-rendition-store.ts';
import { s3Uploader } from '../../adapters/aws/s3-uploader.ts';
import { releaseHook } from '../../adapters/lambda/release-hook.ts';
import { renditionGroups } from '../../core/presets.ts';
import { checkRelease } from '../../core/watch/check-release.ts';
import { config } from './config.ts';

const client = s3Client();
const renditions = { client, bucket: config.RENDITION_BUCKET };
const ports = {
  releases: codeDeployReleases({ client: codeDeployClient() }),
  uploads: s3Uploader({ client, bucket: config.UPLOAD_BUCKET }),
  steps: lambdaSteps({ client: lambdaClient({ timeoutMillis: config.STEP_WAIT_MILLIS }) }),
  renditions: s3RenditionReader(renditions),
  renditionStore: s3RenditionStore(renditions),
  known: knownImage,
};

export const handler = releaseHook((hook) => checkRelease(hook, ports, renditionGroups));
