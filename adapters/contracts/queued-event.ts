/**
 * Events in S3's own form, for the overflow queue. It leads to the same workflow as the upload queue: there is no other way into
 * the pipeline.
 */
import type { QueuedRepair } from '../../core/audit.ts';
import { padSequencer, type Sequencer, sequencerAt, type UploadAddress } from '../../core/image.ts';

export type QueuedEvent = UploadAddress & {
  readonly sequencer: string;
  /** When the bucket changed, as far as it is known; ISO 8601, UTC. */
  readonly occurredAt: string;
} & (
    | {
        readonly change: 'created';
        readonly etag: string;
        readonly size: number;
        readonly versionId?: string | undefined;
      }
    /** As if the key were deleted, not one version of it. */
    | { readonly change: 'deleted' }
  );

export function eventOf(repair: QueuedRepair): QueuedEvent {
  switch (repair.repair) {
    case 'process': {
      const { bucket, key, etag, size, versionId, storedAt: occurredAt } = repair.upload;
      return { change: 'created', bucket, key, etag, size, versionId, occurredAt, sequencer: repair.sequencer };
    }
    case 'delete':
      return {
        ...{ change: 'deleted', bucket: repair.bucket, key: repair.key, sequencer: repair.sequencer },
        // Nothing says when the upload was deleted: it may have left no delete marker.
        occurredAt: new Date().toISOString(),
      };
    default:
      return repair satisfies never;
  }
}

/** Among the senders in the queue, all of these are one: if it has many, SQS delivers the messages of the others first. */
const MessageGroupId = 'operator';

/** @param emulated whether the queue is the emulator's */
export function messageOf(event: QueuedEvent, to: { readonly emulated: boolean }) {
  return { MessageBody: bodyOf(event, to), MessageGroupId };
}

function bodyOf(event: QueuedEvent, { emulated }: { readonly emulated: boolean }): string {
  const { bucket, key, sequencer, change } = event;
  const created = change === 'created';
  return JSON.stringify({
    version: '0',
    id: crypto.randomUUID(),
    'detail-type': created ? 'Object Created' : 'Object Deleted',
    source: 'aws.s3',
    time: event.occurredAt,
    detail: {
      version: '0',
      bucket: { name: bucket },
      object: {
        ...{ key, sequencer },
        // The emulator's own events have no version id, and a record must name its version as they do.
        ...(created && { etag: event.etag, size: event.size, 'version-id': emulated ? undefined : event.versionId }),
      },
      ...(!created && { 'deletion-type': 'Delete Marker Created' }),
    },
  });
}

/**
 * The lowest sequencer that S3 can have assigned at a time: two zeros and the seconds. The emulator counts from its own start, so
 * there it is the lowest of all.
 */
export function lowestSequencer(emulated: boolean): (time: string) => Sequencer {
  return emulated ? () => padSequencer('00') : sequencerAt;
}
