import { createHash } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import type { Scheduler } from 'fast-check';
import * as z from 'zod';
import { parseUploadEvent } from '../../adapters/contracts/upload-event.ts';
import { imageTask, removalTask, renditionTask } from '../../adapters/lambda/workflow-task.ts';
import { dispatchImage } from '../../core/dispatch-images.ts';
import { extractMetadata } from '../../core/extract-metadata.ts';
import type { RemovalTask } from '../../core/image-task.ts';
import { defaultLimits } from '../../core/limits.ts';
import { eventSource } from '../../core/names.ts';
import { rejected, rejectionReasons } from '../../core/outcome.ts';
import type { Bytes, ImageCodec, PipelineInput, RenditionStore, UploadReader } from '../../core/ports.ts';
import type { RenditionGroup } from '../../core/presets.ts';
import { removeRenditions } from '../../core/remove-renditions.ts';
import { resizeImage } from '../../core/resize-image.ts';
import { settingsOf } from '../../core/settings.ts';
import { never, runStateMachine, TaskError } from '../support/asl.ts';
import { exampleGroups } from '../support/example-presets.ts';
import { InMemoryRenditionStore } from '../support/in-memory-rendition-store.ts';
import { InMemoryUploadStore } from '../support/in-memory-upload-store.ts';
import { photoHeader, StubImageCodec } from '../support/stub-image-codec.ts';
import type { StateMachine } from '../support/workflow.ts';
import { InMemoryTable, type Item } from './in-memory-table.ts';

/** One failure, in one task of one attempt at a message. */
export interface Trouble {
  /** From 1. */
  readonly attempt: number;
  readonly state: string;
  readonly kind: (typeof taskTroubles | typeof workerTroubles)[number];
  /** For `half done`: the number of calls that the worker has made. */
  readonly calls?: number;
}
/** For any task. */
export const taskTroubles = [
  /** One call fails and does nothing. */
  'fails',
  /** One call does its work, but its response is lost. */
  'answer lost',
  /** All calls of this attempt fail. */
  'down',
  /** The workflow ends abruptly before, or after, the task takes effect. */
  'dies before',
  'dies after',
  /** The dispatcher loses the connection: the message is retried while the workflow continues. */
  'abandoned',
  /** The same, but the workflow pauses until everything else is done: a zombie. */
  'stalls',
] as const;
/** For tasks that are workers. */
export const workerTroubles = [
  /** The worker is killed before, between or after its calls. */
  'half done',
  /** The task times out, but its worker continues when everything else is done. */
  'works on',
] as const;

/** What S3 sends, or GuardDuty about one version: its verdicts have no sequencer. */
export interface Change {
  readonly key: string;
  readonly sequencer: string;
  readonly type: 'Created' | 'Permanently Deleted' | 'Delete Marker Created' | 'Infected';
  readonly versionId?: string | undefined;
  readonly etag: string;
  readonly bytes: Bytes;
  /** ISO 8601, UTC. */
  readonly occurredAt: string;
  /** Deleted by a lifecycle rule: the event has this sequencer, of a midnight before all changes. */
  readonly dated?: string;
}

export interface Message {
  readonly name: string;
  readonly change: Change;
  readonly troubles: readonly Trouble[];
  receives: number;
  attempts: number;
  outcome?: string;
  /** When the deciding run listed the renditions to remove; otherwise when it decided. */
  closedAt?: number;
}

interface Run {
  readonly name: string;
  readonly message: Message;
  readonly attempt: number;
  readonly lastAttempt: boolean;
  readonly struck: Set<string>;
  /** Ends only the dispatcher's wait. */
  readonly hangUp: (error: TaskError) => void;
  readonly die: (error: TaskError) => void;
  readonly death: Promise<never>;
  over: boolean;
  dead: boolean;
  abandoned: boolean;
  /** It has reached the state that records its failure. */
  failing: boolean;
  /** It has recorded its decision. */
  recorded: boolean;
  tidiedAt?: number;
}

