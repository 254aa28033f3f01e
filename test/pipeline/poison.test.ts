import { PurgeQueueCommand } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import * as z from 'zod';
import { imageIdOf } from '../../core/image.ts';
import { renditionGroups } from '../../core/presets.ts';
import { intakeStatus, pauseIntake, resumeIntake } from '../../scripts/stack/intake-switch.ts';
import { type DivertedCall, type FaultProxy, startFaultProxy } from '../faults/fault-proxy.ts';
import { emulatedPipeline, eventually } from '../support/emulated-pipeline.ts';
import { smallImage } from '../support/photos.ts';

const pipeline = emulatedPipeline();
let proxy: FaultProxy;
let asBefore: () => Promise<unknown>;

beforeAll(async () => {
  await pipeline.queueIsEmpty();
  await pipeline.sqs.send(new PurgeQueueCommand({ QueueUrl: pipeline.deadLetterQueueUrl }));
  proxy = await startFaultProxy(inject('emulator'));
  asBefore = await pipeline.takeInBatches({ BatchSize: 10 });
});
afterAll(async () => {
  await proxy.stop();
  await resumeIntake(pipeline.stack);
  await asBefore();
  await pipeline.sqs.send(new PurgeQueueCommand({ QueueUrl: pipeline.deadLetterQueueUrl }));
});

const batch = z.object({
  event: z.object({
    Records: z.array(z.object({ body: z.string(), attributes: z.object({ ApproximateReceiveCount: z.string() }) })),
  }),
});

/** For each invocation of the dispatcher, the receive count of each key in its batch. */
function batchesOf(calls: readonly DivertedCall[], keys: readonly string[]): Record<string, string>[] {
  // record-history gets records, too: of the table's stream.
  const isBatch = (line: string) => line.includes('"Records"') && line.includes('aws:sqs');
  const invocations = new Set(calls.map(({ invocation }) => invocation).filter(isBatch));
  return [...invocations].map((line) =>
    Object.fromEntries(
      batch
        .parse(JSON.parse(line))
        .event.Records.map(({ body, attributes }) => [
          keys.find((key) => body.includes(key)) ?? body,
          attributes.ApproximateReceiveCount,
        ]),
    ),
  );
}

it('if one image of ten kills its workers, the others are processed on the first receive, and it is rejected after two workers, without a second receive or a dead letter', async () => {
  // A folder each: of one sender, most would be set aside.
  const [bad = '', ...good] = Array.from({ length: 10 }, (_, index) => `among-ten-${index}/image.png`);
  const caller = await pipeline.physicalId('ResizeImageFunction');
  const image = { key: bad, imageId: await imageIdOf(pipeline.bucket, bad) };
  const fault = { caller, action: 's3:GetObject', kind: 'dies after', image, times: Number.POSITIVE_INFINITY } as const;
  const plan = proxy.plan([fault]);

  await pauseIntake(pipeline.stack);
  const picture = await smallImage('#336633');
  for (const key of [bad, ...good]) await pipeline.put(key, picture);
  await eventually('ten waiting messages', async () =>
    (await intakeStatus(pipeline.stack)).waiting === 10 ? true : undefined,
  );
  await resumeIntake(pipeline.stack);

  for (const key of good) await pipeline.recordWhen(key, ({ outcome }) => outcome === 'processed');
  const rejected = await pipeline.recordWhen(bad, ({ outcome }) => outcome === 'rejected');
  await pipeline.queueIsEmpty();

  expect(batchesOf(proxy.calls, [bad, ...good])).toEqual([Object.fromEntries([bad, ...good].map((key) => [key, '1']))]);
  expect(plan.happened(fault)).toBe(2 * renditionGroups.length);
  expect(rejected).toMatchObject({ reason: 'too-complex', message: expect.stringMatching(/^This image .*\.$/) });
  expect(await pipeline.renditionKeys(bad)).toEqual([]);
  expect(await pipeline.messagesIn(pipeline.deadLetterQueueUrl)).toBe(0);
});

it('an image whose worker is killed once is processed at its first receive', async () => {
  const key = 'killed-once.png';
  const caller = await pipeline.physicalId('ExtractMetadataFunction');
  const image = { key, imageId: await imageIdOf(pipeline.bucket, key) };
  const fault = { caller, action: 's3:GetObject', kind: 'dies after', image, times: 1 } as const;
  const plan = proxy.plan([fault]);
  const from = proxy.calls.length;

  await pipeline.put(key, await smallImage('#663333'));
  await pipeline.recordWhen(key, ({ outcome }) => outcome === 'processed');
  await pipeline.queueIsEmpty();

  expect(plan.happened(fault)).toBe(1);
  expect(batchesOf(proxy.calls.slice(from), [key])).toEqual([{ [key]: '1' }]);
});
