/**
 * What the page knows, and how it changes: a pure reducer. Changes of images arrive in lists and in live messages, late, repeated
 * and in any order; whatever the order, the result is the same. gallery/api/live.ts has the rules of the cursor.
 */
import type { components } from '../../api/schema.ts';

export type Image = components['schemas']['Image'];
export type ImageList = components['schemas']['ImageList'];

/** How far one file is on its way from this page to the bucket. The server knows nothing of it before it is stored. */
export type UploadStep =
  /** For its turn, or for a connection. */
  | { readonly kind: 'waiting'; readonly unreachable?: true }
  | { readonly kind: 'sending'; readonly share: number }
  | { readonly kind: 'stored' }
  /** If it is final, another attempt would end the same way. */
  | { readonly kind: 'refused'; readonly message: string; readonly final?: true };

/** Made from the file by the browser, until there is a rendition. */
export interface Preview {
  readonly source: string;
  readonly ratio: number;
}

export interface Upload {
  readonly key: string;
  /** The item that it belongs to: its own key, or the key of the item that it replaces. */
  readonly item: string;
  readonly name: string;
  readonly bytes: number;
  /** Milliseconds since 1970: its place among the files that are no images yet. */
  readonly addedAt: number;
  /** When the newest image of that moment had changed, as the server says; before all times if there was none. */
  readonly newestThen: string;
  readonly step: UploadStep;
  readonly imageId: string | undefined;
  /** The cursor of the image when the file was sent. A higher one belongs to the new version. */
  readonly after: number;
  readonly preview: Preview | undefined;
}

/** Something that did not work, for as long as the person has not dismissed it. */
export interface Notice {
  /** The image that it is about. */
  readonly id: string;
  readonly text: string;
}

export interface GalleryState {
  /** Deleted images stay, so that a late list does not bring them back. */
  readonly images: ReadonlyMap<string, Image>;
  /** Every change up to this one is applied. Undefined before the first list. */
  readonly cursor: number | undefined;
  /** Changes that are applied, beyond one that is missing. */
  readonly ahead: ReadonlySet<number>;
  /** The highest cursor that the server has named. */
  readonly newest: number;
  /** Where the list continues. */
  readonly older: string | undefined;
  readonly uploads: readonly Upload[];
  /** Images that the person has deleted, and whose deletion has not been confirmed yet. */
  readonly deleting: ReadonlySet<string>;
  readonly notices: readonly Notice[];
}

export const emptyGallery: GalleryState = {
  images: new Map(),
  cursor: undefined,
  ahead: new Set(),
  newest: 0,
  older: undefined,
  uploads: [],
  deleting: new Set(),
  notices: [],
};

export type NewUpload = Pick<Upload, 'key' | 'name' | 'bytes'> & { readonly replaces: string | undefined };

export type GalleryEvent =
  | { readonly kind: 'listed'; readonly list: ImageList }
  | { readonly kind: 'listed-older'; readonly list: ImageList }
  /** The answer of `/v1/images?since=`. */
  | { readonly kind: 'caught-up'; readonly list: ImageList }
  /** The answer to a `hello`, and what the page knew when the connection was opened. */
  | { readonly kind: 'greeted'; readonly cursor: number; readonly knownBefore: number }
  | { readonly kind: 'image-changed'; readonly image: Image }
  | { readonly kind: 'uploads-added'; readonly uploads: readonly NewUpload[]; readonly now: number }
  | { readonly kind: 'upload-previewed'; readonly key: string; readonly preview: Preview }
  | { readonly kind: 'upload-stepped'; readonly key: string; readonly step: UploadStep; readonly imageId?: string }
  | { readonly kind: 'upload-dismissed'; readonly key: string }
  | { readonly kind: 'deletion-asked'; readonly id: string }
  | { readonly kind: 'deletion-refused'; readonly id: string }
  /** One that no list has brought. */
  | { readonly kind: 'image-found'; readonly image: Image }
  /** The server has no such image. */
  | { readonly kind: 'image-gone'; readonly id: string }
  | { readonly kind: 'noticed'; readonly id: string; readonly text: string }
  | { readonly kind: 'notice-dismissed'; readonly id: string }
  | { readonly kind: 'signed-out' };