export interface DomainEvent {
  readonly DetailType: string;
  readonly Detail: z.infer<typeof domainEvent>['Detail'];
}
const domainEvent = z.object({
  Source: z.literal(eventSource),
  DetailType: z.string(),
  Detail: z.looseObject({
    id: z.string(),
    occurredAt: z.string(),
    image: z.looseObject({ id: z.string(), version: z.string(), sequencer: z.string() }),
  }),
});

const attributeValue: z.ZodType<AttributeValue> = z.custom<AttributeValue>((value) => typeof value === 'object');
const item = z.record(z.string(), attributeValue);
const write = {
  TableName: z.literal('ImageTable'),
  ConditionExpression: z.string().optional(),
  ExpressionAttributeNames: z.record(z.string(), z.string()).optional(),
  ExpressionAttributeValues: item.optional(),
};
const putItem = z.strictObject({ ...write, Item: item, ReturnValues: z.literal('ALL_OLD').optional() });
const updateItem = z.strictObject({
  ...write,
  Key: item,
  UpdateExpression: z.string(),
  ReturnValues: z.literal('ALL_NEW').optional(),
});
const getItem = z.strictObject({ TableName: write.TableName, Key: item, ConsistentRead: z.literal(true) });
const putEvents = z.strictObject({
  Entries: z.tuple([z.strictObject({ EventBusName: z.literal('DomainEventBus'), ...domainEvent.shape })]),
});
const invocation = z.strictObject({ FunctionName: z.string(), Payload: z.json() });
const decision = z.discriminatedUnion('outcome', [
  z.strictObject({ outcome: z.literal('processed'), bytesOut: z.int() }),
  z.strictObject({ outcome: z.literal('rejected'), reason: z.enum(rejectionReasons) }),
  z.strictObject({ outcome: z.enum(['superseded', 'vanished', 'deleted']) }),
]);

/** For the scheduler, between two turns: resolves when everything waits for the next turn. */
export async function allWait(): Promise<void> {
  await setImmediate();
}

/**
 * During the work, SHA-256 is calculated at once. Web Crypto leaves the event loop: nothing else might run until it returns,
 * or histories would not be reproducible, and waiting for it took a quarter of the processor time.
 */
export async function hashingAtOnce<Result>(work: () => Promise<Result>): Promise<Result> {
  const { subtle } = globalThis.crypto;
  const digest: typeof subtle.digest = async (algorithm, data) => {
    if (algorithm !== 'SHA-256') throw new Error(`The model does not calculate ${JSON.stringify(algorithm)}.`);
    const bytes = ArrayBuffer.isView(data)
      ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
      : new Uint8Array(data);
    return new Uint8Array(createHash('sha256').update(bytes).digest()).buffer;
  };
  Object.defineProperty(subtle, 'digest', { value: digest, configurable: true });
  try {
    return await work();
  } finally {
    Reflect.deleteProperty(subtle, 'digest');
  }
}

const MAX_RECEIVES = 5;

/** Before and after a change: one rendition has another quality, one is new, and one is gone. */
export const presetLists: readonly [readonly RenditionGroup[], readonly RenditionGroup[]] = [
  exampleGroups,
  exampleGroups.map(({ name, presets }) => ({
    name,
    presets: presets
      .filter(({ format }) => format !== 'jpeg')
      .flatMap((preset) =>
        preset.name === 'webp-320'
          ? [
              { ...preset, name: 'webp-160', width: 160 },
              { ...preset, quality: 70 },
            ]
          : [preset],
      ),
  })),
];
export const BUCKET = 'uploads';

