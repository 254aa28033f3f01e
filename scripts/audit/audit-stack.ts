/** One audit, from the price to the last look. */
import { lowestSequencer } from '../../adapters/contracts/queued-event.ts';
import { allPresets } from '../../core/presets.ts';
import { withStack } from '../local/running-stack.ts';
import { gather } from '../stack/gather.ts';
import {
  type Confirmed,
  deleteNotebook,
  everyOf,
  type Notebook,
  notebookPath,
  openNotebook,
  resumedNotebook,
} from '../stack/notebook.ts';
import { repairAll } from '../stack/repair.ts';
import { minutesOnTheWay, settled } from '../stack/settle.ts';
import type { Stack } from '../stack/stack.ts';
import { stackSources } from '../stack/stack-sources.ts';
import { tableSize } from '../stack/table-size.ts';
import { confirm } from '../terminal/confirm.ts';
import { printPlan } from '../terminal/plan.ts';
import { print } from '../terminal/print.ts';
import { printable } from '../terminal/printable.ts';
import { outputFor, type Step } from '../terminal/progress.ts';
import { plainTable } from '../terminal/table.ts';
import { firstLook, type Audit as Looks, lookForRest, secondLook } from './looks.ts';
import { describePrice, planOf } from './price.ts';
import { describeKinds, describeWork, planRepair, rowsOf, workOf } from './report.ts';

interface AuditOptions {
  readonly repair?: true;
  readonly prefix?: string;
  readonly dryRun?: true;
  readonly json?: true;
  readonly perSecond: number;
  readonly repairsPerSecond: number;
  readonly waitMinutes: number | undefined;
  readonly restart?: true;
  readonly stack?: string;
  readonly yes?: true;
}

/** Maximum rows in the table; totals count all. */
const SHOWN_ROWS = 20;
/** The second repairs what the first one left behind. */
const MOST_ROUNDS = 2;

/** Returns the exit code. */
export function auditStack(options: AuditOptions, signal: AbortSignal): Promise<number> {
  return withStack(options.stack, (stack) => audit(stack, options, signal));
}

/** Returns the exit code: 0 if everything agrees, or was repaired. */
export async function audit(stack: Stack, options: AuditOptions, signal: AbortSignal): Promise<number> {
  const { step, say } = outputFor(options.json);
  const size = { ...(await tableSize(stack)), renditionsPerImage: allPresets.length };
  say(`${stack.name}: ${describePrice(size, options.perSecond)}`);
  if (options.dryRun && !options.repair) {
    if (options.json) printPlan(planOf(size, options.perSecond));
    return 0;
  }
  if (!stack.emulated && !options.yes && !(await confirm('Begin?', signal))) return 0;

  const path = notebookPath('audit', stack, [options.prefix]);
  if (options.restart) deleteNotebook(path);
  const notebook = resumedNotebook(path, 'audit', say);
  const images = await look(stack, notebook, options, step, signal);
  report(notebook, images, options, say);
  const before = notebook.counts().confirmed;
  if (before > 0 && options.repair) await repair(stack, notebook, options, { step, say, signal });
  const left = notebook.counts().confirmed;
  if (options.json) {
    const result = { images, findings: Object.fromEntries(notebook.byKind()), repaired: before - left };
    if (options.dryRun) printPlan({ ...result, ...planRepair(...repairOf(notebook, options)) });
    else print(JSON.stringify(result));
  }
  // Only a stopped audit goes on: what this one has found may have changed by the next.
  notebook.close();
  deleteNotebook(path);
  return left === 0 ? 0 : 1;
}

/** Both looks. Returns how many images there are. */
async function look(
  stack: Stack,
  notebook: Notebook,
  { prefix, perSecond, waitMinutes }: Pick<AuditOptions, 'prefix' | 'perSecond' | 'waitMinutes'>,
  step: Step,
  signal?: AbortSignal,
): Promise<number> {
  const looks = looksAt(stack, notebook, { prefix, perSecond, signal });
  await step('Uploads and records', (progress) => gather({ ...looks, report: progress }));
  const images = await step('First look', (progress) => firstLook({ ...looks, report: progress }));
  if (notebook.counts().candidates === 0) return images;
  const minutes = waitMinutes ?? minutesOnTheWay(stack);
  await step('Uploads on their way', (progress) => settled(stack, new Date(), minutes, progress));
  await step('Second look', (progress) => secondLook({ ...looks, report: progress }));
  return images;
}

