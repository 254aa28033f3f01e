/** `npm run simulate`: see the help below. */
import { readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { readScenario } from '../../load-tests/runner/scenario.ts';
import { withBlocks } from '../../scripts/docs/generated-blocks.ts';
import { type Stage, stages } from '../../scripts/template/template.ts';
import { parseOrSay } from '../../scripts/terminal/command-options.ts';
import { describeFailure, Failure } from '../../scripts/terminal/failure.ts';
import { callerDirectory, shownPath } from '../../scripts/terminal/project.ts';
import { table } from '../bench/measure.ts';
import { keptMeasurements, lastMeasurements } from '../cost/measured.ts';
import { accountSetup, photographsAt, scenarioArrivals } from './account-setup.ts';
import { outcomeOf } from './outcome.ts';
import { type Arrival, simulate } from './pipeline.ts';
import {
  checkComparable,
  heldOutFile,
  heldOutFiles,
  incomparable,
  keepRun,
  keptRampFile,
  lastRamp,
  type PlayedRun,
  type Ramp,
  readHeldOut,
  readRamp,
} from './ramp.ts';
import { heldOutTable, reproducedTable, scaleBlocks, scaleChart } from './report.ts';
import { throttleRetry } from './stage.ts';

const help = `Queue, pollers, dispatchers, workers and retries as a discrete-event simulation.

  npm run simulate                                   the measured ramp reproduced, and 1 to 10,000 images a second
  npm run simulate -- --from RUN.json                another ramp reproduced
  npm run simulate -- --against RUN.json             a run that the ramp knows nothing of, reproduced with its costs
  npm run simulate -- --rate 200 --seconds 120       photographs at one rate on stage prod, from cold
  npm run simulate -- --scenario spike --stage dev   what npm run load would meet with in an account, from cold
  npm run simulate -- --write                        keep the last ramp, and write lab/docs/scale.md and scale.svg

With --against and --write: --from too. What is written against a run keeps that as well.
With --rate and --scenario: --stage prod|dev, --dispatchers N, --executions N (the account's quota), --failures SHARE.

The ramp is that of the last \`npm run load -- ramp\` on this machine that was not disturbed, else the kept one; what
photographs cost is from the last \`npm run bench -- durations\`, else kept too.
`;

export const scaleDocuments = {
  text: fileURLToPath(new URL('../docs/scale.md', import.meta.url)),
  chart: fileURLToPath(new URL('../docs/scale.svg', import.meta.url)),
};

type Options = ReturnType<typeof parse>;

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
  else if (options.write) await writeDocuments(options);
  else process.stdout.write(`${await answer(options)}\n`);
}

async function answer(options: Options): Promise<string> {
  const { from, against, rate, scenario } = options;
  if (rate !== undefined) {
    const seconds = positive('--seconds', options.seconds);
    return oneLoad(options, photographsAt(lastMeasurements().measured, positive('--rate', rate), seconds));
  }
  const { ramp, file, heldOut } = await runsOf(from, against);
  process.stderr.write(`The ramp of ${shownPath(file)}.\n`);
  if (scenario !== undefined) {
    return oneLoad(options, scenarioArrivals(await readScenario(scenario, 'account', 1), ramp.costs));
  }
  if (against !== undefined) return heldOut.map((run) => heldOutTable(ramp, run)).join('\n\n');
  if (from !== undefined) return reproducedTable(ramp);
  return Object.values(scaleBlocks(ramp, heldOut, lastMeasurements().measured)).join('\n\n');
}

interface Runs {
  readonly ramp: Ramp;
  /** Of the ramp. */
  readonly file: string;
  readonly heldOut: readonly PlayedRun[];
}