/** S3, queues, workflow, workers, table and bus in memory. At every await, a scheduler decides what continues. */
export class World {
  readonly uploads = new InMemoryUploadStore();
  readonly renditions = new InMemoryRenditionStore();
  readonly table = new InMemoryTable();
  readonly bus: DomainEvent[] = [];
  readonly messages: Message[] = [];
  readonly deadLetters: Message[] = [];
  readonly journal: string[] = [];
  /** States whose tasks always fail. */
  readonly outages = new Set<string>();
  /** Violations found by invariants that are checked continuously. */
  readonly defects: string[] = [];
  /** The last put of each rendition. `late`: its own workflow had already listed the renditions to remove. */
  readonly puts = new Map<string, { readonly message: Message; readonly at: number; readonly late: boolean }>();
  /** When runs listed the renditions of an image, and which of them they remove. */
  readonly listed: { readonly task: RemovalTask; readonly at: number }[] = [];
  /** Items of the table for idempotency: which image each is about. Nothing reads them, so every repeat is processed. */
  readonly decisions = new Map<string, string>();
  erasures = 0;
  /** Made by audits. */
  repairs = 0;
  rerenders = 0;
  backfills = 0;
  /** How often the presets changed. */
  releases = 0;
  /** The deployed presets. */
  groups = presetLists[0];
  /** The deployed limits. */
  limits = defaultLimits;
  /** Renditions that exist since before the presets last changed. */
  readonly stale = new Set<string>();
  /** How often each kind of trouble occurred. */
  readonly struck = new Map<Trouble['kind'], number>();
  /** Changes that some attempt recorded with an outcome other than failed. */
  readonly decided = new Set<string>();
  /** Changes whose last attempt was itself disturbed when it had to record its failure. */
  readonly unrecorded = new Set<Change>();
  /** Zombies, and the functions that wake them. */
  readonly #parked = new Map<object, () => void>();
  readonly #definition: StateMachine;
  readonly #scheduler: Scheduler;
  /** What is running. */
  readonly #active = new Set<object>();
  #clock = 0;
  readonly #readEvent: typeof parseUploadEvent;
  #calm = false;

  constructor(definition: StateMachine, scheduler: Scheduler, readEvent: typeof parseUploadEvent = parseUploadEvent) {
    this.#definition = definition;
    this.#readEvent = readEvent;
    this.#scheduler = scheduler;
  }

  /** Changes the bucket at once; the event arrives at any later time. */
  change(change: Change, options: { readonly receives: number; readonly troubles: readonly Trouble[] }): void {
    this.store(change);
    this.send(change, options);
  }

  /** In S3 alone. */
  store(change: Change): void {
    const { key, versionId, etag, bytes } = change;
    const object = { bucket: BUCKET, key, versionId, etag };
    if (change.type === 'Created') this.uploads.put(object, bytes);
    if (change.type === 'Permanently Deleted') this.uploads.remove(object);
  }

  /** Sends another message about a change. */
  send(change: Change, { receives, troubles }: { receives: number; troubles: readonly Trouble[] }): void {
    const name = `m${this.messages.length + 1}`;
    const message = { name, change, receives, attempts: 0, troubles };
    this.messages.push(message);
    this.#enqueue(message);
  }

  /** The repair of an audit that is no event. */
  async removeOwn(imageId: string, sequencer: string): Promise<void> {
    const task: RemovalTask = { correlationId: 'audit', image: { imageId, sequencer }, scope: 'own' };
    const renditionStore: RenditionStore = {
      put: (...rendition) => this.renditions.put(...rendition),
      list: (image) => this.renditions.list(image),
      remove: async (keys) => {
        for (const key of keys) this.#mayGo(key, 'an operator');
        await this.renditions.remove(keys);
      },
    };
    await removeRenditions(task, { renditionStore });
  }

  /** Releases the other list of presets, while nothing is in progress. */
  changePresets(): void {
    this.groups = this.groups === presetLists[0] ? presetLists[1] : presetLists[0];
    this.releases += 1;
    for (const key of this.renditions.keys) this.stale.add(key);
  }

  /** While everything else goes on. */
  inBackground(work: () => Promise<void>): void {
    void this.#busy({}, work);
  }

  redrive(): void {
    for (const message of this.deadLetters.splice(0)) {
      message.receives = 0;
      this.#enqueue(message);
    }
  }

  /** Zombies continue. They count as running from this moment. */
  wake(): void {
    for (const [worker, goOn] of this.#parked) {
      this.#active.add(worker);
      goOn();
    }
    this.#parked.clear();
  }

  get isAtRest(): boolean {
    return this.#active.size === 0;
  }

