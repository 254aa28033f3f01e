import { createHash } from 'node:crypto';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import fc from 'fast-check';
import * as z from 'zod';
import { domainEvents } from '../../adapters/contracts/domain-events.ts';
import { padSequencer } from '../../core/image.ts';
import { workers } from '../../core/steps.ts';
import { consume, type ImageState, isTrueOf, kinds, meaningOf, possibleEndings, renditionKeys } from './reference.ts';
import { imagePipeline, type StateMachine } from './state-machine.ts';
import { allWait, BUCKET, type Change, type Trouble, taskTroubles, World } from './world.ts';

/** Histories of a bucket, and what must be true of the pipeline after each of them. */

/** What has happened in S3. */
interface Model {
  readonly versioned: boolean;
  readonly images: Map<string, ImageState[]>;
  readonly changes: Change[];
}
type Command = fc.AsyncCommand<Model, World>;
interface Sending {
  readonly receives: number;
  readonly troubles: readonly Trouble[];
}

const imageIdOf = (key: string) => createHash('sha256').update(`${BUCKET}/${key}`).digest('hex').slice(0, 32);

function* taskNames({ States }: StateMachine): Generator<string> {
  for (const [name, state] of Object.entries(States)) {
    if (state.Type === 'Task') yield name;
    if (state.Type === 'Parallel') for (const branch of state.Branches) yield* taskNames(branch);
    if (state.Type === 'Map') yield* taskNames(state.ItemProcessor);
  }
}

// The second image shows that nobody touches another's.
const key = fc.constantFrom('cat.jpg', 'cat.jpg', 'cat.jpg', 'dog.jpg');
// From the write that decides to the event it matters most who dies when.
const decisive = fc.constantFrom('WriteRecord', 'LookForMark', 'EraseVersion', 'Announce', 'MarkAnnounced');
const task = fc.oneof(fc.constantFrom(...taskNames(imagePipeline())), decisive);
const attempt = fc.constantFrom(1, 1, 1, 2, 3);
const worker = fc.constantFrom(...workers.map(({ name }) => name));
const taskTrouble = fc.record({ attempt, state: task, kind: fc.constantFrom(...taskTroubles) });
// The first makes one call, the second two or three, the third one and one more for each key that it removes.
const halfDone = fc.record({ attempt, state: worker, kind: fc.constant('half done' as const), calls: fc.nat(3) });
const worksOn = fc.record({ attempt, state: worker, kind: fc.constant('works on' as const) });
const trouble: fc.Arbitrary<Trouble> = fc.oneof({ arbitrary: taskTrouble, weight: 6 }, halfDone, worksOn);
// Throttled receives may have used up the tries before the first one.
const sending = fc.record({
  receives: fc.constantFrom(0, 0, 0, 3, 4),
  troubles: fc.array(trouble, { maxLength: 3 }),
});

/** The sequencer is S3's: longer or shorter, to be compared after padding on the right. */
function now({ changes }: Model): Pick<Change, 'sequencer' | 'occurredAt'> {
  return {
    sequencer: (changes.length + 1).toString(16).padStart(4, '0').replace(/0+$/, ''),
    occurredAt: new Date(Date.UTC(2026, 0, 1, 0, 0, changes.length)).toISOString(),
  };
}

function happen(model: Model, world: World, change: Change, options: Sending): void {
  model.changes.push(change);
  world.journal.push(`S3: ${change.type} ${change.key} ${change.versionId ?? ''} at ${change.sequencer}`);
  world.change(change, options);
}

const upload = fc
  .record({
    key,
    kind: fc.constantFrom('photo', ...kinds),
    sameBytes: fc.constantFrom(false, false, false, true),
    sending,
  })
  .map(
    (given): Command => ({
      check: () => true,
      async run(model, world) {
        await world.turn('S3');
        const states = model.images.get(given.key) ?? [];
        const before = given.sameBytes ? states.findLast(({ type }) => type === 'Created') : undefined;
        const { sequencer, occurredAt } = now(model);
        const versionId = model.versioned ? `v${sequencer}` : undefined;
        const kind = before?.kind ?? given.kind;
        const bytes = before?.bytes ?? new Uint8Array(Buffer.from(kind === 'empty' ? '' : `${kind} ${sequencer}`));
        const etag = before?.etag ?? `e${sequencer}`;
        const change: Change = { key: given.key, sequencer, occurredAt, type: 'Created', versionId, etag, bytes };
        model.images.set(given.key, [...states, { ...change, kind }]);
        happen(model, world, change, given.sending);
      },
      toString: () => `upload(${JSON.stringify(given)})`,
    }),
  );

