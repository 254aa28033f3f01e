/** `npm run load`. */
import { writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Argument } from '@commander-js/extra-typings';
import prettyBytes from 'pretty-bytes';
import { stopEmulators } from '../scripts/local/emulator.ts';
import { startGalleryPage } from '../scripts/local/gallery-page.ts';
import { isolateThisProcess } from '../scripts/local/isolated-environment.ts';
import { startLocalStack } from '../scripts/local/local-stack.ts';
import { accountStack, type Stack } from '../scripts/stack/stack.ts';
import { command, main, nonEmpty, oneOf, path, positiveNumber, wholeNumber } from '../scripts/terminal/command.ts';
import { confirm } from '../scripts/terminal/confirm.ts';
import { Failure } from '../scripts/terminal/failure.ts';
import { print, printError } from '../scripts/terminal/print.ts';
import { showStep } from '../scripts/terminal/progress.ts';
import { shownPath } from '../scripts/terminal/project.ts';
import { estimatedCost } from './runner/cost.ts';
import { caveats, checkTable, galleryTimes, reportPage, waitTable } from './runner/report.ts';
import { type RunResult, readResult } from './runner/result.ts';
import { executeRun, type PreparedRun, prepareRun, type RunControl } from './runner/run.ts';
import { readScenario, type Scenario, scenarioNames } from './runner/scenario.ts';
import { guardTarget, shownTarget, stackEnvironment, type Target } from './runner/target.ts';

type UnderLoad = Pick<RunControl, 'target' | 'environment' | 'gallery'> & { readonly stack: Stack };

const compareCommand = command({
  name: 'compare',
  summary: 'Shows two results side by side.',
  syntax: (line) =>
    line
      .argument('<before>', 'the run.json of a result', path)
      .argument('<after>', 'the run.json of a later result', path),
  run: async ({ arguments: [beforeFile, afterFile] }) => {
    const [before, after] = await Promise.all([readResult(beforeFile), readResult(afterFile)]);
    await show(after, join(dirname(afterFile), `against-${before.id}.html`), before);
  },
});

const scenarios = await scenarioNames();

export const loadCommand = command({
  name: 'npm run load',
  summary: 'Puts the pipeline under load and measures what users notice: the time from upload to ready, per image.',
  syntax: (line) =>
    line
      .addArgument(new Argument('<scenario>', scenarios.join(', ')).argParser(oneOf(scenarios)))
      .option('--stack <name>', 'a stack in your AWS account; shows the price and asks first', nonEmpty)
      .option(
        '--seed <n>',
        'selects the images and their order; the same seed gives the same run',
        wholeNumber({ from: 0, to: Number.MAX_SAFE_INTEGER }),
        1,
      )
      .option('--scale <x>', 'multiplies the arrivals in the same time', positiveNumber, 1)
      .option('--against <file>', 'the run.json of an earlier result, shown next to this one in the report', path)
      .option('--keep', 'keep the uploads; otherwise they are removed at the end')
      .option('-y, --yes', 'do not ask before spending money'),
  commands: [compareCommand],
  examples: {
    'npm run load -- smoke': 'on a separate emulator on this machine, which costs nothing',
    'npm run load -- ramp --stack NAME': 'on a stack in the account of your AWS profile and region',
    'npm run load -- compare BEFORE AFTER': 'two results side by side',
  },
  notes: 'load-tests/README.md says what each scenario proves.',
  run: ({ arguments: [scenario], options, signal }) => run({ ...options, scenario, signal }),
  // The run's uploads must be removed first.
  runsToEnd: true,
  onStop: (exitCode) => {
    printError('\nStopped: this run has no result.');
    return exitCode;
  },
  cleanUp: stopEmulators,
});

interface RunOptions {
  readonly scenario: string;
  /** In an account; undefined: the emulator. */
  readonly stack?: string;
  readonly seed: number;
  readonly scale: number;
  readonly against?: string;
  readonly keep?: true;
  readonly yes?: true;
  readonly signal: AbortSignal;
}

