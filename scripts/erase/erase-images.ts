/** Erases images, one step after the other, and looks again. Every step can be repeated, so a stopped run goes on. */
import {
  countOf,
  type DeletionOutcome,
  type ErasureRules,
  type ErasureStep,
  erasureRules,
  type Hold,
  highest,
  isTombstone,
  type Line,
  newestOf,
  type StoredVersion,
  type Subject,
  sumOf,
  verdictOf,
} from '../../core/erase.ts';
import { type ImageId, previousSequencer, type Sequencer } from '../../core/image.ts';
import type { ImageRecord } from '../../core/record.ts';
import { everyOf } from '../stack/notebook.ts';
import type { ErasureNotebook, Target } from './erasure-notebook.ts';

/** Where an image leaves traces. Every call can be repeated. */
export interface TraceStore {
  /** All that are stored of one key, in no order. */
  versions(key: string): Promise<readonly StoredVersion[]>;
  /** Those that Object Lock puts on the versions. */
  holds(key: string, versions: readonly StoredVersion[]): Promise<readonly Hold[]>;
  /** Deletes what is current. Returns when, by the clock of S3. */
  deleteObject(key: string): Promise<string>;
  /** The lowest that S3 can have assigned after a time. */
  sequencerAfter(time: string): Sequencer;
  /** As if S3 sent the event of a deletion. */
  queueDeletion(key: string, sequencer: Sequencer): Promise<void>;
  /**
   * Waits until the deletion has an outcome.
   *
   * @param outcomeOf {@link outcomeOfDeletion} of this deletion
   * @throws if it takes too long
   */
  awaitDeletion(
    image: Pick<Target, 'imageId' | 'key'>,
    outcomeOf: (
      record: ImageRecord | undefined,
      versions: () => Promise<readonly StoredVersion[]>,
    ) => Promise<DeletionOutcome | undefined>,
  ): Promise<DeletionOutcome>;
  /** In this order. */
  removeVersions(key: string, versions: readonly StoredVersion[]): Promise<void>;
  /** Waits until every event that was on its way is decided, and no worker of before is still running. */
  settle(): Promise<void>;
  record(imageId: ImageId): Promise<ImageRecord | undefined>;
  renditions(imageId: ImageId): Promise<readonly string[]>;
  removeRenditions(keys: readonly string[]): Promise<void>;
  /** Shows every dead letter to `isToRemove`, and removes those. */
  sweepLetters(isToRemove: (subject: Subject) => Promise<boolean>): Promise<void>;
  /** Every item of the table for idempotency that names an image. */
  decisions(): AsyncIterable<{ readonly id: string; readonly imageId: ImageId }>;
  removeDecisions(ids: readonly string[]): Promise<void>;
  /** Takes the key out of the tombstone, unless the record has changed since it was read. */
  clearTombstone(tombstone: Pick<ImageRecord, 'imageId' | 'sequencer'>): Promise<void>;
  /** Every line of history, also in old versions of its objects. */
  historyLines(): AsyncIterable<Line>;
  /** Waits until the history has what was changed of this image, which was changed last. */
  settleHistory(imageId: ImageId): Promise<void>;
  /**
   * Reads all of history once, and removes lines.
   *
   * @param from the place of a run that was stopped
   * @param done called with a place: everything up to it is done
   */
  eraseHistory(
    isErased: (line: Line) => boolean,
    from: string | undefined,
    done: (place: string) => void,
  ): Promise<void>;
  /** Leaves one line in history: that the image was erased. */
  noteErasure(imageId: ImageId): Promise<void>;
}

export interface Erasure {
  readonly notebook: ErasureNotebook;
  readonly store: TraceStore;
  /** Awaited before what makes S3 send events: they go through the pipeline, as those of uploads do. */
  readonly turn?: () => Promise<void>;
  readonly rules?: ErasureRules;
  readonly report?: (progress: string) => void;
  readonly signal?: AbortSignal | undefined;
}

