/**
 * Uploads at rising rates on the emulator, up to more than it can take: throughput, waiting time and queue at each rate,
 * and what an image costs in processor time. It is what the simulation of docs/scale.md has to reproduce.
 *
 * Written to .darkroom/bench/saturation.json if nothing else kept the machine busy; `npm run simulate -- --write` keeps it for everybody.
 */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { GetQueueAttributesCommand, SQSClient } from '@aws-sdk/client-sqs';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { dynamoDbCatalogue } from '../../adapters/dynamodb-catalogue.ts';
import { imageIdOf } from '../../core/image.ts';
import { output } from '../deploy.ts';
import { clientConfig } from '../emulator.ts';
import { Failure } from '../failure.ts';
import { isolateThisProcess } from '../isolated-environment.ts';
import { type LocalStack, startLocalStack } from '../local-stack.ts';
import { lastSaturationFile, type Saturation, type SaturationStep } from '../simulate/saturation.ts';
import { percentile, table } from './measure.ts';

/** At the first of them nobody waits: what an image costs is measured there. */
const RATES = [1, 2, 3, 4, 6, 8, 12];
const SECONDS = 20;
const WARM_UP_IMAGES = 16;
const PATIENCE_MILLIS = 240_000;
const SAMPLE_MILLIS = 500;
/** Cores that others may take without changing the curve. */
const QUIET = 0.3;
const TICKS_A_SECOND = 100;

export async function benchSaturation(): Promise<string> {
  if (process.platform !== 'linux') throw new Failure('The section saturation reads /proc: run it on Linux.');
  isolateThisProcess();
  const stack = await startLocalStack(0, (_title, work) => work(() => undefined));
  try {
    const load = loadOn(stack);
    await load.send('warm-up', WARM_UP_IMAGES, 1000);
    const emulator = emulatorProcess(stack.port);

    const idle = await processorTime(emulator, () => sleep(5000));
    const runs: { readonly step: SaturationStep; readonly spent: ProcessorTime }[] = [];
    for (const rate of RATES) {
      const images = Math.max(20, rate * SECONDS);
      const { result, spent } = await processorTime(emulator, () => load.send(`rate-${rate}`, images, rate));
      runs.push({ step: { rate, ...result }, spent });
    }
    const [calm] = runs;
    if (calm === undefined) throw new Error('At least one rate.');
    const steps = runs.map(({ step }) => step);
    const saturation: Saturation = {
      date: new Date().toISOString().slice(0, 10),
      machine: `${cpus().length} × ${cpus()[0]?.model ?? 'unknown processor'}`,
      cores: cpus().length,
      processorMillis: eachImage(calm.spent, idle.spent, calm.step.images),
      steps,
    };
    const taken = Math.max(...runs.map(({ spent }) => coresOfOthers(spent)));
    const isQuiet = taken <= QUIET;
    if (isQuiet) {
      mkdirSync(dirname(lastSaturationFile), { recursive: true });
      writeFileSync(lastSaturationFile, `${JSON.stringify(saturation, null, 2)}\n`);
    }
    const busy = `Not kept: other programs took up to ${taken.toFixed(1)} cores. Run it again on a quiet machine.`;
    return [
      ...(isQuiet ? [] : [busy]),
      `Processor time of one image, ms: ${Object.entries(saturation.processorMillis)
        .map(([name, millis]) => `${name} ${millis}`)
        .join(', ')}.`,
      table(
        ['images a second', 'images', 'decided a second', 'p50, s', 'p95, s', 'longest queue'],
        steps.map(({ rate, images, throughput, p50Seconds, p95Seconds, longestQueue }) =>
          [rate, images, throughput, p50Seconds, p95Seconds, longestQueue].map(String),
        ),
      ),
    ].join('\n\n');
  } finally {
    await stack.stop();
  }
}

function loadOn({ address, outputs }: LocalStack) {
  const config = clientConfig(address);
  const s3 = new S3Client({ ...config, forcePathStyle: true });
  const sqs = new SQSClient(config);
  const client = DynamoDBDocumentClient.from(new DynamoDBClient(config));
  const catalogue = dynamoDbCatalogue({ client, tableName: output(outputs, 'ImageTableName') });
  const Bucket = output(outputs, 'UploadBucketName');
  const Body = readFileSync(new URL('../../docs/samples/rocket.jpg', import.meta.url));

  const messages = async () => {
    const { Attributes } = await sqs.send(
      new GetQueueAttributesCommand({
        QueueUrl: output(outputs, 'UploadQueueUrl'),
        AttributeNames: ['ApproximateNumberOfMessages', 'ApproximateNumberOfMessagesNotVisible'],
      }),
    );
    const waiting = Number(Attributes?.ApproximateNumberOfMessages);
    return { waiting, all: waiting + Number(Attributes?.ApproximateNumberOfMessagesNotVisible) };
  };

  return {
    /** Evenly, whatever becomes of them; resolves when all are decided. Their records say when that was. */
    async send(prefix: string, images: number, rate: number): Promise<Omit<SaturationStep, 'rate'>> {
      const startedAt = Date.now();
      const sentAt: number[] = [];
      const sending = Promise.all(
        Array.from({ length: images }, async (_, image) => {
          await sleep((image * 1000) / rate);
          sentAt[image] = Date.now();
          await s3.send(new PutObjectCommand({ Bucket, Key: `${prefix}-${image}.jpg`, Body }));
        }),
      );
      let sent = false;
      void sending.then(() => {
        sent = true;
      });
      const queue: number[] = [];
      for (let left = 1; left > 0 || !sent; ) {
        if (Date.now() - startedAt > PATIENCE_MILLIS) throw new Failure(`${prefix} is not decided after four minutes.`);
        await sleep(SAMPLE_MILLIS);
        const { waiting, all } = await messages();
        queue.push(waiting);
        left = all;
      }
      await sending;
      const decidedAt = await Promise.all(
        sentAt.map(async (_, image) => {
          const record = await catalogue.find(await imageIdOf(Bucket, `${prefix}-${image}.jpg`));
          if (record === undefined) throw new Failure(`${prefix}-${image}.jpg has no record.`);
          return Date.parse(record.recordedAt);
        }),
      );
      const waits = decidedAt.map((at, image) => (at - (sentAt[image] ?? at)) / 1000);
      const lastSent = Math.max(...sentAt);
      const seconds = (Math.max(...decidedAt) - Math.min(...sentAt)) / 1000;
      return {
        images,
        throughput: round(images / seconds),
        p50Seconds: round(percentile(waits, 50)),
        p95Seconds: round(percentile(waits, 95)),
        longestQueue: Math.max(...queue),
        drainSeconds: round(Math.max(0, (Math.max(...decidedAt) - lastSent) / 1000)),
      };
    },
  };
}

