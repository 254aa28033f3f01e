/** `npm run simulate`: see the help below. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { table } from './bench/measure.ts';
import { keptMeasurements, lastMeasurements } from './cost/measured.ts';
import { describeFailure, Failure } from './failure.ts';
import { withBlocks } from './generated-blocks.ts';
import { shownPath } from './project.ts';
import { type Outcome, simulate } from './simulate/pipeline.ts';
import { scaleBlocks, scaleChart } from './simulate/report.ts';
import { keptSaturationFile, lastSaturationFile, readSaturation } from './simulate/saturation.ts';
import { accountSetup, stageSettings, throttleRetry } from './simulate/setups.ts';

const help = `Queue, pollers, dispatchers, workers and retries as a discrete-event simulation.

  npm run simulate                                   the measured curve reproduced, and 1 to 10,000 images a second
  npm run simulate -- --rate 200 --seconds 120       one load on stage prod, from cold
  npm run simulate -- --rate 200 --dispatchers 40    … with other settings: --dispatchers N, --failures SHARE
  npm run simulate -- --write                        keep the curve of the last bench, and write docs/scale.md, scale.svg

Service times are those of the last \`npm run bench -- durations\` and \`-- saturation\` on this machine, else the kept ones.
`;

export const scaleDocuments = {
  text: fileURLToPath(new URL('../docs/scale.md', import.meta.url)),
  chart: fileURLToPath(new URL('../docs/scale.svg', import.meta.url)),
};

if (import.meta.main) {
  try {
    await run(process.argv.slice(2));
  } catch (error) {
    process.stderr.write(`${describeFailure(error)}\n`);
    process.exitCode = 1;
  }
}

async function run(args: readonly string[]): Promise<void> {
  const options = parse(args);
  if (options.help) process.stdout.write(help);
  else if (options.write) await writeDocuments();
  else if (options.rate !== undefined) process.stdout.write(`${oneLoad({ ...options, rate: options.rate })}\n`);
  else {
    const blocks = scaleBlocks(readSaturation(lastOrKept()), lastMeasurements().measured);
    process.stdout.write(`${Object.values(blocks).join('\n\n')}\n`);
  }
}

function parse(args: readonly string[]) {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        help: { type: 'boolean', short: 'h', default: false },
        write: { type: 'boolean', default: false },
        rate: { type: 'string' },
        seconds: { type: 'string', default: '60' },
        dispatchers: { type: 'string', default: String(stageSettings('prod').dispatchers) },
        failures: { type: 'string', default: '0' },
      },
    });
    return values;
  } catch (error) {
    const [sentence = ''] = error instanceof Error ? error.message.split('. ') : [];
    throw new Failure(`${sentence.replace(/\.$/, '')}: see npm run simulate -- --help for the options there are.`);
  }
}

function oneLoad(options: {
  readonly rate: string;
  readonly seconds: string;
  readonly dispatchers: string;
  readonly failures: string;
}): string {
  const rate = positive('--rate', options.rate);
  const seconds = positive('--seconds', options.seconds);
  const dispatchers = positive('--dispatchers', options.dispatchers);
  const failures = Number(options.failures);
  if (!(failures >= 0 && failures <= 1)) throw new Failure('--failures needs a share from 0 to 1, for example 0.01.');
  const setup = accountSetup(lastMeasurements().measured, { rate, seconds, dispatchers, warm: false });
  return outcomeTable(simulate({ ...setup, failures }, throttleRetry));
}

function positive(option: string, text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new Failure(`${option} needs a number above 0, not ${JSON.stringify(text)}.`);
  return value;
}

function outcomeTable(outcome: Outcome): string {
  return table(
    ['', ''],
    [
      ['images', String(outcome.images)],
      ['decided', String(outcome.decided)],
      ['in the dead-letter queue', String(outcome.dead)],
      ['decided a second', outcome.throughput.toFixed(1)],
      ['upload → decision, p50', `${outcome.p50Seconds.toFixed(2)} s`],
      ['upload → decision, p95', `${outcome.p95Seconds.toFixed(2)} s`],
      ['longest queue', String(outcome.longestQueue)],
      ['last upload → last decision', `${outcome.drainSeconds.toFixed(1)} s`],
      ['throttled invocations', String(outcome.throttles)],
      ['at once: dispatchers, metadata, resize', Object.values(outcome.peak).join(', ')],
    ],
  );
}

function lastOrKept(): string {
  return existsSync(lastSaturationFile) ? lastSaturationFile : keptSaturationFile;
}

async function writeDocuments(): Promise<void> {
  if (existsSync(lastSaturationFile)) writeFileSync(keptSaturationFile, readFileSync(lastSaturationFile, 'utf8'));
  const saturation = readSaturation(keptSaturationFile);
  const measured = keptMeasurements();
  writeFileSync(scaleDocuments.chart, await scaleChart(saturation, measured));
  writeFileSync(
    scaleDocuments.text,
    withBlocks(readFileSync(scaleDocuments.text, 'utf8'), 'simulate', scaleBlocks(saturation, measured)),
  );
  process.stdout.write(`Written: ${Object.values(scaleDocuments).map(shownPath).join(', ')}.\n`);
}
