import {
  CreateBucketCommand,
  DeleteObjectCommand,
  ListObjectVersionsCommand,
  PutObjectCommand,
  PutObjectLegalHoldCommand,
  PutObjectRetentionCommand,
} from '@aws-sdk/client-s3';
import { PurgeQueueCommand, SendMessageCommand } from '@aws-sdk/client-sqs';
import { GetCommand, paginateScan } from '@aws-sdk/lib-dynamodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { decidedImageOf } from '../../adapters/aws/idempotent-pipeline.ts';
import { imageIdOf } from '../../core/image.ts';
import { disagreements } from '../../scripts/audit/audit-stack.ts';
import { erase } from '../../scripts/erase/erase-stack.ts';
import { sampleLetters } from '../../scripts/stack/dead-letter-queue.ts';
import { readRecords } from '../../scripts/stack/follow.ts';
import { historyLines } from '../../scripts/stack/history-store.ts';
import { type DomainEvent, emulatedPipeline, eventually, messageBody } from '../support/emulated-pipeline.ts';
import { photo } from '../support/photos.ts';

/** `npm run erase` on a stack that has everything: versions, renditions, records, decisions and dead letters. */

const pipeline = emulatedPipeline();
const { stack, s3, sqs, bucket } = pipeline;
const signal = new AbortController().signal;
const quietly = { json: true, yes: true, perSecond: 50 } as const;
const [one, two, neighbour] = ['erased/ann/one.jpg', 'erased/ann/two.jpg', 'erased/anna.jpg'];
const all = [one, two, neighbour];
const undeliveredUrl = stack.outputs.UndeliveredEventQueueUrl;
/** S3's event of each upload, as the queue had it. */
const events = new Map<string, string>();
let heard: () => Promise<DomainEvent[]>;

async function versionsOf(key: string): Promise<number> {
  const { Versions = [], DeleteMarkers = [] } = await s3.send(
    new ListObjectVersionsCommand({ Bucket: bucket, Prefix: key }),
  );
  return [...Versions, ...DeleteMarkers].filter(({ Key }) => Key === key).length;
}

async function itemOf(key: string): Promise<Readonly<Record<string, unknown>> | undefined> {
  const { Item } = await stack.clients.table.send(
    new GetCommand({
      ...{ TableName: stack.outputs.ImageTableName, ConsistentRead: true },
      Key: { imageId: await imageIdOf(bucket, key) },
    }),
  );
  return Item;
}

async function decisionsOf(key: string): Promise<number> {
  const imageId = await imageIdOf(bucket, key);
  const { IdempotencyTableName: TableName } = stack.outputs;
  const pages = await Array.fromAsync(paginateScan({ client: stack.clients.table }, { TableName }));
  const ids = pages.flatMap(({ Items = [] }) => z.array(z.object({ id: z.string() })).parse(Items));
  return ids.filter(({ id }) => decidedImageOf(id) === imageId).length;
}

async function lettersOf(key: string): Promise<number> {
  const letters = [
    ...(await sampleLetters(stack, 'uploads', 100)),
    ...(await sampleLetters(stack, 'undelivered', 100)),
  ];
  return letters.filter(({ event }) => event?.image.key === key).length;
}

async function historyOf(key: string): Promise<number> {
  const imageId = await imageIdOf(bucket, key);
  const pages = await Array.fromAsync(historyLines(stack, { onlyOf: imageId }));
  return pages.flat().filter(({ event }) => event !== 'erased').length;
}

async function tracesOf(key: string) {
  return {
    versions: await versionsOf(key),
    renditions: (await pipeline.renditionKeys(key)).length,
    record: (await itemOf(key))?.['key'],
    decisions: await decisionsOf(key),
    letters: await lettersOf(key),
    history: await historyOf(key),
  };
}
/** One after the other: a letter that is read is hidden from others. */
async function allTraces() {
  const traces: Awaited<ReturnType<typeof tracesOf>>[] = [];
  for (const key of all) traces.push(await tracesOf(key));
  return traces;
}
const noTraces = { versions: 0, renditions: 0, record: undefined, decisions: 0, letters: 0, history: 0 };

