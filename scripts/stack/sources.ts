/** What an audit, a re-render and a backfill read. */
import type { CurrentUpload, ImageFacts, StoredRendition } from '../../core/audit.ts';
import type { ImageId, UploadAddress } from '../../core/image.ts';
import type { ImageRecord } from '../../core/record.ts';

/** A page of a listing, and the place where the next one begins. */
export interface Page<Item> {
  readonly items: readonly Item[];
  readonly next: string | undefined;
}

export interface Sources {
  /** The upload bucket, and the adopted one. A record may name another that was adopted before. */
  readonly buckets: readonly string[];
  /** What each key holds now, from a place on. */
  uploads(from: string | undefined): AsyncIterable<Page<CurrentUpload & { readonly imageId: ImageId }>>;
  records(from: string | undefined): AsyncIterable<Page<ImageRecord>>;
  /** All of the bucket, sorted by key, after an image. */
  renditions(after: ImageId | undefined): AsyncIterable<StoredRendition>;
  renditionsOf(imageId: ImageId): Promise<readonly StoredRendition[]>;
  headersOf(key: string): Promise<StoredRendition['headers']>;
  /** What an image is now, without its renditions. */
  current(imageId: ImageId, address: UploadAddress | undefined): Promise<Pick<ImageFacts, 'record' | 'upload'>>;
  /** Everything about one image, read now. */
  look(imageId: ImageId, address: UploadAddress | undefined): Promise<ImageFacts>;
}
