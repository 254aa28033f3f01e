/** What the gallery knows of an image, and how it changes with each event. */
import type { ImageId, Sequencer } from '../../core/image.ts';
import type { components } from '../api/schema.ts';

export type ImageView = components['schemas']['Image'];
type MetadataView = components['schemas']['Metadata'];
type RenditionView = components['schemas']['Rendition'];

/** It becomes part of an address. */
export const renditionKeyPattern = /^[0-9a-f]{32}\/[0-9A-F]{32}\/[\w.-]+$/;

/** A rendition as an event describes it. */
export interface ShownRendition {
  readonly preset: string;
  /** In the rendition bucket. */
  readonly key: string;
  readonly contentType: RenditionView['contentType'];
  readonly width: number;
  readonly height: number;
  readonly bytes: number;
  readonly animated?: boolean | undefined;
}

/** An event about one version of one of the gallery's images. */
export type Change = {
  readonly owner: string;
  readonly imageId: ImageId;
  readonly key: string;
  readonly name: string;
  readonly sequencer: Sequencer;
  /** ISO 8601, UTC. */
  readonly occurredAt: string;
} & News;

type News = Result | Progress;

/** Leaves what is shown as it is. */
type Progress =
  | { readonly kind: 'uploaded'; readonly bytes: number }
  | { readonly kind: 'described'; readonly metadata: MetadataView }
  | { readonly kind: 'failed' };

/** Replaces whatever was shown before. */
type Result =
  | { readonly kind: 'processed'; readonly metadata: MetadataView; readonly renditions: readonly ShownRendition[] }
  | { readonly kind: 'rejected'; readonly reason: string; readonly message: string }
  | { readonly kind: 'deleted' };

/**
 * The newest news, and the newest result: both are needed, because an upload in progress, or one that failed, leaves the renditions
 * of the version before. Each is what the highest event says, so that the order in which events arrive makes no difference.
 */
export interface GalleryImage {
  readonly owner: string;
  readonly imageId: ImageId;
  readonly key: string;
  readonly name: string;
  /** Of the newest change: see openapi.yaml. */
  readonly cursor: number;
  readonly news: Placed<News>;
  readonly result?: Placed<Result> | undefined;
}

/** `position`: the sequencer and the rank in one string, which orders all events of an image. */
type Placed<Type> = Type & { readonly position: string; readonly occurredAt: string };

/** Of one version: docs/events. S3's own event comes before what the pipeline says about it. */
const ranks = {
  ...{ uploaded: 0, described: 1, failed: 2 },
  ...{ processed: 3, rejected: 4, deleted: 5 },
} as const satisfies Readonly<Record<News['kind'], number>>;

/** @returns undefined if the event is a repeat, or older than what is known */
export function applyChange(
  before: GalleryImage | undefined,
  change: Change,
): Omit<GalleryImage, 'cursor'> | undefined {
  const { owner, imageId, key, name, sequencer, occurredAt, ...news } = change;
  const place = { position: `${sequencer}#${ranks[news.kind]}`, occurredAt };
  const isNews = isHigher(place, before?.news);
  const placed = { ...news, ...place };
  const result = resultOf(placed);
  const isResult = result !== undefined && isHigher(place, before?.result);
  if (!isNews && !isResult) return undefined;
  return {
    ...{ owner, imageId, key, name },
    news: before === undefined || isNews ? placed : before.news,
    result: isResult ? result : before?.result,
  };
}

function resultOf(news: Placed<News>): Placed<Result> | undefined {
  switch (news.kind) {
    case 'processed':
    case 'rejected':
    case 'deleted':
      return news;
    case 'uploaded':
    case 'described':
    case 'failed':
      return undefined;
    default:
      return news satisfies never;
  }
}

function isHigher(one: { readonly position: string }, other: { readonly position: string } | undefined): boolean {
  // Sequencers have a fixed width.
  return other === undefined || one.position > other.position;
}

export function isDeleted({ news }: Pick<GalleryImage, 'news'>): boolean {
  return news.kind === 'deleted';
}

/** By which lists are sorted. `Page` in openapi.yaml has its form, because a client gets the place of the last image to go on from there. */
export function placeOf({ news, imageId }: Pick<GalleryImage, 'news' | 'imageId'>): string {
  return `${news.occurredAt}_${imageId}`;
}

const renditionPath = '/renditions/';

/** As people see it. */
export function viewOf({ imageId, name, cursor, news, result }: GalleryImage): ImageView {
  const shown = result?.kind === 'processed' ? result : undefined;
  // Always of one version: the one that is shown, or the one on its way as long as nothing is.
  const described = shown ?? news;
  return {
    ...{ id: imageId, name, state: states[news.kind], cursor, changedAt: news.occurredAt },
    ...('bytes' in described && { bytes: described.bytes }),
    ...('metadata' in described && { bytes: described.metadata.bytes, metadata: described.metadata }),
    ...(news.kind === 'rejected' && { rejection: { reason: news.reason, message: news.message } }),
    renditions: (shown?.renditions ?? []).map(({ key, animated, ...rest }) => ({
      ...rest,
      ...(animated && { animated }),
      url: `${renditionPath}${key}`,
    })),
  };
}

const states = {
  uploaded: 'uploaded',
  described: 'described',
  failed: 'failed',
  processed: 'ready',
  rejected: 'rejected',
  deleted: 'deleted',
} as const satisfies Readonly<Record<News['kind'], ImageView['state']>>;
