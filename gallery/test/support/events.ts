/** Events of the gallery's images, as they arrive in its queue. */
import { progressEvents } from '../../../adapters/contracts/domain-events.ts';
import { eventSource } from '../../../core/names.ts';
import type { NamedRecord } from '../../../core/record.ts';
import { snapshotOf } from '../../../scripts/announce/snapshot.ts';

export const bucket = 'uploads';
const folder = '5b818364-3064-430b-bc87-c05312b42360';

export const keyOf = (owner: string, name: string) => `gallery-${owner}/${folder}/${name}`;

/** What EventBridge delivers of a domain event. */
export function domainMessage(type: string, detail: unknown): string {
  return JSON.stringify({ version: '0', source: eventSource, 'detail-type': type, detail });
}

/** The event that announced the record. */
export function announcement(record: NamedRecord): string {
  const { type, detail } = snapshotOf(record);
  return domainMessage(type, detail);
}

/** The description of an upload that was processed. */
export function description(record: NamedRecord & { readonly outcome: 'processed' }): string {
  const { detail } = snapshotOf(record);
  const { renditions: _, ...rest } = detail;
  return domainMessage('ImageDescribed', progressEvents.ImageDescribed.parse(rest));
}

export function uploadMessage({
  key,
  sequencer,
  size = 9,
  time = '2026-01-02T03:04:05Z',
}: {
  readonly key: string;
  readonly sequencer: string;
  readonly size?: number;
  readonly time?: string;
}): string {
  return JSON.stringify({
    ...{ version: '0', id: 'e1', source: 'aws.s3', time, 'detail-type': 'Object Created' },
    detail: { bucket: { name: bucket }, object: { key, size, etag: 'e', 'version-id': 'v', sequencer } },
  });
}
