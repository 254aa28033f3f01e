/** What is not as it should be with an image whose calls went wrong: sentences; none where all is well. */
import type { ImageRecord } from '../../core/record.ts';
import type { DomainEvent } from '../support/emulated-pipeline.ts';
import type { Expected } from './stories.ts';

export interface Decided {
  readonly record: ImageRecord | undefined;
  readonly expected: Expected;
  /** Of the same picture, undisturbed. */
  readonly control: ImageRecord;
  readonly renditionKeys: readonly string[];
  readonly events: readonly DomainEvent[];
}

export interface Dead {
  /** Why it died, and who says so. */
  readonly reason: string;
  readonly record: ImageRecord | undefined;
  readonly renditionKeys: readonly string[];
}

const eventTypes = { processed: 'ImageProcessed', rejected: 'ImageRejected', deleted: 'ImageDeleted' } as const;

/** Of an image that nothing holds up any more. */
export function defectsOfDecided({ record, expected, control, renditionKeys, events }: Decided): string[] {
  if (record?.outcome !== expected.outcome) return [`The record says ${record?.outcome ?? 'nothing'}.`];
  return [
    ...defectsOfAnnouncement(record, expected.outcome, events),
    ...defectsOfBucket(record, renditionKeys),
    ...(expected.outcome === 'processed' ? differences(record, expected.version, control) : []),
  ];
}

/** @param events all that were told of this image */
export function defectsOfAnnouncement(
  { announced, sequencer }: ImageRecord,
  outcome: keyof typeof eventTypes,
  events: readonly DomainEvent[],
): string[] {
  const told = events.filter(
    (event) => event['detail-type'] === eventTypes[outcome] && event.detail.image.sequencer === sequencer,
  );
  return [
    ...(announced ? [] : ['The record is not announced.']),
    ...(told.length > 0 ? [] : ['Nobody was told.']),
    ...(new Set(told.map(({ detail }) => detail.id)).size <= 1 ? [] : ['Repeats of one event differ in their id.']),
  ];
}

export function defectsOfBucket(record: ImageRecord, renditionKeys: readonly string[]): string[] {
  return same(shownBy(record).sort(), [...renditionKeys].sort())
    ? []
    : ['The bucket holds other renditions than the record shows.'];
}

/** While its message is a dead letter. */
export function defectsOfDead({ reason, record, renditionKeys }: Dead): string[] {
  return [
    ...(isReason.test(reason) ? [] : ['Nobody says why it died.']),
    ...(shownBy(record).every((key) => renditionKeys.includes(key))
      ? []
      : ['The record shows renditions that are not there.']),
  ];
}

// Or the record has what the message asked for already, or something newer: there is no failure to explain.
const isReason = /^(record: .|log: .|Lambda’s log: .|Decided meanwhile|Superseded meanwhile)/;

export function defectsOfProof({ happened, deadAgain }: { readonly happened: number; readonly deadAgain: boolean }) {
  return [
    ...(deadAgain ? ['A redrive does not repair it.'] : []),
    ...(happened === 0 ? ['The fault never happened.'] : []),
  ];
}

function shownBy(record: ImageRecord | undefined): string[] {
  return record !== undefined && 'renditions' in record ? (record.renditions ?? []).map(({ key }) => key) : [];
}

function differences(record: ImageRecord, version: string, control: ImageRecord): string[] {
  if (record.outcome !== 'processed' || control.outcome !== 'processed')
    return ['There is nothing to compare it with.'];
  const withoutKeys = ({ renditions }: typeof record) => renditions.map(({ key: _, ...rendition }) => rendition);
  return [
    ...(record.version === version ? [] : ['The record speaks of another version.']),
    ...(same(record.metadata, control.metadata) ? [] : ['The description differs.']),
    ...(same(withoutKeys(record), withoutKeys(control)) ? [] : ['The renditions differ.']),
  ];
}

const same = (one: unknown, other: unknown) => JSON.stringify(one) === JSON.stringify(other);
