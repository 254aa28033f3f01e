/** One re-render, from the price to the summary. An audit's notebook and repairs, limited to images with outdated renditions. */
import { allPresets, type Preset } from '../../core/presets.ts';
import { chosenFor, rerenderOf } from '../../core/rerender.ts';
import { settingsOf } from '../../core/settings.ts';
import { withStack } from '../local/running-stack.ts';
import { requireOpenIntake } from '../stack/intake-switch.ts';
import { DONE, deleteNotebook, notebookPath, resumedNotebook } from '../stack/notebook.ts';
import {
  countOutcomes,
  type Run as Queueing,
  queueImages,
  READS_PER_SECOND,
  turnsTaken,
} from '../stack/queue-images.ts';
import { settled } from '../stack/settle.ts';
import type { Sources } from '../stack/sources.ts';
import type { Stack } from '../stack/stack.ts';
import { stackSources } from '../stack/stack-sources.ts';
import { tableSize } from '../stack/table-size.ts';
import { suggestion } from '../terminal/command.ts';
import { confirm } from '../terminal/confirm.ts';
import { Failure } from '../terminal/failure.ts';
import { printPlan } from '../terminal/plan.ts';
import { print, printError } from '../terminal/print.ts';
import { outputFor, type Step } from '../terminal/progress.ts';
import { describeResult, describeScan, describeWork, planWork, type Rerendered } from './rerender-report.ts';

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

/** Returns the exit code. */
export function rerenderStack(options: RerenderOptions, signal: AbortSignal): Promise<number> {
  return withStack(options.stack, (stack) => rerender(stack, options, signal));
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
  const { step, say } = outputFor(json);
  const perSecond = options.perSecond ?? stack.outputs.IntakeConcurrency;
  const size = await tableSize(stack);
  const path = notebookPath('rerender', stack, [
    // A new stack may have the name of a deleted one.
    size.tableId,
    ...[prefix, only, dryRun],
    presets.map((preset) => [preset.name, settingsOf(preset)]),
  ]);
  if (restart || dryRun) deleteNotebook(path);
  const notebook = resumedNotebook(path, 're-render', say);
  const sources = stackSources(stack, { prefix, perSecond: READS_PER_SECOND });
  const run: Run = { stack, sources, notebook, presets, only, perSecond, signal, report: () => undefined };

  say(`${stack.name}: ${describeScan(size)}`);
  await step('Records', (report) => findOutdated({ ...run, report }));
  const images = notebook.counts().candidates;
  const work = { images: images - turnsTaken(notebook), renditions: presets.length, perSecond };
  say(describeWork(work));
  if (images > 0 && !dryRun) await requireOpenIntake(stack);
  const agreed = images > 0 && !dryRun && (yes || (await confirm('Render them again?', signal)));
  const result = agreed ? await renderAll(run, step) : undefined;
  if (result !== undefined) say(describeResult(result));
  if (json && dryRun) printPlan(planWork(work));
  else if (json) print(JSON.stringify({ images, ...result }));
  // One that was stopped goes on. Otherwise, what was found may have changed by the next time.
  notebook.close();
  deleteNotebook(path);
  return result === undefined || result.failed + result.left === 0 ? 0 : 1;
}

export interface Run extends Queueing {
  readonly sources: Pick<Sources, 'buckets' | 'records' | 'current'>;
  readonly presets: readonly Preset[];
  readonly only: readonly string[] | undefined;
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

/** From the table alone, a page at a time. Goes on where it stopped. */
export async function findOutdated({ notebook, sources, presets, only, report, signal }: Run): Promise<void> {
  const place = notebook.place('judged');
  if (place === DONE) return;
  let records = 0;
  for await (const { items, next } of sources.records(place)) {
    // Uploads in a bucket that was given up cannot be read.
    const readable = items.filter(({ bucket }) => sources.buckets.includes(bucket));
    const candidates = readable.flatMap((record) => {
      const difference = chosenFor(record, presets, only);
      const { imageId, bucket, key, sequencer: state } = record;
      // Of an erased image, there is nothing to render.
      return difference === undefined || key === undefined
        ? []
        : [{ imageId, address: { bucket, key }, state, findings: [{ kind: 'outdated' as const, ...difference }] }];
    });
    notebook.noteCandidates(candidates, next ?? DONE);
    records += items.length;
    report(`${records} records, ${notebook.counts().candidates} outdated images`);
    signal?.throwIfAborted();
  }
}

async function renderAll(run: Run, step: Step): Promise<Rerendered> {
  await step('Images', (report) => queueAll({ ...run, report }));
  await step('Outcomes', (report) => settled(run.stack, new Date(), 0, report));
  return await step('Last look', (report) => countRendered({ ...run, report }));
}

/** Puts the images into the queue, at the rate. Goes on where it stopped. */
export async function queueAll(run: Run): Promise<void> {
  const { stack, sources, presets, only } = run;
  await queueImages(run, {
    async repairsFor({ imageId, address }) {
      const repair = rerenderOf(await sources.current(imageId, address), presets, only);
      return repair === undefined ? [] : [repair];
    },
    judgeFirst(record) {
      if (record.outcome === 'failed')
        throw new Failure(
          `${record.key} failed, and probably all others would: npm run redrive -- --list says why. Then run this again.`,
        );
      // Otherwise every image would be rendered for nothing, and stay outdated.
      if (chosenFor(record, presets, only) === undefined) return;
      throw new Failure(
        `${record.key} was rendered again and is still outdated: ${stack.name} has other presets than this checkout. ` +
          'Deploy it, wait until the release is complete, and run this again.',
      );
    },
  });
}

export async function countRendered({ presets, only, ...run }: Run): Promise<Rerendered> {
  return await countOutcomes(run, { rendered: 0, gone: 0, failed: 0, left: 0 }, ({ record }) => {
    if (record?.outcome === 'failed') return 'failed';
    if (record?.outcome !== 'processed') return 'gone';
    return chosenFor(record, presets, only) === undefined ? 'rendered' : 'left';
  });
}
