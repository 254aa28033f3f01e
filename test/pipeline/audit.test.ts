import { DeleteObjectCommand, HeadObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { PurgeQueueCommand } from '@aws-sdk/client-sqs';
import { DeleteCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { afterAll, beforeAll, expect, it } from 'vitest';
import * as z from 'zod';
import { imageIdOf } from '../../core/image.ts';
import { audit, disagreements } from '../../scripts/audit/audit-stack.ts';
import { openNotebook } from '../../scripts/audit/notebook.ts';
import { repairAll } from '../../scripts/audit/repair.ts';
import { pauseIntake, resumeIntake } from '../../scripts/stack/intake-switch.ts';
import { type DomainEvent, emulatedPipeline, eventually } from '../support/emulated-pipeline.ts';
import { photo } from '../support/photos.ts';

/** Each kind of disagreement, made as it would arise, is found, and repaired through the upload queue. */

const pipeline = emulatedPipeline();
const { stack, s3, bucket, renditionBucket } = pipeline;
const { table } = stack.clients;
const TableName = stack.outputs.ImageTableName;
const prefix = 'audited/';
const names = [
  ...[
    'forgotten',
    'deleted',
    'failed',
    'unannounced',
    'missing',
    'resized',
    'retyped',
    'uncached',
    'orphan',
    'outdated',
  ],
  'sound',
] as const;
const keyOf = (name: (typeof names)[number] | 'lost') => `${prefix}${name}.jpg`;
const Key = async (name: (typeof names)[number]) => ({ imageId: await imageIdOf(bucket, keyOf(name)) });
const old = '0'.repeat(31);
let heard: () => Promise<DomainEvent[]>;

async function firstRendition(name: (typeof names)[number]): Promise<string> {
  return z.string().parse((await pipeline.renditionKeys(keyOf(name)))[0]);
}

/** As by hand: what is stored under a key is never replaced otherwise. */
async function replaceRendition(
  Key: string,
  changed: { readonly extra?: string; readonly ContentType?: string; readonly CacheControl?: string },
) {
  const { bytes, contentType } = await pipeline.rendition(Key);
  const { CacheControl } = await s3.send(new HeadObjectCommand({ Bucket: renditionBucket, Key }));
  await s3.send(new DeleteObjectCommand({ Bucket: renditionBucket, Key }));
  const { extra = '', ...headers } = changed;
  await s3.send(
    new PutObjectCommand({
      ...{ Bucket: renditionBucket, Key, Body: Buffer.concat([bytes, Buffer.from(extra)]), IfNoneMatch: '*' },
      ...{ ContentType: contentType, CacheControl, ...headers },
    }),
  );
}

async function putRendition(imageId: string): Promise<string> {
  const rendition = `${imageId}/${old}1/webp-320.webp`;
  await s3.send(new PutObjectCommand({ Bucket: renditionBucket, Key: rendition, Body: 'x', IfNoneMatch: '*' }));
  return rendition;
}

beforeAll(async () => {
  await pipeline.queueIsEmpty();
  for (const name of names) await pipeline.put(keyOf(name), photo('rocket.jpg'));
  for (const name of names) await pipeline.recordWhen(keyOf(name), ({ outcome }) => outcome === 'processed');
  heard = await pipeline.subscribe();
});
afterAll(() => resumeIntake(stack));

const found: string[] = [];

it('a stack in order has no findings', async () => {
  expect(await disagreements(stack, { prefix })).toEqual([]);
});

it('finds an upload whose event was lost, and a deletion whose event was lost', async () => {
  await pauseIntake(stack);
  await pipeline.put(keyOf('lost'), photo('rocket.jpg'));
  await pipeline.delete(keyOf('deleted'));
  await eventually('both events', async () =>
    (await pipeline.messagesIn(pipeline.queueUrl)) === 2 ? true : undefined,
  );
  await pipeline.sqs.send(new PurgeQueueCommand({ QueueUrl: pipeline.queueUrl }));
  await resumeIntake(stack);

  found.push(
    `${keyOf('lost')}: the upload has no record, or that of an earlier version`,
    `${keyOf('deleted')}: the record shows an upload that is gone`,
  );
  expect((await disagreements(stack, { prefix })).sort()).toEqual(found.toSorted());
});

it('finds what is wrong with records and renditions', async () => {
  await table.send(new DeleteCommand({ TableName, Key: await Key('forgotten') }));
  await table.send(
    new UpdateCommand({
      ...{ TableName, Key: await Key('failed'), UpdateExpression: 'SET outcome = :failed, message = :why' },
      ExpressionAttributeValues: { ':failed': 'failed', ':why': 'States.Timeout: too late' },
    }),
  );
  await pipeline.forgetAnnouncement(keyOf('unannounced'));
  await table.send(
    new UpdateCommand({
      ...{ TableName, Key: await Key('outdated'), UpdateExpression: 'SET renditions[0].settings = :other' },
      ExpressionAttributeValues: { ':other': 'webp 1 q1' },
    }),
  );
  const [missing, resized] = [await firstRendition('missing'), await firstRendition('resized')];
  const [retyped, uncached] = [await firstRendition('retyped'), await firstRendition('uncached')];
  await s3.send(new DeleteObjectCommand({ Bucket: renditionBucket, Key: missing }));
  const { length } = (await pipeline.rendition(resized)).bytes;
  await replaceRendition(resized, { extra: 'more' });
  const { contentType } = await pipeline.rendition(retyped);
  await replaceRendition(retyped, { ContentType: 'text/html' });
  await replaceRendition(uncached, { CacheControl: 'no-store' });
  const orphan = await putRendition(await imageIdOf(bucket, keyOf('orphan')));
  const record = await pipeline.record(keyOf('outdated'));
  const preset = record?.outcome === 'processed' ? record.renditions[0]?.preset : undefined;

  found.push(
    `${keyOf('forgotten')}: the upload has no record, or that of an earlier version`,
    `${keyOf('failed')}: five attempts failed; see npm run redrive -- --list first`,
    `${keyOf('unannounced')}: consumers were not told`,
    `${keyOf('missing')}: ${missing} is missing`,
    `${keyOf('resized')}: ${resized}: size should be ${length} bytes and is ${length + 4} bytes`,
    `${keyOf('retyped')}: ${retyped}: content type should be ${contentType} and is text/html`,
    `${keyOf('uncached')}: ${uncached}: cache header should be public, max-age=31536000, immutable and is no-store`,
    `${keyOf('orphan')}: ${orphan} is on no record`,
    `${keyOf('outdated')}: other settings: ${preset}`,
  );
  expect((await disagreements(stack, { prefix })).sort()).toEqual(found.toSorted());
});

it('repairs all of them through the upload queue, and nothing is left to find', async () => {
  const before = await pipeline.record(keyOf('sound'));
  const options = { repair: true, prefix, json: true, yes: true, waitMinutes: 0 } as const;
  const never = new AbortController().signal;

  expect(await audit(stack, { ...options, perSecond: 1000, repairsPerSecond: 50 }, never)).toBe(0);

  expect(await disagreements(stack, { prefix })).toEqual([]);
  // The record of a deletion that consumers learn from, like any other.
  expect(await pipeline.record(keyOf('deleted'))).toMatchObject({ outcome: 'deleted', announced: true });
  const types = new Map((await heard()).map((event) => [event.detail.image.key, event['detail-type']]));
  expect(types.get(keyOf('lost'))).toBe('ImageProcessed');
  expect(types.get(keyOf('deleted'))).toBe('ImageDeleted');
  // Removing an orphan publishes no event: consumers never knew it.
  expect(types.has(keyOf('orphan'))).toBe(false);
  expect(await pipeline.record(keyOf('sound'))).toEqual(before);
});

it('an overwrite and a deletion after a repair win, as after any upload', async () => {
  const repaired = await pipeline.record(keyOf('missing'));
  await pipeline.put(keyOf('missing'), photo('rocket.jpg'));
  const overwritten = await pipeline.recordWhen(
    keyOf('missing'),
    ({ sequencer }) => sequencer > z.string().parse(repaired?.sequencer),
  );
  expect(overwritten.outcome).toBe('processed');
  await pipeline.delete(keyOf('lost'));
  await pipeline.recordWhen(keyOf('lost'), ({ outcome }) => outcome === 'deleted');
});

it('removes renditions of which nothing else is known', async () => {
  const imageId = 'feed'.repeat(8);
  const orphan = await putRendition(imageId);
  expect(await disagreements(stack)).toContain(`${imageId}: ${orphan} is on no record`);

  const notebook = openNotebook(':memory:');
  notebook.noteConfirmed({
    imageId,
    key: undefined,
    findings: [],
    repairs: [{ repair: 'remove', sequencer: `${old}1` }],
  });
  await repairAll(stack, notebook, { perSecond: 10, report: () => undefined });
  notebook.close();

  expect((await disagreements(stack)).filter((finding) => finding.startsWith(imageId))).toEqual([]);
});