  async rest(): Promise<void> {
    while (this.#active.size > 0) await this.turn('rest');
  }

  /** Repairs everything and runs until nothing is left to do. */
  async settle(options: { readonly zombiesLast: boolean; readonly atRest: () => void }): Promise<void> {
    this.outages.clear();
    this.#calm = true;
    for (let redrives = 0; redrives < 3; ) {
      await this.rest();
      options.atRest();
      const [zombies, letters] = [this.#parked.size > 0, this.deadLetters.length > 0];
      if (zombies && !(letters && options.zombiesLast)) this.wake();
      else if (letters) {
        this.redrive();
        redrives += 1;
      } else return;
    }
    this.defects.push('A dead letter fails again after a redrive, although nothing is broken.');
  }

  #enqueue(message: Message): void {
    void this.#busy(message, async () => {
      while (message.receives < MAX_RECEIVES) {
        await this.turn(`${message.name} is received`);
        if (await this.#handle(message)) return;
      }
      this.journal.push(`${message.name} is a dead letter`);
      this.deadLetters.push(message);
    });
  }

  async #handle(message: Message): Promise<boolean> {
    message.receives += 1;
    message.attempts += 1;
    const event = await this.#readEvent(bodyOf(message.change), [BUCKET]);
    const pipeline = { run: (input: PipelineInput) => this.#execute(message, input) };
    try {
      const options = { lastAttempt: message.receives >= MAX_RECEIVES, groups: this.groups };
      const { outcome } = await dispatchImage(event, { pipeline }, options);
      message.outcome = outcome;
      message.closedAt ??= this.#clock;
      this.decisions.set(`${event.image.imageId} ${message.name}`, event.image.imageId);
      this.journal.push(`${message.name} is ${outcome}`);
      return true;
    } catch (error) {
      if (!(error instanceof TaskError)) this.defects.push(String(error));
      return false;
    }
  }

