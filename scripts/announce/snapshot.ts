import { type DomainEventType, domainEvents, schemaVersion } from '../../adapters/contracts/domain-events.ts';
import type { ImageRecord, NamedRecord } from '../../core/record.ts';

export interface Snapshot {
  readonly type: DomainEventType;
  readonly detail: { readonly id: string } & Readonly<Record<string, unknown>>;
}

const types = {
  processed: 'ImageProcessed',
  rejected: 'ImageRejected',
  deleted: 'ImageDeleted',
  failed: 'ImageFailed',
} as const satisfies Record<ImageRecord['outcome'], DomainEventType>;

/** The same in the record as in the event that the workflow published: consumers who had that drop this as a repeat. */
export function snapshotId({
  imageId,
  sequencer,
  outcome,
}: Pick<ImageRecord, 'imageId' | 'sequencer' | 'outcome'>): string {
  return `${imageId}-${sequencer}-${outcome}`;
}

/** The event that announced this record, composed once more as in the workflow's states ComposeEvent and Announce. */
export function snapshotOf(record: NamedRecord): Snapshot {
  const { imageId, bucket, key, version, sequencer, correlationId, occurredAt, outcome } = record;
  const type = types[outcome];
  const detail = {
    schemaVersion,
    id: snapshotId(record),
    correlationId,
    occurredAt,
    image: { id: imageId, bucket, key, version, sequencer },
    ...(outcome === 'processed' && { metadata: record.metadata, renditions: record.renditions }),
    ...(outcome === 'rejected' && { reason: record.reason, message: record.message }),
  };
  return { type, detail: domainEvents[type].parse(detail) };
}
