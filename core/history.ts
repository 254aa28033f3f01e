/** What the history of an image says, and how it leads back to the image table. Decides; reads nothing. */
import type { ImageId, Sequencer } from './image.ts';
import { type EndedAttempt, type ImageRecord, imageIdIn, type VersionMark } from './record.ts';

export const historyEvents = [
  /** S3 has a new version. Its own entry, because it happened before the decision that the table shows. */
  'uploaded',
  'processed',
  /** The version that was shown before has new renditions. */
  'rerendered',
  'rejected',
  'failed',
  'deleted',
  /** Replaced by a newer upload, or decided after a newer one. */
  'superseded',
  'vanished',
  /** One version was permanently deleted, possibly an old one. */
  'version-deleted',
  /** Malware was found in one version, possibly an old one. */
  'infected',
  /** The domain event was published, and superseded renditions are removed. */
  'announced',
  /** The same decision was written again: an earlier attempt ended before it was announced. */
  'repeated',
  /** DynamoDB removed the item at the end of its time. */
  'expired',
  /** The item was removed by hand. */
  'removed',
  /** A person asked for it: all earlier lines are gone. */
  'erased',
  /** The item has a form that this code does not know. It is kept. */
  'unknown',
] as const;
export type HistoryEvent = (typeof historyEvents)[number];

/** One thing that happened to an image. */
export interface Decision {
  readonly event: HistoryEvent;
  /** Of the image, the upload's version id, or its etag if the bucket is not versioned. */
  readonly version?: string | undefined;
  readonly sequencer?: Sequencer | undefined;
  /** When the upload bucket changed, according to S3; ISO 8601, UTC. */
  readonly occurredAt?: string | undefined;
  /** When the decision was written; ISO 8601, UTC. */
  readonly recordedAt?: string | undefined;
  readonly correlationId?: string | undefined;
  readonly reason?: string | undefined;
  readonly message?: string | undefined;
}

/** What an item of the image table is. */
export type TableItem =
  | { readonly kind: 'record'; readonly record: ImageRecord }
  | { readonly kind: 'mark'; readonly mark: VersionMark }
  | { readonly kind: 'attempt'; readonly attempt: EndedAttempt }
  | { readonly kind: 'unknown' };

/** All attributes of an item, also those that this code does not know. */
export type Attributes = Readonly<Record<string, unknown>>;

/** One write to the image table, as DynamoDB reports it. */
export interface TableChange {
  /** Of all changes of one item, the order in which they happened: digits, compared as a number. */
  readonly order: string;
  /** When it was written; ISO 8601, UTC, to the second. */
  readonly at: string;
  /** The key of the item. */
  readonly itemId: string;
  readonly before?: TableItem | undefined;
  readonly after?: { readonly item: TableItem; readonly attributes: Attributes } | undefined;
  /** DynamoDB removed it because its time was over. */
  readonly expired: boolean;
}

/** One line of history. */
export interface HistoryLine extends Decision {
  /** The same in every repeat of this line. */
  readonly id: string;
  /** When it happened; ISO 8601, UTC. */
  readonly at: string;
  readonly imageId: ImageId;
  readonly bucket?: string | undefined;
  readonly key?: string | undefined;
  readonly itemId: string;
  /** {@link TableChange.order}, padded: compares as a plain string. */
  readonly order: string;
  /** The item after the change, on the line of the change that shows it. */
  readonly attributes?: Attributes | undefined;
}

// DynamoDB's sequence numbers have 21 to 40 digits.
const ORDER_WIDTH = 40;

export function paddedOrder(order: string): string {
  return order.padStart(ORDER_WIDTH, '0');
}

/** What one write of an item decided. Never empty: each change leads to at least one line, or the table could not be rebuilt. */
export function decisionsOf({
  before,
  after,
  expired,
}: {
  readonly before?: TableItem | undefined;
  readonly after?: TableItem | undefined;
  readonly expired: boolean;
}): readonly Decision[] {
  if (after === undefined) return [{ event: expired ? 'expired' : 'removed' }];
  switch (after.kind) {
    case 'record':
      return decisionsOfRecord(before?.kind === 'record' ? before.record : undefined, after.record);
    case 'mark': {
      const { infected, version, occurredAt, recordedAt, correlationId } = after.mark;
      return [{ event: infected ? 'infected' : 'version-deleted', version, occurredAt, recordedAt, correlationId }];
    }
    case 'attempt': {
      const { ended, version, sequencer, occurredAt, recordedAt, correlationId } = after.attempt;
      return [{ event: ended, version, sequencer, occurredAt, recordedAt, correlationId }];
    }
    case 'unknown':
      return [{ event: 'unknown' }];
  }
}

