import type { ImageId, Sequencer } from './image.ts';
import type { Metadata } from './metadata.ts';
import type { RejectionReason } from './outcome.ts';
import type { Rendition } from './rendition.ts';

/**
 * What is known of an image: the DynamoDB item, one an image, written by the workflow alone.
 *
 * It speaks of the newest state that was decided. `superseded` and `vanished` leave no record: they changed nothing.
 */
export type ImageRecord = {
  readonly imageId: ImageId;
  readonly bucket: string;
  readonly key: string;
  /** The upload's version id; its etag where the bucket has no versions. */
  readonly version: string;
  /** Orders the states of one image: a write with a lower one is refused. */
  readonly sequencer: Sequencer;
  /** When S3 says that it happened; ISO 8601, UTC. */
  readonly occurredAt: string;
  /** When this record was written; ISO 8601, UTC. */
  readonly recordedAt: string;
  readonly correlationId: string;
  /** Superseded renditions are gone and the domain event is out. Without it, a repeat finishes the work. */
  readonly announced: boolean;
} & (
  | { readonly outcome: 'processed'; readonly metadata: Metadata; readonly renditions: readonly Rendition[] }
  | { readonly outcome: 'rejected'; readonly reason: RejectionReason; readonly message: string }
  /** A tombstone: it keeps a late `Object Created` from bringing the image back, until `expiresAt` (epoch seconds). */
  | { readonly outcome: 'deleted'; readonly expiresAt: number }
  /**
   * The message is in the dead-letter queue; a redrive may still decide it. If the image was shown before, `metadata` and
   * `renditions` are what can still be shown.
   */
  | {
      readonly outcome: 'failed';
      /** For operators: it may name roles and accounts. */
      readonly message: string;
      readonly metadata?: Metadata | undefined;
      readonly renditions?: readonly Rendition[] | undefined;
    }
);
