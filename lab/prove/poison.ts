/**
 * Twenty senders, one of whom sends only poison, at ten times the rate of each other one. Runs the same uploads without and
 * with it, and compares what the others waited.
 *
 * The laptop's two cores are not the subject, for on Lambda each worker has its own: pictures are tiny, and each call of
 * resize-image takes two seconds longer than it needs, as a photograph does there.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { CloudWatchLogsClient, paginateFilterLogEvents } from '@aws-sdk/client-cloudwatch-logs';
import {
  GetFunctionConfigurationCommand,
  InvokeCommand,
  ListEventSourceMappingsCommand,
  PublishVersionCommand,
  PutFunctionConcurrencyCommand,
  UpdateAliasCommand,
  UpdateEventSourceMappingCommand,
  UpdateFunctionConfigurationCommand,
} from '@aws-sdk/client-lambda';
import fc from 'fast-check';
import { imageIdOf } from '../../core/image.ts';
import type { ImageRecord } from '../../core/record.ts';
import { isolateThisProcess } from '../../scripts/local/isolated-environment.ts';
import { startLocalStack } from '../../scripts/local/local-stack.ts';
import { countLetters } from '../../scripts/stack/dead-letter-queue.ts';
import { deadLetterQueueNames } from '../../scripts/stack/dead-letter-queue-names.ts';
import { readRecords } from '../../scripts/stack/follow.ts';
import { readQueue } from '../../scripts/stack/queues.ts';
import { physicalId, type Stack } from '../../scripts/stack/stack.ts';
import { numberAt, templateFor } from '../../scripts/template/template.ts';
import { type Report, showStep } from '../../scripts/terminal/progress.ts';

import { divertingEnvironment, type Fault, type FaultProxy, startFaultProxy } from '../../test/faults/fault-proxy.ts';
import { excessiveWork } from '../../test/hostile/excessive-work.ts';
import { emulatedPipeline } from '../../test/support/emulated-pipeline.ts';
import { smallImage } from '../../test/support/photos.ts';
import { publishedMetrics } from '../../test/support/published-metrics.ts';
import { judgePoison, type PoisonRun } from './poison-judge.ts';
import { type PlannedUpload, poisonPlan, SENDERS } from './poison-plan.ts';
import type { Proof } from './proof.ts';

/** As prod: two uploads of a sender in progress, few of the dispatchers, and half as many for what is set aside. */
const RUNNING_PER_SENDER = numberAt(
  templateFor('prod').resources.get('DispatchImagesFunction')?.Properties,
  'Environment',
  'Variables',
  'RUNNING_PER_SENDER',
);
const DISPATCHERS = { UploadQueueUrl: 8, OverflowQueueUrl: 4 } as const;
const WORKERS = 24;
/** How long an image takes, and how long poison keeps a worker until Lambda stops it, which is 40 s in an account. */
const PHOTOGRAPH_MILLIS = 2_000;
const STOPPED_MILLIS = 8_000;
/** For the poison that is left when the last upload was sent. */
const PATIENCE_MILLIS = 300_000;
/** Larger files would make the laptop's disk the subject. */
const MOST_POISON_BYTES = 200_000;

interface Options {
  readonly seed: number;
  readonly uploads: number;
}

export async function provePoison(options: Options): Promise<readonly Proof[]> {
  isolateThisProcess();
  const { stack, emulator } = await startLocalStack(0, showStep, divertingEnvironment());
  const proxy = await startFaultProxy(emulator);
  try {
    const run = await poisoned(stack, proxy, options);
    return await judgePoison(run, randomOf(options.seed));
  } finally {
    await proxy.stop();
    stack.close();
    await emulator.stop();
  }
}

