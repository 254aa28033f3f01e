/** `npm run history`: what happened to an image, and the table of records made from it again. */
import { Argument, InvalidArgumentError } from '@commander-js/extra-typings';
import { requireStack, stackOption } from '../local/running-entry.ts';
import { command, main, nonEmpty, wholeNumber } from '../terminal/command.ts';
import { Failure } from '../terminal/failure.ts';

export const historyCommand = command({
  name: 'npm run history',
  summary: 'Shows every decision about an image, in order, or rebuilds the table of records from all decisions.',
  syntax: (line) =>
    line
      .addArgument(new Argument('[key]', 'of an upload').argParser(nonEmpty))
      .option(
        '--bucket <name>',
        'where the image is, or was: an adopted bucket; without it, the upload bucket',
        nonEmpty,
      )
      .option('--since <date>', 'read the history from this day on (2026-11-29, UTC); without it, all of it', day)
      .option('--rebuild', 'instead of showing an image, write what history says into a table')
      .option(
        '--into <table>',
        'with --rebuild: a DynamoDB table that is empty, or that an earlier run has begun to fill',
        nonEmpty,
      )
      .option('--rate <n>', 'with --rebuild: items per second', wholeNumber({ from: 1, to: 1000 }), 100)
      .option('--dry-run', 'show what it would read and write, and the price')
      .option('--json', 'one JSON object per line')
      .option('--restart', 'with --rebuild: begin again instead of going on with one that was stopped')
      .addOption(stackOption)
      .option('--yes', 'do not ask'),
  examples: {
    'npm run history -- holiday/cat.jpg': 'show what happened to this image',
    'npm run history -- cat.jpg --stack NAME --since 2026-11-01': 'read one month only',
    'npm run history -- cat.jpg --stack NAME --bucket holiday-photos': 'an image of the adopted bucket',
    'npm run history -- --rebuild --into TABLE --dry-run': 'show how many items it would write, and the price',
  },
  notes: `It says how much it reads and what that costs, and asks if that is more than a cent. In an account, a decision is in the history after \
five minutes.
You can stop a rebuild with Ctrl-C and run it again: it goes on where it stopped. docs/history.md explains the lines, and has queries \
for Athena, which are faster for many images or long periods.`,
  run: async ({ arguments: [key], options: { rate: perSecond, rebuild, into, bucket, ...options }, signal }) => {
    if (rebuild === true && (key !== undefined || into === undefined))
      throw new Failure('A rebuild needs --into TABLE and no key: npm run history -- --rebuild --into TABLE');
    if (rebuild !== true && (key === undefined || into !== undefined))
      throw new Failure('Name the key of an upload: npm run history -- KEY. To write a table: --rebuild --into TABLE');
    if (rebuild === true && bucket !== undefined)
      throw new Failure('A rebuild writes the records of all buckets: leave --bucket out.');
    requireStack(options.stack);
    const { rebuildTable, showHistory } = await import('./history-stack.ts');
    if (into !== undefined) return await rebuildTable({ ...options, into, perSecond }, signal);
    return await showHistory({ ...options, bucket, key: key ?? '' }, signal);
  },
});

function day(text: string): string {
  const date = new Date(text);
  if (!Number.isNaN(date.getTime()) && date.toISOString().slice(0, 10) === text) return text;
  throw new InvalidArgumentError('Use a day such as 2026-11-29.');
}

if (import.meta.main) await main(historyCommand);
