import type { CurrentUpload, ImageFacts, StoredRendition } from '../../core/audit.ts';
import type { ImageId } from '../../core/image.ts';
import type { ImageRecord } from '../../core/record.ts';
import type { Page, Sources } from '../../scripts/stack/sources.ts';

/** Any number of images that are made when they are listed, and counted while they are held. */
export class SyntheticSources implements Sources {
  readonly buckets = ['uploads'];
  /** Listed, and not yet followed by the next request. */
  held = 0;
  mostHeld = 0;
  looks = 0;
  readonly #pageSize: number;
  readonly #images: number;
  readonly #make: (index: number) => ImageFacts;

  constructor(images: number, make: (index: number) => ImageFacts, { pageSize = 1000 } = {}) {
    this.#images = images;
    this.#make = make;
    this.#pageSize = pageSize;
  }

  async *uploads(from: string | undefined) {
    for await (const { items, next } of this.#pages(from)) {
      yield {
        items: items.flatMap(({ imageId, upload }) => (upload === undefined ? [] : [{ ...upload, imageId }])),
        next,
      } satisfies Page<CurrentUpload & { imageId: ImageId }>;
    }
  }

  async *records(from: string | undefined) {
    for await (const { items, next } of this.#pages(from)) {
      yield { items: items.flatMap(({ record }) => record ?? []), next } satisfies Page<ImageRecord>;
    }
  }

  /** In the order of S3: images have rising ids. */
  async *renditions(after: ImageId | undefined) {
    for await (const { items } of this.#pages(undefined)) {
      for (const { imageId, renditions } of items) if (after === undefined || imageId > after) yield* renditions;
    }
  }

  async renditionsOf(imageId: ImageId): Promise<readonly StoredRendition[]> {
    return this.#find(imageId)?.renditions ?? [];
  }

  async headersOf(key: string) {
    const [imageId = ''] = key.split('/');
    return this.#find(imageId)?.renditions.find((rendition) => rendition.key === key)?.headers;
  }

  async current(imageId: ImageId): Promise<Pick<ImageFacts, 'record' | 'upload'>> {
    return this.#find(imageId) ?? {};
  }

  async look(imageId: ImageId): Promise<ImageFacts> {
    this.looks += 1;
    return this.#find(imageId) ?? { imageId, renditions: [] };
  }

  #find(imageId: ImageId): ImageFacts | undefined {
    const made = this.#make(Number.parseInt(imageId, 16) || 0);
    if (made.imageId === imageId) return made;
    const all = Array.from({ length: this.#images }, (_, index) => this.#make(index));
    return all.find((image) => image.imageId === imageId);
  }

  async *#pages(from: string | undefined): AsyncGenerator<Page<ImageFacts>> {
    for (let start = from === undefined ? 0 : Number(from); start < this.#images; start += this.#pageSize) {
      const end = Math.min(start + this.#pageSize, this.#images);
      const items = Array.from({ length: end - start }, (_, index) => this.#make(start + index));
      this.held += items.length;
      this.mostHeld = Math.max(this.mostHeld, this.held);
      yield { items, next: end === this.#images ? undefined : String(end) };
      this.held -= items.length;
    }
  }
}