async function poisoned(stack: Stack, proxy: FaultProxy, { seed, uploads }: Options): Promise<PoisonRun> {
  const pipeline = emulatedPipeline(stack);
  const { others, poison } = poisonPlan({ seed, uploads });
  const picture = await smallImage('#336633');
  const heavy = await showStep('Poison', () => heavyFiles(seed));
  const caller = await pipeline.physicalId('ResizeImageFunction');
  const delays = [{ caller, action: 's3:GetObject', millis: PHOTOGRAPH_MILLIS }];
  const killers = await Promise.all(
    poison
      .filter(({ kind }) => kind !== 'heavy')
      .map(async ({ key, kind }): Promise<Fault> => {
        const image = { key, imageId: await imageIdOf(pipeline.bucket, key) };
        const slowly = { image, times: 1_000, afterMillis: STOPPED_MILLIS };
        return kind === 'kills'
          ? { ...slowly, caller, action: 's3:GetObject', kind: 'dies after' }
          : {
              ...{ ...slowly, caller: stack.outputs.StateMachineArn, action: 'ResizeImage lambda:InvokeFunction' },
              ...{ kind: 'dies before', error: 'Sandbox.Timedout' },
            };
      }),
  );

  await makeRoom(stack);
  const plan = proxy.plan(killers, delays);
  const send = async (planned: readonly PlannedUpload[], folder: string, bodyOf: (index: number) => Uint8Array) => {
    const startedAt = Date.now();
    return await Promise.all(
      planned.map(async ({ key, atMillis }, index) => {
        await sleep(startedAt + atMillis - Date.now());
        // One sender is one folder.
        const sent = key.replace('/', `/${folder}`);
        await pipeline.put(sent, bodyOf(index));
        return { key: sent, imageId: await imageIdOf(pipeline.bucket, sent), sentAt: Date.now() };
      }),
    );
  };
  const othersIn = async (folder: string, report: Report) => {
    const sent = await send(others, folder, () => picture);
    const records = await recordsWhenDecided(stack, sent, report);
    const waits = sent.flatMap(({ imageId, sentAt }) => {
      const record = records.get(imageId);
      return record?.outcome === 'processed' ? [Math.max(0, Date.parse(record.recordedAt) - sentAt)] : [];
    });
    const lost = sent.filter(({ imageId }) => records.get(imageId)?.outcome !== 'processed').map(({ key }) => key);
    return { waits, lost };
  };

  const poisonIn = async () => {
    const bodyOf = (index: number) =>
      poison[index]?.kind !== 'heavy' ? picture : (heavy[index % heavy.length] ?? picture);
    return [...(await recordsWhenDecided(stack, await send(poison, '', bodyOf), () => undefined)).values()];
  };

  await showStep('Warm up', async (report) => {
    // At once, from many senders and from one: starts every process that either run needs.
    const first = [...others.slice(0, SENDERS - 1), ...poison.slice(0, SENDERS - 1)];
    const atOnce = first.map((upload) => ({ ...upload, atMillis: 0 }));
    await recordsWhenDecided(stack, await send(atOnce, 'warm-', () => picture), report);
  });
  const calm = await showStep(`Without poison: ${others.length} uploads`, (report) => othersIn('calm-', report));

  const floodedFrom = Date.now();
  const [flooded, verdicts, probe] = await showStep(
    `With poison: ${others.length} uploads of others, ${poison.length} of poison`,
    (report) =>
      Promise.all([othersIn('flood-', report), poisonIn(), probeAfter(stack, (others.at(-1)?.atMillis ?? 0) / 2)]),
  );
  return {
    calm: calm.waits,
    flooded: flooded.waits,
    lost: [...calm.lost, ...flooded.lost],
    poison: poison.length,
    rejected: verdicts.filter(({ outcome }) => outcome === 'rejected').length,
    deadLetters: await countLetters(stack, deadLetterQueueNames),
    minutes: await minutesSince(stack, floodedFrom),
    probe,
    killed: killers.reduce((sum, killer) => sum + plan.happened(killer), 0),
  };
}

