/** Sends uploads out of order, some of them twice, while workers are killed, throttled and denied permissions, and images erased and backfilled. */
import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { PutFunctionConcurrencyCommand } from '@aws-sdk/client-lambda';
import { DeleteMessageBatchCommand, ReceiveMessageCommand, SendMessageCommand } from '@aws-sdk/client-sqs';
import { imageIdOf } from '../../core/image.ts';
import type { ImageRecord } from '../../core/record.ts';
import { disagreements } from '../../scripts/audit/audit-stack.ts';
import { eraseImages, lookAgain, planErasure } from '../../scripts/erase/erase-images.ts';
import { openErasureNotebook } from '../../scripts/erase/erasure-notebook.ts';
import { stackTraces } from '../../scripts/erase/stack-traces.ts';
import type { EmulatorAddress } from '../../scripts/local/emulator.ts';
import { moveLetters } from '../../scripts/redrive/redrive-stack.ts';
import { countLetters } from '../../scripts/stack/dead-letter-queue.ts';
import { deadLetterQueueNames } from '../../scripts/stack/dead-letter-queue-names.ts';
import { pauseIntake, resumeIntake } from '../../scripts/stack/intake-switch.ts';
import type { Stack } from '../../scripts/stack/stack.ts';
import { fastClock } from '../../test/faults/fast-clock.ts';
import { defectsOfAnnouncement, defectsOfBucket, defectsOfErased } from '../../test/faults/judge.ts';
import { type DomainEvent, emulatedPipeline, eventually } from '../../test/support/emulated-pipeline.ts';
import { smallImage } from '../../test/support/photos.ts';
import { descendantsOf, type Process, signal } from '../../test/support/processes.ts';
import { rolePermissions } from '../../test/support/role-permissions.ts';
import {
  chaosPlan,
  colours,
  erasedFolder,
  type Image,
  reserved,
  type Trouble,
  troubleKinds,
  unnoticedFolder,
} from './chaos-plan.ts';
import { runUntilDone } from './command.ts';

export interface ChaosReport {
  readonly uploads: number;
  readonly messages: number;
  /** How often each happened; for killed workers, how many. */
  readonly troubles: Readonly<Record<Trouble['kind'], number>>;
  readonly deadLetters: number;
  /** Rounds of redriving until none was left. */
  readonly redrives: number;
  readonly renditionsCompared: number;
  readonly erased: number;
  readonly backfilled: number;
  readonly defects: { readonly ofUploads: readonly string[]; readonly ofErased: readonly string[] };
}

/** At most this many messages are in the queue; the rest are sent when there is room. */
const AFLOAT = 40;
const MOST_REDRIVES = 10;
/** The duration of each fault, and of the pause after it. */
const TROUBLE_MILLIS = 1_500;
/** After the last message, for what an erasure and a backfill still do. */
const LAST_TROUBLES = 10;
/** A command that fails is run again. */
const MOST_RUNS = 10;

