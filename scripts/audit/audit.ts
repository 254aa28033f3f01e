/** `npm run audit`: compares buckets and records, and repairs what does not agree. */
import { requireStack, stackOption } from '../local/running-entry.ts';
import { command, main, nonEmpty, wholeNumber } from '../terminal/command.ts';

export const auditCommand = command({
  name: 'npm run audit',
  summary: 'Compares uploads, records and renditions, and lists or repairs what does not agree.',
  syntax: (line) =>
    line
      .option('--repair', 'repair what it finds, through the upload queue')
      .option('--prefix <key>', 'only images whose key begins with this', nonEmpty)
      .option('--dry-run', 'show the price, or with --repair what it would repair; change nothing')
      .option('--json', 'one JSON object per line: each image with findings, then the totals')
      .option('--rate <n>', 'requests per second', wholeNumber({ from: 1, to: 5000 }), 500)
      .option('--repair-rate <n>', 'images per second to repair', wholeNumber({ from: 1, to: 100 }), 5)
      .option(
        '--wait <minutes>',
        'between the two looks; without it 10, or none on this machine',
        wholeNumber({ from: 0, to: 1440 }),
      )
      .option('--restart', 'begin again instead of going on with a stopped audit')
      .addOption(stackOption)
      .option('--yes', 'do not ask'),
  examples: {
    'npm run audit': 'list what does not agree',
    'npm run audit -- --dry-run --stack NAME': 'show what it would read and cost',
    'npm run audit -- --repair --stack NAME': 'list, ask, repair, and look again',
  },
  notes: `It looks at every image, waits until all uploads that were on their way have an outcome, and looks again at what did not agree. \
Only what both looks see is a finding.
You can stop with Ctrl-C and run it again: it goes on where it stopped.
The exit code is 0 if everything agrees, or was repaired. docs/audit.md explains each finding and its repair.`,
  run: async ({
    options: { rate: perSecond, repairRate: repairsPerSecond, wait: waitMinutes, ...options },
    signal,
  }) => {
    requireStack(options.stack);
    const { auditStack } = await import('./audit-stack.ts');
    return await auditStack({ ...options, perSecond, repairsPerSecond, waitMinutes }, signal);
  },
});

if (import.meta.main) await main(auditCommand);
