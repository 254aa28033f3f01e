/** The gallery's ports in memory. */
import type { GalleryImage } from '../../core/gallery-image.ts';
import { isDeleted, placeOf } from '../../core/gallery-image.ts';
import type { Allowance, Connections, ImageStore, LiveSender } from '../../core/ports.ts';

export class InMemoryImages implements ImageStore {
  readonly #images = new Map<string, GalleryImage>();
  readonly #newest = new Map<string, number>();

  async find(owner: string, imageId: string): Promise<GalleryImage | undefined> {
    return this.#images.get(`${owner}/${imageId}`);
  }

  async newestCursor(owner: string): Promise<number | undefined> {
    return this.#newest.get(owner);
  }

  async list(owner: string, { limit, page }: { readonly limit: number; readonly page?: string | undefined }) {
    const all = this.#of(owner)
      .filter((image) => !isDeleted(image))
      .sort((one, other) => (placeOf(one) < placeOf(other) ? 1 : -1))
      .filter((image) => page === undefined || placeOf(image) < page);
    const images = all.slice(0, limit);
    const last = images.at(-1);
    return { images, ...(last && all.length > limit && { next: placeOf(last) }) };
  }

  async changedSince(owner: string, cursor: number, limit: number) {
    const all = this.#of(owner)
      .filter((image) => image.cursor > cursor)
      .sort((one, other) => one.cursor - other.cursor);
    return { images: all.slice(0, limit), hasMore: all.length > limit };
  }

  async save(image: GalleryImage, newest: number | undefined): Promise<boolean> {
    if (this.#newest.get(image.owner) !== newest) return false;
    this.#newest.set(image.owner, image.cursor);
    this.#images.set(`${image.owner}/${image.imageId}`, structuredClone(image));
    return true;
  }

  #of(owner: string): GalleryImage[] {
    return [...this.#images.values()].filter((image) => image.owner === owner);
  }
}

/** Windows never end. */
export class InMemoryAllowance implements Allowance {
  readonly #taken = new Map<string, number>();

  async take(owner: string, what: string, most: number) {
    const taken = (this.#taken.get(`${owner}/${what}`) ?? 0) + 1;
    if (taken > most) return { waitSeconds: 60 };
    this.#taken.set(`${owner}/${what}`, taken);
    return undefined;
  }
}

export class InMemoryConnections implements Connections {
  readonly #open = new Map<string, Set<string>>();

  async list(owner: string): Promise<readonly string[]> {
    return [...(this.#open.get(owner) ?? [])];
  }

  async add(owner: string, connectionId: string): Promise<void> {
    this.#open.set(owner, new Set([...(this.#open.get(owner) ?? []), connectionId]));
  }

  async remove(owner: string, connectionId: string): Promise<void> {
    this.#open.get(owner)?.delete(connectionId);
  }
}

/** Clients that receive what is sent to them, unless they have gone. */
export class InMemorySender implements LiveSender {
  readonly received: { readonly connectionId: string; readonly text: string }[] = [];
  readonly gone = new Set<string>();

  async send(connectionId: string, text: string): Promise<'sent' | 'gone'> {
    if (this.gone.has(connectionId)) return 'gone';
    this.received.push({ connectionId, text });
    return 'sent';
  }
}