/** The dispatchers and the limit above, and room for the workers of their images. */
async function makeRoom(stack: Stack): Promise<void> {
  const { lambda, sqs } = stack.clients;
  for (const output of ['UploadQueueUrl', 'OverflowQueueUrl'] as const) {
    const { arn: EventSourceArn } = await readQueue(sqs, stack.outputs[output]);
    const { EventSourceMappings: [mapping] = [] } = await lambda.send(
      new ListEventSourceMappingsCommand({ EventSourceArn }),
    );
    const ScalingConfig = { MaximumConcurrency: DISPATCHERS[output] };
    await lambda.send(new UpdateEventSourceMappingCommand({ UUID: mapping?.UUID, ScalingConfig }));
  }
  const Dispatcher = { FunctionName: await physicalId(stack, 'DispatchImagesFunction') };
  const { Environment } = await lambda.send(new GetFunctionConfigurationCommand(Dispatcher));
  const Variables = { ...Environment?.Variables, RUNNING_PER_SENDER: String(RUNNING_PER_SENDER) };
  await lambda.send(new UpdateFunctionConfigurationCommand({ ...Dispatcher, Environment: { Variables } }));
  const { Version } = await lambda.send(new PublishVersionCommand(Dispatcher));
  await lambda.send(new UpdateAliasCommand({ ...Dispatcher, Name: 'live', FunctionVersion: Version }));
  for (const stem of ['DispatchImages', 'ExtractMetadata', 'ResizeImage', 'RemoveRenditions']) {
    const FunctionName = await physicalId(stack, `${stem}Function`);
    await lambda.send(new PutFunctionConcurrencyCommand({ FunctionName, ReservedConcurrentExecutions: WORKERS }));
  }
}

/** Small ones of every kind that test/hostile knows. */
async function heavyFiles(seed: number): Promise<readonly Buffer[]> {
  const files: Buffer[] = [];
  for (const [, make] of excessiveWork(seed, 1)) {
    const bytes = await make();
    if (bytes.length <= MOST_POISON_BYTES) files.push(bytes);
  }
  return files;
}

interface Sent {
  readonly imageId: string;
}

/** Waits until all are decided, or nothing more can be expected. */
async function recordsWhenDecided(
  stack: Stack,
  sent: readonly Sent[],
  report: Report,
): Promise<ReadonlyMap<string, ImageRecord>> {
  const ids = sent.map(({ imageId }) => imageId);
  for (const deadline = Date.now() + PATIENCE_MILLIS; ; await sleep(1_000)) {
    const records = await readRecords(stack, ids);
    report(`${records.size} of ${ids.length} decided`);
    if (records.size === ids.length || Date.now() > deadline) return records;
  }
}

/** As the circuit breaker asks before it opens. */
async function probeAfter(stack: Stack, millis: number): Promise<PoisonRun['probe']> {
  await sleep(millis);
  const FunctionName = await physicalId(stack, 'ProbePipelineFunction');
  const { Payload = new Uint8Array() } = await stack.clients.lambda.send(new InvokeCommand({ FunctionName }));
  return Buffer.from(Payload).toString().includes('"healthy"') ? 'healthy' : 'failed';
}

/** By the ids of the alarm's queries. */
const queryOf: Readonly<Record<string, string>> = {
  AttemptsFailed: 'attempts',
  ImagesProcessed: 'processed',
  ImagesRejected: 'rejected',
  ImagesSuperseded: 'superseded',
  ImagesVanished: 'vanished',
  ImagesDeleted: 'deleted',
  ImagesRepeated: 'repeated',
};

/** Metrics that the dispatcher published, from its log: the emulator's CloudWatch does not extract them. */
async function minutesSince(stack: Stack, from: number): Promise<Record<string, number>[]> {
  const logs = new CloudWatchLogsClient(stack.clientConfig);
  const minutes: Record<string, number>[] = [];
  const logGroupName = await physicalId(stack, 'DispatchImagesLogGroup');
  for await (const { events = [] } of paginateFilterLogEvents({ client: logs }, { logGroupName, startTime: from })) {
    for (const { message = '', timestamp = from } of events.filter((event) => event.message?.includes('"_aws"'))) {
      const line = message.slice(message.indexOf('{'));
      for (const { metric, value, dimensions } of publishedMetrics([JSON.parse(line)])) {
        const query = queryOf[metric];
        if (query === undefined || 'reason' in dimensions || timestamp < from) continue;
        const minute = Math.floor((timestamp - from) / 60_000);
        const counts = minutes[minute] ?? {};
        minutes[minute] = { ...counts, [query]: (counts[query] ?? 0) + Number(value) };
      }
    }
  }
  logs.destroy();
  return Array.from(minutes, (counts) => counts ?? {});
}

/** From 0 to 1, the same for the same seed. */
function randomOf(seed: number): () => number {
  const drawn = fc.sample(fc.noBias(fc.integer({ min: 0, max: 999_999 })), { seed, numRuns: 10_000 });
  return () => (drawn.shift() ?? 0) / 1_000_000;
}
