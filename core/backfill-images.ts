/** One step of a backfill that runs in the account: decides about some uploads, and sends as many as there is room for. */
import { backfillOf } from './backfill.ts';
import { imageIdOf, type Sequencer, type UploadAddress } from './image.ts';
import type { Catalogue, CurrentUploads, OverflowQueue } from './ports.ts';
import { MOST_SECONDS_QUEUED, roomFor } from './queue-room.ts';

/** One key of the listing. */
export interface BackfillItem extends UploadAddress {
  /** Images that may be sent. */
  readonly perSecond: number;
  /** Later uploads are left to their own events; ISO 8601, UTC. */
  readonly storedBefore: string;
}

export interface BackfillBatch {
  readonly items: readonly BackfillItem[];
  /** So far, of this batch. */
  readonly counts: BackfillCounts;
}

export interface BackfillCounts {
  readonly sent: number;
  /** They have a record, are gone, or are left to their own events. */
  readonly skipped: number;
}

export interface BackfillStep extends BackfillBatch {
  /** `more` if items are left. */
  readonly outcome: 'done' | 'more';
  /** Before the next step, also that of the next batch. */
  readonly waitSeconds: number;
}

interface Ports {
  readonly catalogue: Catalogue;
  readonly uploads: CurrentUploads;
  readonly overflowQueue: OverflowQueue;
  /** The lowest sequencer that S3 can have assigned at a time. */
  readonly sequencerAt: (time: string) => Sequencer;
}

/** Items that are looked at together. */
const AT_ONCE = 20;

/** Repeatable: what is sent twice has the same sequencer. */
export async function backfillImages({ items, counts }: BackfillBatch, ports: Ports): Promise<BackfillStep> {
  const [first] = items;
  if (first === undefined) return { outcome: 'done', waitSeconds: 0, items, counts };
  const { perSecond } = first;
  const room = roomFor(await ports.overflowQueue.waiting(), perSecond);
  let looked = 0;
  let sent = 0;
  while (looked < items.length && sent < room) {
    // All of them may need to be sent.
    const chunk = items.slice(looked, looked + Math.min(AT_ONCE, room - sent));
    const repairs = (await Promise.all(chunk.map((item) => repairOf(item, ports)))).flatMap((repair) => repair ?? []);
    if (repairs.length > 0) await ports.overflowQueue.send(repairs);
    looked += chunk.length;
    sent += repairs.length;
  }
  const left = items.slice(looked);
  return {
    outcome: left.length === 0 ? 'done' : 'more',
    waitSeconds: looked === 0 ? MOST_SECONDS_QUEUED : Math.round(sent / perSecond),
    items: left,
    counts: { sent: counts.sent + sent, skipped: counts.skipped + looked - sent },
  };
}

async function repairOf({ bucket, key, storedBefore }: BackfillItem, { catalogue, uploads, sequencerAt }: Ports) {
  // Most have one, and then the upload need not be read.
  const record = await catalogue.find(await imageIdOf(bucket, key));
  if (record !== undefined) return undefined;
  const upload = await uploads.find({ bucket, key });
  if (upload === undefined || Date.parse(upload.storedAt) >= Date.parse(storedBefore)) return undefined;
  return backfillOf({ upload, record }, sequencerAt);
}
