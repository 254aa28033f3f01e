/** Reads the history of a stack: shows one image, or writes all items into a table. */
import prettyBytes from 'pretty-bytes';
import { imageIdOf } from '../../core/image.ts';
import { withStack } from '../local/running-stack.ts';
import { type HistorySize, historyLines, historyPrice, historySize } from '../stack/history-store.ts';
import { requestPrices, shownPrice } from '../stack/prices.ts';
import type { Stack } from '../stack/stack.ts';
import { confirm } from '../terminal/confirm.ts';
import { printPlan } from '../terminal/plan.ts';
import { print, printError } from '../terminal/print.ts';
import { outputFor, type Report } from '../terminal/progress.ts';
import { readAll, rebuildNotebook, refuseUnfit, writeAll } from './rebuild.ts';
import { describeTimeline, jsonOf, timelineOf } from './timeline.ts';

interface ReadOptions {
  readonly since?: string;
  readonly dryRun?: true;
  readonly json?: true;
  readonly stack?: string;
  readonly yes?: true;
}

/** Above this, it asks before it reads. */
const UNASKED_USD = 0.01;

interface ShowOptions extends ReadOptions {
  readonly key: string;
  /** Of the image; without it, the upload bucket. It may have been adopted earlier, so any name will do. */
  readonly bucket?: string | undefined;
}

/** Returns the exit code: 1 if history knows nothing of the image. */
export function showHistory(options: ShowOptions, signal: AbortSignal): Promise<number> {
  return withStack(options.stack, (stack) => showImage(stack, options, signal));
}

export async function showImage(
  stack: Stack,
  { key, bucket = stack.outputs.UploadBucketName, since, dryRun, json, yes }: ShowOptions,
  signal: AbortSignal,
): Promise<number> {
  const { step, say } = outputFor(json);
  const size = await historySize(stack, since);
  const usd = historyPrice(size);
  say(`${stack.name}: ${describeReading(size)}.`);
  if (dryRun) {
    if (json) printPlan({ ...size, usd });
    return 0;
  }
  if (usd > UNASKED_USD && !yes && !(await confirm('Read them?', signal))) return 0;
  const onlyOf = await imageIdOf(bucket, key);
  const lines = await step('History', async (report) => {
    const found = await Array.fromAsync(historyLines(stack, { since, onlyOf, read: counted(size, report), signal }));
    return timelineOf(found.flat());
  });
  if (json) for (const line of lines) print(jsonOf(line));
  else if (lines.length > 0) print(describeTimeline(lines));
  if (lines.length > 0) return 0;
  printError(
    `There is no history of ${key} in ${bucket}. A decision appears after five minutes; what was decided before the history was deployed is not in it.`,
  );
  return 1;
}

export function describeReading(size: HistorySize): string {
  return `reads ${size.objects} objects, ${prettyBytes(size.bytes)}, ${shownPrice(historyPrice(size))}`;
}

export function describeWriting(items: number, bytes: number, perSecond: number): string {
  const minutes = Math.ceil(items / perSecond / 60);
  return `${items} items, ${shownPrice(writePrice(items, bytes))}, ${minutes} minutes at ${perSecond} items per second.`;
}

/** DynamoDB rounds each item up to a kilobyte. */
function writePrice(items: number, bytes: number): number {
  return (items + bytes / 1024) * requestPrices.dynamoDbWrite;
}

function counted({ objects }: HistorySize, report: Report): () => void {
  let read = 0;
  return () => {
    read += 1;
    report(`${read} of ${objects} objects`);
  };
}

interface RebuildOptions extends ReadOptions {
  readonly into: string;
  /** Items. */
  readonly perSecond: number;
  readonly restart?: true;
}

/** Returns the exit code. */
export function rebuildTable(options: RebuildOptions, signal: AbortSignal): Promise<number> {
  return withStack(options.stack, (stack) => rebuild(stack, options, signal));
}

export async function rebuild(
  stack: Stack,
  { since, into, perSecond, dryRun, json, yes, restart }: RebuildOptions,
  signal: AbortSignal,
): Promise<number> {
  const { step, say } = outputFor(json);
  const size = await historySize(stack, since);
  const mostUsd = writePrice(0, size.bytes);
  say(
    `${stack.name}: ${describeReading(size)}; writes at most ${prettyBytes(size.bytes)} into ${into}, ${shownPrice(mostUsd)}.`,
  );
  if (dryRun) {
    if (json) printPlan({ into, ...size, usd: historyPrice(size) + mostUsd });
    return 0;
  }
  const notebook = rebuildNotebook(stack, { into, since, restart }, say);
  try {
    await refuseUnfit(stack, into, { begun: notebook.hasBegun || restart === true });
    if (historyPrice(size) > UNASKED_USD && !yes && !(await confirm('Read them?', signal))) return 0;
    await step('History', (report) => readAll(stack, notebook, { since, read: counted(size, report), signal }));
    const { items, bytes } = notebook.counts();
    say(describeWriting(items, bytes, perSecond));
    if (!yes && !(await confirm(`Write them into ${into}?`, signal))) return 0;
    const written = await step('Items', (report) => writeAll(stack, notebook, { into, perSecond, report, signal }));
    say(`${written.written} items written${written.kept > 0 ? `; ${written.kept} were there already` : ''}.`);
    if (json) print(JSON.stringify(written));
    notebook.finish();
    return 0;
  } finally {
    notebook.close();
  }
}
