/** `npm run lab -- scale`. */
import { command, oneOf, positiveNumber } from '../../scripts/terminal/command.ts';
import { lastMeasurements } from '../cost/measured.ts';
import { printMarkdown } from '../markdown.ts';
import { table } from '../table.ts';
import { backlogOf, capacityOf, dispatchersOf } from './queue.ts';
import { duration, scaleBlocks } from './report.ts';

export const scaleCommand = command({
  name: 'scale',
  summary:
    'Which limit is reached first, from 1 to 10,000 images per second, and how long a burst takes to drain. 2 s.',
  syntax: (line) =>
    line
      .option('--images <n>', 'one burst of this many photographs', positiveNumber)
      .option('--seconds <n>', 'the time in which they arrive', positiveNumber, 60)
      .option('--stage <name>', 'dev or prod', oneOf(['dev', 'prod']), 'prod' as const)
      .option('--dispatchers <n>', 'concurrent dispatchers, instead of the number in the stage', positiveNumber)
      .option('--markdown', 'print the tables as Markdown'),
  examples: {
    'npm run lab -- scale': 'the tables of lab/docs/scale.md',
    'npm run lab -- scale --images 50000 --seconds 120': 'one burst',
  },
  run: async ({ options: { images, markdown, ...options } }) => {
    const { measured } = lastMeasurements();
    const tables = images === undefined ? Object.values(scaleBlocks(measured)) : [oneBurst(images, options)];
    printMarkdown(tables.join('\n\n'), markdown);
  },
});

interface Burst {
  readonly seconds: number;
  readonly stage: 'dev' | 'prod';
  readonly dispatchers?: number;
}

function oneBurst(images: number, { seconds, stage, dispatchers: most }: Burst): string {
  const { measured } = lastMeasurements();
  const dispatchers = dispatchersOf(stage, measured, most);
  const burst = { images, seconds };
  const { longestQueue, waitOf, drainSeconds } = backlogOf([burst], { ...dispatchers, warm: false });
  return table(
    ['', ''],
    [
      ['decided per second, at most', capacityOf(dispatchers).toFixed(1)],
      ['longest queue', `${longestQueue.toFixed(0)} images`],
      [
        'wait in the queue, p50 · p95 · longest',
        [0.5, 0.95, 1].map((share) => `${waitOf(share).toFixed(1)} s`).join(' · '),
      ],
      ['from the last upload until the queue is empty', duration(drainSeconds)],
    ],
  );
}
