/** Describes what is wrong with an image after its calls failed, one sentence per defect. */
import { type Count, sumOf, type TraceKind } from '../../core/erase.ts';
import type { ImageRecord } from '../../core/record.ts';
import type { DomainEvent } from '../support/emulated-pipeline.ts';
import type { Expected } from './stories.ts';

export interface Decided {
  readonly record: ImageRecord | undefined;
  readonly expected: Expected;
  /** The record of the same image processed without faults. */
  readonly control: ImageRecord;
  readonly renditionKeys: readonly string[];
  readonly events: readonly DomainEvent[];
}

export interface Dead {
  /** Why it failed, and the source of that reason. */
  readonly reason: string;
  readonly record: ImageRecord | undefined;
  readonly renditionKeys: readonly string[];
}

const eventTypes = { processed: 'ImageProcessed', rejected: 'ImageRejected', deleted: 'ImageDeleted' } as const;

/** For an image that must be fully processed. */
export function defectsOfDecided({ record, expected, control, renditionKeys, events }: Decided): string[] {
  if (record?.outcome !== expected.outcome) return [`The record says ${record?.outcome ?? 'nothing'}.`];
  return [
    ...defectsOfAnnouncement(record, expected.outcome, events),
    ...defectsOfBucket(record, renditionKeys),
    ...(expected.outcome === 'processed' ? differences(record, expected.version, control) : []),
  ];
}

/** @param events all events published for this image */
export function defectsOfAnnouncement(
  { announced, sequencer }: ImageRecord,
  outcome: keyof typeof eventTypes,
  events: readonly DomainEvent[],
): string[] {
  const published = events.filter(
    (event) => event['detail-type'] === eventTypes[outcome] && event.detail.image.sequencer === sequencer,
  );
  return [
    ...(announced ? [] : ['The record is not announced.']),
    ...(published.length > 0 ? [] : ['No event was published.']),
    ...(new Set(published.map(({ detail }) => detail.id)).size <= 1
      ? []
      : ['Repeats of one event have different ids.']),
  ];
}

export function defectsOfBucket(record: ImageRecord, renditionKeys: readonly string[]): string[] {
  return same(shownBy(record).sort(), [...renditionKeys].sort())
    ? []
    : ['The renditions in the bucket differ from those in the record.'];
}

/** For an image whose message is in the dead-letter queue. */
export function defectsOfDead({ reason, record, renditionKeys }: Dead): string[] {
  return [
    ...(isReason.test(reason) ? [] : ['Nothing explains why it failed.']),
    ...(shownBy(record).every((key) => renditionKeys.includes(key))
      ? []
      : ['The record lists renditions that do not exist.']),
  ];
}

/** @lab */
export interface Erased {
  readonly record: ImageRecord | undefined;
  /** All that were published for this image. */
  readonly events: readonly DomainEvent[];
  /** By a look after everything has arrived. */
  readonly found: Count;
  /** After the erasure was repeated once more. */
  readonly left: Count;
}

/** What no late event may bring back. It may leave an idempotency entry and a line of history, without the key: docs/erase.md. */
const comebacks = ['versions', 'delete markers', 'renditions', 'record', 'dead letters'] as const satisfies TraceKind[];

/**
 * For an image that was erased while its events were on their way.
 *
 * @lab
 */
export function defectsOfErased({ record, events, found, left }: Erased): string[] {
  return [
    ...(record?.outcome === 'deleted' ? [] : [`The record says ${record?.outcome ?? 'nothing'}.`]),
    ...(record?.announced === false ? ['The record is not announced.'] : []),
    ...(events.some((event) => event['detail-type'] === eventTypes.deleted) ? [] : ['No ImageDeleted was published.']),
    ...comebacks.filter((kind) => found[kind] > 0).map((kind) => `It has come back: ${kind} ${found[kind]}.`),
    ...(sumOf(left) === 0 ? [] : ['Erased once more, there is still something left.']),
  ];
}

const isReason = /^(record|log|Lambda’s log): ./;

export function defectsOfProof({ happened, deadAgain }: { readonly happened: number; readonly deadAgain: boolean }) {
  return [
    ...(deadAgain ? ['It failed again after a redrive.'] : []),
    ...(happened === 0 ? ['The fault never occurred.'] : []),
  ];
}

function shownBy(record: ImageRecord | undefined): string[] {
  return record !== undefined && 'renditions' in record ? (record.renditions ?? []).map(({ key }) => key) : [];
}

function differences(record: ImageRecord, version: string, control: ImageRecord): string[] {
  if (record.outcome !== 'processed' || control.outcome !== 'processed')
    return ['There is no processed record to compare with.'];
  const withoutKeys = ({ renditions }: typeof record) => renditions.map(({ key: _, ...rendition }) => rendition);
  return [
    ...(record.version === version ? [] : ['The record is of another version.']),
    ...(same(record.metadata, control.metadata) ? [] : ['The description differs.']),
    ...(same(withoutKeys(record), withoutKeys(control)) ? [] : ['The renditions differ.']),
  ];
}

const same = (one: unknown, other: unknown) => JSON.stringify(one) === JSON.stringify(other);