/** Images handled together. A stopped run repeats at most these. */
const BATCH = 8;
const DECISIONS_AT_ONCE = 1000;
/** Notes what there is of each image, and what keeps it from being erased. Removes nothing. */
export async function planErasure(
  run: Erasure,
  images: AsyncIterable<{ readonly imageId: ImageId; readonly key: string }>,
): Promise<void> {
  const { notebook, store, report, signal } = run;
  if (notebook.place('planned') !== undefined) return;
  let count = 0;
  for await (const { imageId, key } of images) {
    signal?.throwIfAborted();
    const versions = await store.versions(key);
    const [record, renditions, holds] = [
      await store.record(imageId),
      await store.renditions(imageId),
      await store.holds(key, versions),
    ];
    const found = countOf({ versions, renditions, record, letters: 0, decisions: 0, historyLines: 0 });
    notebook.save({ imageId, key, found, holds });
    count += 1;
    report?.(`${count} images`);
  }
  for (const [imageId, { count: lines, newest }] of await linesByImage(run)) {
    const target = notebook.find(imageId);
    if (target === undefined) continue;
    notebook.save({ ...target, newestLine: newest, found: { ...target.found, 'history lines': lines } });
  }
  for (const [imageId, { newestLetter, letters, decisions }] of await looseTraces(run)) {
    const target = notebook.find(imageId);
    if (target === undefined) continue;
    notebook.save({ ...target, newestLetter, found: { ...target.found, 'dead letters': letters, decisions } });
  }
  notebook.setPlace('planned', 'yes');
}

/** Lines of history about the images of the notebook, and the highest place in the order that one has. */
async function linesByImage({ notebook, store, signal }: Erasure) {
  const found = new Map<ImageId, { readonly count: number; readonly newest: Sequencer | undefined }>();
  for await (const { imageId, event, sequencer } of store.historyLines()) {
    signal?.throwIfAborted();
    if (event === 'erased' || notebook.find(imageId) === undefined) continue;
    const { count, newest } = found.get(imageId) ?? { count: 0, newest: undefined };
    found.set(imageId, { count: count + 1, newest: highest([newest, sequencer]) });
  }
  return found;
}

interface Loose {
  readonly letters: number;
  readonly lettersOfErased: number;
  readonly newestLetter: Sequencer | undefined;
  readonly decisions: number;
}
const none: Loose = { letters: 0, lettersOfErased: 0, newestLetter: undefined, decisions: 0 };

/** Dead letters and decisions are found by reading all there are. */
async function looseTraces({ notebook, store, rules = erasureRules, signal }: Erasure) {
  const found = new Map<ImageId, Loose>();
  const before = (imageId: ImageId) => found.get(imageId) ?? none;
  await store.sweepLetters(async (subject) => {
    const { imageId, sequencer } = subject;
    if (notebook.find(imageId) === undefined) return false;
    const isOfErased = await isLetterToRemove({ notebook, store, rules }, subject);
    const { letters, lettersOfErased, newestLetter, ...rest } = before(imageId);
    found.set(imageId, {
      ...rest,
      letters: letters + 1,
      lettersOfErased: lettersOfErased + (isOfErased ? 1 : 0),
      newestLetter: highest([newestLetter, sequencer]),
    });
    return false;
  });
  for await (const { imageId } of store.decisions()) {
    signal?.throwIfAborted();
    if (notebook.find(imageId) === undefined) continue;
    const { decisions, ...rest } = before(imageId);
    found.set(imageId, { ...rest, decisions: decisions + 1 });
  }
  return found;
}

async function isLetterToRemove(
  { notebook, store, rules }: Pick<Erasure, 'notebook' | 'store'> & { readonly rules: ErasureRules },
  subject: Subject,
): Promise<boolean> {
  const target = notebook.find(subject.imageId);
  if (target === undefined || target.holds.length > 0) return false;
  if (target.deletedAt === undefined) return false;
  const [record, versions] = [await store.record(target.imageId), await store.versions(target.key)];
  return rules.isAboutErased(subject, record, versions);
}

