import { stackNamed } from '../local/running-stack.ts';
import { countLetters, resourceOf } from '../stack/dead-letter-queue.ts';
import type { DeadLetterQueueName } from '../stack/dead-letter-queue-names.ts';
import { requireOpenIntake } from '../stack/intake-switch.ts';
import { confirm } from '../terminal/confirm.ts';
import { print } from '../terminal/print.ts';
import { printable } from '../terminal/printable.ts';
import { showStep } from '../terminal/progress.ts';
import { plainTable } from '../terminal/table.ts';
import { type Cause, causesOf, type Found } from './dead-letter-cause.ts';
import { type Ending, findLetters, followLetters, moveLetters } from './redrive-stack.ts';
import { isGood, totalsOf } from './redrive-verdict.ts';

/** Maximum rows in a table; causes and totals cover all messages. */
const shownRows = 20;

interface RedriveOptions {
  readonly queues: readonly DeadLetterQueueName[];
  readonly list?: true;
  readonly yes?: true;
  readonly stack?: string;
  readonly max: number;
  readonly perSecond: number;
  readonly waitMinutes: number;
}

/** Returns the exit code. */
export async function redrive(options: RedriveOptions): Promise<number> {
  const stack = await stackNamed(options.stack);
  try {
    const found = await showStep('Dead letters', () => findLetters(stack, options.queues));
    const all = Math.max(found.length, await countLetters(stack, options.queues));
    if (all === 0) return say(`${stack.name} has no dead letters.`);
    printCauses(found, all);
    if (options.list) return 0;

    const movable = Math.min(all - found.filter(({ letter }) => letter.event === undefined).length, options.max);
    if (movable === 0) return say('None of them can be moved back.');
    // While intake is paused, this would only shorten their retention, from 14 days to the seven of UploadQueue.
    await requireOpenIntake(stack);
    if (!options.yes && !(await confirm(`Move ${movable} of ${all} back to UploadQueue of ${stack.name}?`))) {
      return say('Nothing was moved.');
    }
    const moved = await showStep('Move', (report) => moveLetters(stack, options.queues, found, options, report));
    const patience = { patienceMillis: options.waitMinutes * 60_000 };
    const endings = await showStep('Outcomes', (report) => followLetters(stack, moved, patience, report));
    printOutcomes(endings, options, await countLetters(stack, options.queues));
    return endings.every(({ verdict }) => isGood(verdict)) ? 0 : 1;
  } finally {
    stack.close();
  }
}

function printCauses(found: readonly Found[], all: number): void {
  const causes = causesOf(found);
  const rows = causes.flatMap((cause, index) => cause.found.map((one) => rowOf(one, index + 1)));
  const unseen = all - found.length;
  say(
    '',
    ...causes.map(({ text, found: { length } }: Cause, index) => `#${index + 1}  ${length} ×  ${printable(text)}`),
    '',
    plainTable(['Cause', 'Image', 'Change', 'Time', 'Correlation id', 'Queue'], rows.slice(0, shownRows)),
    ...(rows.length > shownRows ? [`… and ${rows.length - shownRows} more.`] : []),
    ...(unseen > 0 ? [`About ${unseen} more messages were not read.`] : []),
    '',
  );
}

function rowOf({ queue, letter }: Found, cause: number): string[] {
  const { event, body, messageId } = letter;
  return event === undefined
    ? [`#${cause}`, shortened(JSON.stringify(body)), '–', '–', `message ${messageId}`, resourceOf[queue]]
    : [
        `#${cause}`,
        printable(event.image.key),
        event.change,
        event.occurredAt,
        printable(event.correlationId),
        resourceOf[queue],
      ];
}

function shortened(text: string): string {
  return printable(text.length > 40 ? `${text.slice(0, 40)}…` : text);
}

function printOutcomes(endings: readonly Ending[], { waitMinutes }: RedriveOptions, left: number): void {
  const verdicts = endings.map(({ verdict }) => verdict);
  // Messages that need attention come first.
  const sorted = [...endings].sort((a, b) => Number(isGood(a.verdict)) - Number(isGood(b.verdict)));
  const rows = sorted.map(({ moved: { event }, verdict }) => [
    printable(event.image.key),
    verdict,
    printable(event.correlationId),
  ]);
  say(
    '',
    plainTable(['Image', 'Outcome', 'Correlation id'], rows.slice(0, shownRows)),
    ...(rows.length > shownRows ? [`… and ${rows.length - shownRows} more.`] : []),
    '',
    `${endings.length} moved: ${totalsOf(verdicts)}. In the dead-letter queues now: ${left}.`,
    ...(verdicts.includes('failed again') ? ['Some messages failed again. To see why: npm run redrive -- --list'] : []),
    ...(verdicts.includes('undecided')
      ? [`No new outcome for ${waitMinutes} minutes: undecided uploads are still in UploadQueue or in progress.`]
      : []),
  );
}

function say(...lines: readonly string[]): 0 {
  print(...lines);
  return 0;
}