export function reduceGallery(state: GalleryState, event: GalleryEvent): GalleryState {
  switch (event.kind) {
    case 'listed':
      // A second one would not mention what was deleted in between.
      if (state.cursor !== undefined) return state;
      return settled({
        ...withImages(state, event.list.images),
        cursor: event.list.cursor,
        newest: Math.max(event.list.cursor, state.newest),
        older: event.list.next,
      });
    case 'listed-older':
      return { ...withImages(state, event.list.images), older: event.list.next };
    case 'caught-up':
      // It says nothing of what was before, so it cannot replace the first list.
      if (state.cursor === undefined) return state;
      if (isFar(state, event.list.cursor)) return anew(state, event.list.cursor);
      return settled({
        ...withImages(state, event.list.images),
        cursor: Math.max(event.list.cursor, state.cursor),
        newest: Math.max(event.list.cursor, state.newest),
      });
    case 'greeted':
      if (event.cursor < event.knownBefore || isFar(state, event.cursor)) return anew(state, event.cursor);
      return { ...state, newest: Math.max(event.cursor, state.newest) };
    case 'image-changed':
      return withChange(state, event.image);
    case 'uploads-added':
      return { ...state, uploads: [...state.uploads, ...placedUploads(state, event.uploads, event.now)] };
    case 'upload-previewed':
      return withUpload(state, event.key, { preview: event.preview });
    case 'upload-stepped':
      return steppedUpload(state, event);
    case 'upload-dismissed':
      return { ...state, uploads: state.uploads.filter(({ key }) => key !== event.key) };
    case 'deletion-asked':
      return { ...withoutNotice(state, event.id), deleting: new Set(state.deleting).add(event.id) };
    case 'deletion-refused':
      return { ...state, deleting: without(state.deleting, event.id) };
    case 'image-found':
      return withImages(withoutNotice(state, event.image.id), [event.image]);
    case 'image-gone':
      return withoutImage(state, event.id);
    case 'noticed':
      // One per image: the latest.
      return {
        ...state,
        notices: [...withoutNotice(state, event.id).notices, { id: event.id, text: event.text }],
      };
    case 'notice-dismissed':
      return withoutNotice(state, event.id);
    case 'signed-out':
      return emptyGallery;
  }
}

/** Whether a change is missing, so that the page must ask for what has happened since `cursor`, or for the first list. */
export function isBehind({ cursor, newest }: GalleryState): boolean {
  return cursor === undefined || newest > cursor;
}

/** More changes than anyone makes while a page is not connected. */
const FAR = 1_000;

/**
 * A store begins its cursors at the milliseconds of its first change. One that started anew knows nothing of what the page shows; after
 * an empty one, there is nothing to forget. Compared with the newest that the page has heard of: it may not have come so far yet.
 */
function isFar({ newest: heard }: GalleryState, newest: number): boolean {
  return heard > 0 && newest > heard + FAR;
}

/** Forgets everything that came from the server, so that the list is loaded again. Keeps what is not stored yet. */
function anew(state: GalleryState, newest: number): GalleryState {
  return { ...emptyGallery, newest, uploads: state.uploads.filter(({ step }) => step.kind !== 'stored') };
}

/** Stays as deleted, so that a list which was read before does not bring it back. */
function withoutImage(state: GalleryState, id: string): GalleryState {
  const image = state.images.get(id);
  const images = new Map(state.images);
  if (image !== undefined) images.set(id, { ...image, state: 'deleted', renditions: [] });
  return { ...withoutNotice(state, id), images, deleting: without(state.deleting, id) };
}

/** Each image whole, and the newest of what is known about it wins: that makes the order of arrival irrelevant. */
function withImages(state: GalleryState, changed: readonly Image[]): GalleryState {
  const images = new Map(state.images);
  let { deleting, notices } = state;
  for (const image of changed) {
    if (image.cursor <= (images.get(image.id)?.cursor ?? -1)) continue;
    images.set(image.id, image);
    if (image.state !== 'deleted') continue;
    deleting = without(deleting, image.id);
    notices = notices.filter(({ id }) => id !== image.id);
  }
  return { ...state, images, deleting, notices };
}

function withChange(state: GalleryState, image: Image): GalleryState {
  if (isFar(state, image.cursor)) return anew(state, image.cursor);
  // The first list has it, or is older: then the page is behind.
  if (state.cursor === undefined) return { ...state, newest: Math.max(image.cursor, state.newest) };
  // It is known. The image may be deleted since, and then the first list did not have it.
  if (image.cursor <= state.cursor) return state;
  return settled({
    ...withImages(state, [image]),
    ahead: new Set(state.ahead).add(image.cursor),
    newest: Math.max(image.cursor, state.newest),
  });
}

/** Moves the cursor over the changes that follow it without a gap. */
function settled(state: GalleryState): GalleryState {
  if (state.cursor === undefined) return state;
  let cursor = state.cursor;
  while (state.ahead.has(cursor + 1)) cursor += 1;
  return { ...state, cursor, ahead: new Set([...state.ahead].filter((one) => one > cursor)) };
}

// ISO 8601 begins with the year.
const BEFORE_ALL_TIMES = '0';

function placedUploads(state: GalleryState, uploads: readonly NewUpload[], now: number): readonly Upload[] {
  const times = [...state.images.values()].map(({ changedAt }) => changedAt).sort();
  return uploads.map(({ key, name, bytes, replaces }, index) => {
    const replaced = replaces === undefined ? undefined : itemOfImage(state, replaces);
    return {
      key,
      item: replaced?.key ?? key,
      name: replaced?.name ?? name,
      bytes,
      // The first of the files comes first.
      addedAt: now - index,
      newestThen: times.at(-1) ?? BEFORE_ALL_TIMES,
      step: { kind: 'waiting' },
      imageId: replaces,
      after: 0,
      preview: undefined,
    };
  });
}

