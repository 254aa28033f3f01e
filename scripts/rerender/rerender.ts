/** `npm run rerender`: gives images that exist the renditions of today's presets. */
import { requireStack, stackOption } from '../local/running-entry.ts';
import { command, main, nonEmpty, wholeNumber } from '../terminal/command.ts';

export const rerenderCommand = command({
  name: 'npm run rerender',
  summary: 'Renders images again whose renditions were made with other presets than those of today.',
  syntax: (line) =>
    line
      .option('--prefix <key>', 'only images whose key begins with this', nonEmpty)
      .option('--only <presets>', 'only images for which these presets changed, with commas between them', nonEmpty)
      .option('--rate <n>', 'images per second; without it, one for each dispatcher', wholeNumber({ from: 1, to: 100 }))
      .option('--dry-run', 'show how many images there are, the price and the duration; change nothing')
      .option('--json', 'the result as JSON')
      .option('--restart', 'begin again instead of going on with one that was stopped')
      .addOption(stackOption)
      .option('--yes', 'do not ask'),
  examples: {
    'npm run rerender -- --dry-run --stack NAME': 'show how many, the price and the duration',
    'npm run rerender -- --stack NAME --only webp-1920': 'only images that need another webp-1920',
  },
  notes: `Run it when the release that changed the presets is complete. Uploads come first: what is rendered again waits behind them.
Old renditions are served until the new ones are on record. A later upload or deletion wins at any time.
You can stop with Ctrl-C and run it again: it goes on where it stopped. docs/rerender.md explains it.`,
  run: async ({ options: { rate: perSecond, only, ...options }, signal }) => {
    requireStack(options.stack);
    const { rerenderStack } = await import('./rerender-stack.ts');
    return await rerenderStack({ ...options, perSecond, only: only?.split(',') }, signal);
  },
});

if (import.meta.main) await main(rerenderCommand);
