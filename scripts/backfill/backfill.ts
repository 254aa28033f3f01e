/** `npm run backfill`: processes objects that no event has announced. */
import { requireStack, stackOption } from '../local/running-entry.ts';
import { command, main, nonEmpty, wholeNumber } from '../terminal/command.ts';

export const backfillCommand = command({
  name: 'npm run backfill',
  summary:
    'Processes objects that have no record: of the upload bucket, of the adopted bucket, or of any other as copies.',
  syntax: (line) =>
    line
      .option('--bucket <name>', 'where the objects are; without it, the upload bucket', nonEmpty)
      .option('--prefix <key>', 'only objects whose key begins with this', nonEmpty)
      .option(
        '--into <folder>',
        'copy them into this folder of the upload bucket; needed if --bucket is not adopted',
        nonEmpty,
      )
      .option('--in-account', 'let a workflow in the account do it: for millions, without your machine')
      .option('--rate <n>', 'images per second; without it, one for each dispatcher', wholeNumber({ from: 1, to: 100 }))
      .option('--dry-run', 'show how many images there are, the price and the duration; change nothing')
      .option('--json', 'the result as JSON')
      .option('--restart', 'begin again instead of going on with one that was stopped')
      .addOption(stackOption)
      .option('--yes', 'do not ask'),
  examples: {
    'npm run backfill -- --dry-run --stack NAME': 'show how many uploads have no record',
    'npm run backfill -- --stack NAME --bucket holiday-photos': 'process an adopted bucket where it is',
    'npm run backfill -- --stack NAME --in-account': 'let a workflow in the account process millions',
    'npm run backfill -- --stack NAME --bucket old-site --prefix img/ --into import/':
      'copy the images of any other bucket in',
  },
  notes: `Uploads come first: what is backfilled waits behind them. A later upload, overwrite or deletion wins at any time.
A copy never replaces an upload. The objects of --bucket are never changed.
You can stop with Ctrl-C and run it again: it goes on where it stopped. With --in-account, Ctrl-C stops only the display.
docs/backfill.md explains it.`,
  run: async ({ options: { rate: perSecond, inAccount, ...options }, signal }) => {
    requireStack(options.stack);
    if (inAccount) {
      const { backfillInAccount } = await import('./backfill-in-account.ts');
      return await backfillInAccount({ ...options, perSecond }, signal);
    }
    const { backfillStack } = await import('./backfill-stack.ts');
    return await backfillStack({ ...options, perSecond }, signal);
  },
});

if (import.meta.main) await main(backfillCommand);