const remove = fc.record({ key, sending }).map(
  (given): Command => ({
    check: ({ images }) => images.has(given.key),
    async run(model, world) {
      await world.turn('S3');
      const { sequencer, occurredAt } = now(model);
      const change: Change = {
        ...{ key: given.key, sequencer, occurredAt, etag: '', bytes: new Uint8Array() },
        ...(model.versioned
          ? { type: 'Delete Marker Created', versionId: `v${sequencer}` }
          : { type: 'Permanently Deleted' }),
      };
      model.images.get(given.key)?.push({ ...change, kind: 'deletion' });
      happen(model, world, change, given.sending);
    },
    toString: () => `delete(${JSON.stringify(given)})`,
  }),
);

/** One version for good, also a delete marker's. */
const erase = fc.record({ key, version: fc.constantFrom(0, 0, 0, 1, 2), sending }).map((given): Command => {
  const chosen = ({ images }: Model) => images.get(given.key)?.toReversed()[given.version];
  return {
    check: (model) => {
      const state = chosen(model);
      return model.versioned && state !== undefined && state.erasedAt === undefined;
    },
    async run(model, world) {
      await world.turn('S3');
      const state = chosen(model);
      if (state === undefined) return;
      const change: Change = { ...state, ...now(model), type: 'Permanently Deleted' };
      // Without its delete marker the record stays as it is: docs/decisions/0005.
      if (state.kind !== 'deletion') state.erasedAt = change.occurredAt;
      happen(model, world, change, given.sending);
    },
    toString: () => `erase(${JSON.stringify(given)})`,
  };
});

const repeat = fc.record({ change: fc.nat(9), times: fc.integer({ min: 1, max: 5 }), sending }).map(
  (given): Command => ({
    check: ({ changes }) => changes.length > 0,
    async run({ changes }, world) {
      await world.turn('S3');
      const change = changes.at(given.change % changes.length);
      for (let time = 0; change !== undefined && time < given.times; time += 1) world.send(change, given.sending);
    },
    toString: () => `repeat(${JSON.stringify(given)})`,
  }),
);

const always = (name: string, act: (world: World, model: Model) => void | Promise<void>): Command => ({
  check: () => true,
  async run(model, world) {
    await world.turn(name);
    await act(world, model);
  },
  toString: () => name,
});

async function rest(world: World, model: Model): Promise<void> {
  await world.rest();
  world.defects.push(...defectsAtRest(model, world));
}

const commands = [
  upload,
  upload,
  remove,
  erase,
  erase,
  repeat,
  fc.constant(always('rest', rest)),
  fc.constant(always('redrive', (world) => world.redrive())),
  fc.constant(always('wake', (world) => world.wake())),
  task.map((state) => always(`break(${state})`, ({ outages }) => void outages.add(state))),
  fc.constant(always('repair', ({ outages }) => outages.clear())),
];

/** What the record tells, as far as it matters here. */
const record = z.object({
  outcome: z.string(),
  version: z.string(),
  sequencer: z.string(),
  occurredAt: z.string(),
  announced: z.boolean(),
  renditions: z.array(z.object({ key: z.string() })).default([]),
});

export interface Figures {
  histories: number;
  changes: number;
  messages: number;
  events: number;
  /** Renditions that a worker wrote after its message had been decided: nobody shows them, nobody removes them. */
  leftBehind: number;
  readonly troubles: Map<Trouble['kind'], number>;
}
export interface Findings {
  readonly figures: Figures;
  /** Absent where every history ended well. */
  readonly defect?: {
    /** How many histories it took. */
    readonly after: number;
    /** The steps of the smallest history that shows it, and what was wrong after it. */
    readonly smallest: string;
    /** All that there is to know, with what makes it happen again. */
    readonly report: string;
  };
}

