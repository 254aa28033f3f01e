/** `npm run announce`: tells consumers the current state of every image. */
import { requireStack, stackOption } from '../local/running-entry.ts';
import { command, main, nonEmpty, wholeNumber } from '../terminal/command.ts';

export const announceCommand = command({
  name: 'npm run announce',
  summary: 'Publishes the event of every image’s current state once more, for a new consumer.',
  syntax: (line) =>
    line
      .option('--prefix <key>', 'only images whose key begins with this', nonEmpty)
      .option('--rate <n>', 'events per second', wholeNumber({ from: 1, to: 2000 }), 50)
      .option('--dry-run', 'show how many images there are and what it costs; publish nothing')
      .option('--json', 'the result as JSON')
      .option('--restart', 'begin again instead of going on with one that was stopped')
      .addOption(stackOption)
      .option('--yes', 'do not ask'),
  examples: {
    'npm run announce -- --dry-run': 'show how many, and the price',
    'npm run announce -- --stack NAME --rate 20': 'publish 20 events per second',
  },
  notes: `All consumers receive the events. Those that follow the two rules of docs/events/README.md drop what they know.
You can stop with Ctrl-C. Run it again within a day of its beginning, and it goes on where it stopped.`,
  run: async ({ options: { rate: perSecond, ...options }, signal }) => {
    requireStack(options.stack);
    const { announceStack } = await import('./announce-images.ts');
    return await announceStack({ ...options, perSecond }, signal);
  },
});

if (import.meta.main) await main(announceCommand);
