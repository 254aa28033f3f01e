import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import fc from 'fast-check';
import * as z from 'zod';
import { domainEvents, progressEvents } from '../../adapters/contracts/domain-events.ts';
import type { parseUploadEvent } from '../../adapters/contracts/upload-event.ts';
import { isRecordOf, type Repair } from '../../core/audit.ts';

import { backfillOf } from '../../core/backfill.ts';
import { type ErasureRules, erasureRules } from '../../core/erase.ts';

import { padSequencer } from '../../core/image.ts';
import type { RemovalTask } from '../../core/image-task.ts';
import { isOutdated, outdated } from '../../core/settings.ts';
import { workers } from '../../core/steps.ts';
import { snapshotId } from '../../scripts/announce/snapshot.ts';
import { substituted } from '../support/asl.ts';
import { type StateMachine, workflow } from '../support/workflow.ts';
import { type Bucket, defectsOfErasure, type ErasedClaim, eraseInHistory, lettersLeft } from './erasure.ts';
import { historyDefects, type RecordHistory } from './history.ts';
import {
  consume,
  type ImageState,
  isDescribedBy,
  isTrueOf,
  kinds,
  meaningOf,
  possibleEndings,
  renditionKeys,
} from './reference.ts';
import {
  type Backfill,
  backfillsFor,
  currentOf,
  factsOf,
  presetsOf,
  type Rerender,
  repairsFor,
  rerender,
} from './repairs.ts';
import {
  allWait,
  BUCKET,
  type Change,
  type DomainEvent,
  hashingAtOnce,
  presetLists,
  type Trouble,
  taskTroubles,
  World,
} from './world.ts';

/** Random histories of a bucket, and what must be true of the pipeline after each of them. */

/** What has happened in S3. */
interface Model {
  readonly versioned: boolean;
  readonly images: Map<string, ImageState[]>;
  readonly changes: Change[];
  readonly rerender: Rerender;
  readonly backfill: Backfill;
  readonly erasureRules: ErasureRules;
  /** Commands that still run. */
  readonly erasures: Promise<void>[];
  readonly erased: ErasedClaim[];
  /** The images that an operator has begun to erase. */
  readonly touched: Set<string>;
  readonly removedMarkers: Set<string>;
}
type Command = fc.AsyncCommand<Model, World>;
interface Sending {
  readonly receives: number;
  readonly troubles: readonly Trouble[];
}

const imageIdOf = (key: string) => createHash('sha256').update(`${BUCKET}/${key}`).digest('hex').slice(0, 32);

// The second image shows that images do not affect each other.
const key = fc.constantFrom('cat.jpg', 'cat.jpg', 'cat.jpg', 'dog.jpg');
// Failures matter most between the deciding write and the event.
const decisive = fc.constantFrom('WriteRecord', 'LookForMark', 'EraseVersion', 'Announce', 'MarkAnnounced');
const task = fc.oneof(fc.constantFrom(...workflow.tasks.map(({ state }) => state)), decisive);
const attempt = fc.constantFrom(1, 1, 1, 2, 3);
const worker = fc.constantFrom(...workers.map(({ name }) => name));
const taskTrouble = fc.record({ attempt, state: task, kind: fc.constantFrom(...taskTroubles) });
// The first makes one call, the second two or three, the third one plus one per key that it removes.
const halfDone = fc.record({ attempt, state: worker, kind: fc.constant('half done' as const), calls: fc.nat(3) });
const worksOn = fc.record({ attempt, state: worker, kind: fc.constant('works on' as const) });
const trouble: fc.Arbitrary<Trouble> = fc.oneof({ arbitrary: taskTrouble, weight: 6 }, halfDone, worksOn);
// Throttled receives may use up attempts before the first one runs.
const sending = fc.record({
  receives: fc.constantFrom(0, 0, 0, 3, 4),
  troubles: fc.array(trouble, { maxLength: 3 }),
});

/** All changes are made on this day, one per second. */
const MIDNIGHT = Date.UTC(2026, 0, 1);
/** Like S3's: two zeros and the time in seconds. */
const sequencerOf = (millis: number) => `00${(millis / 1000).toString(16)}`.replace(/0+$/, '');

/** Sequencers have different lengths, as S3's have, and must be padded on the right before comparing. */
function now({ changes }: Model): Pick<Change, 'sequencer' | 'occurredAt'> {
  const millis = MIDNIGHT + (changes.length + 1) * 1000;
  return { sequencer: sequencerOf(millis), occurredAt: new Date(millis).toISOString() };
}

function happen(model: Model, world: World, change: Change, options: Sending): void {
  model.changes.push(change);
  world.journal.push(`It happens: ${change.type} ${change.key} ${change.versionId ?? ''} at ${change.sequencer}`);
  world.change(change, options);
}