  #execute(message: Message, input: PipelineInput) {
    const { promise, resolve, reject } = Promise.withResolvers<z.infer<typeof decision>>();
    const death = Promise.withResolvers<never>();
    const name = `${message.name}.${message.attempts}`;
    const run: Run = {
      ...{ name, message, attempt: message.attempts, lastAttempt: input.lastAttempt, struck: new Set() },
      ...{ hangUp: reject, die: death.reject, death: death.promise },
      ...{ over: false, dead: false, abandoned: false, failing: false, recorded: false },
    };
    void this.#busy(run, async () => {
      try {
        const work = runStateMachine(this.#definition, JSON.parse(JSON.stringify(input)), {
          task: (call) => this.#task(run, call),
        });
        const { output } = await Promise.race([work, run.death]);
        // Nothing received the decision of an abandoned run.
        if (!run.abandoned) message.closedAt = run.tidiedAt ?? this.#clock;
        resolve(decision.parse(output));
      } catch (error) {
        reject(error);
      }
      run.over = true;
    });
    return promise;
  }

  async #busy(worker: object, work: () => Promise<void>): Promise<void> {
    this.#active.add(worker);
    await work().catch((error: unknown) => this.defects.push(String(error)));
    this.#active.delete(worker);
  }

  async #task(run: Run, call: { state: string; resource: string; parameters: unknown }): Promise<unknown> {
    const label = `${run.name} ${call.state}`;
    await this.turn(label);
    if (run.dead) return never;
    const { kind, calls } = this.#troubleOf(run, call) ?? {};
    const work = () => this.#work(run, call, label, calls);
    switch (kind) {
      case undefined:
      // Strikes later, when the worker is killed, possibly after its work.
      case 'half done':
        break;
      case 'fails':
      case 'down':
        this.#strike(kind, label);
        throw new TaskError('Lambda.ServiceException', `${call.state} is down`);
      case 'answer lost':
        await work();
        this.#strike(kind, label);
        throw new TaskError('Lambda.SdkClientException', `the response of ${call.state} is lost`);
      case 'dies before':
        this.#strike(kind, label);
        return this.#die(run);
      case 'dies after':
        await work();
        this.#strike(kind, label);
        return this.#die(run);
      case 'abandoned':
        this.#strike(kind, label);
        this.#abandon(run);
        break;
      case 'stalls':
        this.#strike(kind, label);
        this.#abandon(run);
        await this.#park(run);
        this.journal.push(`${label} continues`);
        break;
      case 'works on':
        this.#strike(kind, label);
        void this.#workOn(work);
        throw new TaskError('States.Timeout', `${call.state} takes too long`);
    }
    const result = await work();
    // If the workflow has ended in the meantime, there is nothing left to do.
    if (run.over) this.#active.delete(run);
    await this.turn(`${label} returns`);
    return run.dead ? never : result;
  }

  #troubleOf(run: Run, { state }: { state: string }): Partial<Trouble> | undefined {
    run.failing ||= state === 'WriteFailure';
    // One trouble at a time: an abandoned run completes.
    if (run.abandoned || this.#calm) return undefined;
    const own = run.message.troubles.find((trouble) => trouble.attempt === run.attempt && trouble.state === state);
    const fresh = own !== undefined && (own.kind === 'down' || !run.struck.has(state)) ? own : undefined;
    if (fresh !== undefined) run.struck.add(state);
    // The message's own trouble comes first, or an outage would hide it.
    const found = fresh ?? (this.outages.has(state) ? { kind: 'down' as const } : undefined);
    if (run.lastAttempt && found !== undefined && (run.failing || silences(found.kind)))
      this.unrecorded.add(run.message.change);
    return found;
  }

  #strike(kind: Trouble['kind'], label: string): void {
    this.journal.push(`${label}: ${kind}`);
    this.struck.set(kind, (this.struck.get(kind) ?? 0) + 1);
  }

  #die(run: Run): Promise<never> {
    run.dead = true;
    run.die(new TaskError('States.Timeout', 'the workflow died'));
    return never;
  }

  #abandon(run: Run): void {
    run.abandoned = true;
    run.hangUp(new TaskError('TimeoutError', 'the connection broke'));
  }

  async #park(worker: object): Promise<void> {
    this.#active.delete(worker);
    await new Promise<void>((goOn) => this.#parked.set(worker, goOn));
  }

  async #workOn(work: () => Promise<unknown>): Promise<void> {
    const worker = {};
    await this.#park(worker);
    await this.#busy(worker, async () => {
      // The workflow no longer waits for this worker: if its file kills it, nothing changes.
      await work().catch((error: unknown) => {
        if (!(error instanceof TaskError)) throw error;
      });
    });
  }

  async #work(
    run: Run,
    { resource, parameters }: { resource: string; parameters: unknown },
    label: string,
    maxCalls: number | undefined,
  ): Promise<unknown> {
    switch (resource) {
      case 'arn:aws:states:::lambda:invoke':
        return { Payload: await this.#invoke(run, invocation.parse(parameters), label, maxCalls) };
      case 'arn:aws:states:::dynamodb:getItem': {
        const found = this.table.get(getItem.parse(parameters).Key);
        return found === undefined ? {} : { Item: found };
      }
      case 'arn:aws:states:::dynamodb:putItem': {
        const { Item, ReturnValues, ...condition } = putItem.parse(parameters);
        const before = this.#watched(label, () => this.table.put(Item, condition), Item);
        // An erasure mark has no sequencer.
        run.recorded ||= Item['sequencer'] !== undefined;
        return ReturnValues === undefined || before === undefined ? {} : { Attributes: before };
      }
      case 'arn:aws:states:::dynamodb:updateItem': {
        const { Key, ReturnValues, ...update } = updateItem.parse(parameters);
        const after = this.#watched(label, () => this.table.update(Key, update), Key);
        return ReturnValues === undefined ? {} : { Attributes: after };
      }
      case 'arn:aws:states:::events:putEvents': {
        const [event] = putEvents.parse(parameters).Entries;
        this.journal.push(`${label}: ${event.DetailType} of ${event.Detail.image.sequencer.replace(/0+$/, '')}`);
        this.bus.push(event);
        return { FailedEntryCount: 0 };
      }
      default:
        throw new Error(`The workflow calls ${resource}, which the model does not support.`);
    }
  }

  #watched<Result>(label: string, act: () => Result, key: Item): Result {
    const before = this.table.get(key) ?? {};
    const result = act();
    const after = this.table.get(key) ?? {};
    const [outcome, sequencer = ''] = [after['outcome']?.S, after['sequencer']?.S];
    this.journal.push(`${label}: ${outcome ?? 'mark'} at ${sequencer.replace(/0+$/, '')}`);
    this.defects.push(...[...writeDefects(before, after)].map((defect) => `${label} ${defect}.`));
    if (outcome !== undefined && outcome !== 'failed') this.decided.add(`${after['imageId']?.S}/${sequencer}`);
    return result;
  }

  /** Runs the real use cases behind the real schemas, with stores where every call is a turn. */
  async #invoke(
    run: Run,
    { FunctionName, Payload }: z.infer<typeof invocation>,
    label: string,
    maxCalls: number | undefined,
  ): Promise<unknown> {
    let [calls, dead] = [0, false];
    const dieIfHalfDone = () => {
      if (calls !== maxCalls) return;
      if (!dead) this.#strike('half done', label);
      dead = true;
      throw new TaskError('Lambda.Unknown', 'the worker ran out of memory');
    };
    const turn = async (what: string) => {
      await this.turn(`${run.name} ${what}`);
      dieIfHalfDone();
      calls += 1;
    };
    const uploads: UploadReader = {
      read: async (upload) => {
        await turn('reads');
        return this.uploads.read(upload);
      },
    };
    const renditions = this.#renditionsOf(run, turn);
    const work = async () => {
      switch (FunctionName) {
        case 'ExtractMetadataFunction':
          return extractMetadata(
            imageTask.parse(Payload),
            { uploadReader: uploads, codec, limits: this.limits },
            { keepLocation: false },
          );
        case 'ResizeImageFunction':
          return resizeImage(
            renditionTask.parse(Payload),
            { uploadReader: uploads, renditionStore: renditions, codec, limits: this.limits },
            this.groups,
          );
        case 'RemoveRenditionsFunction':
          return this.#removeRenditions(removalTask.parse(Payload), renditions);
        default:
          throw new Error(`The workflow invokes ${FunctionName}: call its use case here, in test/model/world.ts.`);
      }
    };
    const result = await work();
    dieIfHalfDone();
    return result;
  }

  #removeRenditions(task: RemovalTask, renditions: RenditionStore) {
    const note = () => this.listed.push({ task, at: this.#clock });
    const renditionStore: RenditionStore = {
      ...renditions,
      async *list(imageId) {
        const keys = await Array.fromAsync(renditions.list(imageId));
        note();
        yield* keys;
      },
    };
    return removeRenditions(task, { renditionStore });
  }

  #renditionsOf(run: Run, turn: (what: string) => Promise<void>): RenditionStore {
    const { renditions, puts } = this;
    const tidied = () => {
      run.tidiedAt = this.#clock;
    };
    const now = () => this.#clock;
    return {
      async put(key, bytes, contentType) {
        await turn(`puts ${key}`);
        puts.set(key, {
          message: run.message,
          at: now(),
          late: run.over || run.dead || run.recorded || run.tidiedAt !== undefined,
        });
        await renditions.put(key, bytes, contentType);
      },
      async *list(imageId) {
        await turn('lists');
        tidied();
        yield* renditions.list(imageId);
      },
      remove: async (keys) => {
        for (const key of keys) {
          await turn(`removes ${key}`);
          this.#mayGo(key, run.name);
          await renditions.remove([key]);
        }
      },
    };
  }

  /** Checks that no record shows it. */
  #mayGo(key: string, who: string): void {
    const [imageId = ''] = key.split('/');
    const record = this.table.get({ imageId: { S: imageId } });
    // Of an erased or infected version, the record is about to change.
    const isMarked = this.table.get({ imageId: { S: `${imageId}#${record?.['version']?.S}` } }) !== undefined;
    const isShown = record?.['renditions']?.L?.some((rendition) => rendition.M?.['key']?.S === key) === true;
    if (isShown && !isMarked) this.defects.push(`${who} removes ${key}, which is still on record.`);
  }

  /** Resolves when the scheduler says so. */
  async turn(label: string): Promise<void> {
    await this.#scheduler.schedule(Promise.resolve(), label);
    this.#clock += 1;
  }
}

