/** One re-render, from the price to the summary. An audit's notebook and repairs, limited to images with outdated renditions. */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { pMapIterable } from 'p-map';
import pWaitFor from 'p-wait-for';
import type { ImageId } from '../../core/image.ts';
import { type Preset, renditionGroups } from '../../core/presets.ts';
import type { ImageRecord } from '../../core/record.ts';
import { chosenFor, rerenderOf } from '../../core/rerender.ts';
import { settingsOf } from '../../core/settings.ts';
import { stackNamed } from '../local/running-stack.ts';
import { type Candidate, DONE, deleteNotebook, everyOf, type Notebook, resumedNotebook } from '../stack/notebook.ts';
import { readIntake } from '../stack/queues.ts';
import { repairAll } from '../stack/repair.ts';
import { settled } from '../stack/settle.ts';
import type { Sources } from '../stack/sources.ts';
import type { Stack } from '../stack/stack.ts';
import { stackSources } from '../stack/stack-sources.ts';
import { tableSize } from '../stack/table-size.ts';
import { suggestion } from '../terminal/command.ts';
import { confirm } from '../terminal/confirm.ts';
import { Failure } from '../terminal/failure.ts';
import { print, printError } from '../terminal/print.ts';
import { quietStep, type Report, type Step, showStep } from '../terminal/progress.ts';
import { workDirectory } from '../terminal/project.ts';
import { describeResult, describeScan, describeWork, type Rerendered } from './rerender-report.ts';

interface RerenderOptions {
  readonly prefix?: string;
  readonly only?: readonly string[] | undefined;
  readonly perSecond?: number | undefined;
  readonly dryRun?: true;
  readonly json?: true;
  readonly restart?: true;
  readonly stack?: string;
  readonly yes?: true;
}

/** Requests for the table and for uploads. */
const READS_PER_SECOND = 500;
const LOOKS_AT_ONCE = 8;
/** After this many images, it remembers its place, and waits if too many are queued. A stopped run repeats at most these. */
const BATCH = 20;
/** Of images in the overflow queue: uploads that are set aside there may wait behind them. */
const MOST_SECONDS_QUEUED = 5;
// Five attempts take a quarter of an hour.
const FIRST_IMAGE_MILLIS = 20 * 60_000;

/** Returns the exit code. */
export async function rerenderStack(options: RerenderOptions, signal: AbortSignal): Promise<number> {
  const stack = await stackNamed(options.stack);
  try {
    return await rerender(stack, options, signal);
  } finally {
    stack.close();
  }
}

/**
 * Returns the exit code: 0 if all images have the renditions of the presets.
 *
 * @param presets those that are deployed
 */
export async function rerender(
  stack: Stack,
  options: RerenderOptions,
  signal: AbortSignal,
  presets: readonly Preset[] = allPresets,
): Promise<number> {
  const { prefix, only, json, dryRun, yes, restart } = options;
  refuseUnknown(only, presets);
  const step = json ? quietStep : showStep;
  const say = json ? printError : print;
  const perSecond = options.perSecond ?? stack.outputs.IntakeConcurrency;
  const size = await tableSize(stack);
  const path = notebookOf(stack, { prefix, only, presets, dryRun, tableId: size.tableId });
  if (restart || dryRun) deleteNotebook(path);
  const notebook = resumedNotebook(path, 're-render', say);
  const sources = stackSources(stack, { prefix, perSecond: READS_PER_SECOND });
  const run: Run = { stack, sources, notebook, presets, only, perSecond, signal, report: () => undefined };

  say(`${stack.name}: ${describeScan(size)}`);
  await step('Records', (report) => findOutdated({ ...run, report }));
  const images = notebook.counts().candidates;
  say(describeWork({ images: images - doneIn(notebook), renditions: presets.length, perSecond }));
  const agreed = images > 0 && !dryRun && (yes || (await confirm('Render them again?', signal)));
  const result = agreed ? await renderAll(run, step) : undefined;
  if (result !== undefined) say(describeResult(result));
  if (json) print(JSON.stringify({ images, ...result }));
  // One that was stopped goes on. Otherwise, what was found may have changed by the next time.
  notebook.close();
  deleteNotebook(path);
  return result === undefined || result.failed + result.left === 0 ? 0 : 1;
}

const allPresets = renditionGroups.flatMap((group) => group.presets);

export interface Run {
  readonly stack: Stack;
  readonly sources: Pick<Sources, 'records' | 'current'>;
  readonly notebook: Notebook;
  readonly presets: readonly Preset[];
  readonly only: readonly string[] | undefined;
  /** Images. */
  readonly perSecond: number;
  readonly report: Report;
  readonly signal?: AbortSignal | undefined;
}

/** A preset that is gone can be meant too: its renditions are no longer wanted. */
function refuseUnknown(only: readonly string[] | undefined, presets: readonly Preset[]): void {
  const names = presets.map(({ name }) => name);
  for (const name of only ?? []) {
    if (!names.includes(name)) {
      printError(
        `No preset has the name ${name}.${suggestion(name, names)} Only images that still have such a rendition match.`,
      );
    }
  }
}

function notebookOf(
  { name }: Stack,
  {
    presets,
    prefix,
    only,
    dryRun,
    tableId,
  }: Pick<Run, 'presets' | 'only'> & {
    readonly prefix: string | undefined;
    readonly dryRun: true | undefined;
    /** A new stack may have the name of a deleted one. */
    readonly tableId: string;
  },
): string {
  const what = JSON.stringify([
    tableId,
    prefix,
    only,
    dryRun,
    presets.map((preset) => [preset.name, settingsOf(preset)]),
  ]);
  return join(
    workDirectory,
    'rerender',
    `${name}-${createHash('sha256').update(what).digest('hex').slice(0, 12)}.sqlite`,
  );
}

