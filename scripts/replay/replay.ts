/** `npm run replay`: sends archived domain events to a consumer once more. */
import { InvalidArgumentError } from '@commander-js/extra-typings';
import { requireStack, stackOption } from '../local/running-entry.ts';
import { command, main, nonEmpty } from '../terminal/command.ts';

export const replayCommand = command({
  name: 'npm run replay',
  summary: 'Sends the domain events of a period to one consumer’s rule once more, from the archive.',
  syntax: (line) =>
    line
      .requiredOption('--from <time>', 'the first event, in ISO 8601: 2026-11-28T09:00Z', time)
      .requiredOption('--to <time>', 'the last event', time)
      .requiredOption('--rule <name>', 'the consumer’s rule on the domain event bus', nonEmpty)
      .option('--dry-run', 'show the period, the rule and the price; replay nothing')
      .option('--json', 'the result as JSON')
      .addOption(stackOption)
      .option('--yes', 'do not ask'),
  examples: {
    'npm run replay -- --from 2026-11-28T09:00Z --to 2026-11-28T10:00Z --rule images': 'replay an hour',
  },
  notes: `A consumer that follows the two rules of docs/events/README.md is not harmed by events that it knows.
Events older than the archive keeps are gone: npm run announce publishes the current state of all images instead. Ctrl-C cancels the replay.`,
  runsToEnd: true,
  run: async ({ options, signal }) => {
    requireStack(options.stack);
    const { replayStack } = await import('./replay-events.ts');
    return await replayStack(options, signal);
  },
});

function time(text: string): Date {
  const parsed = new Date(text);
  if (!/^\d{4}-\d\d-\d\dT.*(Z|[+-]\d\d:\d\d)$/.test(text) || Number.isNaN(parsed.getTime()))
    throw new InvalidArgumentError('Use a time with its zone, such as 2026-11-28T09:00Z.');
  return parsed;
}

if (import.meta.main) await main(replayCommand);