/** Anything is there, and nothing keeps it from being erased. */
export function isToErase({ found, holds }: Target): boolean {
  return holds.length === 0 && sumOf(found) > 0;
}

/** Goes on where it stopped. */
export async function eraseImages(run: Erasure): Promise<void> {
  const { notebook, rules = erasureRules } = run;
  for (const step of rules.steps) {
    if (notebook.place(step) !== undefined) continue;
    await take(step, { ...run, rules });
    notebook.setPlace(step, 'done');
  }
}

async function take(step: ErasureStep, run: Erasure & { readonly rules: ErasureRules }): Promise<void> {
  const { notebook, store, rules, turn } = run;
  switch (step) {
    case 'delete':
      return await each(run, step, async (target) => {
        await turn?.();
        notebook.save({ ...target, ...(await remove(target, run)) });
      });
    case 'await tombstone':
      return await each(run, step, async (target) => {
        const { tombstoneAbove: above, deletedAt = '', through } = target;
        if (above === undefined) return;
        const ended = await store.awaitDeletion(target, (record, versions) =>
          rules.outcomeOfDeletion(record, { above, deletedAt }, versions),
        );
        notebook.save({ ...target, through: highest([through, endOf(ended, deletedAt, store)]) });
      });
    case 'remove versions':
      return await each(run, step, async ({ key, deletedAt }) => {
        if (deletedAt === undefined) return;
        await turn?.();
        await store.removeVersions(key, rules.erasableVersions(await store.versions(key), deletedAt));
      });
    case 'settle':
      return await store.settle();
    case 'remove renditions':
      return await each(run, step, async ({ imageId }) => {
        const record = await store.record(imageId);
        await store.removeRenditions(rules.erasableRenditions(await store.renditions(imageId), record));
      });
    case 'remove dead letters':
      return await store.sweepLetters((subject) => isLetterToRemove(run, subject));
    case 'forget decisions':
      return await forgetDecisions(run);
    case 'clear tombstone':
      return await each(run, step, async ({ imageId }) => {
        const record = await store.record(imageId);
        if (record?.key !== undefined && isTombstone(record)) await store.clearTombstone(record);
      });
    case 'settle history': {
      const last = [...everyOf(notebook.targets)].findLast(isToErase);
      return last && (await store.settleHistory(last.imageId));
    }
    case 'erase history':
      return await eraseHistory(run);
    default:
      return step satisfies never;
  }
}

/** Works on all images that are to be erased, some at a time. */
async function each(
  { notebook, report, signal }: Erasure,
  name: ErasureStep | 'look',
  work: (target: Target) => Promise<void>,
): Promise<void> {
  const place = `${name} until`;
  let done = 0;
  let batch: Target[] = [];
  const finish = async () => {
    await Promise.all(batch.map(work));
    const last = batch.at(-1);
    if (last !== undefined) notebook.setPlace(place, last.imageId);
    done += batch.length;
    report?.(`${name}: ${done} images`);
    batch = [];
    signal?.throwIfAborted();
  };
  for (const target of everyOf(notebook.targets, notebook.place(place))) {
    if (isToErase(target)) batch.push(target);
    if (batch.length === BATCH) await finish();
  }
  await finish();
}

/** The last place in the order of what is erased. */
function endOf(
  { outcome, through }: DeletionOutcome,
  deletedAt: string,
  { sequencerAfter }: Pick<TraceStore, 'sequencerAfter'>,
): Sequencer {
  if (outcome === 'deleted' || deletedAt === '') return through;
  // There may have been several uploads since the deletion. The record is of the last one.
  const deletion = previousSequencer(sequencerAfter(deletedAt));
  return deletion < through ? deletion : through;
}

