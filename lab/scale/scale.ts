/** `npm run lab -- scale`: see the help below. */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { withBlocks } from '../../scripts/docs/generated-blocks.ts';
import { parseOrSay } from '../../scripts/terminal/command-options.ts';
import { Failure } from '../../scripts/terminal/failure.ts';
import { shownPath } from '../../scripts/terminal/project.ts';
import { keptMeasurements, lastMeasurements } from '../cost/measured.ts';
import { table } from '../table.ts';
import { backlogOf, capacityOf, dispatchersOf } from './queue.ts';
import { duration, scaleBlocks } from './report.ts';

const help = `Which limit is reached first, from 1 to 10,000 images a second, and how long a burst takes to drain.

  npm run lab -- scale                               the tables of lab/docs/scale.md
  npm run lab -- scale --images 50000 --seconds 120  one burst of photographs
  npm run lab -- scale --write                       write lab/docs/scale.md

With --images: --seconds S (60), --stage dev|prod (prod), --dispatchers N (those of the stage).
`;

export const scaleDocument = fileURLToPath(new URL('../docs/scale.md', import.meta.url));

export function scale(args: readonly string[]): void {
  const options = parse(args);
  if (options.help) process.stdout.write(help);
  else if (options.write) writeDocument();
  else if (options.images !== undefined) process.stdout.write(`${oneBurst(options, options.images)}\n`);
  else process.stdout.write(`${Object.values(scaleBlocks(lastMeasurements().measured)).join('\n\n')}\n`);
}

function parse(args: readonly string[]) {
  return parseOrSay('npm run lab -- scale', () => {
    const { values } = parseArgs({
      args: [...args],
      options: {
        help: { type: 'boolean', short: 'h', default: false },
        write: { type: 'boolean', default: false },
        images: { type: 'string' },
        seconds: { type: 'string', default: '60' },
        stage: { type: 'string', default: 'prod' },
        dispatchers: { type: 'string' },
      },
    });
    return values;
  });
}

function oneBurst({ seconds, stage, dispatchers: most }: ReturnType<typeof parse>, images: string): string {
  if (stage !== 'dev' && stage !== 'prod') throw new Failure('--stage takes dev or prod.');
  const { measured } = lastMeasurements();
  const dispatchers = dispatchersOf(stage, measured, most === undefined ? undefined : positive('dispatchers', most));
  const burst = { images: positive('images', images), seconds: positive('seconds', seconds) };
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

function positive(option: string, text: string): number {
  const value = Number(text);
  if (value > 0) return value;
  throw new Failure(`--${option} takes a number above 0, not ${JSON.stringify(text)}.`);
}

function writeDocument(): void {
  const text = readFileSync(scaleDocument, 'utf8');
  writeFileSync(scaleDocument, withBlocks(text, 'lab scale', scaleBlocks(keptMeasurements())));
  process.stdout.write(`Written: ${shownPath(scaleDocument)}.\n`);
}
