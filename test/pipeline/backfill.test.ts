import { CreateBucketCommand, DeleteObjectCommand, HeadObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { DescribeExecutionCommand, StartExecutionCommand } from '@aws-sdk/client-sfn';
import { PurgeQueueCommand } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { lowestSequencer } from '../../adapters/contracts/queued-event.ts';
import { imageIdOf } from '../../core/image.ts';
import { disagreements } from '../../scripts/audit/audit-stack.ts';
import { runInAccount } from '../../scripts/backfill/backfill-in-account.ts';
import { backfill } from '../../scripts/backfill/backfill-stack.ts';
import { readRecords } from '../../scripts/stack/follow.ts';
import { pauseIntake, resumeIntake } from '../../scripts/stack/intake-switch.ts';
import { queueEvents } from '../../scripts/stack/queue-events.ts';
import { type DomainEvent, emulatedPipeline, eventually } from '../support/emulated-pipeline.ts';
import { photo, smallImage } from '../support/photos.ts';

/** Objects that no event has announced, and what users do while they are backfilled. */

const pipeline = emulatedPipeline();
const { stack, s3, bucket } = pipeline;
const adopted = z.string().parse(stack.outputs.AdoptedBucketName);
const signal = new AbortController().signal;
const quietly = { json: true, yes: true, perSecond: 50 } as const;
let heard: () => Promise<DomainEvent[]>;

/** Stores them, and loses their events. */
async function putSilently(Bucket: string, keys: readonly string[]): Promise<void> {
  await pipeline.queueIsEmpty();
  await pauseIntake(stack);
  for (const Key of keys) await s3.send(new PutObjectCommand({ Bucket, Key, Body: await smallImage('#123456') }));
  await eventually('their events', async () =>
    (await pipeline.messagesIn(pipeline.queueUrl)) >= keys.length ? true : undefined,
  );
  await pipeline.sqs.send(new PurgeQueueCommand({ QueueUrl: pipeline.queueUrl }));
  await resumeIntake(stack);
}

async function recordIn(Bucket: string, key: string) {
  const imageId = await imageIdOf(Bucket, key);
  return (await readRecords(stack, [imageId])).get(imageId);
}

const eventsOf = async (Bucket: string, prefix: string) =>
  (await heard())
    .map(({ detail }) => detail.image)
    .filter((image) => image.bucket === Bucket && image.key.startsWith(prefix));

/** One event for each. */
async function announced(Bucket: string, prefix: string, count: number): Promise<string[]> {
  await eventually('an event for each', async () =>
    (await eventsOf(Bucket, prefix)).length >= count ? true : undefined,
  );
  await pipeline.queueIsEmpty();
  return (await eventsOf(Bucket, prefix)).map(({ key }) => key).sort();
}

beforeAll(async () => {
  heard = await pipeline.subscribe();
});
afterAll(() => resumeIntake(stack));

it('uploads whose events were lost get one record and one event each, and a second run finds nothing to do', async () => {
  const prefix = 'lost/';
  const keys = ['1.png', '2.png', '3.png'].map((name) => prefix + name);
  await putSilently(bucket, keys);
  await pipeline.put(`${prefix}arrived.jpg`, photo('rocket.jpg'));
  const arrived = await pipeline.recordWhen(`${prefix}arrived.jpg`, () => true);

  expect(await backfill(stack, { ...quietly, prefix, dryRun: true }, signal)).toBe(0);
  for (const key of keys) expect(await pipeline.record(key)).toBeUndefined();
  expect(await backfill(stack, { ...quietly, prefix }, signal)).toBe(0);
  expect(await backfill(stack, { ...quietly, prefix }, signal)).toBe(0);

  expect(await announced(bucket, prefix, 4)).toEqual([...keys, `${prefix}arrived.jpg`]);
  expect(await pipeline.record(`${prefix}arrived.jpg`)).toEqual(arrived);
  expect(await disagreements(stack, { prefix })).toEqual([]);
});

it('an adopted bucket is processed where it is, and follows what its owner does from then on', async () => {
  const prefix = 'adopted/';
  await putSilently(adopted, [`${prefix}kept.png`, `${prefix}deleted.png`, `${prefix}replaced.png`]);
  expect(await backfill(stack, { ...quietly, bucket: adopted, prefix }, signal)).toBe(0);
  const first = await recordIn(adopted, `${prefix}replaced.png`);
  expect(first).toMatchObject({ outcome: 'processed', bucket: adopted });

  await s3.send(new DeleteObjectCommand({ Bucket: adopted, Key: `${prefix}deleted.png` }));
  const Body = await smallImage('#654321');
  await s3.send(new PutObjectCommand({ Bucket: adopted, Key: `${prefix}replaced.png`, Body }));
  await eventually('the deletion', async () =>
    (await recordIn(adopted, `${prefix}deleted.png`))?.outcome === 'deleted' ? true : undefined,
  );
  await eventually('the overwrite', async () =>
    (await recordIn(adopted, `${prefix}replaced.png`))?.version === first?.version ? undefined : true,
  );
  await pipeline.queueIsEmpty();
  expect(await disagreements(stack, { prefix })).toEqual([]);
});

it('a deletion and an overwrite win against a backfill that is in the queue', async () => {
  const prefix = 'live/';
  const [overwritten, deleted] = [`${prefix}overwritten.png`, `${prefix}deleted.png`];
  await putSilently(bucket, [overwritten, deleted]);
  await pauseIntake(stack);
  for (const key of [overwritten, deleted]) {
    const { ETag = '', ContentLength: size = 0 } = await s3.send(new HeadObjectCommand({ Bucket: bucket, Key: key }));
    const occurredAt = new Date().toISOString();
    const event = {
      bucket,
      key,
      occurredAt,
      etag: ETag.replaceAll('"', ''),
      size,
      sequencer: lowestSequencer(true)(occurredAt),
    };
    await queueEvents(stack, [{ change: 'created', ...event }]);
  }
  const overwrite = await pipeline.put(overwritten, await smallImage('#654321'));
  await pipeline.delete(deleted);
  await resumeIntake(stack);

  await pipeline.recordWhen(overwritten, ({ version }) => version === overwrite.etag);
  await pipeline.recordWhen(deleted, ({ outcome }) => outcome === 'deleted');
  await pipeline.queueIsEmpty();
  expect(await pipeline.record(overwritten)).toMatchObject({ outcome: 'processed', version: overwrite.etag });
  expect(await pipeline.renditionKeys(deleted)).toEqual([]);
  expect(await disagreements(stack, { prefix })).toEqual([]);
});

it('objects of any other bucket are copied in once, and never over an upload', async () => {
  const source = 'backfilled-site';
  await s3.send(new CreateBucketCommand({ Bucket: source }));
  const keys = ['a b+é.png', 'two.png', 'taken.png'].map((name) => `img/${name}`);
  for (const Key of keys)
    await s3.send(new PutObjectCommand({ Bucket: source, Key, Body: await smallImage('#123456') }));
  await pipeline.put('import/img/taken.png', photo('rocket.jpg'));
  const taken = await pipeline.recordWhen('import/img/taken.png', () => true);

  const copy = { ...quietly, bucket: source, prefix: 'img/', into: 'import' };
  expect(await backfill(stack, { ...copy, dryRun: true }, signal)).toBe(0);
  expect(await pipeline.record('import/img/two.png')).toBeUndefined();
  // The upload in the place of the third stays, and the exit code says so.
  expect(await backfill(stack, copy, signal)).toBe(1);
  expect(await backfill(stack, copy, signal)).toBe(1);

  expect(await announced(bucket, 'import/', 3)).toEqual([
    ...['import/img/a b+é.png', 'import/img/taken.png', 'import/img/two.png'],
  ]);
  expect(await pipeline.record('import/img/taken.png')).toEqual(taken);
  expect(await disagreements(stack, { prefix: 'import/' })).toEqual([]);
});

describe('in the account, a workflow', () => {
  const prefix = 'millions/';
  const keys = Array.from({ length: 30 }, (_, index) => `${prefix}${String(index).padStart(2, '0')}.png`);
  const inAccount = () => runInAccount(stack, { ...quietly, prefix }, signal);

  it('gives each upload without a record one record and one event, and leaves alone the one that has a record', async () => {
    await putSilently(bucket, keys);
    await s3.send(new PutObjectCommand({ Bucket: bucket, Key: `${prefix}folder/`, Body: '' }));
    const known = `${prefix}arrived.jpg`;
    await pipeline.put(known, photo('rocket.jpg'));
    const arrived = await pipeline.recordWhen(known, () => true);

    expect(await inAccount()).toBe(0);

    expect(await announced(bucket, prefix, keys.length + 1)).toEqual([...keys, known]);
    expect(await pipeline.record(known)).toEqual(arrived);
    for (const key of keys) expect(await pipeline.record(key)).toMatchObject({ outcome: 'processed' });
    expect(await disagreements(stack, { prefix })).toEqual([]);
  });

  it('sends nothing the second time, also if it is started by hand', async () => {
    const before = await Promise.all(keys.map((key) => pipeline.record(key)));
    expect(await inAccount()).toBe(0);
    const storedBefore = new Date().toISOString();
    const { executionArn } = await stack.clients.stepFunctions.send(
      new StartExecutionCommand({
        stateMachineArn: stack.outputs.BackfillArn,
        input: JSON.stringify({ bucket, prefix, perSecond: 50, storedBefore }),
      }),
    );
    await eventually('its end', async () => {
      const { status } = await stack.clients.stepFunctions.send(new DescribeExecutionCommand({ executionArn }));
      if (status !== 'RUNNING') expect(status).toBe('SUCCEEDED');
      return status === 'RUNNING' ? undefined : true;
    });
    await pipeline.queueIsEmpty();
    expect(await Promise.all(keys.map((key) => pipeline.record(key)))).toEqual(before);
    expect(await announced(bucket, prefix, keys.length + 1)).toHaveLength(keys.length + 1);
  });
});
