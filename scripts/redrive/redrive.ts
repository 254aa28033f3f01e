/** `npm run redrive`: see redrive-options.ts for what it does and takes. */

import { stackNamed } from '../local/running-stack.ts';
import { countLetters, resourceOf } from '../stack/dead-letter-queue.ts';
import { intakeStatus } from '../stack/intake-switch.ts';
import type { Stack } from '../stack/stack.ts';
import { confirm } from '../terminal/confirm.ts';
import { describeFailure, Failure } from '../terminal/failure.ts';
import { showCursor, showStep } from '../terminal/progress.ts';
import { onceStopped } from '../terminal/stop-on-signals.ts';
import { plainTable, printable } from '../terminal/table.ts';
import { type Cause, causesOf, type Found } from './dead-letter-cause.ts';
import { help, parseOptions, type RedriveOptions } from './redrive-options.ts';
import { type Ending, findLetters, followLetters, moveLetters } from './redrive-stack.ts';
import { isGood, totalsOf } from './redrive-verdict.ts';

/** Rows of a list; causes and totals are of all. */
const shownRows = 20;

onceStopped((exitCode) => {
  showCursor();
  process.exit(exitCode);
});
try {
  process.exitCode = await redrive(parseOptions(process.argv.slice(2)));
} catch (error) {
  process.stderr.write(`${describeFailure(error)}\n`);
  process.exitCode = 1;
}

async function redrive(options: RedriveOptions): Promise<number> {
  if (options.help) return say(help.trimEnd());
  const stack = await stackNamed(options.stack);
  try {
    const found = await showStep('Dead letters', () => findLetters(stack, options.queues));
    const all = Math.max(found.length, await countLetters(stack, options.queues));
    if (all === 0) return say(`${stack.name} has no dead letters.`);
    sayWhy(found, all);
    if (options.list) return 0;

    const movable = Math.min(all - found.filter(({ letter }) => letter.event === undefined).length, options.max);
    if (movable === 0) return say('None of them can be moved back.');
    await mustTake(stack);
    if (!options.yes && !(await confirm(`Move ${movable} of ${all} back to UploadQueue of ${stack.name}?`))) {
      return say('Nothing was moved.');
    }
    const moved = await showStep('Move', (report) => moveLetters(stack, options.queues, found, options, report));
    const patience = { patienceMillis: options.waitMinutes * 60_000 };
    const endings = await showStep('Outcomes', (report) => followLetters(stack, moved, patience, report));
    sayEnds(endings, options, await countLetters(stack, options.queues));
    return endings.every(({ verdict }) => isGood(verdict)) ? 0 : 1;
  } finally {
    stack.close();
  }
}

/** Into a closed intake they would only move from this queue, which keeps them 14 days, to one that keeps them for a week. */
async function mustTake(stack: Stack): Promise<void> {
  const { state } = await intakeStatus(stack);
  if (state === 'Enabled') return;
  throw new Failure(
    `Intake is not open (${state}), so nothing would process them: npm run intake -- resume${named(stack)}`,
  );
}

function named({ name, emulated }: Stack): string {
  return emulated ? '' : ` --stack ${name}`;
}

function sayWhy(found: readonly Found[], all: number): void {
  const causes = causesOf(found);
  const rows = causes.flatMap((cause, index) => cause.found.map((one) => rowOf(one, index + 1)));
  const unseen = all - found.length;
  say(
    '',
    ...causes.map(({ text, found: { length } }: Cause, index) => `#${index + 1}  ${length} ×  ${printable(text)}`),
    '',
    plainTable(['Why', 'Image', 'Change', 'Happened', 'Correlation id', 'Queue'], rows.slice(0, shownRows)),
    ...(rows.length > shownRows ? [`… and ${rows.length - shownRows} more.`] : []),
    ...(unseen > 0 ? [`About ${unseen} messages were not looked at.`] : []),
    '',
  );
}

function rowOf({ queue, letter }: Found, cause: number): string[] {
  const { event, body, messageId } = letter;
  return event === undefined
    ? [`#${cause}`, shortened(JSON.stringify(body)), '–', '–', `message ${messageId}`, resourceOf[queue]]
    : [`#${cause}`, printable(event.image.key), event.change, event.occurredAt, event.correlationId, resourceOf[queue]];
}

function shortened(text: string): string {
  return printable(text.length > 40 ? `${text.slice(0, 40)}…` : text);
}

function sayEnds(endings: readonly Ending[], { waitMinutes }: RedriveOptions, left: number): void {
  const verdicts = endings.map(({ verdict }) => verdict);
  // Those that somebody has to look at come first.
  const sorted = [...endings].sort((a, b) => Number(isGood(a.verdict)) - Number(isGood(b.verdict)));
  const rows = sorted.map(({ moved: { event }, verdict }) => [
    printable(event.image.key),
    verdict,
    event.correlationId,
  ]);
  say(
    '',
    plainTable(['Image', 'Became', 'Correlation id'], rows.slice(0, shownRows)),
    ...(rows.length > shownRows ? [`… and ${rows.length - shownRows} more.`] : []),
    '',
    `${endings.length} moved: ${totalsOf(verdicts)}. In the dead-letter queues now: ${left}.`,
    ...(verdicts.includes('died again') ? ['What died again has its cause still: npm run redrive -- --list'] : []),
    ...(verdicts.includes('undecided')
      ? [`Nothing was decided for ${waitMinutes} minutes: what is undecided waits in UploadQueue, or is being tried.`]
      : []),
  );
}

function say(...lines: readonly string[]): 0 {
  process.stdout.write(`${lines.join('\n')}\n`);
  return 0;
}