async function emptyDeadLetterQueues(): Promise<void> {
  for (const QueueUrl of [pipeline.deadLetterQueueUrl, undeliveredUrl])
    await sqs.send(new PurgeQueueCommand({ QueueUrl }));
}

beforeAll(async () => {
  await pipeline.queueIsEmpty();
  await emptyDeadLetterQueues();
  for (const key of all) {
    await pipeline.put(key, photo('rocket.jpg'));
    await pipeline.recordWhen(key, ({ outcome }) => outcome === 'processed');
    const { etag, size } = await pipeline.put(key, photo('flowers-iphone5-gps-small.jpg'));
    const { sequencer } = await pipeline.recordWhen(key, ({ version }) => version === etag);
    const body = messageBody(bucket, { key, etag, size, sequencer });
    events.set(key, body);
    for (const QueueUrl of [pipeline.deadLetterQueueUrl, undeliveredUrl])
      await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: body }));
  }
  await sqs.send(new SendMessageCommand({ QueueUrl: undeliveredUrl, MessageBody: '{"Records":[]}' }));
  heard = await pipeline.subscribe();
});
afterAll(emptyDeadLetterQueues);

describe('npm run erase', () => {
  it('shows what there is and changes nothing with --dry-run', async () => {
    const before = await allTraces();
    expect(before).toEqual(all.map((key) => expect.objectContaining({ versions: 2, record: key, letters: 2 })));
    expect(before.every(({ renditions, decisions }) => renditions > 0 && decisions > 0)).toBe(true);
    expect(await erase(stack, { ...quietly, key: one, dryRun: true }, signal)).toBe(0);
    expect(await allTraces()).toEqual(before);
  });

  it('erases one image by its key, and others by prefix; the neighbour stays as it is', async () => {
    const before = await tracesOf(neighbour);
    const record = await itemOf(neighbour);
    expect(await erase(stack, { ...quietly, key: one }, signal)).toBe(0);
    expect(await tracesOf(one)).toEqual(noTraces);
    expect(await tracesOf(two)).toMatchObject({ versions: 2, record: two, letters: 2 });

    expect(await erase(stack, { ...quietly, prefix: 'erased/ann/' }, signal)).toBe(0);
    expect(await tracesOf(two)).toEqual(noTraces);

    expect(await tracesOf(neighbour)).toEqual(before);
    expect(await itemOf(neighbour)).toEqual(record);
    expect(await sampleLetters(stack, 'undelivered', 100)).toHaveLength(2);
  });

  it('leaves a tombstone that names neither the image nor an event of it', async () => {
    for (const key of [one, two]) {
      const item = await itemOf(key);
      expect(item).toMatchObject({ outcome: 'deleted', correlationId: 'erased', announced: true });
      expect(JSON.stringify(item)).not.toContain(key.split('/').at(-1));
    }
  });

  it('has told consumers that the images were deleted', async () => {
    const deleted = (await heard()).filter((event) => event['detail-type'] === 'ImageDeleted');
    expect(new Set(deleted.map(({ detail }) => detail.image.key))).toEqual(new Set([one, two]));
  });
});

describe('an erased image', () => {
  it('does not come back with a late event of S3, and the audit finds nothing to repair', async () => {
    const before = await itemOf(one);
    const MessageBody = events.get(one);
    for (let time = 0; time < 2; time += 1)
      await sqs.send(new SendMessageCommand({ QueueUrl: pipeline.queueUrl, MessageBody }));
    await pipeline.queueIsEmpty();
    expect(await itemOf(one)).toEqual(before);
    expect(await tracesOf(one)).toMatchObject({ versions: 0, renditions: 0, record: undefined, letters: 0 });
    expect(await disagreements(stack, { prefix: 'erased/' })).toEqual([]);
  });

  it('is a new image if its owner uploads it again', async () => {
    const { etag } = await pipeline.put(one, photo('rocket.jpg'));
    const record = await pipeline.recordWhen(one, ({ version }) => version === etag);
    expect(record).toMatchObject({ outcome: 'processed', key: one });
    expect((await pipeline.renditionKeys(one)).length).toBeGreaterThan(0);
  });
});

