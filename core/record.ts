import type { ImageId, Sequencer } from './image.ts';
import type { Metadata } from './metadata.ts';
import type { RejectionReason } from './outcome.ts';
import type { Rendition } from './rendition.ts';

/**
 * What is known about an image: one DynamoDB item per image, written only by the workflow. (`npm run erase` takes the key out of
 * a tombstone, and adds nothing.)
 *
 * It describes the newest version that was decided. `superseded` and `vanished` leave it as it is; an {@link EndedAttempt} notes them.
 */
export type ImageRecord = {
  readonly imageId: ImageId;
  readonly bucket: string;
  /** The upload's version id, or its etag if the bucket is not versioned. */
  readonly version: string;
  /** Orders the versions of one image: a write with a lower sequencer is refused. */
  readonly sequencer: Sequencer;
  /** When the change happened, according to S3; ISO 8601, UTC. */
  readonly occurredAt: string;
  /** When this record was written; ISO 8601, UTC. */
  readonly recordedAt: string;
  readonly correlationId: string;
  /** Superseded renditions are removed and the domain event is published. While false, a repeated event finishes the work. */
  readonly announced: boolean;
} & (
  | (Named & {
      readonly outcome: 'processed';
      readonly metadata: Metadata;
      readonly renditions: readonly Rendition[];
    })
  | (Named & { readonly outcome: 'rejected'; readonly reason: RejectionReason; readonly message: string })
  /**
   * A tombstone: prevents a late `Object Created` from bringing the image back, until `expiresAt` (epoch seconds). Without a key
   * if the image was erased.
   */
  | { readonly outcome: 'deleted'; readonly expiresAt: number; readonly key?: string | undefined }
  /**
   * The message is in the dead-letter queue; a redrive may still decide it. `metadata` and `renditions` are those of the
   * version that was shown before, if there was one: they remain valid.
   */
  | (Named & {
      readonly outcome: 'failed';
      /** For operators: may name roles and accounts. */
      readonly message: string;
      readonly metadata?: Metadata | undefined;
      readonly renditions?: readonly Rendition[] | undefined;
    })
);

type Named = { readonly key: string };

/** Of an image that was not erased. */
export type NamedRecord = ImageRecord & Named;

/**
 * A version that was permanently deleted, or in which malware was found. Prevents an attempt at that version from putting it on
 * record. Its item has the key `<imageId>#<version>`.
 */
export interface VersionMark {
  readonly version: string;
  readonly infected: boolean;
  /** Absent in marks of older code. */
  readonly occurredAt?: string | undefined;
  readonly recordedAt?: string | undefined;
  readonly correlationId?: string | undefined;
}

/** An attempt that changed nothing, for the history of the image. Its item has the key `<imageId>#attempt#<sequencer>`. */
export interface EndedAttempt {
  readonly ended: 'superseded' | 'vanished';
  readonly version: string;
  readonly sequencer: Sequencer;
  readonly occurredAt: string;
  readonly recordedAt: string;
  readonly correlationId: string;
}

/** The image of any item of the table. */
export function imageIdIn(itemId: string): ImageId {
  const [imageId = ''] = itemId.split('#');
  return imageId;
}
