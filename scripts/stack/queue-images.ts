/**
 * Puts the images of a notebook into the overflow queue, at a rate that leaves room for uploads, and counts how they ended: what a
 * re-render and a backfill have in common.
 */
import { pMapIterable } from 'p-map';
import pWaitFor from 'p-wait-for';
import type { ImageFacts, Repair } from '../../core/audit.ts';
import type { ImageId } from '../../core/image.ts';
import { roomFor } from '../../core/queue-room.ts';
import type { ImageRecord } from '../../core/record.ts';
import { Failure } from '../terminal/failure.ts';
import type { Report } from '../terminal/progress.ts';
import { type Candidate, everyOf, type Notebook } from './notebook.ts';
import { readIntake } from './queues.ts';
import { repairAll } from './repair.ts';
import type { Sources } from './sources.ts';
import type { Stack } from './stack.ts';

/** Requests for the table and for uploads. */
export const READS_PER_SECOND = 500;
const LOOKS_AT_ONCE = 8;
/** After this many images, it remembers its place, and waits if too many are queued. A stopped run repeats at most these. */
export const BATCH = 20;
// Five attempts take a quarter of an hour.
const FIRST_IMAGE_MILLIS = 20 * 60_000;

/** One run of a command. */
export interface Run {
  readonly stack: Stack;
  readonly sources: Pick<Sources, 'current'>;
  readonly notebook: Notebook;
  /** Images. */
  readonly perSecond: number;
  readonly report: Report;
  readonly signal?: AbortSignal | undefined;
}

interface Decisions {
  /** Asked when the turn of an image comes: it may have changed since it was noted. Empty if it needs nothing any more. */
  readonly repairsFor: (candidate: Candidate) => Promise<readonly Repair[]>;
  /** Gets the new record of the first image. @throws {Failure} if all others would end the same way */
  readonly judgeFirst: (record: ImageRecord) => void;
}

/** How many images had their turn. */
export function turnsTaken(notebook: Notebook): number {
  return Number(notebook.place('turns') ?? 0);
}

/** Goes on where it stopped. */
export async function queueImages(run: Run, { repairsFor, judgeFirst }: Decisions): Promise<void> {
  const { stack, notebook, perSecond, report, signal } = run;
  const total = notebook.counts().candidates;
  let turns = turnsTaken(notebook);
  let last: ImageId | undefined;
  const remember = (imageId: ImageId) => {
    notebook.setPlaces({ queued: imageId, turns: String(turns) });
    report(`${turns} of ${total} images`);
  };
  const due = async function* () {
    for (const candidate of everyOf(notebook.candidates, notebook.place('queued')))
      yield { ...candidate, repairs: await repairsFor(candidate) };
  };
  await repairAll(stack, due(), {
    perSecond,
    signal,
    report: () => undefined,
    async done({ repairs, ...candidate }) {
      turns += 1;
      last = candidate.imageId;
      if (repairs.length > 0 && notebook.place('first') === undefined) {
        judgeFirst(await newRecordOf(candidate, run));
        notebook.setPlace('first', candidate.imageId);
      }
      if (turns % BATCH !== 0) return;
      remember(last);
      await hasRoom(run, ({ overflow }) => overflow.waiting);
    },
  });
  if (last !== undefined) remember(last);
}

/** The one that its event leads to. */
async function newRecordOf(
  { imageId, address, state }: Candidate,
  { stack, sources, report, signal }: Run,
): Promise<ImageRecord> {
  const isDecided = async () => {
    signal?.throwIfAborted();
    report('waiting for the first image');
    const { record } = await sources.current(imageId, address);
    return record !== undefined && record.sequencer !== state && record.announced && pWaitFor.resolveWith(record);
  };
  const late = new Failure(
    `${address?.key ?? imageId} was queued and has no outcome after ${FIRST_IMAGE_MILLIS / 60_000} minutes: ` +
      'see docs/runbooks/dispatch-images.md, then run this again.',
  );
  return await pWaitFor(isDecided, {
    interval: stack.emulated ? 200 : 2000,
    timeout: { milliseconds: FIRST_IMAGE_MILLIS, message: late },
  });
}

/** @param waiting how many images are in the way of uploads */
export async function hasRoom(
  { stack, perSecond, signal }: Pick<Run, 'stack' | 'perSecond' | 'signal'>,
  waiting: (intake: Awaited<ReturnType<typeof readIntake>>) => number,
): Promise<void> {
  const isFree = async () => {
    signal?.throwIfAborted();
    return roomFor(waiting(await readIntake(stack)), perSecond) >= 0;
  };
  await pWaitFor(isFree, { interval: stack.emulated ? 200 : 2000 });
}

/** @param counts zero for each outcome */
export async function countOutcomes<Outcome extends string>(
  { notebook, sources, report, signal }: Pick<Run, 'notebook' | 'sources' | 'report' | 'signal'>,
  counts: Record<Outcome, number>,
  outcomeOf: (facts: Pick<ImageFacts, 'record' | 'upload'>) => Outcome,
): Promise<Readonly<Record<Outcome, number>>> {
  let looked = 0;
  const outcomes = pMapIterable(
    everyOf(notebook.candidates),
    async ({ imageId, address }) => outcomeOf(await sources.current(imageId, address)),
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
