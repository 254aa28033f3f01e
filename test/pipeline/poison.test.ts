import { PurgeQueueCommand } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import * as z from 'zod';
import { imageIdOf } from '../../core/image.ts';
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
  const invocations = new Set(calls.map(({ invocation }) => invocation).filter((line) => line.includes('"Records"')));
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

it('if one image of ten kills its worker, the others are processed on the first receive, and it ends after five receives with a dead letter and a record', async () => {
  const [bad = '', ...good] = Array.from({ length: 10 }, (_, index) => `among-ten-${index}.png`);
  const caller = await pipeline.physicalId('ResizeImageFunction');
  const image = { key: bad, imageId: await imageIdOf(pipeline.bucket, bad) };
  proxy.plan([{ caller, action: 's3:PutObject', kind: 'dies before', image, times: Number.POSITIVE_INFINITY }]);

  await pauseIntake(pipeline.stack);
  const picture = await smallImage('#336633');
  for (const key of [bad, ...good]) await pipeline.put(key, picture);
  await eventually('ten waiting messages', async () =>
    (await intakeStatus(pipeline.stack)).waiting === 10 ? true : undefined,
  );
  await resumeIntake(pipeline.stack);

  for (const key of good) await pipeline.recordWhen(key, ({ outcome }) => outcome === 'processed');
  const failed = await pipeline.recordWhen(bad, ({ outcome }) => outcome === 'failed');
  await pipeline.queueIsEmpty();

  const [first, ...more] = batchesOf(proxy.calls, [bad, ...good]);
  expect(first).toEqual(Object.fromEntries([bad, ...good].map((key) => [key, '1'])));
  expect(more).toEqual(['2', '3', '4', '5'].map((receives) => ({ [bad]: receives })));
  expect(await pipeline.messagesIn(pipeline.deadLetterQueueUrl)).toBe(1);
  expect(failed).toMatchObject({ message: expect.stringContaining('Worker process died') });
});