export async function chaos(
  stack: Stack,
  emulator: Pick<EmulatorAddress, 'environment'>,
  { seed, uploads }: { readonly seed: number; readonly uploads: number },
): Promise<ChaosReport> {
  const pipeline = emulatedPipeline(stack);
  const clock = fastClock(stack);
  const permission = rolePermissions(pipeline);
  const functionNames = new Map<string, string>();
  for (const stem of reserved.keys()) functionNames.set(stem, await pipeline.physicalId(`${stem}Function`));

  const throttle = (stem: string, ReservedConcurrentExecutions: number) =>
    pipeline.lambda.send(
      new PutFunctionConcurrencyCommand({ FunctionName: functionNames.get(stem), ReservedConcurrentExecutions }),
    );

  /** The renditions of each image without faults. */
  async function undisturbed(): Promise<Map<string, string>> {
    const hashes = new Map<string, string>();
    for (const colour of colours) {
      const key = `undisturbed-${colour}.png`;
      await pipeline.put(key, await smallImage(colour));
      const record = await pipeline.recordWhen(key, ({ outcome }) => outcome === 'processed');
      hashes.set(colour, await contentOf(record));
    }
    return hashes;
  }

  async function contentOf(record: ImageRecord): Promise<string> {
    const content = createHash('sha256');
    for (const { preset, key } of record.outcome === 'processed' ? record.renditions : [])
      content.update(preset).update((await pipeline.rendition(key)).bytes);
    return content.digest('hex');
  }

  /** Uploads them, and takes their events from the queue before they are processed. */
  async function eventsOf(images: readonly Image[]): Promise<string[]> {
    await pauseIntake(stack);
    const versions = images.flatMap(({ key, shown, before }) =>
      [before, shown].flatMap((colour) => (colour === undefined ? [] : [{ key, colour }])),
    );
    for (const { key, colour } of versions) await pipeline.put(key, await smallImage(colour));
    const bodies: string[] = [];
    while (bodies.length < versions.length) {
      const messages = await eventually('the events of the uploads', async () => {
        const { Messages } = await pipeline.sqs.send(
          new ReceiveMessageCommand({ QueueUrl: pipeline.queueUrl, MaxNumberOfMessages: 10 }),
        );
        return Messages;
      });
      bodies.push(...messages.map(({ Body = '' }) => Body));
      const Entries = messages.map(({ ReceiptHandle }, index) => ({ Id: String(index), ReceiptHandle }));
      await pipeline.sqs.send(new DeleteMessageBatchCommand({ QueueUrl: pipeline.queueUrl, Entries }));
    }
    await resumeIntake(stack);
    return bodies;
  }

  /** Returns how often it happened, after its time is over. */
  async function make(happening: Trouble): Promise<number> {
    switch (happening.kind) {
      case 'killed': {
        const targets = signal(
          'SIGKILL',
          workers().filter((_, index) => index % 3 === 0),
        );
        await sleep(TROUBLE_MILLIS);
        const alive = new Set(workers().map(({ id }) => id));
        return targets.filter(({ id }) => !alive.has(id)).length;
      }
      case 'throttled':
        await throttle(happening.stem, happening.to);
        await sleep(TROUBLE_MILLIS);
        return 1;
      case 'denied':
        await permission.takeAway(happening.stem, happening.sid, happening.action);
        await sleep(TROUBLE_MILLIS);
        return 1;
      default:
        throw new Error(`Unknown trouble: ${happening satisfies never}.`);
    }
  }

  async function calm(): Promise<void> {
    await permission.restore();
    for (const [stem, workers] of reserved) await throttle(stem, workers);
  }

  /** While messages arrive and calls fail. Both wait for the queue, so they go on until all is calm. */
  async function eraseAndBackfill(): Promise<void> {
    const erasing = { name: 'erase', args: ['--prefix', erasedFolder] } as const;
    const backfilling = { name: 'backfill', args: ['--prefix', unnoticedFolder] } as const;
    await Promise.all([erasing, backfilling].map((command) => runUntilDone(command, stack, emulator, MOST_RUNS)));
  }

  /** Traces of erased images that came back, and those that a second erasure, which docs/erase.md recommends, leaves. */
  async function defectsOfAllErased(images: readonly Image[], events: EventsByKey): Promise<string[]> {
    const notebook = openErasureNotebook(':memory:');
    const run = { notebook, store: await stackTraces(stack, { bucket: pipeline.bucket, perSecond: 1000 }) };
    try {
      await planErasure(
        run,
        (async function* () {
          for (const { key } of images) yield { key, imageId: await imageIdOf(pipeline.bucket, key) };
        })(),
      );
      await eraseImages(run);
      await lookAgain(run);
      const defects: string[] = [];
      for (const { key, found, verdict } of notebook.targets()) {
        const seen = { record: await pipeline.record(key), events: events.get(key) ?? [], found };
        // Without a trace, nothing was erased once more, and nothing was looked at.
        const sentences = defectsOfErased({ ...seen, left: verdict?.left ?? found });
        defects.push(...sentences.map((defect) => `${key}: ${defect}`));
      }
      return defects;
    } finally {
      notebook.close();
    }
  }

  async function defectsOf(images: readonly Image[], expected: ReadonlyMap<string, string>, events: EventsByKey) {
    const defects: string[] = [];
    let compared = 0;
    for (const { key, shown } of images) {
      const record = await pipeline.record(key);
      if (record?.outcome !== 'processed') {
        defects.push(`${key}: the record says ${record?.outcome ?? 'nothing'}.`);
        continue;
      }
      compared += record.renditions.length;
      const found = [
        ...defectsOfAnnouncement(record, record.outcome, events.get(key) ?? []),
        ...defectsOfBucket(record, await pipeline.renditionKeys(key)),
      ];
      defects.push(...found.map((defect) => `${key}: ${defect}`));
      if ((await contentOf(record)) !== expected.get(shown)) defects.push(`${key}: its renditions are not ${shown}.`);
    }
    return { defects, compared };
  }

  /** Until there are no dead letters, and the commands have ended. Returns how often. */
  async function redriveAll(busy: { readonly commands: boolean }): Promise<number> {
    let redrives = 0;
    while (redrives < MOST_REDRIVES) {
      const letters = await countLetters(stack, deadLetterQueueNames);
      if (letters === 0 && !busy.commands) break;
      if (letters > 0) {
        await moveLetters(stack, deadLetterQueueNames, [], { max: 10_000, perSecond: 100 }, () => undefined);
        redrives += 1;
      } else await sleep(TROUBLE_MILLIS);
      await clock.until(0);
    }
    return redrives;
  }

  const heard = await pipeline.subscribe();
  const expected = await undisturbed();
  await clock.start();
  const plan = chaosPlan({ seed, uploads });
  // Lost.
  await eventsOf(plan.unnoticed.map((image) => ({ ...image, before: undefined })));
  const shuffled = plan.disorder(await eventsOf([...plan.images, ...plan.erased]));
  const begin = Math.round(shuffled.length * plan.commandsAfter);
  const troubles = { killed: 0, throttled: 0, denied: 0 };
  const busy = { sending: true, commands: true };
  const send = async (messages: readonly string[]) => {
    for (const MessageBody of messages) {
      while ((await pipeline.messagesIn(pipeline.queueUrl)) >= AFLOAT) await sleep(200);
      await pipeline.sqs.send(new SendMessageCommand({ QueueUrl: pipeline.queueUrl, MessageBody }));
    }
  };
  const sending = (async () => {
    await send(shuffled.slice(0, begin));
    const commands = eraseAndBackfill().then(
      () => [],
      (error: unknown) => [String(error)],
    );
    void commands.then(() => {
      busy.commands = false;
    });
    await send(shuffled.slice(begin));
    busy.sending = false;
    return { commands };
  })();
  let last = 0;
  for (const happening of plan.troubles) {
    if (!busy.sending && (!busy.commands || last === LAST_TROUBLES)) break;
    if (!busy.sending) last += 1;
    troubles[happening.kind] += await make(happening);
    await calm();
    await sleep(TROUBLE_MILLIS);
  }
  const { commands } = await sending;
  await clock.until(0);

  const dead = await countLetters(stack, deadLetterQueueNames);
  const redrives = await redriveAll(busy);
  const failed = await commands;
  await clock.until(0);
  const left = await countLetters(stack, deadLetterQueueNames);
  const events = Map.groupBy(await heard(), ({ detail }) => detail.image.key);
  const { defects, compared } = await defectsOf([...plan.images, ...plan.unnoticed], expected, events);
  const ofErased = await defectsOfAllErased(plan.erased, events);
  return {
    uploads,
    messages: shuffled.length,
    troubles,
    deadLetters: dead,
    redrives,
    renditionsCompared: compared,
    ...{ erased: plan.erased.length, backfilled: plan.unnoticed.length },
    defects: {
      ofErased: [...ofErased, ...failed],
      ofUploads: [
        ...defects,
        ...(await disagreements(stack)).map((finding) => `The audit found: ${finding}.`),
        ...(left > 0 ? [`${left} dead letters remain.`] : []),
        ...troubleKinds
          .filter((kind) => troubles[kind] === 0)
          .map((kind) => `Nothing was ${kind}, so this run proves nothing.`),
      ],
    },
  };
}

type EventsByKey = ReadonlyMap<string, readonly DomainEvent[]>;

/** The processes that run functions, in the emulator that this process started. */
const workers = (): Process[] =>
  descendantsOf(process.pid).filter(({ command }) => /\bnode\b.*ministack-lambda-/.test(command));