/** From the table alone, a page at a time. Goes on where it stopped. */
export async function findOutdated({ notebook, sources, presets, only, report, signal }: Run): Promise<void> {
  const place = notebook.place('judged');
  if (place === DONE) return;
  let records = 0;
  for await (const { items, next } of sources.records(place)) {
    const candidates = items.flatMap((record) => {
      const difference = chosenFor(record, presets, only);
      const { imageId, key, sequencer: state } = record;
      return difference === undefined
        ? []
        : [{ imageId, key, state, findings: [{ kind: 'outdated' as const, ...difference }] }];
    });
    notebook.noteCandidates(candidates, next ?? DONE);
    records += items.length;
    report(`${records} records, ${notebook.counts().candidates} outdated images`);
    signal?.throwIfAborted();
  }
}

function doneIn(notebook: Notebook): number {
  return Number(notebook.place('rendered') ?? 0);
}

async function renderAll(run: Run, step: Step): Promise<Rerendered> {
  await step('Images', (report) => queueAll({ ...run, report }));
  await step('Outcomes', (report) => settled(run.stack, new Date(), 0, report));
  return await step('Last look', (report) => countOutcomes({ ...run, report }));
}

/** Puts the images into the queue, at the rate. Goes on where it stopped. */
export async function queueAll(run: Run): Promise<void> {
  const { stack, notebook, perSecond, report, signal } = run;
  let looked = doneIn(notebook);
  const total = notebook.counts().candidates;
  const remember = (imageId: ImageId) => {
    notebook.setPlace('queued', imageId);
    notebook.setPlace('rendered', String(looked));
    report(`${looked} of ${total} images`);
  };
  let last: ImageId | undefined;
  await repairAll(stack, dueIn(run), {
    perSecond,
    signal,
    report: () => undefined,
    async done({ repairs, ...candidate }) {
      looked += 1;
      last = candidate.imageId;
      if (repairs.length > 0 && notebook.place('first') === undefined) await confirmFirst(run, candidate);
      if (looked % BATCH !== 0) return;
      remember(last);
      await hasRoom(run);
    },
  });
  if (last !== undefined) remember(last);
}

/** What each image needs when its turn comes: it may have changed since its record was read. */
async function* dueIn({ notebook, sources, presets, only }: Run) {
  for (const candidate of everyOf(notebook.candidates, notebook.place('queued'))) {
    const { imageId, key } = candidate;
    const repair = rerenderOf(await sources.current(imageId, key), presets, only);
    yield { ...candidate, repairs: repair === undefined ? [] : [repair] };
  }
}

/** @throws {Failure} if the stack renders with other presets: every image would be rendered for nothing, and stay outdated. */
async function confirmFirst(
  { stack, sources, notebook, presets, only, report, signal }: Run,
  { imageId, key, state }: Pick<Candidate, 'imageId' | 'key' | 'state'>,
) {
  const isDecided = async () => {
    signal?.throwIfAborted();
    report('waiting for the first image');
    const { record } = await sources.current(imageId, key);
    return record !== undefined && record.sequencer !== state && record.announced && pWaitFor.resolveWith(record);
  };
  const late = new Failure(
    `${key} was queued and has no outcome after ${FIRST_IMAGE_MILLIS / 60_000} minutes: see docs/runbooks/dispatch-images.md, then run this again.`,
  );
  const record = await pWaitFor(isDecided, {
    interval: stack.emulated ? 200 : 2000,
    timeout: { milliseconds: FIRST_IMAGE_MILLIS, message: late },
  });
  if (chosenFor(record, presets, only) !== undefined) {
    throw new Failure(
      `${key} was rendered again and is still outdated: ${stack.name} has other presets than this checkout. ` +
        'Deploy it, wait until the release is complete, and run this again.',
    );
  }
  notebook.setPlace('first', imageId);
}

async function hasRoom({ stack, perSecond, signal }: Run): Promise<void> {
  const isFree = async () => {
    signal?.throwIfAborted();
    const { overflow } = await readIntake(stack);
    return overflow.waiting <= perSecond * MOST_SECONDS_QUEUED;
  };
  await pWaitFor(isFree, { interval: stack.emulated ? 200 : 2000 });
}

export async function countOutcomes({ notebook, sources, presets, only, report, signal }: Run): Promise<Rerendered> {
  const counts = { rendered: 0, gone: 0, failed: 0, left: 0 };
  let looked = 0;
  const outcomes = pMapIterable(
    everyOf(notebook.candidates),
    async ({ imageId, key }) => outcomeOf((await sources.current(imageId, key)).record, presets, only),
    { concurrency: LOOKS_AT_ONCE },
  );
  for await (const outcome of outcomes) {
    counts[outcome] += 1;
    looked += 1;
    if (looked % 500 === 0) report(`${looked} images`);
    signal?.throwIfAborted();
  }
  return counts;
}

function outcomeOf(record: ImageRecord | undefined, presets: readonly Preset[], only: Run['only']): keyof Rerendered {
  if (record?.outcome === 'failed') return 'failed';
  if (record?.outcome !== 'processed') return 'gone';
  return chosenFor(record, presets, only) === undefined ? 'rendered' : 'left';
}
