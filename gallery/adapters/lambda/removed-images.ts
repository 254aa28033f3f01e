import type { SQSBatchResponse, SQSEvent } from 'aws-lambda';
import { sha256 } from '../../../core/image.ts';
import type { RenditionCaches } from '../../core/ports.ts';
import { parseImageChange } from '../contracts/image-change.ts';

/**
 * A Lambda handler for RemovalQueue. One invalidation for a batch, because CloudFront works on a few at a time only: the batch
 * succeeds or returns to the queue as a whole. That CloudFront is busy is expected after many deletions, so the batch returns without an
 * error of the function, which would set off an alarm and roll a release back.
 */
export function removedImages(caches: RenditionCaches, { uploadBucket }: { readonly uploadBucket: string }) {
  return async ({ Records }: SQSEvent): Promise<SQSBatchResponse> => {
    const changes = await Promise.all(Records.map(({ body }) => parseImageChange(body, uploadBucket)));
    const imageIds = [...new Set(changes.flatMap((change) => (change === undefined ? [] : [change.imageId])))].sort();
    const versions = changes.flatMap((change) =>
      change === undefined ? [] : [`${change.imageId}/${change.sequencer}`],
    );
    if (imageIds.length === 0) return { batchItemFailures: [] };
    const reference = await sha256(new TextEncoder().encode([...new Set(versions)].sort().join()));
    const outcome = await caches.forget(imageIds, reference);
    const returned = outcome === 'busy' ? Records : [];
    return { batchItemFailures: returned.map(({ messageId }) => ({ itemIdentifier: messageId })) };
  };
}
