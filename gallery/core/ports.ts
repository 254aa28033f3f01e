/** Everything the gallery's core needs from the outside world. */
import type { ImageId } from '../../core/image.ts';
import type { GalleryImage } from './gallery-image.ts';

/** The gallery's own copy of what it knows, one partition per person. Reads see every write that has returned. */
export interface ImageStore {
  find(owner: string, imageId: ImageId): Promise<GalleryImage | undefined>;
  /** undefined as long as the person has no image. */
  newestCursor(owner: string): Promise<number | undefined>;
  /** Images that are not deleted, the newest first. */
  list(owner: string, options: { readonly limit: number; readonly page?: string | undefined }): Promise<ImagePage>;
  /** Images with a higher cursor, also deleted ones, the lowest first. */
  changedSince(
    owner: string,
    cursor: number,
    limit: number,
  ): Promise<{ readonly images: readonly GalleryImage[]; readonly hasMore: boolean }>;
  /**
   * Stores the image, and makes its cursor the person's newest, in one step.
   *
   * @param newest what {@link newestCursor} returned
   * @returns false if it is not that any more: nothing is stored then
   */
  save(image: GalleryImage, newest: number | undefined): Promise<boolean>;
}

export interface ImagePage {
  readonly images: readonly GalleryImage[];
  /** Continues the list. */
  readonly next?: string | undefined;
}

/** Signs uploads. */
export interface UploadTickets {
  issue(upload: {
    readonly key: string;
    readonly contentType: string;
    /** Exactly. */
    readonly bytes: number;
    readonly seconds: number;
  }): Promise<{ readonly url: string; readonly fields: Readonly<Record<string, string>> }>;
}

/** Counts what each person does, in windows of time. */
export interface Allowance {
  /** Returns the seconds until the next window, if this one is used up. */
  take(owner: string, what: string, most: number): Promise<{ readonly waitSeconds: number } | undefined>;
}

/** The WebSockets that are open. Reads see every write that has returned. */
export interface Connections {
  list(owner: string): Promise<readonly string[]>;
  add(owner: string, connectionId: string): Promise<void>;
  remove(owner: string, connectionId: string): Promise<void>;
}

export interface LiveSender {
  /** @returns `gone` if the connection has ended, also because its client did not read what was sent before */
  send(connectionId: string, text: string): Promise<'sent' | 'gone'>;
}

export interface TokenVerifier {
  /** Returns whose token it is, or undefined if it is not valid here and now. */
  ownerOf(token: string): Promise<string | undefined>;
}

/** Caches between the rendition bucket and browsers. */
export interface RenditionCaches {
  /**
   * @param reference the same for a repeat
   * @returns `busy` if the caches work on as much as they accept: ask again later
   */
  forget(imageIds: readonly string[], reference: string): Promise<'forgotten' | 'busy'>;
}
