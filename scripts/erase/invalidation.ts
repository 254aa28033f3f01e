import { createHash } from 'node:crypto';
import { CloudFrontClient, CreateInvalidationCommand, GetInvalidationCommand } from '@aws-sdk/client-cloudfront';
import pWaitFor from 'p-wait-for';
import type { ImageId } from '../../core/image.ts';
import type { Stack } from '../stack/stack.ts';
import { Failure } from '../terminal/failure.ts';

// At most this many paths with * can be in progress for one distribution:
// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/cloudfront-limits.html#limits-invalidations
export const WILDCARDS_AT_ONCE = 15;
const PATIENCE_MILLIS = 30 * 60_000;

/**
 * Removes the renditions of the images from the caches of CloudFront, and waits until they are gone.
 *
 * @param since when the erasure began: a repeat of the same one is free, and returns the same id
 * @returns the id of the invalidation
 */
export async function invalidate(
  { clientConfig }: Pick<Stack, 'clientConfig'>,
  { distribution: DistributionId, images, since }: { distribution: string; images: readonly ImageId[]; since: string },
): Promise<string> {
  const client = new CloudFrontClient({ ...clientConfig, region: 'us-east-1' });
  try {
    const Items = images.map((imageId) => `/${imageId}/*`);
    const CallerReference = createHash('sha256')
      .update(JSON.stringify([since, Items]))
      .digest('hex');
    const { Invalidation } = await client.send(
      new CreateInvalidationCommand({
        DistributionId,
        InvalidationBatch: { CallerReference, Paths: { Quantity: Items.length, Items } },
      }),
    );
    const Id = Invalidation?.Id;
    if (Id === undefined)
      throw new Failure(`CloudFront did not name the invalidation of ${DistributionId}. Run this again.`);
    const isDone = async () => {
      const { Invalidation: now } = await client.send(new GetInvalidationCommand({ DistributionId, Id }));
      return now?.Status === 'Completed';
    };
    const message = new Failure(
      `The invalidation ${Id} of ${DistributionId} is not complete after ${PATIENCE_MILLIS / 60_000} minutes. Run this again: it goes on where it stopped.`,
    );
    await pWaitFor(isDone, { interval: 2000, timeout: { milliseconds: PATIENCE_MILLIS, message } });
    return Id;
  } finally {
    client.destroy();
  }
}
