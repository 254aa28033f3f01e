import { type CloudFrontClient, CreateInvalidationCommand } from '@aws-sdk/client-cloudfront';
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
      const paths = imageIds.map((imageId) => `/renditions/${imageId}/*`);
      await client.send(
        new CreateInvalidationCommand({
          DistributionId: distributionId,
          // The same reference and paths are the same invalidation: a message that comes twice costs nothing more.
          InvalidationBatch: { CallerReference: reference, Paths: { Quantity: paths.length, Items: paths } },
        }),
      );
    },
  };
}