export async function runHistories(options: {
  readonly seed: number;
  readonly runs: number;
  readonly workflow?: StateMachine;
}): Promise<Findings> {
  const figures: Figures = {
    ...{ histories: 0, changes: 0, messages: 0, events: 0, leftBehind: 0 },
    troubles: new Map(),
  };
  const property = everyHistoryEndsWell(options.workflow ?? imagePipeline(), figures);
  const details = await fc.check(property, { seed: options.seed, numRuns: options.runs });
  if (!details.failed) return { figures };
  const { counterexample, errorInstance, counterexamplePath: path, numRuns: after } = details;
  const steps = counterexample === null ? [] : [...counterexample[1]].map(String);
  const [what = '', ...told] = errorInstance instanceof Error ? errorInstance.message.split('\n') : [];
  const smallest = `${steps.map((step) => step.replace(/\(.*/s, '')).join(', ')}: ${what}`;
  const again = `seed ${options.seed}, path ${path}, ${JSON.stringify(counterexample?.[0])}`;
  return { figures, defect: { after, smallest, report: [what, ...told, '', ...steps, '', again].join('\n') } };
}

function everyHistoryEndsWell(definition: StateMachine, figures: Figures) {
  return fc.asyncProperty(
    fc.record({ versioned: fc.constantFrom(true, true, true, false), zombiesLast: fc.boolean() }),
    fc.commands(commands, { maxCommands: 24, size: 'max' }),
    fc.scheduler({
      act: async (turn) => {
        await turn();
        await allWait();
      },
    }),
    async ({ versioned, zombiesLast }, history, scheduler) => {
      const world = new World(definition, scheduler);
      const model: Model = { versioned, images: new Map(), changes: [] };
      const atRest = () => world.defects.push(...defectsAtRest(model, world));
      const run = async () => {
        await fc.asyncModelRun(() => ({ model, real: world }), history);
        await world.settle({ zombiesLast, atRest });
      };
      await scheduler.waitFor(run());
      count(figures, model, world);
      const defects = new Set([...world.defects, ...defectsInTheEnd(model, world, figures)]);
      if (defects.size > 0) throw new Error(`${[...defects].join('\n')}\n\n${world.journal.join('\n')}`);
    },
  );
}

function count(figures: Figures, { changes }: Model, { messages, bus, struck }: World): void {
  figures.histories += 1;
  figures.changes += changes.length;
  figures.messages += messages.length;
  figures.events += bus.length;
  for (const [kind, times] of struck) figures.troubles.set(kind, (figures.troubles.get(kind) ?? 0) + times);
}

function recordOf({ table }: World, image: string) {
  const item = table.get({ imageId: { S: imageIdOf(image) } });
  return item && record.parse(unmarshall(item));
}

function eventsOf({ bus }: World, image: string) {
  return bus.filter(({ Detail }) => Detail.image.id === imageIdOf(image));
}

/** Whenever nobody is at work; messages may wait in the dead-letter queue, and zombies somewhere. */
function* defectsAtRest({ images }: Model, world: World): Generator<string> {
  for (const [image, states] of images) {
    const found = recordOf(world, image);
    yield* hearsayDefects(image, found, world);
    for (const { key } of found?.renditions ?? []) {
      const state = states.find(({ sequencer }) => key.includes(`/${padSequencer(sequencer)}/`));
      // Of an erased one the end is on the way.
      const isErased = state?.erasedAt !== undefined;
      if (!isErased && !world.renditions.objects.has(key)) yield `${key} is shown, and is not there.`;
    }
    const newest = states.at(-1);
    if (newest && world.deadLetters.some(({ change }) => isUpload(change, newest) && !world.untold.has(change))) {
      yield* failureDefects(newest, found, world);
    }
  }
}

function* hearsayDefects(image: string, found: Found, world: World): Generator<string> {
  if (!found?.announced) return;
  const events = eventsOf(world, image);
  for (const heard of [consume(events), consume(events.toReversed())]) {
    if (!isSame(heard, found)) yield `${image} is announced as ${told(found)}, and consumers believe ${told(heard)}.`;
  }
}

const isUpload = ({ type, key, sequencer }: Change, state: Change) =>
  type === 'Created' && key === state.key && sequencer === state.sequencer;