export const header = { ...photoHeader, width: 300, height: 200 };

/** A small image: one rendition per format. */
class ModelCodec extends StubImageCodec {
  override header = header;

  override async open(bytes: Bytes): ReturnType<ImageCodec['open']> {
    const image = await super.open(bytes);
    if (image.outcome === 'rejected') return image;
    const text = textOf(bytes);
    return {
      ...image,
      portray: async () => (/^(torn|cracked)/.test(text) ? torn : image.portray()),
      render: async (presets) => {
        // In the other group, the renditions are written nevertheless.
        if (text.startsWith('deadly') && presets.some(({ format }) => format === 'avif'))
          throw new TaskError('Runtime.OutOfMemory', 'the worker ran out of memory');
        if (text.startsWith('torn')) return torn;
        const rendered = await image.render(presets);
        if (rendered.outcome === 'rejected') return rendered;
        const renditions = rendered.renditions.map((rendition) => ({
          ...rendition,
          bytes: new TextEncoder().encode(settingsOf(rendition.preset)),
        }));
        return { ...rendered, renditions };
      },
    };
  }
}
const codec = new ModelCodec();
const torn = rejected('corrupt', 'It is truncated.');
const textOf = (bytes: Bytes) => new TextDecoder().decode(bytes);

/** Invariants of every write of a record. */
function* writeDefects(before: Item, after: Item): Generator<string> {
  const [from = '', to = ''] = [before, after].map(({ sequencer }) => sequencer?.S);
  const [was, is] = [before, after].map(({ outcome }) => outcome?.S);
  if (to < from) yield `moved the record back from sequencer ${from} to ${to}`;
  if (is === 'failed' && !isDeepStrictEqual(before['renditions'], after['renditions'])) {
    yield 'recorded a failure and removed the listed renditions';
  }
  if (from !== to) return;
  if (was === 'deleted' && is !== 'deleted') yield 'brought back an erased image';
  const isErasure = was !== 'deleted' && is === 'deleted';
  const isVerdict = was === 'processed' && is === 'rejected' && after['reason']?.S === 'malware';
  const isFinal = before['announced']?.BOOL === true && was !== 'failed';
  if (isFinal && !isErasure && !isVerdict && !isDeepStrictEqual(before, after))
    yield `changed a record that had been announced as ${was}`;
}

