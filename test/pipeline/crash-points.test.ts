import { PurgeQueueCommand } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { renditionGroups } from '../../core/presets.ts';
import { crashPoints, everyKind } from '../faults/crash-points.ts';
import { type FaultProxy, startFaultProxy } from '../faults/fault-proxy.ts';
import { emulatedPipeline } from '../support/emulated-pipeline.ts';

/** Two calls with every kind of fault; `npm run lab -- prove crash-points` does the same for every call. */

const pipeline = emulatedPipeline();
let proxy: FaultProxy;
let points: Awaited<ReturnType<typeof crashPoints>>;

beforeAll(async () => {
  await pipeline.queueIsEmpty();
  await pipeline.sqs.send(new PurgeQueueCommand({ QueueUrl: pipeline.deadLetterQueueUrl }));
  proxy = await startFaultProxy(inject('emulator'));
  points = await crashPoints(pipeline.stack, proxy);
});
afterAll(async () => {
  points.close();
  await proxy.stop();
});

const calls = [
  { stem: 'ResizeImage', action: 's3:PutObject', story: 'uploaded' },
  { stem: 'ImagePipeline', action: 'WriteRecord dynamodb:PutItem', story: 'replaced' },
];
const killing = {
  stem: 'ResizeImage',
  action: 's3:GetObject',
  story: 'replaced',
  kind: 'dies before',
  lasting: true,
} as const;
const cases = calls.flatMap((call) => everyKind.map((kind) => ({ ...call, kind, lasting: false })));

it('the pipeline recovers from a single fault of any kind, in a function’s or the workflow’s call, without a dead letter', async () => {
  expect(await points.run(cases)).toEqual(
    cases.map((tried) => ({ tried, happened: 1, deadLetter: undefined, defects: [] })),
  );
});

it('an upload that kills every worker is rejected without a dead letter, and a redrive of others does not change that', async () => {
  expect(await points.run([killing])).toEqual([
    { tried: killing, happened: 2 * renditionGroups.length, deadLetter: undefined, defects: [] },
  ]);
});
