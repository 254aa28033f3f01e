import { CloudFrontClient } from '@aws-sdk/client-cloudfront';
import { text } from '../../../adapters/contracts/zod.ts';
import { readEnvironment } from '../../../adapters/lambda/environment.ts';
import { cloudFrontCaches } from '../../adapters/aws/cloudfront-caches.ts';
import { removedImages } from '../../adapters/lambda/removed-images.ts';

const env = readEnvironment({ UPLOAD_BUCKET: text, DISTRIBUTION_ID: text });
const caches = cloudFrontCaches({ client: new CloudFrontClient(), distributionId: env.DISTRIBUTION_ID });

export const handler = removedImages(caches, { uploadBucket: env.UPLOAD_BUCKET });
