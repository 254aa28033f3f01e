import { PurgeQueueCommand } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { crashPoints, everyKind } from '../faults/crash-points.ts';
import { type FaultProxy, startFaultProxy } from '../faults/fault-proxy.ts';
import { emulatedPipeline } from '../support/emulated-pipeline.ts';

/** One call in every way that it can go wrong; `npm run prove -- crash-points` does so with every call. */

const stack = { address: inject('emulator'), outputs: inject('outputs') };
const pipeline = emulatedPipeline(stack);
let proxy: FaultProxy;
let points: Awaited<ReturnType<typeof crashPoints>>;

beforeAll(async () => {
  await pipeline.queueIsEmpty();
  await pipeline.sqs.send(new PurgeQueueCommand({ QueueUrl: pipeline.deadLetterQueueUrl }));
  proxy = await startFaultProxy(stack.address);
  points = await crashPoints(stack, proxy);
});
afterAll(async () => {
  points.close();
  await proxy.stop();
});

const call = { stem: 'ResizeImage', action: 's3:PutObject', afterFailure: false };

it('a call that goes wrong once, whichever way, is overcome without a dead letter', async () => {
  const endings = await points.run(everyKind.map((kind) => ({ ...call, kind, lasting: false })));
  expect(endings).toEqual(
    everyKind.map((kind) => ({
      tried: { ...call, kind, lasting: false },
      happened: 1,
      deadLetter: undefined,
      defects: [],
    })),
  );
});