const stored = fc.record({
  key,
  kind: fc.constantFrom('photo', ...kinds),
  sameBytes: fc.constantFrom(false, false, false, true),
  sending,
});
type Stored = typeof stored extends fc.Arbitrary<infer Value> ? Value : never;

/** A new version of an image. */
function nextVersion(model: Model, given: Stored): { readonly change: Change; readonly state: ImageState } {
  const states = model.images.get(given.key) ?? [];
  const before = given.sameBytes ? states.findLast(({ type }) => type === 'Created') : undefined;
  const { sequencer, occurredAt } = now(model);
  const versionId = model.versioned ? `v${sequencer}` : undefined;
  const kind = before?.kind ?? given.kind;
  const bytes = before?.bytes ?? new Uint8Array(Buffer.from(kind === 'empty' ? '' : `${kind} ${sequencer}`));
  const etag = before?.etag ?? `e${sequencer}`;
  const change: Change = { key: given.key, sequencer, occurredAt, type: 'Created', versionId, etag, bytes };
  // Without versions, a verdict names the bytes, and they are the same.
  const infected = !model.versioned && before?.infected === true;
  return { change, state: { ...change, kind, infected } };
}

const upload = stored.map(
  (given): Command => ({
    check: () => true,
    async run(model, world) {
      await world.turn('S3');
      const { change, state } = nextVersion(model, given);
      model.images.set(given.key, [...(model.images.get(given.key) ?? []), state]);
      happen(model, world, change, given.sending);
    },
    toString: () => `upload(${JSON.stringify(given)})`,
  }),
);