describe('an image of the adopted bucket', () => {
  const adopted = z.string().parse(stack.outputs.AdoptedBucketName);
  const key = 'erased/both.jpg';

  it('is erased with --bucket, by prefix, and the image of the same key in the upload bucket stays as it is', async () => {
    const imageId = await imageIdOf(adopted, key);
    await pipeline.put(key, photo('rocket.jpg'));
    await pipeline.recordWhen(key, ({ outcome }) => outcome === 'processed');
    await s3.send(new PutObjectCommand({ Bucket: adopted, Key: key, Body: photo('rocket.jpg') }));
    const recordThere = async () => (await readRecords(stack, [imageId])).get(imageId);
    await eventually('the record in the adopted bucket', async () =>
      (await recordThere())?.outcome === 'processed' ? true : undefined,
    );
    await pipeline.queueIsEmpty();
    const [before, record] = [await tracesOf(key), await itemOf(key)];

    expect(await erase(stack, { ...quietly, bucket: adopted, prefix: 'erased/both' }, signal)).toBe(0);

    expect(await tracesOf(key)).toEqual(before);
    expect(await itemOf(key)).toEqual(record);
    expect(await recordThere()).toMatchObject({ outcome: 'deleted', correlationId: 'erased' });
    const { Versions = [], DeleteMarkers = [] } = await s3.send(
      new ListObjectVersionsCommand({ Bucket: adopted, Prefix: key }),
    );
    expect([...Versions, ...DeleteMarkers]).toEqual([]);
    const lines = (await Array.fromAsync(historyLines(stack, { onlyOf: imageId }))).flat();
    expect(lines.map(({ event }) => event)).toEqual(['erased']);
  });
});

describe('an image that Object Lock protects', () => {
  const Bucket = 'erase-locked';
  const locked = { ...stack, outputs: { ...stack.outputs, UploadBucketName: Bucket } };
  const [held, retained] = ['locked/held.jpg', 'locked/retained.jpg'];

  beforeAll(async () => {
    await s3.send(new CreateBucketCommand({ Bucket, ObjectLockEnabledForBucket: true }));
    for (const Key of [held, retained]) {
      const { VersionId } = await s3.send(new PutObjectCommand({ Bucket, Key, Body: 'old' }));
      await s3.send(new PutObjectCommand({ Bucket, Key, Body: 'new' }));
      // The lock is on the older version.
      await (Key === held
        ? s3.send(new PutObjectLegalHoldCommand({ Bucket, Key, VersionId, LegalHold: { Status: 'ON' } }))
        : s3.send(
            new PutObjectRetentionCommand({
              ...{ Bucket, Key, VersionId },
              Retention: { Mode: 'GOVERNANCE', RetainUntilDate: new Date(Date.now() + 86_400_000) },
            }),
          ));
    }
  });

  it.each([held, retained])('is refused, and no version of it is touched: %s', async (key) => {
    const listed = async () => {
      const { Versions, DeleteMarkers } = await s3.send(new ListObjectVersionsCommand({ Bucket, Prefix: key }));
      return { versions: Versions?.map(({ VersionId, IsLatest }) => [VersionId, IsLatest]), markers: DeleteMarkers };
    };
    const before = await listed();
    expect(before.versions).toHaveLength(2);
    expect(await erase(locked, { ...quietly, key }, signal)).toBe(1);
    expect(await listed()).toEqual(before);
  });

  it('is kept by S3 itself', async () => {
    const { Versions = [] } = await s3.send(new ListObjectVersionsCommand({ Bucket, Prefix: held }));
    const VersionId = Versions.find(({ IsLatest }) => !IsLatest)?.VersionId;
    await expect(s3.send(new DeleteObjectCommand({ Bucket, Key: held, VersionId }))).rejects.toThrow('object lock');
  });
});