function decisionsOfRecord(before: ImageRecord | undefined, after: ImageRecord): readonly Decision[] {
  const facts = factsOf(after);
  if (before === undefined)
    return [...(after.outcome === 'deleted' ? [] : [uploaded(after)]), { event: after.outcome, ...facts }];
  if (isAnnouncement(before, after)) return [{ event: 'announced', ...facts }];
  if (before.sequencer === after.sequencer)
    return [{ event: isRepeat(before, after) ? 'repeated' : after.outcome, ...facts }];
  // A repair or a re-render: the same version has another place in the order.
  const isSameVersion = before.version === after.version && before.outcome !== 'deleted';
  if (after.outcome === 'deleted') return [{ event: 'deleted', ...facts }];
  if (isSameVersion) {
    const isRerender = before.outcome === 'processed' && after.outcome === 'processed';
    return [{ event: isRerender ? 'rerendered' : after.outcome, ...facts }];
  }
  return [
    uploaded(after),
    ...(before.outcome === 'deleted' ? [] : [supersededBy(before, after)]),
    { event: after.outcome, ...facts },
  ];
}

/** The only change that keeps everything else. */
function isAnnouncement(before: ImageRecord, after: ImageRecord): boolean {
  return (
    after.announced &&
    !before.announced &&
    before.sequencer === after.sequencer &&
    before.outcome === after.outcome &&
    before.recordedAt === after.recordedAt
  );
}

function isRepeat(before: ImageRecord, after: ImageRecord): boolean {
  return before.outcome === after.outcome && reasonOf(before) === reasonOf(after);
}

function reasonOf(record: ImageRecord): string | undefined {
  return record.outcome === 'rejected' ? record.reason : undefined;
}

function factsOf(record: ImageRecord): Omit<Decision, 'event'> {
  const { version, sequencer, occurredAt, recordedAt, correlationId } = record;
  const facts = { version, sequencer, occurredAt, recordedAt, correlationId };
  switch (record.outcome) {
    case 'rejected':
      return { ...facts, reason: record.reason, message: record.message };
    case 'failed':
      return { ...facts, message: record.message };
    case 'processed':
    case 'deleted':
      return facts;
  }
}

function uploaded({ version, sequencer, occurredAt, correlationId }: ImageRecord): Decision {
  return { event: 'uploaded', version, sequencer, occurredAt, correlationId };
}

/** The version is the old one; time and correlation id are those of the upload that replaced it. */
function supersededBy({ version, sequencer }: ImageRecord, newer: ImageRecord): Decision {
  const { occurredAt, recordedAt, correlationId } = newer;
  return { event: 'superseded', version, sequencer, occurredAt, recordedAt, correlationId };
}

/** The lines of one change. The last one has the item, unless the event alone says what became of it. */
export function linesOf({ order, at, itemId, before, after, expired }: TableChange): readonly HistoryLine[] {
  const decisions = decisionsOf({ before, after: after?.item, expired });
  const named = after?.item.kind === 'record' ? after.item.record : undefined;
  return decisions.map((decision, index) => ({
    ...decision,
    id: `${paddedOrder(order)}-${index}`,
    at: decision.event === 'uploaded' && decision.occurredAt !== undefined ? decision.occurredAt : at,
    imageId: imageIdIn(itemId),
    bucket: named?.bucket,
    key: named?.key,
    itemId,
    order: paddedOrder(order),
    ...(index === decisions.length - 1 && decision.event !== 'announced' && { attributes: after?.attributes }),
  }));
}

/** The order in which the changes of an item happened. Of different items, it says nothing. */
export function compareChanges(one: HistoryLine, other: HistoryLine): number {
  return compare(one.order, other.order) || compare(one.id, other.id);
}

/** The order in which people read lines: by their times, which DynamoDB rounds to a second. */
export function compareTimes(one: HistoryLine, other: HistoryLine): number {
  return compare(one.at, other.at) || compareChanges(one, other);
}

function compare(one: string, other: string): number {
  return one < other ? -1 : Number(one > other);
}

/** The item after a line. The lines of an item, in their order and each once, lead from nothing to what the table holds. */
export function replayed(item: Attributes | undefined, { event, attributes }: HistoryLine): Attributes | undefined {
  switch (event) {
    case 'announced':
      return item && { ...item, announced: true };
    case 'expired':
    case 'removed':
    case 'erased':
      return undefined;
    case 'uploaded':
    case 'processed':
    case 'rerendered':
    case 'rejected':
    case 'failed':
    case 'deleted':
    case 'superseded':
    case 'vanished':
    case 'version-deleted':
    case 'infected':
    case 'repeated':
    case 'unknown':
      return attributes ?? item;
  }
}
