/** `npm run erase`: removes every trace of an image that can be removed, and proves it. */
import { requireStack, stackOption } from '../local/running-entry.ts';
import { command, main, nonEmpty, wholeNumber } from '../terminal/command.ts';
import { Failure } from '../terminal/failure.ts';

export const eraseCommand = command({
  name: 'npm run erase',
  summary: 'Erases images: all versions, renditions, the record, and what else names them. Cannot be undone.',
  syntax: (line) =>
    line
      .argument('[key]', 'the key of one image', nonEmpty)
      .option('--prefix <key>', 'instead of one image: all whose key begins with this', nonEmpty)
      .option('--bucket <name>', 'where the images are: the adopted bucket; without it, the upload bucket', nonEmpty)
      .option('--distribution <id>', 'the CloudFront distribution that serves the renditions', nonEmpty)
      .option('--rate <n>', 'images per second; without it, one for each dispatcher', wholeNumber({ from: 1, to: 100 }))
      .option('--dry-run', 'show what there is, what S3 must keep, and the price; change nothing')
      .option('--json', 'one JSON object per line: each image, then the totals and what remains until when')
      .option('--restart', 'begin again instead of going on with one that was stopped')
      .addOption(stackOption)
      .option('--yes', 'do not ask'),
  examples: {
    'npm run erase -- ann/beach.jpg --dry-run': 'show what there is of one image',
    'npm run erase -- --stack NAME --prefix ann/': 'erase all images of a folder',
    'npm run erase -- --stack NAME --bucket holiday-photos --prefix ann/': 'erase a folder of the adopted bucket',
  },
  notes: `An image that Object Lock protects is not touched: the command says why, and until when.
It deletes the image first, so that late events cannot bring it back, and looks again at the end. It reports what remains elsewhere, and until when.
You can stop with Ctrl-C and run it again: it goes on where it stopped.
The exit code is 0 only if the second look found nothing and no image was refused. docs/erase.md explains it.`,
  run: async ({ arguments: [key], options: { rate: perSecond, prefix, ...options }, signal }) => {
    if ((key === undefined) === (prefix === undefined))
      throw new Failure('Give either the key of one image or --prefix. For help: npm run erase -- --help');
    requireStack(options.stack);
    const { eraseStack } = await import('./erase-stack.ts');
    return await eraseStack({ ...options, key, prefix, perSecond }, signal);
  },
});

if (import.meta.main) await main(eraseCommand);