async function remove(
  { imageId, key, newestLetter, newestLine }: Target,
  { store, rules }: Erasure & { readonly rules: ErasureRules },
) {
  // The versions last: if one is uploaded meanwhile, it is seen. The other way round, its own record would look like that of a deleted one.
  const record = await store.record(imageId);
  const renditions = await store.renditions(imageId);
  const versions = await store.versions(key);
  const deletion = rules.deletionOf({ versions, record, renditions, newestLetter }, store.sequencerAfter);
  const through = highest([newestLine, record?.sequencer]);
  switch (deletion.deletion) {
    case 'object':
      return { deletedAt: await store.deleteObject(key), tombstoneAbove: deletion.above ?? '', through };
    case 'event':
      await store.queueDeletion(key, deletion.sequencer);
      return { deletedAt: newestOf(versions), tombstoneAbove: record?.sequencer ?? '', through };
    case 'none':
      return { deletedAt: newestOf(versions), tombstoneAbove: undefined, through };
    default:
      return deletion satisfies never;
  }
}

async function forgetDecisions({ notebook, store, signal }: Erasure): Promise<void> {
  let ids: string[] = [];
  for await (const { id, imageId } of store.decisions()) {
    signal?.throwIfAborted();
    const target = notebook.find(imageId);
    if (target !== undefined && isToErase(target)) ids.push(id);
    if (ids.length < DECISIONS_AT_ONCE) continue;
    await store.removeDecisions(ids);
    ids = [];
  }
  if (ids.length > 0) await store.removeDecisions(ids);
}

/** Once for all images: history has no index by image. */
async function eraseHistory(run: Erasure & { readonly rules: ErasureRules }): Promise<void> {
  const { notebook, store, rules } = run;
  await each(run, 'erase history', async (target) => {
    const stored = await store.versions(target.key);
    const old = new Set(rules.erasableVersions(stored, target.deletedAt ?? '').map(({ id }) => id));
    const record = await store.record(target.imageId);
    notebook.save({
      ...target,
      newVersions: stored.map(({ id }) => id).filter((id) => !old.has(id)),
      // There may be a later deletion. Without an image, all of it goes, as the key does.
      through: highest([target.through, isTombstone(record) ? record.sequencer : undefined]),
    });
    // Before the lines are removed: if the notebook is lost, a new run finds nothing to erase, and would leave no note.
    await store.noteErasure(target.imageId);
  });
  await store.eraseHistory(
    (line) => isLineToErase(run, line),
    notebook.place('history until'),
    (place) => notebook.setPlace('history until', place),
  );
}

function isLineToErase({ notebook, rules = erasureRules }: Erasure, line: Line): boolean {
  const target = notebook.find(line.imageId);
  return target !== undefined && isToErase(target) && rules.isErasedLine(line, target);
}

const noLines = { all: 0, ofErased: 0 };

/** Reads everything once more. What it finds is left. */
export async function lookAgain(run: Erasure): Promise<void> {
  const { notebook, store, signal } = run;
  const loose = await looseTraces(run);
  const lines = new Map<ImageId, { readonly all: number; readonly ofErased: number }>();
  for await (const line of store.historyLines()) {
    signal?.throwIfAborted();
    if (line.event === 'erased' || notebook.find(line.imageId) === undefined) continue;
    const { all, ofErased } = lines.get(line.imageId) ?? noLines;
    lines.set(line.imageId, { all: all + 1, ofErased: ofErased + (isLineToErase(run, line) ? 1 : 0) });
  }
  await each(run, 'look', async (target) => {
    const { imageId, key, deletedAt = '' } = target;
    const { letters, lettersOfErased, decisions } = loose.get(imageId) ?? none;
    const { all: historyLines, ofErased: historyLinesOfErased } = lines.get(imageId) ?? noLines;
    const traces = {
      ...{ imageId, letters, lettersOfErased, decisions, versions: await store.versions(key) },
      ...{ renditions: await store.renditions(imageId), record: await store.record(imageId) },
      ...{ historyLines, historyLinesOfErased },
    };
    notebook.save({ ...target, verdict: verdictOf(traces, deletedAt) });
  });
}