async function run(options: RunOptions): Promise<number> {
  const { seed, scale, keep = false, signal } = options;
  const against = options.against === undefined ? undefined : await readResult(options.against);
  const scenario = await readScenario(options.scenario, options.stack === undefined ? 'emulator' : 'account', scale);
  const prepared = await showStep('Images and plan', () => prepareRun({ scenario, seed, scale }));
  const { stack, ...place } =
    options.stack === undefined ? await ownEmulator(scenario) : await namedStack(options.stack);
  if (place.target.kind === 'stack') await askBeforeSpending(prepared, place.target, options);
  const control = { ...place, step: showStep, keep, signal };
  const result = await executeRun(prepared, stack, control);
  await writeFile(join(prepared.directory, 'run.json'), `${JSON.stringify(result)}\n`);
  await show(result, join(prepared.directory, 'report.html'), against);
  return result.passed ? 0 : 1;
}

/** A new emulator per run, so that its queues hold nothing from earlier runs. */
async function ownEmulator({ name, through }: Scenario): Promise<UnderLoad> {
  isolateThisProcess();
  const local = await startLocalStack(0, showStep);
  const { endpoint, environment } = local.emulator;
  const place: UnderLoad = { stack: local.stack, target: { kind: 'emulator', endpoint }, environment };
  if (through === 'bucket') return place;
  const gallery = await startGalleryPage(local, showStep);
  if (gallery === undefined) throw new Failure(`This clone has no gallery/, which ${name} needs.`);
  return { ...place, gallery };
}

async function namedStack(name: string): Promise<UnderLoad> {
  Object.assign(process.env, stackEnvironment);
  // Before the first request: an endpoint in the environment would redirect the request for the outputs too.
  guardTarget({ kind: 'stack', stack: name, region: '', account: '' }, process.env);
  const stack = await accountStack(name);
  const [, region = 'unknown', account = 'unknown'] =
    /^https:\/\/sqs\.([^.]+)\.[^/]+\/(\d+)\//.exec(stack.outputs.UploadQueueUrl) ?? [];
  return { stack, target: { kind: 'stack', stack: name, region, account }, environment: process.env };
}

async function askBeforeSpending(
  { scenario, users, changes, bytes, prefix }: PreparedRun,
  target: Target,
  { yes, keep, signal }: RunOptions,
): Promise<void> {
  print(
    `${scenario.title} on ${shownTarget(target)}: ${changes} changes below ${prefix} (${prettyBytes(bytes)}), about ` +
      `$${estimatedCost(users.flat()).toFixed(2)}. It takes up to ${Math.ceil((scenario.seconds + scenario.drainSeconds) / 60)} minutes, and about five more to read the metrics and clean up. ` +
      `The uploads are ${keep ? 'kept' : 'removed at the end'}.`,
  );
  if (!yes && !(await confirm('Continue?', signal))) throw new Failure('Nothing was sent.');
}

async function show(result: RunResult, page: string, against: RunResult | undefined): Promise<void> {
  await writeFile(page, await reportPage(result, against));
  const { reconciliation } = result;
  const lines = [
    '',
    waitTable(result, against),
    '',
    checkTable(result),
    '',
    `${reconciliation.sent} changes = ${reconciliation.decided} decided + ${reconciliation.deadLetters} dead letters; ` +
      `lost: ${reconciliation.lost.length}, not decided in time: ${reconciliation.notInTime.length}.`,
    ...galleryTimes(result),
    ...caveats(result),
    `${result.title} ${result.passed ? 'passed' : 'failed'}. Report: ${pathToFileURL(page)}`,
    `Raw: ${shownPath(join(dirname(page), 'run.json'))}`,
  ];
  print(...lines);
}

if (import.meta.main) await main(loadCommand);
