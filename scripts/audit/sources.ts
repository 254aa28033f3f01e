/** What an audit reads. */
import type { CurrentUpload, ImageFacts, StoredRendition } from '../../core/audit.ts';
import type { ImageId } from '../../core/image.ts';
import type { ImageRecord } from '../../core/record.ts';

/** A page of a listing, and the place where the next one begins. */
export interface Page<Item> {
  readonly items: readonly Item[];
  readonly next: string | undefined;
}

export interface Sources {
  /** What each key holds now, from a place on. */
  uploads(from: string | undefined): AsyncIterable<Page<CurrentUpload & { readonly imageId: ImageId }>>;
  records(from: string | undefined): AsyncIterable<Page<ImageRecord>>;
  /** All of the bucket, sorted by key, after an image. */
  renditions(after: ImageId | undefined): AsyncIterable<StoredRendition>;
  renditionsOf(imageId: ImageId): Promise<readonly StoredRendition[]>;
  headersOf(key: string): Promise<StoredRendition['headers']>;
  /** Everything about one image, read now. */
  look(imageId: ImageId, key: string | undefined): Promise<ImageFacts>;
}
