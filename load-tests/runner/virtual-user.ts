/** What one virtual user does: changes its images, and waits for the outcome of each change. */
import { appendFileSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { ReadableStream } from 'node:stream/web';
import { DeleteObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { imageIdOf } from '../../core/image.ts';
import { type Followed, follow } from '../../scripts/stack/follow.ts';
import { type Stack, stackOf } from '../../scripts/stack/stack.ts';
import { type GalleryUsers, galleryUsers } from './gallery-user.ts';
import { type Change, decidedChange, isExpected, type LedgerLine } from './ledger.ts';
import type { PlannedChange } from './plan.ts';
import { type RunFile, runFile, runFileVariable } from './run-file.ts';
import { guardTarget } from './target.ts';

/** The part of Artillery's event emitter that we use. */
export interface Metrics {
  emit(kind: 'counter' | 'histogram', name: string, value: number): void;
}

/** A change that S3 accepted. */
type Sent = Pick<Change, 'number' | 'kind' | 'names' | 'class' | 'startedAt'>;
type Outcome = NonNullable<Change['outcome']>;
type Answer = Pick<Change, 'startedAt' | 'requestMillis' | 'names' | 'problem'> & {
  /** Of an upload through the gallery, which chooses it. */
  readonly key?: string;
};
interface Seen {
  readonly outcome: Outcome;
  /** In the gallery: when the window was told, and whether by a live message. */
  readonly toldAt?: number;
  readonly live?: boolean;
}

/** State shared by all users of a run. */
interface Run {
  readonly plan: RunFile;
  readonly stack: Stack;
  readonly sentByKey: Map<string, Sent[]>;
  /** Resolves once S3 has answered the last change of the key. */
  readonly lastOfKey: Map<string, Promise<void>>;
  /** If users upload through it. */
  readonly gallery: GalleryUsers | undefined;
  /** Undefined if time runs out first. */
  readonly outcomeOf: (change: Change) => Promise<Seen | undefined>;
  users: number;
  /** Users whose turn is over. */
  finished: number;
  changes: number;
}

/** The turns of all users of a run, in order of arrival. */
export function virtualUsers(environment: Readonly<NodeJS.ProcessEnv>): (metrics: Metrics) => Promise<void> {
  const plan = readRunFile(environment);
  const stack = stackUnder(plan);
  const sentByKey = new Map<string, Sent[]>();
  const deadline = Date.now() + plan.patienceSeconds * 1000;
  const gallery = plan.gallery && galleryUsers({ ...plan.gallery, deadline });
  const outcomeOf =
    gallery === undefined ? outcomesInRecords(stack, sentByKey, deadline) : outcomesInGallery(stack, gallery);
  const counts = { users: 0, finished: 0, changes: 0 };
  const run: Run = { plan, stack, gallery, sentByKey, lastOfKey: new Map(), outcomeOf, ...counts };
  return async (metrics) => {
    try {
      await takeTurn(run, metrics);
    } finally {
      run.finished += 1;
      // Open connections would keep Artillery from ending.
      if (run.finished === plan.users.length) gallery?.close();
    }
  };
}

function stackUnder({ target, stack }: RunFile): Stack {
  const emulated = target.kind === 'emulator';
  // On a busy machine, a failed request is retried rather than counted against the pipeline.
  const clientConfig = { maxAttempts: 8, ...(emulated && { endpoint: target.endpoint }) };
  return stackOf({ ...stack, emulated, clientConfig });
}

async function takeTurn(run: Run, metrics: Metrics): Promise<void> {
  const user = run.users;
  const arrivedAt = Date.now();
  run.users += 1;
  const sent: Change[] = [];
  for (const planned of run.plan.users[user] ?? []) sent.push(await send(run, user, arrivedAt, planned));
  await Promise.all(
    sent.map(async (change) => {
      measureRequest(change, metrics);
      if (change.problem !== undefined) return;
      const seen = await run.outcomeOf(change);
      const decidedAt = Date.now();
      if (seen !== undefined)
        note(run, { number: change.number, decidedAt, outcome: seen.outcome, toldAt: seen.toldAt });
      if (seen?.live !== undefined) metrics.emit('counter', 'live.missed', seen.live ? 0 : 1);
      const millis = decidedAt - change.startedAt;
      measureOutcome({ change, outcome: seen?.outcome, millis, groups: groupsOf(run.plan, user) }, metrics);
    }),
  );
}

/** Changes to one key are made one after another, so that their order is known; their processing overlaps. */
async function send(run: Run, user: number, arrivedAt: number, planned: PlannedChange): Promise<Change> {
  const { key, kind } = planned;
  const before = run.lastOfKey.get(key);
  const { promise, resolve } = Promise.withResolvers<void>();
  run.lastOfKey.set(key, promise);
  await before;
  const image = planned.kind === 'upload' ? run.plan.images[planned.image] : undefined;
  try {
    const answer = await request(run, user, planned);
    const about = { user, arrivedAt, key, kind, class: image?.class, bytes: image?.bytes ?? 0 };
    const change: Change = { number: run.changes, ...about, ...answer };
    run.changes += 1;
    note(run, change);
    if (change.problem === undefined) run.sentByKey.set(key, [...(run.sentByKey.get(key) ?? []), change]);
    return change;
  } finally {
    resolve();
  }
}

async function request(run: Run, user: number, planned: PlannedChange): Promise<Answer> {
  const { plan, stack, gallery } = run;
  const { s3 } = stack.clients;
  const at = { Bucket: stack.outputs.UploadBucketName, Key: planned.key };
  const image = planned.kind === 'upload' ? plan.images[planned.image] : undefined;
  const body = image === undefined ? undefined : await bodyOf(user, image.file);
  const person = await gallery?.user(user);
  const startedAt = Date.now();
  const clock = performance.now();
  try {
    if (person !== undefined && body !== undefined) {
      const { key, etag } = await person.upload(basename(planned.key), body);
      return { startedAt, requestMillis: performance.now() - clock, names: [etag], key };
    }
    const { VersionId, ETag } =
      body === undefined
        ? { ...(await s3.send(new DeleteObjectCommand(at))), ETag: undefined }
        : await s3.send(new PutObjectCommand({ ...at, Body: body }));
    const names = [VersionId, ETag?.replaceAll('"', '')].filter((name) => name !== undefined);
    return { startedAt, requestMillis: performance.now() - clock, names };
  } catch (error) {
    const problem = error instanceof Error ? error.name : String(error);
    return { startedAt, requestMillis: performance.now() - clock, names: [], problem };
  }
}

/**
 * No two users' files are identical, so that an etag identifies one upload even if events carry no version. Readers of all
 * formats stop at the end of the image.
 */
async function bodyOf(user: number, file: string): Promise<Buffer<ArrayBuffer>> {
  const bytes = await readFile(file);
  return bytes.length === 0 ? bytes : Buffer.concat([bytes, Buffer.from(` ${user}`)]);
}

function note({ plan }: Run, line: LedgerLine): void {
  appendFileSync(plan.ledger, `${JSON.stringify(line)}\n`);
}

interface Waiting extends Followed<Outcome> {
  readonly resolve: (outcome: Outcome | undefined) => void;
}

/** As people learn of them: from live messages. */
function outcomesInGallery({ outputs }: Stack, gallery: GalleryUsers): Run['outcomeOf'] {
  return async ({ user, key }) => (await gallery.user(user)).outcomeOf(await imageIdOf(outputs.UploadBucketName, key));
}

/** Follows the changes of all users together, because one request per user and second would add load. */
function outcomesInRecords(stack: Stack, sentByKey: Run['sentByKey'], deadline: number): Run['outcomeOf'] {
  let add: (one: Waiting) => void = () => undefined;
  const waiting = new ReadableStream<Waiting>({
    start: (controller) => {
      add = (one) => controller.enqueue(one);
    },
  });
  const following = (async () => {
    for await (const { upload, outcome } of follow(waiting, stack, { giveUp: () => Date.now() >= deadline }))
      upload.resolve(outcome);
  })();
  // Waiting users see the error through the race below.
  following.catch(() => undefined);

  return async ({ key, number }) => {
    const imageId = await imageIdOf(stack.outputs.UploadBucketName, key);
    const { promise, resolve } = Promise.withResolvers<Outcome | undefined>();
    const outcomeIn: Waiting['outcomeIn'] = (record) => {
      if (!record?.announced) return undefined;
      const last = decidedChange(sentByKey.get(key) ?? [], record);
      if (last === undefined || last.number < number) return undefined;
      return last.number === number ? record.outcome : 'superseded';
    };
    add({ imageId, resolve, outcomeIn });
    const outcome = await Promise.race([promise, following.then(() => undefined)]);
    return outcome && { outcome };
  };
}

function groupsOf({ users, phases }: RunFile, user: number): UserGroup[] {
  const lastPhase = users.length - (phases.at(-1) ?? 0);
  return [
    user < users.length / 2 ? 'firstHalf' : 'secondHalf',
    ...(user < (phases[0] ?? 0) ? (['firstPhase'] as const) : []),
    ...(user >= lastPhase ? (['lastPhase'] as const) : []),
  ];
}

// No metric's name may be part of another's or consist of hex digits only: `ensure` replaces names in its expressions
// by their hashes, as text.
function measureRequest({ kind, requestMillis, problem }: Change, metrics: Metrics): void {
  metrics.emit('histogram', kind === 'upload' ? 'upload.put.ms' : 'upload.delete.ms', requestMillis);
  metrics.emit('counter', 'changes.refused', problem === undefined ? 0 : 1);
  metrics.emit('counter', 'changes.sent', problem === undefined ? 1 : 0);
}

/** Users who are measured separately, so that a scenario can compare early with late arrivals. */
type UserGroup = 'firstHalf' | 'secondHalf' | 'firstPhase' | 'lastPhase';

interface Measured {
  readonly change: Change;
  readonly outcome: Outcome | undefined;
  readonly millis: number;
  readonly groups: readonly UserGroup[];
}

function measureOutcome({ change, outcome, millis, groups }: Measured, metrics: Metrics): void {
  metrics.emit('counter', 'changes.decided', outcome === undefined || outcome === 'failed' ? 0 : 1);
  metrics.emit('counter', 'changes.deadLettered', outcome === 'failed' ? 1 : 0);
  metrics.emit('counter', 'outcomes.unexpected', isExpected({ ...change, outcome }) ? 0 : 1);
  if (outcome === 'processed') {
    metrics.emit('histogram', 'ready.all.ms', millis);
    metrics.emit('histogram', `ready.${change.class}.ms`, millis);
    for (const group of groups) metrics.emit('histogram', `ready.${group}.ms`, millis);
  }
  if (outcome === 'rejected') metrics.emit('histogram', 'rejected.ms', millis);
  if (outcome === 'superseded') metrics.emit('histogram', 'superseded.ms', millis);
  if (outcome === 'deleted') metrics.emit('histogram', 'deleted.ms', millis);
}

function readRunFile(environment: Readonly<NodeJS.ProcessEnv>): RunFile {
  const file = environment[runFileVariable];
  if (file === undefined)
    throw new Error(
      `${runFileVariable} is not set: start this with \`npm run load\`, which checks limits and asks first.`,
    );
  const run = runFile.parse(JSON.parse(readFileSync(file, 'utf8')));
  guardTarget(run.target, environment);
  return run;
}
