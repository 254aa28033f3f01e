/** What one virtual user does: changes its images, and waits until it is known what became of them. */
import { appendFileSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DeleteObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { imageIdOf } from '../../core/image.ts';
import { type Change, decidedChange, isExpected, type LedgerLine } from './ledger.ts';
import type { PlannedChange } from './plan.ts';
import { type RunFile, runFile, runFileVariable } from './run-file.ts';
import { guardTarget } from './target.ts';
import { recordWatcher } from './watch-records.ts';

/** As Artillery hands it to a user's function. */
export interface Metrics {
  emit(kind: 'counter' | 'histogram', name: string, value: number): void;
}

/** One that S3 took. */
type Sent = Pick<Change, 'number' | 'kind' | 'names' | 'class' | 'startedAt'>;
type Outcome = NonNullable<Change['outcome']>;
type Answer = Pick<Change, 'startedAt' | 'requestMillis' | 'names' | 'problem'>;

/** The turns of all users of a run, in the order of their arrival. */
export function virtualUsers(environment: Readonly<NodeJS.ProcessEnv>): (metrics: Metrics) => Promise<void> {
  const run = readRunFile(environment);
  // Where a machine is busy, what fails is tried again rather than taken for the pipeline's fault.
  const retries = { maxAttempts: 8 };
  const s3 = new S3Client({ ...retries, forcePathStyle: run.target.kind === 'emulator' });
  const table = DynamoDBDocumentClient.from(new DynamoDBClient(retries));
  const watcher = recordWatcher(table, run.table);
  const deadline = Date.now() + run.patienceSeconds * 1000;
  const madeByKey = new Map<string, Sent[]>();
  const lastOfKey = new Map<string, Promise<unknown>>();
  let users = 0;
  let changes = 0;

  const note = (line: LedgerLine): void => appendFileSync(run.ledger, `${JSON.stringify(line)}\n`);

  const bodyOf = async (user: number, file: string): Promise<Buffer> => {
    const bytes = await readFile(file);
    // No two users' files are alike, so that an etag names one upload, even where events carry no version. Readers of
    // all formats stop at the picture's end.
    return bytes.length === 0 ? bytes : Buffer.concat([bytes, Buffer.from(` ${user}`)]);
  };

  const request = async (user: number, planned: PlannedChange): Promise<Answer> => {
    const at = { Bucket: run.bucket, Key: planned.key };
    const image = planned.kind === 'upload' ? run.images[planned.image] : undefined;
    const body = image === undefined ? undefined : await bodyOf(user, image.file);
    const startedAt = Date.now();
    const clock = performance.now();
    try {
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
  };

  /** The changes of one key go one after the other, so that it is known which was the last; the work on them overlaps. */
  const send = async (user: number, arrivedAt: number, planned: PlannedChange): Promise<Change> => {
    const before = lastOfKey.get(planned.key);
    const { promise, resolve } = Promise.withResolvers<void>();
    lastOfKey.set(planned.key, promise);
    await before;
    const { key, kind } = planned;
    const image = planned.kind === 'upload' ? run.images[planned.image] : undefined;
    try {
      const answer = await request(user, planned);
      const about = { user, arrivedAt, key, kind, class: image?.class, bytes: image?.bytes ?? 0 };
      const change: Change = { number: changes, ...about, ...answer };
      changes += 1;
      note(change);
      if (change.problem === undefined) madeByKey.set(key, [...(madeByKey.get(key) ?? []), change]);
      return change;
    } finally {
      resolve();
    }
  };

  /** Undefined when the time is up. */
  const outcomeOf = async (change: Change): Promise<Outcome | undefined> => {
    const imageId = await imageIdOf(run.bucket, change.key);
    const { promise, resolve, reject } = Promise.withResolvers<Outcome | undefined>();
    const stop = watcher.watch({
      imageId,
      seen: (record) => {
        const last = decidedChange(madeByKey.get(change.key) ?? [], record);
        if (last !== undefined && last.number >= change.number) {
          resolve(last.number === change.number ? record.outcome : 'superseded');
        }
      },
      failed: reject,
    });
    const timer = setTimeout(() => resolve(undefined), Math.max(0, deadline - Date.now()));
    try {
      return await promise;
    } finally {
      stop();
      clearTimeout(timer);
    }
  };

  const lastPhase = run.users.length - (run.phases.at(-1) ?? 0);
  const groupsOf = (user: number): UserGroup[] => [
    user < run.users.length / 2 ? 'firstHalf' : 'secondHalf',
    ...(user < (run.phases[0] ?? 0) ? (['firstPhase'] as const) : []),
    ...(user >= lastPhase ? (['lastPhase'] as const) : []),
  ];

  return async (metrics) => {
    const user = users;
    const arrivedAt = Date.now();
    users += 1;
    const sent: Change[] = [];
    for (const planned of run.users[user] ?? []) sent.push(await send(user, arrivedAt, planned));
    await Promise.all(
      sent.map(async (change) => {
        measureRequest(change, metrics);
        if (change.problem !== undefined) return;
        const outcome = await outcomeOf(change);
        const decidedAt = Date.now();
        if (outcome !== undefined) note({ number: change.number, decidedAt, outcome });
        measureOutcome({ change, outcome, millis: decidedAt - change.startedAt, groups: groupsOf(user) }, metrics);
      }),
    );
  };
}

// No metric's name may be part of another's, nor be made of hex digits alone: `ensure` replaces names in its expressions
// by their hashes, wherever they stand.
function measureRequest({ kind, requestMillis, problem }: Change, metrics: Metrics): void {
  metrics.emit('histogram', kind === 'upload' ? 'upload.put.ms' : 'upload.delete.ms', requestMillis);
  metrics.emit('counter', 'changes.refused', problem === undefined ? 0 : 1);
  metrics.emit('counter', 'changes.sent', problem === undefined ? 1 : 0);
}

/** Users who are measured apart, so that a scenario can compare those who came early with those who came late. */
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
  if (outcome === 'rejected') metrics.emit('histogram', 'told.rejected.ms', millis);
  if (outcome === 'superseded') metrics.emit('histogram', 'overtaken.ms', millis);
  if (outcome === 'deleted') metrics.emit('histogram', 'gone.ms', millis);
}

function readRunFile(environment: Readonly<NodeJS.ProcessEnv>): RunFile {
  const file = environment[runFileVariable];
  if (file === undefined)
    throw new Error(`${runFileVariable} is not set: start this with \`npm run load\`, which asks, counts and bounds.`);
  const run = runFile.parse(JSON.parse(readFileSync(file, 'utf8')));
  guardTarget(run.target, environment);
  return run;
}
