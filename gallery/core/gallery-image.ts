/** What the gallery knows of an image, and how it changes with each event. */
import type { ImageId, Sequencer } from '../../core/image.ts';
import type { components } from '../api/schema.ts';

export type ImageView = components['schemas']['Image'];
type MetadataView = components['schemas']['Metadata'];
type RenditionView = components['schemas']['Rendition'];

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

type News = Result | { readonly kind: 'uploaded'; readonly bytes: number } | { readonly kind: 'failed' };

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
const ranks: Readonly<Record<News['kind'], number>> = { uploaded: 0, failed: 1, processed: 2, rejected: 3, deleted: 4 };

/** @returns undefined if the event is a repeat, or older than what is known */
export function applyChange(
  before: GalleryImage | undefined,
  change: Change,
): Omit<GalleryImage, 'cursor'> | undefined {
  const { owner, imageId, key, name, sequencer, occurredAt, ...news } = change;
  const place = { position: `${sequencer}#${ranks[news.kind]}`, occurredAt };
  const isNews = isHigher(place, before?.news);
  const isResult = news.kind !== 'uploaded' && news.kind !== 'failed' && isHigher(place, before?.result);
  if (!isNews && !isResult) return undefined;
  const placed = { ...news, ...place };
  return {
    ...{ owner, imageId, key, name },
    news: before === undefined || isNews ? placed : before.news,
    result: isResult ? resultOf(placed) : before?.result,
  };
}

function resultOf(news: Placed<News>): Placed<Result> | undefined {
  return news.kind === 'uploaded' || news.kind === 'failed' ? undefined : news;
}

function isHigher(one: { readonly position: string }, other: { readonly position: string } | undefined): boolean {
  // Sequencers have a fixed width.
  return other === undefined || one.position > other.position;
}

export function isDeleted({ news }: Pick<GalleryImage, 'news'>): boolean {
  return news.kind === 'deleted';
}

const renditionPath = '/renditions/';

/** As people see it. */
export function viewOf({ imageId, name, cursor, news, result }: GalleryImage): ImageView {
  const shown = result?.kind === 'processed' ? result : undefined;
  return {
    ...{ id: imageId, name, state: states[news.kind], cursor, changedAt: news.occurredAt },
    ...(news.kind === 'uploaded' && { bytes: news.bytes }),
    ...(shown !== undefined && { metadata: shown.metadata }),
    ...(news.kind === 'processed' && { bytes: news.metadata.bytes }),
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
  failed: 'failed',
  processed: 'ready',
  rejected: 'rejected',
  deleted: 'deleted',
} as const satisfies Readonly<Record<News['kind'], ImageView['state']>>;
