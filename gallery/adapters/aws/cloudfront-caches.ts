import {
  type CloudFrontClient,
  CreateInvalidationCommand,
  TooManyInvalidationsInProgress,
} from '@aws-sdk/client-cloudfront';
import type { RenditionCaches } from '../../core/ports.ts';

export function cloudFrontCaches({
  client,
  distributionId,
}: {
  readonly client: CloudFrontClient;
  readonly distributionId: string;
}): RenditionCaches {
  return {
    async forget(imageIds, reference) {
      // As browsers ask for it, and as the function RenditionPaths changes it: AWS recommends both.
      // https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/invalidation-specifying-objects.html
      const paths = imageIds.flatMap((imageId) => [`/renditions/${imageId}/*`, `/${imageId}/*`]);
      const invalidation = new CreateInvalidationCommand({
        DistributionId: distributionId,
        // The same reference and paths are the same invalidation: a message that comes twice costs nothing more.
        InvalidationBatch: { CallerReference: reference, Paths: { Quantity: paths.length, Items: paths } },
      });
      try {
        await client.send(invalidation);
        return 'forgotten';
      } catch (error) {
        if (error instanceof TooManyInvalidationsInProgress) return 'busy';
        throw error;
      }
    },
  };
}
