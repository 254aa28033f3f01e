/** Reads and removes what a stack stores of an image, at a bounded rate. */

import { setTimeout as sleep } from 'node:timers/promises';
import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import {
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetBucketVersioningCommand,
  GetObjectLegalHoldCommand,
  GetObjectLockConfigurationCommand,
  GetObjectRetentionCommand,
  type _Error as S3Error,
  S3ServiceException,
} from '@aws-sdk/client-s3';
import { BatchWriteCommand, paginateScan, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import pThrottle from 'p-throttle';
import pWaitFor from 'p-wait-for';
import * as z from 'zod';
import { decidedImageOf } from '../../adapters/aws/idempotent-pipeline.ts';
import { s3RenditionStore } from '../../adapters/aws/s3-rendition-store.ts';
import { lowestSequencer } from '../../adapters/contracts/queued-event.ts';
import type { Hold, StoredVersion } from '../../core/erase.ts';
import type { ImageId } from '../../core/image.ts';
import { imageIdOf } from '../../core/image.ts';
import { batchesOf } from '../stack/batches.ts';
import { sweepLetters } from '../stack/dead-letter-queue.ts';
import { eraseHistory, noteErasure, storedLines } from '../stack/erase-history.ts';
import { readRecords } from '../stack/follow.ts';
import { historyLines } from '../stack/history-store.ts';
import { queueEvents } from '../stack/queue-events.ts';
import { recordPages } from '../stack/record-pages.ts';
import { minutesOnTheWay, settled } from '../stack/settle.ts';
import type { Stack } from '../stack/stack.ts';
import { versionPages } from '../stack/version-pages.ts';
import { Failure } from '../terminal/failure.ts';
import { clearedTombstone, ERASED } from './cleared-tombstone.ts';
import type { TraceStore } from './erase-images.ts';
import { historyDelaySeconds } from './history-delay.ts';

// Five attempts take a quarter of an hour.
const DELETION_MILLIS = 20 * 60_000;
// A stream that is late: record-history has an alarm.
const LATE_HISTORY_MILLIS = 300_000;
const DAY_MILLIS = 86_400_000;
// DeleteObjects takes at most 1,000 keys, and BatchWriteItem 25 items.
const VERSIONS_PER_REQUEST = 1000;
const ITEMS_PER_REQUEST = 25;
const MOST_TRIES = 5;
export async function stackTraces(
  stack: Stack,
  {
    bucket: Bucket,
    perSecond,
    report = () => undefined,
    signal,
    wait = (millis) => sleep(millis, undefined, { signal }),
  }: {
    /** Of the images. */
    readonly bucket: string;
    readonly perSecond: number;
    readonly report?: (progress: string) => void;
    readonly signal?: AbortSignal | undefined;
    readonly wait?: (millis: number) => Promise<void>;
  },
): Promise<TraceStore> {
  const { s3, table } = stack.clients;
  const { RenditionBucketName, ImageTableName, IdempotencyTableName } = stack.outputs;
  const locks = await hasObjectLock(stack, Bucket);
  const renditionStore = s3RenditionStore({ client: s3, bucket: RenditionBucketName });
  const turn = pThrottle({ limit: perSecond, interval: 1000 })(async () => {});

  const store: TraceStore = {
    async versions(key) {
      const found: StoredVersion[] = [];
      for await (const { page } of versionPages(stack, { bucket: Bucket, prefix: key, turn })) {
        const own = [
          ...(page.Versions ?? []).map((version) => ({ ...version, kind: 'version' as const })),
          ...(page.DeleteMarkers ?? []).map((marker) => ({ ...marker, kind: 'marker' as const })),
        ].filter(({ Key }) => Key === key);
        found.push(...own.map(versionOf));
        // Keys that begin with this one come after it.
        if (own.length === 0 && found.length > 0) break;
      }
      return found;
    },

    async holds(Key, versions) {
      if (!locks) return [];
      const found: Hold[] = [];
      for (const { id: VersionId, kind } of versions) {
        // S3 cannot lock a delete marker.
        if (kind === 'marker') continue;
        await turn();
        const { LegalHold } = await s3
          .send(new GetObjectLegalHoldCommand({ Bucket, Key, VersionId }))
          .catch(unlessUnlocked);
        if (LegalHold?.Status === 'ON') found.push({ hold: 'legal hold', versionId: VersionId });
        const { Retention } = await s3
          .send(new GetObjectRetentionCommand({ Bucket, Key, VersionId }))
          .catch(unlessUnlocked);
        const until = Retention?.RetainUntilDate;
        if (until !== undefined && until > new Date())
          found.push({
            ...{ hold: 'retention', versionId: VersionId, mode: Retention?.Mode ?? 'unknown' },
            until: until.toISOString(),
          });
      }
      return found;
    },

    async deleteObject(Key) {
      const { VersionId } = await s3.send(new DeleteObjectCommand({ Bucket, Key }));
      // In a bucket without versions, nothing older is left.
      if (VersionId === undefined) return '';
      const marker = (await store.versions(Key)).find(({ id, kind }) => id === VersionId && kind === 'marker');
      if (marker === undefined)
        throw new Failure(`${Key} was deleted, and uploaded or erased by someone else at once. Run this again.`);
      return marker.storedAt;
    },

    // S3's sequencers begin with the second.
    sequencerAfter: (time) => lowestSequencer(stack.emulated)(new Date(Date.parse(time) + 1000).toISOString()),

    queueDeletion: (key, sequencer) =>
      queueEvents(stack, [{ change: 'deleted', bucket: Bucket, key, sequencer, occurredAt: new Date().toISOString() }]),

    async awaitDeletion({ imageId, key }, outcomeOf) {
      const message = new Failure(
        `The deletion of ${key} has no outcome after ${DELETION_MILLIS / 60_000} minutes, and no version was removed. ` +
          'See docs/runbooks/dispatch-images.md and npm run redrive -- --list, then run this again: it goes on where it stopped.',
      );
      const isDecided = async () => {
        const outcome = await outcomeOf(await store.record(imageId), () => store.versions(key));
        return outcome !== undefined && pWaitFor.resolveWith(outcome);
      };
      return await pWaitFor(isDecided, {
        interval: stack.emulated ? 200 : 2000,
        timeout: { milliseconds: DELETION_MILLIS, message },
      });
    },

    async removeVersions(key, versions) {
      // A later request only after an earlier one has succeeded: S3 may handle one in any order.
      const groups = [
        versions.filter(({ kind }) => kind === 'version'),
        versions.filter(({ kind, latest }) => kind === 'marker' && !latest),
        versions.filter(({ kind, latest }) => kind === 'marker' && latest),
      ];
      for (const batch of groups.flatMap((group) => batchesOf(group, VERSIONS_PER_REQUEST))) {
        await turn();
        const Objects = batch.map(({ id: VersionId }) => ({ Key: key, VersionId }));
        const { Errors: [refused] = [] } = await s3.send(
          new DeleteObjectsCommand({ Bucket, Delete: { Objects, Quiet: true } }),
        );
        if (refused !== undefined) throw refusal(key, refused);
      }
    },

    settle: () => settled(stack, new Date(), minutesOnTheWay(stack), report),

    async record(imageId) {
      await turn();
      return (await readRecords(stack, [imageId])).get(imageId);
    },

    renditions: (imageId) => Array.fromAsync(renditionStore.list(imageId)),
    removeRenditions: (keys) => renditionStore.remove(keys),
    sweepLetters: (isToRemove) => sweepLetters(stack, isToRemove),

    async *decisions() {
      const pages = paginateScan(
        { client: table },
        { TableName: IdempotencyTableName, ProjectionExpression: 'id', ConsistentRead: true },
      );
      for await (const { Items = [] } of pages) {
        await turn();
        for (const { id } of decisionItems.parse(Items)) {
          const imageId = decidedImageOf(id);
          if (imageId !== undefined) yield { id, imageId };
        }
      }
    },

    async removeDecisions(ids) {
      for (const batch of batchesOf(ids, ITEMS_PER_REQUEST)) {
        let left = batch.map((id) => ({ DeleteRequest: { Key: { id } } }));
        for (let tries = 1; left.length > 0; tries += 1) {
          if (tries > MOST_TRIES)
            throw new Failure(
              `DynamoDB throttles ${IdempotencyTableName}. Run this again: it goes on where it stopped.`,
            );
          await turn();
          const { UnprocessedItems = {} } = await table.send(
            new BatchWriteCommand({ RequestItems: { [IdempotencyTableName]: left } }),
          );
          left = unprocessed.parse(UnprocessedItems[IdempotencyTableName] ?? []);
        }
      }
    },

    async clearTombstone({ imageId, sequencer }) {
      await turn();
      const update = new UpdateCommand({
        ...{ TableName: ImageTableName, Key: { imageId } },
        ...clearedTombstone({ sequencer }),
      });
      await table.send(update).catch((error: unknown) => {
        if (!(error instanceof ConditionalCheckFailedException)) throw error;
      });
    },

    historyLines: () => storedLines(stack, signal),

    async settleHistory(imageId) {
      const yesterday = new Date(Date.now() - DAY_MILLIS).toISOString().slice(0, 10);
      const isThere = async () => {
        for await (const lines of historyLines(stack, { since: yesterday, onlyOf: imageId }))
          if (lines.some(({ correlationId }) => correlationId === ERASED)) return true;
        return false;
      };
      // For all images: their changes may be in other batches. Reading before would find nothing, and cost.
      await wait(historyDelaySeconds(stack) * 1000);
      // What comes later, the second look finds.
      const timeout = { milliseconds: LATE_HISTORY_MILLIS, fallback: () => undefined };
      await pWaitFor(isThere, { interval: stack.emulated ? 500 : 30_000, timeout });
    },

    eraseHistory: async (isErased, from, done) => void (await eraseHistory(stack, isErased, { from, done, signal })),
    noteErasure: (imageId) => noteErasure(stack, imageId),
  };
  return store;
}

const decisionItems = z.array(z.object({ id: z.string() }));
const unprocessed = z.array(z.object({ DeleteRequest: z.object({ Key: z.object({ id: z.string() }) }) }));

/** Every image of a bucket whose key begins with the prefix, by its versions and by its record. An image may come twice. */
export async function* imagesBelow(
  stack: Stack,
  Bucket: string,
  prefix: string,
): AsyncGenerator<{ imageId: ImageId; key: string }> {
  let last: string | undefined;
  for await (const { page } of versionPages(stack, { bucket: Bucket, prefix })) {
    const keys = [...(page.Versions ?? []), ...(page.DeleteMarkers ?? [])].flatMap(({ Key }) => Key ?? []).sort();
    for (const key of keys) {
      if (key !== last) yield { imageId: await imageIdOf(Bucket, key), key };
      last = key;
    }
  }
  for await (const { records } of recordPages(stack, { prefix, from: undefined }))
    for (const { imageId, bucket, key } of records) if (bucket === Bucket && key !== undefined) yield { imageId, key };
}

/** @throws {Failure} if versions cannot be removed from this bucket at all. */
export async function requireRemovable({ clients: { s3 } }: Stack, Bucket: string) {
  const { MFADelete } = await s3.send(new GetBucketVersioningCommand({ Bucket }));
  if (MFADelete !== 'Enabled') return;
  throw new Failure(
    `${Bucket} has MFA delete: only the root user, with its MFA device, can remove versions. ` +
      'Have it turned off for the erasure, then run this again. Nothing was changed.',
  );
}

async function hasObjectLock({ clients: { s3 } }: Stack, Bucket: string): Promise<boolean> {
  const { ObjectLockConfiguration } = await s3
    .send(new GetObjectLockConfigurationCommand({ Bucket }))
    .catch(unlessUnlocked);
  return ObjectLockConfiguration?.ObjectLockEnabled === 'Enabled';
}

/** S3's errors for a bucket without Object Lock, and for a version without a hold. */
function unlessUnlocked(error: unknown): Record<string, undefined> {
  const unlocked = ['ObjectLockConfigurationNotFoundError', 'NoSuchObjectLockConfiguration'];
  if (error instanceof S3ServiceException && unlocked.includes(error.name)) return {};
  throw error;
}

function versionOf({
  VersionId = 'null',
  IsLatest = false,
  LastModified,
  kind,
}: {
  readonly VersionId?: string | undefined;
  readonly IsLatest?: boolean | undefined;
  readonly LastModified?: Date | undefined;
  readonly kind: StoredVersion['kind'];
}): StoredVersion {
  return { id: VersionId, kind, latest: IsLatest, storedAt: (LastModified ?? new Date(0)).toISOString() };
}

function refusal(key: string, { Code = 'unknown', Message = 'no message', VersionId }: S3Error): Failure {
  return new Failure(
    `S3 did not remove version ${VersionId} of ${key} (${Code}: ${Message.replace(/\.$/, '')}). ` +
      'If access is denied, you need s3:DeleteObjectVersion, and the version must have no legal hold or retention: ' +
      'docs/runbooks/erase.md, Permissions. Then run this again: it goes on where it stopped.',
  );
}