type ProcessorTime = Readonly<Record<string, number>>;

/** Without what the emulator needs for itself while nothing comes. */
function eachImage(used: ProcessorTime, idle: ProcessorTime, images: number): Saturation['processorMillis'] {
  const millis = (name: string) => {
    const idleShare = ((idle[name] ?? 0) / (idle['wall'] ?? 1)) * (used['wall'] ?? 0);
    return round(Math.max(0, (used[name] ?? 0) - idleShare) / images);
  };
  return {
    dispatcher: millis('DispatchImages'),
    metadata: millis('ExtractMetadata'),
    resize: millis('ResizeImage'),
    emulator: millis('emulator'),
    sender: millis('sender'),
  };
}

/** What other programs of the machine took meanwhile, on average. */
function coresOfOthers({ wall = 0, machine = 0, ...ours }: ProcessorTime): number {
  const own = Object.values(ours).reduce((sum, millis) => sum + millis, 0);
  return Math.max(0, (machine - own) / wall);
}

/** Milliseconds by name: the functions' processes, the emulator's own, and ours, which sends. */
async function processorTime<Result>(emulator: number, work: () => Promise<Result>) {
  const before = processesUnder(emulator);
  const ownBefore = process.cpuUsage();
  const machineBefore = machineTime();
  const startedAt = performance.now();
  const result = await work();
  const own = process.cpuUsage(ownBefore);
  const spent: Record<string, number> = {
    wall: performance.now() - startedAt,
    machine: machineTime() - machineBefore,
    sender: (own.user + own.system) / 1000,
  };
  for (const [id, { name, millis }] of processesUnder(emulator)) {
    spent[name] = (spent[name] ?? 0) + millis - (before.get(id)?.millis ?? 0);
  }
  return { result, spent: spent satisfies ProcessorTime };
}

/** Of all cores: what is neither idle nor waiting for a disk. */
function machineTime(): number {
  const [, user, nice, system, , , interrupts, softInterrupts, stolen] = readFileSync('/proc/stat', 'utf8').split(
    /\s+/,
  );
  const ticks = [user, nice, system, interrupts, softInterrupts, stolen].reduce((sum, value) => sum + Number(value), 0);
  return (ticks * 1000) / TICKS_A_SECOND;
}

function emulatorProcess(port: number): number {
  const isOurs = (id: string) => environmentOf(id).includes(`GATEWAY_PORT=${port}`);
  // All that it started has its environment; it alone was started by somebody else.
  const found = readdirSync('/proc').find((id) => /^\d+$/.test(id) && isOurs(id) && !isOurs(String(parentOf(id))));
  if (found === undefined) throw new Failure(`The emulator's process is not in /proc (port ${port}).`);
  return Number(found);
}

function processesUnder(root: number): ReadonlyMap<number, { readonly name: string; readonly millis: number }> {
  const ids = readdirSync('/proc').filter((id) => /^\d+$/.test(id));
  const parents = new Map(ids.map((id) => [Number(id), parentOf(id)]));
  const isUnder = (id: number | undefined): boolean =>
    id === root || (id !== undefined && id > 1 && isUnder(parents.get(id)));
  return new Map(
    [...parents.keys()].filter(isUnder).flatMap((id) => {
      const stat = statOf(String(id));
      if (stat === undefined) return [];
      const lambda = environmentOf(String(id)).find((entry) => entry.startsWith('AWS_LAMBDA_FUNCTION_NAME='));
      const name = /-(DispatchImages|ExtractMetadata|ResizeImage|RemoveRenditions)Function/.exec(lambda ?? '')?.[1];
      // Fields 14 and 15 of the file, of which the first two are gone: user and system time.
      const ticks = Number(stat[11]) + Number(stat[12]);
      return [[id, { name: name ?? 'emulator', millis: (ticks * 1000) / TICKS_A_SECOND }] as const];
    }),
  );
}

function parentOf(id: string): number | undefined {
  const parent = statOf(id)?.[1];
  return parent === undefined ? undefined : Number(parent);
}

/** What follows the program's name, which may hold anything. */
function statOf(id: string): string[] | undefined {
  try {
    const text = readFileSync(`/proc/${id}/stat`, 'utf8');
    return text.slice(text.lastIndexOf(')') + 2).split(' ');
  } catch {
    return undefined;
  }
}

function environmentOf(id: string): string[] {
  try {
    return readFileSync(`/proc/${id}/environ`, 'utf8').split('\0');
  } catch {
    return [];
  }
}

function round(value: number): number {
  return Number(value.toFixed(2));
}
