/** `npm run lab -- scale`. */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { withGenerated } from '../../scripts/docs/generated-blocks.ts';
import { command, oneOf, positiveNumber } from '../../scripts/terminal/command.ts';
import { print } from '../../scripts/terminal/print.ts';
import { shownPath } from '../../scripts/terminal/project.ts';
import { plainTable } from '../../scripts/terminal/table.ts';
import { keptMeasurements, lastMeasurements } from '../cost/measured.ts';
import { backlogOf, capacityOf, dispatchersOf } from './queue.ts';
import { duration, scaleBlocks } from './report.ts';

export const scaleDocument = fileURLToPath(new URL('../docs/scale.md', import.meta.url));

export const scaleCommand = command({
  name: 'scale',
  summary: 'Which limit is reached first, from 1 to 10,000 images a second, and how long a burst takes to drain. 2 s.',
  syntax: (line) =>
    line
      .option('--images <n>', 'only one burst, of so many photographs', positiveNumber)
      .option('--seconds <n>', 'the time in which the burst arrives', positiveNumber, 60)
      .option('--stage <stage>', 'the stage that it arrives at: dev or prod', oneOf(['dev', 'prod']), 'prod' as const)
      .option('--dispatchers <n>', 'instead of the dispatchers of the stage', positiveNumber)
      .option('--write', 'write the tables of lab/docs/scale.md'),
  run: async ({ options: { images, write, ...options } }) => {
    if (write) writeDocument();
    else if (images !== undefined) print(oneBurst({ images, ...options }));
    else print(Object.values(scaleBlocks(lastMeasurements().measured)).join('\n\n'));
  },
});

interface Burst {
  readonly images: number;
  readonly seconds: number;
  readonly stage: 'dev' | 'prod';
  readonly dispatchers?: number | undefined;
}

function oneBurst({ images, seconds, stage, dispatchers: most }: Burst): string {
  const dispatchers = { ...dispatchersOf(stage, lastMeasurements().measured, most), warm: false };
  const { longestQueue, waitOf, drainSeconds } = backlogOf([{ images, seconds }], dispatchers);
  const waits = [0.5, 0.95, 1].map((share) => `${waitOf(share).toFixed(1)} s`);
  return plainTable(
    ['', ''],
    [
      ['decided per second, at most', capacityOf(dispatchers).toFixed(1)],
      ['longest queue', `${longestQueue.toFixed(0)} images`],
      ['wait in the queue, p50 · p95 · longest', waits.join(' · ')],
      ['from the last upload until the queue is empty', duration(drainSeconds)],
    ],
  );
}

function writeDocument(): void {
  const text = readFileSync(scaleDocument, 'utf8');
  writeFileSync(scaleDocument, withGenerated(text, scaleBlocks(keptMeasurements())));
  print(`Written: ${shownPath(scaleDocument)}.`);
}