function looksAt(
  stack: Stack,
  notebook: Notebook,
  { prefix, perSecond, signal }: { prefix?: string | undefined; perSecond: number; signal?: AbortSignal | undefined },
): Looks {
  return {
    notebook,
    sources: stackSources(stack, { prefix, perSecond }),
    presets: allPresets,
    partial: prefix !== undefined,
    sequencerAt: lowestSequencer(stack.emulated),
    report: () => undefined,
    signal,
  };
}

/** For tests and proofs: everything that does not agree in a stack at rest, as sentences. */
export async function disagreements(stack: Stack, { prefix }: { readonly prefix?: string } = {}): Promise<string[]> {
  const notebook = openNotebook(':memory:');
  try {
    const options = { ...(prefix !== undefined && { prefix }), perSecond: 5000, waitMinutes: 0 };
    await look(stack, notebook, options, async (_, work) => await work(() => undefined));
    return [...everyOf(notebook.confirmed)].flatMap(rowsOf).map((row) => row.join(': '));
  } finally {
    notebook.close();
  }
}

function report(notebook: Notebook, images: number, { json }: AuditOptions, say: typeof print): void {
  if (json) {
    for (const { imageId, address, findings, repairs } of everyOf(notebook.confirmed))
      print(JSON.stringify({ imageId, ...address, findings, repairs }));
    return;
  }
  const { confirmed } = notebook.counts();
  if (confirmed === 0) {
    say(`${images} images: uploads, records and renditions agree.`);
    return;
  }
  const rows = firstOf(notebook, SHOWN_ROWS).map((row) => row.map(printable));
  say('', plainTable(['Image', 'Finding'], rows));
  say(
    ...(confirmed > SHOWN_ROWS ? ['… and more: --json lists all.'] : []),
    '',
    ...describeKinds(notebook.byKind()),
    '',
  );
}

function firstOf(notebook: Notebook, count: number): string[][] {
  return notebook.confirmed(undefined, count).flatMap(rowsOf).slice(0, count);
}

/** What there is to repair, of images with how many renditions, and at which rate. */
function repairOf(notebook: Notebook, { repairsPerSecond }: Pick<AuditOptions, 'repairsPerSecond'>) {
  return [workOf(everyOf<Confirmed>(notebook.confirmed)), allPresets.length, repairsPerSecond] as const;
}

async function repair(
  stack: Stack,
  notebook: Notebook,
  { perSecond, repairsPerSecond, dryRun, yes, prefix }: AuditOptions,
  { step, say, signal }: { readonly step: Step; readonly say: typeof print; readonly signal: AbortSignal },
): Promise<void> {
  say(describeWork(...repairOf(notebook, { repairsPerSecond })));
  if (dryRun || (!yes && !(await confirm('Repair?', signal)))) return;
  const looks = looksAt(stack, notebook, { prefix, perSecond, signal });
  // A second round removes what the first one replaced: an upload without a record may have left renditions.
  for (let round = 0; round < MOST_ROUNDS && notebook.counts().confirmed > 0; round += 1) {
    await step('Repair', (progress) =>
      repairAll(stack, everyOf<Confirmed>(notebook.confirmed), {
        perSecond: repairsPerSecond,
        report: progress,
        signal,
      }),
    );
    await step('Outcomes', (progress) => settled(stack, new Date(), 0, progress));
    await step('Last look', (progress) => lookForRest({ ...looks, report: progress }));
  }
  const { confirmed } = notebook.counts();
  if (confirmed > 0)
    say(
      '',
      plainTable(
        ['Image', 'Still'],
        firstOf(notebook, SHOWN_ROWS).map((row) => row.map(printable)),
      ),
      '',
    );
  say(
    confirmed === 0
      ? 'All repaired.'
      : `${confirmed} images still have findings. If uploads changed during the repair, run the audit again; otherwise see docs/runbooks/audit.md.`,
  );
}