/** The newest upload is a dead letter, and nothing kept its last try from saying so: unless another try decided, all know. */
function* failureDefects(state: ImageState, found: Found, world: World): Generator<string> {
  const failure = { outcome: 'failed', sequencer: padSequencer(state.sequencer) };
  if (world.decided.has(`${imageIdOf(state.key)}/${failure.sequencer}`)) return;
  if (!isSame(found, failure)) yield `${state.key} is ${told(found)}, and should be ${told(failure)}.`;
  if (found?.announced === false) yield `${state.key} is ${told(found)}, and that was not announced.`;
  const isErased = world.messages.some(
    ({ change, outcome }) =>
      outcome !== undefined && change.type === 'Permanently Deleted' && change.versionId === state.versionId,
  );
  if (state.erasedAt !== undefined && isErased) yield `${state.key} has failed, though its version was erased.`;
}

/** When everything works again, all dead letters are redriven and all zombies are at rest. */
function* defectsInTheEnd(model: Model, world: World, figures: Figures): Generator<string> {
  for (const { name, outcome } of world.messages) if (outcome === undefined) yield `${name} is lost.`;
  for (const [image, states] of model.images) {
    const found = recordOf(world, image);
    const possible = possibleEndings(states);
    if (!possible.some((ending) => isSame(ending, found))) {
      yield `${image} is ${told(found)}, and should be ${possible.map(told).join(' or ')}.`;
    }
    const state = stateAt(states, found?.sequencer);
    if (found && !(state && isTrueOf(state, found))) {
      yield `${image} is ${told(found)}, of version ${found.version} at ${found.occurredAt}, which is not so.`;
    }
    if (found?.announced === false) yield `${image} is ${told(found)}, and was not announced.`;
    const events = eventsOf(world, image);
    if (found === undefined && events.length > 0) yield `${image} has no record, and was announced.`;
    yield* renditionDefects(image, found, world, figures);
    yield* eventDefects(states, events);
  }
}

function stateAt(states: readonly ImageState[], sequencer: string | undefined): ImageState | undefined {
  return states.find((state) => padSequencer(state.sequencer) === sequencer);
}

function* renditionDefects(image: string, found: Found, world: World, figures: Figures): Generator<string> {
  const imageId = imageIdOf(image);
  const wanted = found?.outcome === 'processed' ? renditionKeys(imageId, found.sequencer) : [];
  const shown = found?.renditions.map((rendition) => rendition.key) ?? [];
  if (shown.toSorted().join() !== wanted.toSorted().join()) {
    const [has, needs] = [shown, wanted].map((keys) => keys.map((key) => key.split('/').at(-1)).join(', '));
    yield `${image} shows [${has}], and should show [${needs}].`;
  }
  for (const key of wanted) if (!world.renditions.objects.has(key)) yield `${key} is not there.`;
  for (const key of world.renditions.keys.filter((stored) => stored.startsWith(`${imageId}/`))) {
    if (wanted.includes(key)) continue;
    const put = world.puts.get(key);
    if (put?.late && put.at > (put.message.closedAt ?? Number.POSITIVE_INFINITY)) figures.leftBehind += 1;
    else yield `No record shows ${key}, and it was not removed.`;
  }
}

function* eventDefects(states: readonly ImageState[], events: ReturnType<typeof eventsOf>): Generator<string> {
  const ids = new Map<string, string>();
  for (const { DetailType, Detail } of events) {
    const { version, sequencer } = Detail.image;
    const promised = Object.entries(domainEvents)
      .find(([type]) => type === DetailType)?.[1]
      .safeParse(Detail);
    if (!promised?.success) yield `${DetailType} is not as promised: ${promised?.error.message ?? 'nobody knows it'}.`;
    const state = stateAt(states, sequencer);
    const { outcome } = meaningOf(DetailType);
    if (!(state && isTrueOf(state, { ...Detail, outcome, version }))) {
      yield `${Detail.id} of version ${version} at ${Detail.occurredAt}, which is not so.`;
    }
    const said = `${DetailType} ${sequencer}`;
    if ((ids.get(said) ?? Detail.id) !== Detail.id) yield `${said} is announced under two ids.`;
    ids.set(said, Detail.id);
  }
}

type Found = z.infer<typeof record> | undefined;
type Told = { readonly outcome: string; readonly sequencer: string } | undefined;
const isSame = (one: Told, other: Told) => one?.outcome === other?.outcome && one?.sequencer === other?.sequencer;
const told = (ending: Told) =>
  ending === undefined ? 'nothing' : `${ending.outcome} at ${ending.sequencer.replace(/0+$/, '')}`;