/** As if it had been stored before the bucket was adopted. */
const unnoticed = stored.map(
  (given): Command => ({
    check: ({ images }) => !images.has(given.key),
    async run(model, world) {
      await world.turn('S3');
      if (model.images.has(given.key)) return;
      const { change, state } = nextVersion(model, given);
      model.images.set(given.key, [{ ...state, unnoticed: true }]);
      model.changes.push(change);
      world.journal.push(`It happens unnoticed: ${change.type} ${change.key} at ${change.sequencer}`);
      world.store(change);
    },
    toString: () => `unnoticed(${JSON.stringify(given)})`,
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

/** A lifecycle rule removes what is there. S3 dates the deletion to the midnight before the upload. */
const expire = fc.record({ key, sending }).map((given): Command => {
  const isCurrent = ({ images }: Model) => {
    const state = images.get(given.key)?.at(-1);
    return state !== undefined && state.kind !== 'deletion' && state.erasedAt === undefined;
  };
  return {
    check: isCurrent,
    async run(model, world) {
      await world.turn('S3');
      // An operator has erased the image meanwhile.
      if (!isCurrent(model)) return;
      const { sequencer, occurredAt } = now(model);
      const change: Change = {
        ...{ key: given.key, sequencer, occurredAt, etag: '', bytes: new Uint8Array(), dated: sequencerOf(MIDNIGHT) },
        ...(model.versioned
          ? { type: 'Delete Marker Created', versionId: `v${sequencer}` }
          : { type: 'Permanently Deleted' }),
      };
      model.images.get(given.key)?.push({ ...change, kind: 'deletion' });
      happen(model, world, change, given.sending);
    },
    toString: () => `expire(${JSON.stringify(given)})`,
  };
});

/** Removes one version permanently, possibly a delete marker. */
const erase = fc.record({ key, version: fc.constantFrom(0, 0, 0, 1, 2), sending }).map((given): Command => {
  const states = ({ images }: Model) => images.get(given.key) ?? [];
  const chosen = (model: Model) => {
    const state = states(model).toReversed()[given.version];
    // The deletion that an audit repeats is no version.
    return model.versioned && state?.versionId !== undefined && state.erasedAt === undefined ? state : undefined;
  };
  return {
    check: (model) => chosen(model) !== undefined,
    async run(model, world) {
      await world.turn('S3');
      const state = chosen(model);
      // An operator has erased the image meanwhile.
      if (state === undefined) return;
      const { dated: _, ...version } = state;
      const change: Change = { ...version, ...now(model), type: 'Permanently Deleted' };
      // Removing a delete marker does not change the record: docs/decisions/0005.
      const isSameVersion = ({ kind, versionId }: ImageState) => kind !== 'deletion' && versionId === state.versionId;
      // A repaired version occurs more than once.
      for (const same of states(model).filter(isSameVersion))
        if (state.kind !== 'deletion') same.erasedAt = change.occurredAt;
      happen(model, world, change, given.sending);
    },
    toString: () => `erase(${JSON.stringify(given)})`,
  };
});

/** GuardDuty reports malware in one version, possibly an old or an erased one: at once, late, or again. */
const infect = fc.record({ key, version: fc.constantFrom(0, 0, 0, 1, 2), sending }).map((given): Command => {
  const chosen = ({ images }: Model) =>
    images
      .get(given.key)
      ?.filter(({ kind }) => kind !== 'deletion')
      .at(-1 - given.version);
  return {
    check: (model) => chosen(model) !== undefined,
    async run(model, world) {
      await world.turn('GuardDuty');
      const state = chosen(model);
      if (state === undefined) return;
      // Without versions, GuardDuty names the bytes.
      for (const other of model.images.get(given.key) ?? [])
        if (
          other.type === 'Created' &&
          other.etag === state.etag &&
          (!model.versioned || other.versionId === state.versionId)
        )
          other.infected = true;
      happen(model, world, { ...state, occurredAt: now(model).occurredAt, type: 'Infected' }, given.sending);
    },
    toString: () => `infect(${JSON.stringify(given)})`,
  };
});

/** An operator audits one image, after everything that was on its way has ended, and repairs what the audit finds. */
const audit = fc.record({ key, sending }).map(
  (given): Command => ({
    check: ({ images }) => images.has(given.key),
    async run(model, world) {
      await world.turn('audit');
      world.wake();
      await world.rest();
      const states = model.images.get(given.key) ?? [];
      for (const repair of repairsFor(given.key, states, world)) {
        world.repairs += 1;
        world.journal.push(`audit: ${repair.repair} ${given.key} at ${repair.sequencer}`);
        if (repair.repair === 'remove') await world.removeOwn(imageIdOf(given.key), repair.sequencer);
        else world.send(repeatedState(model, given.key, repair), given.sending);
      }
    },
    toString: () => `audit(${JSON.stringify(given)})`,
  }),
);

/** A repair is one more state of the image: the same version, or a deletion, at the repair's place in the order. */
function repeatedState(model: Model, image: string, { repair, sequencer }: Repair): Change {
  const { occurredAt } = now(model);
  const states = model.images.get(image) ?? [];
  // A second audit, before the repair of the first one is decided, repeats it.
  const known = states.find((state) => padSequencer(state.sequencer) === sequencer);
  if (known !== undefined) return known;
  const current = currentOf(states);
  const state: ImageState =
    repair === 'process' && current !== undefined
      ? { ...current, sequencer }
      : {
          ...{ key: image, sequencer, occurredAt, etag: '', bytes: new Uint8Array(), kind: 'deletion' },
          type: 'Delete Marker Created',
        };
  model.images.set(
    image,
    [...states, state].sort((one, other) => (padSequencer(one.sequencer) < padSequencer(other.sequencer) ? -1 : 1)),
  );
  model.changes.push(state);
  return state;
}

const always = (name: string, act: (world: World, model: Model) => void | Promise<void>): Command => ({
  check: () => true,
  async run(model, world) {
    await world.turn(name);
    await act(world, model);
  },
  toString: () => name,
});

/** A release changes the presets. No attempt spans it here; what was done before may have to be repeated after it. */
async function changePresets(world: World): Promise<void> {
  world.wake();
  await world.rest();
  world.changePresets();
}

/** An operator renders an image again. Anything may happen while the command runs, and before its event arrives. */
const renderAgain = fc.record({ key, afterRelease: fc.constantFrom(true, true, false), sending }).map(
  (given): Command => ({
    check: ({ images }) => images.has(given.key),
    async run(model, world) {
      await world.turn('rerender');
      if (given.afterRelease) await changePresets(world);
      world.inBackground(() => rerenderNow(model, world, given.key, given.sending));
    },
    toString: () => `rerender(${JSON.stringify(given)})`,
  }),
);

async function rerenderNow(model: Model, world: World, image: string, options: Sending): Promise<void> {
  const facts = factsOf(image, model.images.get(image) ?? [], world);
  const repairs = model.rerender(facts, presetsOf(world));
  for (const repair of repairs) {
    await world.turn(`rerender of ${image}`);
    world.rerenders += 1;
    world.journal.push(`rerender: ${repair.repair} ${image} at ${repair.sequencer}`);
    if (repair.repair === 'remove') await world.removeOwn(imageIdOf(image), repair.sequencer);
    if (repair.repair === 'process') {
      const change = sameVersionAgain(model, image, facts.record?.sequencer, repair.sequencer);
      const { versionId, etag } = repair.upload;
      if (change !== undefined) world.send({ ...change, versionId, etag }, options);
    }
  }
}

/** An operator backfills one image. Anything may happen while the command runs, and before its event arrives. */
const backfillOne = fc.record({ key, sending }).map(
  (given): Command => ({
    check: ({ images }) => images.has(given.key),
    async run(model, world) {
      await world.turn('backfill');
      world.inBackground(() => backfillNow(model, world, given.key, given.sending));
    },
    toString: () => `backfill(${JSON.stringify(given)})`,
  }),
);

async function backfillNow(model: Model, world: World, image: string, options: Sending): Promise<void> {
  const states = model.images.get(image) ?? [];
  for (const repair of backfillsFor(image, states, world, model.backfill)) {
    if (repair.repair !== 'process') continue;
    const { versionId, etag } = repair.upload;
    const change = repeatedState(model, image, repair);
    await world.turn(`backfill of ${image}`);
    world.backfills += 1;
    world.journal.push(`backfill: ${image} at ${repair.sequencer}`);
    world.send({ ...change, versionId, etag }, options);
  }
}

/** The same version once more, whatever its sequencer: every later version comes after it. */
function sameVersionAgain(
  model: Model,
  image: string,
  recorded: string | undefined,
  sequencer: string,
): Change | undefined {
  const states = model.images.get(image) ?? [];
  const known = statesAt(states, sequencer).find(({ kind }) => kind !== 'deletion');
  if (known !== undefined) return known;
  const origin = states.findIndex((state) => padSequencer(state.sequencer) === recorded);
  const original = states[origin];
  if (original === undefined) return undefined;
  const state: ImageState = { ...original, sequencer };
  states.splice(origin + 1, 0, state);
  model.changes.push(state);
  return state;
}

/** An operator erases an image. Anything may happen while the command runs. */
const eraseImage = fc.record({ key, sending }).map(
  (given): Command => ({
    check: ({ images }) => images.has(given.key),
    async run(model, world) {
      await world.turn('operator');
      model.touched.add(given.key);
      model.erasures.push(eraseNow(model, world, given.key, given.sending));
    },
    toString: () => `eraseImage(${JSON.stringify(given)})`,
  }),
);

/** @param calm nothing is broken and nothing is in progress: it must succeed */
async function eraseNow(
  model: Model,
  world: World,
  image: string,
  options: Sending,
  { calm = false } = {},
): Promise<void> {
  const states = () => model.images.get(image) ?? [];
  const { versioned, removedMarkers } = model;
  let deletedAt: string | undefined;
  let seen: readonly ImageState[] = [];
  const bucket: Bucket = {
    ...{ versioned, removedMarkers },
    states() {
      seen = [...states()];
      return seen;
    },
    deleteCurrent() {
      const { sequencer, occurredAt } = now(model);
      const change: Change = {
        ...{ key: image, sequencer, occurredAt, etag: '', bytes: new Uint8Array() },
        ...(versioned
          ? { type: 'Delete Marker Created', versionId: `v${sequencer}` }
          : { type: 'Permanently Deleted' }),
      };
      const state: ImageState = { ...change, kind: 'deletion' };
      model.images.get(image)?.push(state);
      happen(model, world, change, options);
      deletedAt = padSequencer(sequencer);
      return state;
    },
    removeVersion(versionId) {
      const same = states().filter((state) => state.versionId === versionId);
      const [state] = same;
      if (state === undefined) return;
      if (deletedAt !== undefined && padSequencer(state.sequencer) > deletedAt)
        world.defects.push(`An erasure removes ${versionId} of ${image}, which was uploaded after the deletion.`);
      const { dated: _, ...version } = state;
      const change: Change = { ...version, ...now(model), type: 'Permanently Deleted' };
      for (const one of same) {
        if (one.kind === 'deletion') removedMarkers.add(versionId);
        else one.erasedAt = change.occurredAt;
      }
      happen(model, world, change, { receives: 0, troubles: [] });
    },
    sendDeletion(sequencer) {
      const current = currentOf(states());
      const isNew = current !== undefined && !seen.some((state) => isSameUpload(state, current));
      if (isNew && padSequencer(current.sequencer) < sequencer)
        world.defects.push(`An erasure reports that ${image} is deleted, which was uploaded since it looked.`);
      world.send(repeatedState(model, image, { repair: 'delete', bucket: BUCKET, key: image, sequencer }), options);
    },
  };
  try {
    const claim = await eraseInHistory(image, world, bucket, model.erasureRules);
    if (claim === 'left' && calm) world.defects.push(`${image} cannot be erased, although nothing is broken.`);
    if (typeof claim === 'string') return;
    world.erasures += calm ? 0 : 1;
    model.erased.push(claim);
    world.defects.push(...(await lettersLeft(claim, world)), ...defectsOfErasure(claim, states(), world));
  } catch (error) {
    world.defects.push(String(error));
  }
}

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

async function rest(world: World, model: Model): Promise<void> {
  await world.rest();
  world.defects.push(...defectsAtRest(model, world));
}

const commands = [
  upload,
  upload,
  remove,
  expire,
  erase,
  erase,
  infect,
  repeat,
  audit,
  audit,
  renderAgain,
  renderAgain,
  renderAgain,
  eraseImage,
  eraseImage,
  unnoticed,
  backfillOne,
  fc.constant(always('change presets', changePresets)),
  fc.constant(always('rest', rest)),
  fc.constant(always('redrive', (world) => world.redrive())),
  fc.constant(always('wake', (world) => world.wake())),
  task.map((state) => always(`break(${state})`, ({ outages }) => void outages.add(state))),
  fc.constant(always('repair', ({ outages }) => outages.clear())),
];

/** The parts of a record that matter here. */
const record = z.object({
  outcome: z.enum(['processed', 'rejected', 'deleted', 'failed']),
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
  /** By audits. */
  repairs: number;
  rerenders: number;
  /** Images that were erased. */
  erasures: number;
  backfills: number;
  /** Renditions that a worker wrote after its message was decided: no record lists them and nothing removes them. */
  leftBehind: number;
  readonly troubles: Map<Trouble['kind'], number>;
}
export interface Findings {
  readonly figures: Figures;
  /** Absent if every history ended correctly. */
  readonly defect?: {
    /** How many histories it took. */
    readonly after: number;
    /** The steps of the smallest history that shows the defect, and what was wrong after it. */
    readonly smallest: string;
    /** All details, including how to reproduce it. */
    readonly report: string;
  };
}

export async function runHistories(options: {
  readonly seed: number;
  readonly runs: number;
  readonly workflow?: StateMachine | undefined;
  /** How messages are read. */
  readonly readEvent?: typeof parseUploadEvent | undefined;
  /** How an image is rendered again. */
  readonly rerender?: Rerender | undefined;
  /** How an image is backfilled. */
  readonly backfill?: Backfill | undefined;
  /** What an erasure decides. */
  readonly erasureRules?: ErasureRules | undefined;
  /** How changes of the table become the history of images. */
  readonly recordHistory?: RecordHistory | undefined;
  /** Whether to look for the smallest history that shows a defect, which takes many more runs. */
  readonly shrink?: boolean;
  /** Looks for more defects at the end of each history: what its events mean to a consumer. */
  readonly examine?: ((published: readonly DomainEvent[]) => Promise<readonly string[]>) | undefined;
}): Promise<Findings> {
  const figures: Figures = {
    ...{ histories: 0, changes: 0, messages: 0, events: 0, repairs: 0, rerenders: 0, backfills: 0, erasures: 0 },
    leftBehind: 0,
    troubles: new Map(),
  };
  const property = everyHistoryEndsWell(options, figures);
  const settings = { seed: options.seed, numRuns: options.runs, endOnFailure: options.shrink === false };
  const details = await hashingAtOnce(() => fc.check(property, settings));
  if (!details.failed) return { figures };
  const { counterexample, errorInstance, counterexamplePath: path, numRuns: after } = details;
  const steps = counterexample === null ? [] : [...counterexample[1]].map(String);
  const [what = '', ...journal] = errorInstance instanceof Error ? errorInstance.message.split('\n') : [];
  const smallest = `${steps.map((step) => step.replace(/\(.*/s, '')).join(', ')}: ${what}`;
  const again = `seed ${options.seed}, path ${path}, ${JSON.stringify(counterexample?.[0])}`;
  return { figures, defect: { after, smallest, report: [what, ...journal, '', ...steps, '', again].join('\n') } };
}

function everyHistoryEndsWell(
  {
    workflow = substituted('image-pipeline', { values: { AnnounceDescriptions: 'true' } }),
    readEvent,
    rerender: again = rerender,
    backfill = backfillOf,
    erasureRules: rules = erasureRules,
    recordHistory,
    examine,
  }: Omit<Parameters<typeof runHistories>[0], 'seed' | 'runs' | 'shrink'>,
  figures: Figures,
) {
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
      const world = new World(workflow, scheduler, readEvent);
      const model: Model = {
        ...{ versioned, images: new Map(), changes: [], rerender: again, backfill },
        ...{ erasureRules: rules, erasures: [], erased: [], touched: new Set(), removedMarkers: new Set() },
      };
      const atRest = () => world.defects.push(...defectsAtRest(model, world));
      const run = async () => {
        await fc.asyncModelRun(() => ({ model, real: world }), history);
        await Promise.all(model.erasures);
        await world.settle({ zombiesLast, atRest });
        // In the end, every upload that no event has announced is found.
        for (const image of model.images.keys())
          world.inBackground(() => backfillNow(model, world, image, { receives: 0, troubles: [] }));
        await world.settle({ zombiesLast, atRest });
        world.defects.push(...defectsInTheEnd(model, world, figures));
        for (const image of model.images.keys()) {
          world.inBackground(() => rerenderNow(model, world, image, { receives: 0, troubles: [] }));
        }
        await world.settle({ zombiesLast, atRest });
        world.defects.push(...defectsInTheEnd(model, world, figures), ...outdatedInTheEnd(model, world));
        world.defects.push(...historyDefects(world.table, neverErased(model), recordHistory));
        for (const image of model.images.keys())
          await eraseNow(model, world, image, { receives: 0, troubles: [] }, { calm: true });
        await world.settle({ zombiesLast, atRest });
        world.defects.push(...defectsInTheEnd(model, world, figures));
      };
      await scheduler.waitFor(run());
      count(figures, model, world);
      const defects = new Set([
        ...world.defects,
        ...historyDefects(world.table, new Map(), recordHistory),
        ...((await examine?.(world.bus)) ?? []),
      ]);
      if (defects.size > 0) throw new Error(`${[...defects].join('\n')}\n\n${world.journal.join('\n')}`);
    },
  );
}

/** An erasure may have removed the only message about an upload before it was processed. */
function neverErased({ images, touched }: Model): ReadonlyMap<string, readonly ImageState[]> {
  return new Map([...images].filter(([image]) => !touched.has(image)));
}

function count(
  figures: Figures,
  { changes }: Model,
  { messages, bus, struck, repairs, rerenders, backfills, erasures }: World,
): void {
  figures.histories += 1;
  figures.changes += changes.length;
  figures.messages += messages.length;
  figures.events += bus.length;
  figures.repairs += repairs;
  figures.rerenders += rerenders;
  figures.backfills += backfills;
  figures.erasures += erasures;
  for (const [kind, times] of struck) figures.troubles.set(kind, (figures.troubles.get(kind) ?? 0) + times);
}

function recordOf({ table }: World, image: string) {
  const item = table.get({ imageId: { S: imageIdOf(image) } });
  return item && record.parse(unmarshall(item));
}

/** Of results. */
function eventsOf({ bus }: World, image: string) {
  return bus.filter(({ DetailType, Detail }) => DetailType in domainEvents && Detail.image.id === imageIdOf(image));
}

function descriptionsOf({ bus }: World, image: string) {
  return bus.filter(({ DetailType, Detail }) => !(DetailType in domainEvents) && Detail.image.id === imageIdOf(image));
}

function* erasureDefects({ images, erased }: Model, world: World): Generator<string> {
  for (const claim of erased) yield* defectsOfErasure(claim, images.get(claim.key) ?? [], world);
}

/** Whenever no work is in progress; messages may be in the dead-letter queue, and zombies may be waiting. */
function* defectsAtRest(model: Model, world: World): Generator<string> {
  yield* erasureDefects(model, world);
  const { images } = model;
  for (const [image, states] of images) {
    const found = recordOf(world, image);
    yield* consumerDefects(image, found, world);
    for (const { key } of found?.renditions ?? []) {
      const state = states.find(({ sequencer }) => key.includes(`/${padSequencer(sequencer)}/`));
      // The record of an erased version is about to change.
      const isErased = state?.erasedAt !== undefined;
      if (!isErased && !world.renditions.objects.has(key)) yield `${key} is in the record but does not exist.`;
    }
    const newest = states.at(-1);
    if (newest && world.deadLetters.some(({ change }) => isUpload(change, newest) && !world.unrecorded.has(change))) {
      yield* failureDefects(newest, states, found, world);
    }
  }
}

function* consumerDefects(image: string, found: Found, world: World): Generator<string> {
  if (!found?.announced) return;
  const events = eventsOf(world, image);
  for (const believed of [consume(events), consume(events.toReversed())]) {
    if (!isSame(believed, found)) {
      yield `${image} is announced as ${shown(found)}, but consumers believe ${shown(believed)}.`;
    }
  }
  // `npm run announce` publishes the event of the record once more.
  const id = snapshotId({ imageId: imageIdOf(image), sequencer: found.sequencer, outcome: found.outcome });
  if (!events.some(({ Detail }) => Detail.id === id))
    yield `To consumers, a snapshot of ${image} would be news: ${id}.`;
}

const versionOf = ({ versionId, etag }: Change) => versionId ?? etag;
const isUpload = ({ type, key, sequencer }: Change, state: Change) =>
  type === 'Created' && key === state.key && sequencer === state.sequencer;

const isSameUpload = (one: ImageState, other: ImageState) =>
  one.kind !== 'deletion' && one.versionId === other.versionId && one.etag === other.etag;

/** The newest upload is a dead letter and its last attempt could record that: it must have, unless another attempt decided. */
function* failureDefects(
  state: ImageState,
  states: readonly ImageState[],
  found: Found,
  world: World,
): Generator<string> {
  const failure = { outcome: 'failed', sequencer: padSequencer(state.sequencer) };
  const isDecided = (sequencer: string) => world.decided.has(`${imageIdOf(state.key)}/${padSequencer(sequencer)}`);
  if (isDecided(state.sequencer)) return;
  // A repaired version has more than one sequencer, and the record of its erasure keeps the first.
  const same = states.filter((other) => isSameUpload(other, state));
  if (found?.outcome === 'deleted' && same.some(({ sequencer }) => isDecided(sequencer))) return;
  if (!isSame(found, failure)) yield `${state.key} is ${shown(found)}, but should be ${shown(failure)}.`;
  // A repeat that fails, too, writes the failure once more, and may end before it announces it once more.
  const isRepeated = [...world.unrecorded].some((change) => isUpload(change, state));
  if (found?.announced === false && !isRepeated) yield `${state.key} is ${shown(found)}, but that was not announced.`;
  const isErased = world.messages.some(
    ({ change, outcome }) =>
      outcome !== undefined && change.type === 'Permanently Deleted' && change.versionId === state.versionId,
  );
  if (state.erasedAt !== undefined && isErased) yield `${state.key} has failed, although its version was erased.`;
  const isCondemned = world.messages.some(
    ({ change, outcome }) =>
      outcome !== undefined &&
      change.type === 'Infected' &&
      change.key === state.key &&
      versionOf(change) === versionOf(state),
  );
  if (isCondemned) yield `${state.key} has failed, although its version is infected.`;
}

/** After everything works again, all dead letters were redriven and all zombies have finished. */
function* defectsInTheEnd(model: Model, world: World, figures: Figures): Generator<string> {
  for (const { name, outcome } of world.messages) if (outcome === undefined) yield `${name} is lost.`;
  yield* erasureDefects(model, world);
  for (const [image, states] of model.images) {
    const found = recordOf(world, image);
    const possible = endingsOf(image, states, world);
    if (!possible.some((ending) => isSame(ending, found))) {
      yield `${image} is ${shown(found)}, but should be ${possible.map(shown).join(' or ')}.`;
    }
    if (found && !statesAt(states, found.sequencer).some((state) => isTrueOf(state, found))) {
      yield `${image} is ${shown(found)}, of version ${found.version} at ${found.occurredAt}, which is false.`;
    }
    if (found?.announced === false) yield `${image} is ${shown(found)}, but was not announced.`;
    const events = eventsOf(world, image);
    if (found === undefined && events.length > 0) yield `${image} has no record, but was announced.`;
    yield* renditionDefects(image, found, world, figures);
    yield* eventDefects(states, events);
    yield* descriptionDefects(states, descriptionsOf(world, image));
  }
}

/**
 * If an erasure has removed the dead letter of a deletion that would have made the first record, there may be none. Nothing needs
 * that tombstone: consumers were told nothing of the image (any event without a record is a defect), and a late event finds no upload.
 */
function endingsOf(image: string, states: readonly ImageState[], world: World): ReturnType<typeof possibleEndings> {
  const isLetterErased = world.messages.some(({ change, outcome }) => change.key === image && outcome === 'erased');
  const isUnrecorded = isLetterErased && currentOf(states) === undefined;
  return [...possibleEndings(states), ...(isUnrecorded ? [undefined] : [])];
}

/** More than one if an audit first processed an upload, and then, while that was a dead letter, deleted the image. */
function statesAt(states: readonly ImageState[], sequencer: string): readonly ImageState[] {
  return states.filter((state) => padSequencer(state.sequencer) === sequencer);
}

function* renditionDefects(image: string, found: Found, world: World, figures: Figures): Generator<string> {
  const imageId = imageIdOf(image);
  const listed = found?.renditions.map((rendition) => rendition.key) ?? [];
  const wanted = found?.outcome === 'processed' ? wantedKeys(imageId, found.sequencer, listed, world) : [];
  if (listed.toSorted().join() !== wanted.toSorted().join()) {
    const [has, needs] = [listed, wanted].map((keys) => keys.map((key) => key.split('/').at(-1)).join(', '));
    yield `${image} lists [${has}], but should list [${needs}].`;
  }
  for (const key of wanted) if (!world.renditions.objects.has(key)) yield `${key} does not exist.`;
  for (const key of world.renditions.keys.filter((stored) => stored.startsWith(`${imageId}/`))) {
    if (wanted.includes(key)) continue;
    // Another attempt at the same version had other presets. The next re-render removes it, or an audit.
    const hasOtherPresets = world.releases > 0 && key.includes(`/${found?.sequencer}/`);
    if (isLate(key, world) || hasOtherPresets) figures.leftBehind += 1;
    else yield `No record lists ${key}, but it was not removed.`;
  }
}

/** Written when its own run no longer cleaned up, or after the last run that removes it had listed what is there. */
function isLate(key: string, { puts, listed }: World): boolean {
  const [imageId, sequencer = ''] = key.split('/');
  const put = puts.get(key);
  const last = listed.findLast(({ task }) => task.image.imageId === imageId && removes(task, sequencer));
  const closedAt = Math.min(put?.message.closedAt ?? Number.POSITIVE_INFINITY, last?.at ?? Number.POSITIVE_INFINITY);
  return put?.late === true && put.at > closedAt;
}

function removes({ image, scope }: RemovalTask, sequencer: string): boolean {
  if (scope === 'own') return sequencer === image.sequencer;
  return scope === 'older' ? sequencer < image.sequencer : sequencer <= image.sequencer;
}

/** Of the presets of today, or of those before. */
function wantedKeys(imageId: string, sequencer: string, listed: readonly string[], { groups }: World) {
  const isListed = (keys: readonly string[]) => keys.toSorted().join() === listed.toSorted().join();
  const possible = presetLists.map((list) => renditionKeys(imageId, sequencer, list));
  return possible.find(isListed) ?? renditionKeys(imageId, sequencer, groups);
}

/** After every image was rendered again: what its record says, its files are, and consumers know. */
function* outdatedInTheEnd({ images }: Model, world: World): Generator<string> {
  for (const [image, states] of images) {
    const facts = factsOf(image, states, world);
    if (facts.record?.outcome !== 'processed') continue;
    const difference = outdated(facts.record, presetsOf(world));
    // An erased version is not rendered again: its event is about to arrive, or the record is of the version before.
    const isCurrent = facts.upload !== undefined && isRecordOf(facts.record, facts.upload);
    if (isCurrent && isOutdated(difference)) yield `${image} is still outdated: ${JSON.stringify(difference)}.`;
    const { sequencer, renditions } = facts.record;
    const event = eventsOf(world, image).findLast(({ Detail }) => Detail.image.sequencer === sequencer);
    if (!isDeepStrictEqual(event?.Detail['renditions'], renditions))
      yield `Consumers know other renditions of ${image} than its record.`;
    for (const { key, settings } of renditions) {
      const stored = new TextDecoder().decode(world.renditions.objects.get(key)?.bytes);
      if (stored !== settings && !world.stale.has(key)) yield `${key} is ${stored}, but its record says ${settings}.`;
    }
  }
}

function* eventDefects(states: readonly ImageState[], events: ReturnType<typeof eventsOf>): Generator<string> {
  const ids = new Map<string, string>();
  const reasons = new Map<string, unknown>();
  const lists = new Map<string, unknown>();
  for (const { DetailType, Detail } of events) {
    const { version, sequencer } = Detail.image;
    const parsed = Object.entries(domainEvents)
      .find(([type]) => type === DetailType)?.[1]
      .safeParse(Detail);
    if (!parsed?.success) yield `${DetailType} breaks its contract: ${parsed?.error.message ?? 'unknown event'}.`;
    const { outcome } = meaningOf(DetailType);
    if (!statesAt(states, sequencer).some((state) => isTrueOf(state, { ...Detail, outcome, version }))) {
      yield `${Detail.id} is of version ${version} at ${Detail.occurredAt}, which is false.`;
    }
    const event = `${DetailType} ${sequencer}`;
    if ((ids.get(event) ?? Detail.id) !== Detail.id) yield `${event} is announced under two ids.`;
    ids.set(event, Detail.id);
    const reason = Detail['reason'];
    if (reasons.has(Detail.id) && reasons.get(Detail.id) !== reason) yield `${Detail.id} has two reasons.`;
    reasons.set(Detail.id, reason);
    // Consumers drop all but the first event with an id.
    const renditions = Detail['renditions'];
    if (lists.has(Detail.id) && !isDeepStrictEqual(lists.get(Detail.id), renditions))
      yield `${Detail.id} has two lists of renditions.`;
    lists.set(Detail.id, renditions);
  }
}

function* descriptionDefects(states: readonly ImageState[], events: ReturnType<typeof eventsOf>): Generator<string> {
  for (const { DetailType, Detail } of events) {
    const parsed = progressEvents.ImageDescribed.safeParse(Detail);
    if (DetailType !== 'ImageDescribed' || !parsed.success) yield `${DetailType} breaks its contract: ${parsed.error}.`;
    const { version, sequencer } = Detail.image;
    if (!statesAt(states, sequencer).some((state) => isDescribedBy(state, { ...Detail, version })))
      yield `${Detail.id} describes version ${version} at ${Detail.occurredAt}, which cannot be described.`;
  }
}

type Found = z.infer<typeof record> | undefined;
type Decided = { readonly outcome: string; readonly sequencer: string } | undefined;
const isSame = (one: Decided, other: Decided) => one?.outcome === other?.outcome && one?.sequencer === other?.sequencer;
const shown = (ending: Decided) =>
  ending === undefined ? 'nothing' : `${ending.outcome} at ${ending.sequencer.replace(/0+$/, '')}`;
