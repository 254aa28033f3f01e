import { codeDeployClient, lambdaClient, s3Client } from '../../adapters/aws-clients.ts';
import { codeDeployReleases } from '../../adapters/codedeploy-releases.ts';
import { knownImage } from '../../adapters/known-image.ts';
import { lambdaSteps } from '../../adapters/lambda-steps.ts';
import { releaseHook } from '../../adapters/release-hook.ts';
import { s3LentImages } from '../../adapters/s3-lent-images.ts';
import { s3RenditionShelf } from '../../adapters/s3-rendition-shelf.ts';
import { checkRelease } from '../../core/check-release.ts';
import { config } from './config.ts';

const client = s3Client();
const ports = {
  releases: codeDeployReleases({ client: codeDeployClient() }),
  images: s3LentImages({ client, bucket: config.UPLOAD_BUCKET }),
  steps: lambdaSteps({ client: lambdaClient({ timeoutMillis: config.STEP_WAIT_MILLIS }) }),
  renditions: s3RenditionShelf({ client, bucket: config.RENDITION_BUCKET }),
  known: knownImage,
};

export const handler = releaseHook((hook) => checkRelease(hook, ports));