/** The run that is named, or all kept ones of the ramp's machine; and the ramp that is named, or the last that is none of them. */
async function runsOf(from: string | undefined, against: string | undefined): Promise<Runs> {
  const files = against === undefined ? heldOutFiles() : [resolve(callerDirectory(), against)];
  const heldOut = await Promise.all(files.map(readHeldOut));
  const file = from === undefined ? undefined : resolve(callerDirectory(), from);
  const found = file === undefined ? await lastRamp(heldOut) : { ramp: await readRamp(file), file };
  if (against !== undefined) for (const run of heldOut) checkComparable(found.ramp, run);
  return { ...found, heldOut: heldOut.filter((run) => incomparable(found.ramp, run) === undefined) };
}

function parse(args: readonly string[]) {
  return parseOrSay('npm run simulate', () => {
    const { values } = parseArgs({
      args: [...args],
      options: {
        help: { type: 'boolean', short: 'h', default: false },
        write: { type: 'boolean', default: false },
        from: { type: 'string' },
        against: { type: 'string' },
        rate: { type: 'string' },
        seconds: { type: 'string', default: '60' },
        scenario: { type: 'string' },
        stage: { type: 'string', default: 'prod' },
        dispatchers: { type: 'string' },
        executions: { type: 'string' },
        failures: { type: 'string', default: '0' },
      },
    });
    return values;
  });
}

function oneLoad(options: Options, arrivals: readonly Arrival[]): string {
  const atMost = (option: 'dispatchers' | 'executions') => {
    const text = options[option];
    return text === undefined ? undefined : positive(`--${option}`, text);
  };
  const [dispatchers, executions] = [atMost('dispatchers'), atMost('executions')];
  const failures = Number(options.failures);
  if (!(failures >= 0 && failures <= 1)) throw new Failure('--failures needs a share from 0 to 1, for example 0.01.');
  const setup = accountSetup({ stage: accountStage(options.stage), arrivals, dispatchers, executions, warm: false });
  const simulated = simulate({ ...setup, failures }, throttleRetry);
  const outcome = outcomeOf(simulated);
  return table(
    ['', ''],
    [
      ['images', String(outcome.images)],
      ['decided', String(outcome.decided)],
      ['in the dead-letter queue', String(outcome.dead)],
      ['decided a second', outcome.throughput.toFixed(1)],
      ['upload → decision, p50', `${outcome.p50Seconds.toFixed(2)} s`],
      ['upload → decision, p95', `${outcome.p95Seconds.toFixed(2)} s`],
      ['upload → decision, p99', `${outcome.p99Seconds.toFixed(2)} s`],
      ['longest queue', String(outcome.longestQueue)],
      ['last upload → last decision', `${outcome.drainSeconds.toFixed(1)} s`],
      ['throttled invocations', String(simulated.throttles)],
      ['at once: dispatchers, metadata, resize', Object.values(simulated.peak).join(', ')],
    ],
  );
}

function accountStage(name: string): Exclude<Stage, 'local'> {
  const found = stages.find((stage) => stage === name);
  if (found === undefined || found === 'local') throw new Failure('--stage needs dev or prod.');
  return found;
}

function positive(option: string, text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new Failure(`${option} needs a number above 0, not ${JSON.stringify(text)}.`);
  return value;
}

async function writeDocuments({ from, against }: Options): Promise<void> {
  if (against !== undefined) {
    const { heldOut } = await runsOf(from, against);
    for (const run of heldOut) await keepRun(heldOutFile(run), run);
  }
  const { ramp, file, heldOut } = await runsOf(from, undefined);
  if (file !== keptRampFile) await keepRun(keptRampFile, ramp);
  const measured = keptMeasurements();
  writeFileSync(scaleDocuments.chart, await scaleChart(ramp, measured));
  writeFileSync(
    scaleDocuments.text,
    withBlocks(readFileSync(scaleDocuments.text, 'utf8'), 'simulate', scaleBlocks(ramp, heldOut, measured)),
  );
  process.stdout.write(
    `Written from ${shownPath(file)}: ${Object.values(scaleDocuments).map(shownPath).join(', ')}.\n`,
  );
}
