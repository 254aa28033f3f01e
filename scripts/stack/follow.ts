/** Waits for the outcomes of uploads, reading the records of many images per request. */
import { setImmediate, setTimeout as sleep } from 'node:timers/promises';
import { BatchGetCommand } from '@aws-sdk/lib-dynamodb';
import pMap from 'p-map';
import * as z from 'zod';
import { imageRecord } from '../../adapters/contracts/image-record.ts';
import type { ImageId } from '../../core/image.ts';
import type { ImageRecord } from '../../core/record.ts';
import { batchesOf } from './batches.ts';
import type { Stack } from './stack.ts';

/** An upload whose outcome is awaited. */
export interface Followed<Outcome> {
  readonly imageId: ImageId;
  /** This upload's outcome according to the image's record; undefined if there is none yet. */
  outcomeIn(record: ImageRecord | undefined): Outcome | undefined | Promise<Outcome | undefined>;
}

export interface Ending<Upload, Outcome> {
  readonly upload: Upload;
  /** Undefined if the caller gave up first. */
  readonly outcome: Outcome | undefined;
  /** The record as last read. */
  readonly record: ImageRecord | undefined;
}

export interface Patience {
  /** Called after each read, with the time since the last upload arrived or got its outcome. */
  readonly giveUp: (quietMillis: number) => boolean;
  /** Between reads. */
  readonly pauseMillis?: number;
  /** While nothing happens, the pause between two rounds grows to this. */
  readonly longestPauseMillis?: number;
}

/** Also the accuracy of times measured with {@link follow}. */
export const defaultPauseMillis = 200;
// The limit of BatchGetItem.
const batchSize = 100;
// An upload may need more requests than the one for its record.
const concurrentLooks = 20;

/** Yields each upload once, when it has an outcome or the caller gives up. */
export async function* follow<Upload, Outcome>(
  uploads: AsyncIterable<Upload & Followed<Outcome>> | Iterable<Upload & Followed<Outcome>>,
  stack: Stack,
  { giveUp, pauseMillis = defaultPauseMillis, longestPauseMillis = pauseMillis }: Patience,
): AsyncGenerator<Ending<Upload, Outcome>> {
  const arrivals = collect(uploads);
  let lastOutcomeAt = 0;
  const quietMillis = () => performance.now() - Math.max(lastOutcomeAt, arrivals.lastAt());
  for (let pause = pauseMillis; await arrivals.waiting(); ) {
    const roundStartedAt = performance.now();
    for (const batch of batchesOf([...arrivals.open], batchSize)) {
      const endings = await look(batch, stack);
      if (endings.some(({ outcome }) => outcome !== undefined)) lastOutcomeAt = performance.now();
      for (const ending of endings.filter(({ outcome }) => outcome !== undefined || giveUp(quietMillis()))) {
        arrivals.open.delete(ending.upload);
        yield ending;
      }
      await sleep(pauseMillis);
    }
    pause = lastOutcomeAt >= roundStartedAt ? pauseMillis : Math.min(pause * 1.5, longestPauseMillis);
    await sleep(pause - pauseMillis);
  }
}

/** Accepts new uploads while earlier ones are being followed. */
function collect<Upload>(uploads: AsyncIterable<Upload> | Iterable<Upload>) {
  const open = new Set<Upload>();
  let lastAt = performance.now();
  let next = Promise.withResolvers<void>();
  const all = (async () => {
    for await (const upload of uploads) {
      open.add(upload);
      lastAt = performance.now();
      next.resolve();
      next = Promise.withResolvers<void>();
    }
  })();
  // `waiting` throws the error; a caller that stops early does not need it.
  all.catch(() => undefined);
  return {
    open,
    lastAt: () => lastAt,
    /** True once an upload is open; false once all have arrived and none is open. */
    async waiting(): Promise<boolean> {
      if (open.size === 0) {
        await Promise.race([next.promise, all]);
        // Others may have arrived at the same time, and can share the request.
        await setImmediate();
      }
      return open.size > 0;
    },
  };
}

async function look<Upload, Outcome>(batch: readonly (Upload & Followed<Outcome>)[], stack: Stack) {
  const records = await readRecords(
    stack,
    batch.map(({ imageId }) => imageId),
  );
  const lookAt = async (upload: Upload & Followed<Outcome>) => {
    const record = records.get(upload.imageId);
    return { upload, record, outcome: await upload.outcomeIn(record) };
  };
  return await pMap(batch, lookAt, { concurrency: concurrentLooks });
}

/** Omits images without a record. */
export async function readRecords(
  { clients, outputs: { ImageTableName } }: Stack,
  imageIds: readonly ImageId[],
): Promise<ReadonlyMap<ImageId, ImageRecord>> {
  const found = new Map<ImageId, ImageRecord>();
  const unread = [...new Set(imageIds)];
  while (unread.length > 0) {
    const Keys = unread.splice(0, batchSize).map((imageId) => ({ imageId }));
    const { Responses = {}, UnprocessedKeys = {} } = await clients.table.send(
      new BatchGetCommand({ RequestItems: { [ImageTableName]: { Keys, ConsistentRead: true } } }),
    );
    for (const item of Responses[ImageTableName] ?? []) {
      // The mark of an erased version is no record.
      if (item['sequencer'] === undefined) continue;
      const record = imageRecord.parse(item);
      found.set(record.imageId, record);
    }
    const unprocessed = (UnprocessedKeys[ImageTableName]?.Keys ?? []).map(({ imageId }) => z.string().parse(imageId));
    unread.push(...unprocessed);
    // DynamoDB returns keys unprocessed when it is throttled.
    if (unprocessed.length > 0) await sleep(500);
  }
  return found;
}
