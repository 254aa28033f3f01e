/** A bucket that is adopted with thousands of pictures in it, and a command that is killed half-way. */
import { setTimeout as sleep } from 'node:timers/promises';
import { PutBucketNotificationConfigurationCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import pMap from 'p-map';
import sharp from 'sharp';
import * as z from 'zod';
import { disagreements } from '../../scripts/audit/audit-stack.ts';
import { isolateThisProcess } from '../../scripts/local/isolated-environment.ts';
import { startLocalStack } from '../../scripts/local/local-stack.ts';
import { recordPages } from '../../scripts/stack/record-pages.ts';
import type { Stack } from '../../scripts/stack/stack.ts';
import { type Report, showStep } from '../../scripts/terminal/progress.ts';
import { emulatedPipeline } from '../../test/support/emulated-pipeline.ts';
import { type Command, exitCodeOf, startCommand } from './command.ts';
import type { Proof, ProofOptions } from './proof.ts';

const prefix = 'before/';
const keyOf = (index: number) => `${prefix}${index}.png`;
/** In the upload bucket, while the backfill runs. */
const LIVE_UPLOADS = 20;

export async function proveBackfill({ runs = 1000 }: ProofOptions): Promise<readonly Proof[]> {
  isolateThisProcess();
  const { stack, emulator } = await startLocalStack(0, showStep);
  try {
    const bucket = z.string().parse(stack.outputs.AdoptedBucketName);
    const backfill: Command = { name: 'backfill', args: ['--bucket', bucket, '--rate', '100'] };
    await showStep(`${runs} pictures`, (report) => fill(stack, bucket, runs, report));
    const heard = await emulatedPipeline(stack).subscribe();
    const announced = async () => (await heard()).filter(({ detail }) => detail.image.bucket === bucket);
    const killedAt = await showStep('Backfill, killed half-way', async (report) => {
      const command = startCommand(backfill, stack, emulator);
      for (let done = 0; done < runs / 2 && command.exitCode === null; ) {
        await sleep(500);
        done = (await announced()).length;
        report(`${done} processed`);
      }
      command.kill('SIGKILL');
      await exitCodeOf(command);
      return (await announced()).length;
    });
    const live = showStep('Live uploads', () => upload(stack));
    const resumed = startCommand(backfill, stack, emulator);
    const exitCode = await showStep('Backfill, resumed', () => exitCodeOf(resumed));
    await live;
    const events = Map.groupBy(await announced(), ({ detail }) => detail.image.key);
    const records = await outcomesIn(stack, bucket);
    const keys = Array.from({ length: runs }, (_, index) => keyOf(index));
    const wrong = [
      ...(exitCode === 0 ? [] : [`The command ended with exit code ${exitCode}.`]),
      ...(killedAt < runs ? [] : ['It had finished before it was killed, so this run proves nothing.']),
      ...keys
        .filter((key) => records.get(key) !== 'processed')
        .map((key) => `${key}: ${records.get(key) ?? 'no record'}.`),
      ...keys.flatMap((key) => {
        const count = events.get(key)?.length ?? 0;
        return count === 1 ? [] : [`${key} was announced ${count} times.`];
      }),
    ];
    const found = await showStep('Audit', () => disagreements(stack));
    return [
      {
        promise: 'a backfill that is killed and goes on processes every picture once: one record, one event',
        evidence: `${runs} pictures of an adopted bucket; killed after ${killedAt}; ${LIVE_UPLOADS} uploads meanwhile`,
        against: wrong.length === 0 ? undefined : wrong.join('\n'),
      },
      {
        promise: 'afterwards, uploads, records and renditions agree',
        evidence: 'an audit of both buckets',
        against: found.length === 0 ? undefined : found.join('\n'),
      },
    ];
  } finally {
    stack.close();
    await emulator.stop();
  }
}

/** As before the bucket was adopted: it sends no events. */
async function fill({ clients: { s3 } }: Stack, Bucket: string, pictures: number, report: Report): Promise<void> {
  const events = (NotificationConfiguration: { EventBridgeConfiguration?: object }) =>
    s3.send(new PutBucketNotificationConfigurationCommand({ Bucket, NotificationConfiguration }));
  await events({});
  await pMap(
    Array.from({ length: pictures }, (_, index) => index),
    async (index) => {
      await s3.send(new PutObjectCommand({ Bucket, Key: keyOf(index), Body: await picture(index) }));
      if (index % 1000 === 0) report(`${index} stored`);
    },
    { concurrency: 8 },
  );
  await events({ EventBridgeConfiguration: {} });
}

/** 16 × 16 pixels, different for each index. */
async function picture(index: number): Promise<Buffer> {
  const background = { r: index % 256, g: (index >> 8) % 256, b: 99 };
  return await sharp({ create: { width: 16, height: 16, channels: 3, background } })
    .png()
    .toBuffer();
}

/** People go on uploading. */
async function upload(stack: Stack): Promise<void> {
  const pipeline = emulatedPipeline(stack);
  for (let index = 0; index < LIVE_UPLOADS; index += 1) {
    await pipeline.put(`live-${index}/picture.png`, await picture(index));
    await pipeline.recordWhen(`live-${index}/picture.png`, ({ outcome }) => outcome === 'processed');
  }
}

async function outcomesIn(stack: Stack, bucket: string): Promise<ReadonlyMap<string, string>> {
  const outcomes = new Map<string, string>();
  for await (const { records } of recordPages(stack, { prefix, from: undefined }))
    for (const record of records)
      if (record.bucket === bucket && record.key !== undefined) outcomes.set(record.key, record.outcome);
  return outcomes;
}