function steppedUpload(
  state: GalleryState,
  { key, step, imageId }: Extract<GalleryEvent, { kind: 'upload-stepped' }>,
): GalleryState {
  const before = state.uploads.find((upload) => upload.key === key);
  if (before === undefined) return state;
  const id = imageId ?? before.imageId;
  const starts = step.kind === 'sending' && before.step.kind !== 'sending';
  const after = starts && id !== undefined ? (state.images.get(id)?.cursor ?? 0) : before.after;
  return withUpload(state, key, { step, imageId: id, after });
}

function withUpload(state: GalleryState, key: string, change: Partial<Upload>): GalleryState {
  return { ...state, uploads: state.uploads.map((upload) => (upload.key === key ? { ...upload, ...change } : upload)) };
}

function withoutNotice(state: GalleryState, id: string): GalleryState {
  return { ...state, notices: state.notices.filter((notice) => notice.id !== id) };
}

function without(ids: ReadonlySet<string>, id: string): ReadonlySet<string> {
  return new Set([...ids].filter((one) => one !== id));
}

/** What the person sees of one image. */
export type Stage =
  | { readonly kind: 'waiting'; readonly unreachable?: true }
  | { readonly kind: 'uploading'; readonly share: number }
  /** Stored, and not in the pipeline's hands yet. */
  | { readonly kind: 'uploaded' }
  | { readonly kind: 'processing'; readonly step: 'queued' | 'rendering' }
  | { readonly kind: 'ready' }
  | { readonly kind: 'rejected'; readonly message: string }
  /** The file did not reach the bucket. */
  | { readonly kind: 'refused'; readonly message: string; readonly upload: string; readonly final?: true }
  | { readonly kind: 'failed' }
  | { readonly kind: 'deleting' };

export interface Item {
  readonly key: string;
  readonly name: string;
  readonly stage: Stage;
  readonly image: Image | undefined;
  readonly upload: Upload | undefined;
}

/** Newest first, as the server lists them: so the order is the same in all windows, and after a reload. */
export function itemsOf(state: GalleryState): readonly Item[] {
  const placed = unorderedItems(state).map((item) => ({ item, place: placeOf(item) }));
  return placed.sort((one, other) => (one.place < other.place ? 1 : -1)).map(({ item }) => item);
}

function unorderedItems(state: GalleryState): readonly Item[] {
  const items = new Map<string, Item>();
  const uploaded = new Set<string>();
  for (const upload of state.uploads) {
    if (upload.imageId !== undefined) uploaded.add(upload.imageId);
    const image = upload.imageId === undefined ? undefined : state.images.get(upload.imageId);
    const stage = stageOf(state, image, upload);
    if (stage === undefined) items.delete(upload.item);
    else {
      items.set(upload.item, { key: upload.item, name: image?.name ?? upload.name, stage, image, upload });
    }
  }
  for (const image of state.images.values()) {
    const stage = uploaded.has(image.id) ? undefined : stageOf(state, image, undefined);
    if (stage === undefined) continue;
    const { id, name } = image;
    items.set(id, { key: id, name, stage, image, upload: undefined });
  }
  return [...items.values()];
}

/**
 * Of an image, as in gallery/core/gallery-image.ts. A file that is being sent will be newer than all images. One that waits is older
 * than what has changed since it was added: so what happens is on top, however many files wait.
 */
function placeOf({ image, upload, stage }: Item): string {
  if (image !== undefined) return `${image.changedAt}_${image.id}`;
  const ownPlace = `~${String(upload?.addedAt).padStart(16, '0')}_${upload?.key}`;
  return stage.kind === 'waiting' ? `${upload?.newestThen}${ownPlace}` : ownPlace;
}

export function itemOfImage(state: GalleryState, id: string): Item | undefined {
  return unorderedItems(state).find(({ image }) => image?.id === id);
}

export function canBeTriedAgain(of: UploadStep | Stage): boolean {
  return of.kind === 'refused' && of.final !== true;
}

/** Undefined if there is nothing to show: the image is deleted. */
function stageOf(state: GalleryState, image: Image | undefined, upload: Upload | undefined): Stage | undefined {
  if (upload !== undefined) {
    const { step, key } = upload;
    if (step.kind === 'waiting') return step;
    if (step.kind === 'sending') return { kind: 'uploading', share: step.share };
    if (step.kind === 'refused') return { ...step, upload: key };
  }
  if (image === undefined || (upload !== undefined && image.cursor <= upload.after)) return { kind: 'uploaded' };
  if (image.state === 'deleted') return undefined;
  if (state.deleting.has(image.id)) return { kind: 'deleting' };
  return stageOfImage(image);
}

function stageOfImage(image: Image): Stage {
  // Of a newer server, this can be a state that is not in the type.
  const state: string = image.state;
  switch (state) {
    case 'ready':
    case 'failed':
      return { kind: state };
    case 'rejected':
      return { kind: 'rejected', message: image.rejection?.message ?? 'The pipeline could not process this file.' };
    case 'described':
    case 'rendering':
      return { kind: 'processing', step: 'rendering' };
    default:
      return { kind: 'processing', step: 'queued' };
  }
}

export function isInProgress({ kind }: Stage): boolean {
  return kind === 'waiting' || kind === 'uploading' || kind === 'uploaded' || kind === 'processing';
}