/** Nothing is left to record that this attempt failed. */
function silences(kind: Trouble['kind']): boolean {
  return kind === 'dies before' || kind === 'dies after' || kind === 'abandoned' || kind === 'stalls';
}

export function bodyOf({ key, sequencer, type, versionId, etag, bytes, occurredAt, dated }: Change): string {
  if (type === 'Infected') {
    return JSON.stringify({
      id: `verdict-${key}-${versionId ?? etag}`,
      time: occurredAt,
      'detail-type': 'GuardDuty Malware Protection Object Scan Result',
      detail: {
        s3ObjectDetails: { bucketName: BUCKET, objectKey: key, versionId: versionId ?? null, eTag: etag },
        scanResultDetails: { scanResultStatus: 'THREATS_FOUND' },
      },
    });
  }
  const created = type === 'Created';
  return JSON.stringify({
    id: `event-${key}-${sequencer}`,
    time: occurredAt,
    'detail-type': created ? 'Object Created' : 'Object Deleted',
    detail: {
      bucket: { name: BUCKET },
      object: {
        key,
        sequencer: dated ?? sequencer,
        'version-id': versionId,
        ...(created && { etag, size: bytes.length }),
      },
      ...(!created && {
        'deletion-type': type,
        reason: dated === undefined ? 'DeleteObject' : 'Lifecycle Expiration',
      }),
    },
  });
}
