/** `npm run load`: see load/options.ts for what it does and takes. */
import { writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { pathToFileURL } from 'node:url';
import prettyBytes from 'pretty-bytes';
import { stopEmulators } from '../scripts/local/emulator.ts';
import { isolateThisProcess } from '../scripts/local/isolated-environment.ts';
import { startLocalStack } from '../scripts/local/local-stack.ts';
import { accountStack, type Stack } from '../scripts/stack/stack.ts';
import { describeFailure, Failure } from '../scripts/terminal/failure.ts';
import { showCursor, showStep } from '../scripts/terminal/progress.ts';
import { shownPath } from '../scripts/terminal/project.ts';
import { endRunningCommands } from '../scripts/terminal/run-command.ts';
import { onceStopped } from '../scripts/terminal/stop-on-signals.ts';
import { estimatedCost } from './runner/cost.ts';
import { type LoadOptions, loadHelp, parseLoadOptions } from './runner/options.ts';
import { caveats, checkTable, reportPage, waitTable } from './runner/report.ts';
import { type RunResult, readResult } from './runner/result.ts';
import { executeRun, type PreparedRun, prepareRun, type RunControl } from './runner/run.ts';
import { readScenario, scenarioNames } from './runner/scenario.ts';
import { guardTarget, shownTarget, stackEnvironment, type Target } from './runner/target.ts';

type RunOptions = Extract<LoadOptions, { command: 'run' }>;
type UnderLoad = Pick<RunControl, 'target' | 'environment'> & { readonly stack: Stack };

const stopped = new AbortController();
let stopCode: number | undefined;
onceStopped((exitCode) => {
  stopCode = exitCode;
  endRunningCommands();
  stopped.abort();
});
try {
  process.exitCode = await load(parseLoadOptions(process.argv.slice(2)));
} catch (error) {
  // On the way out, what fails fails because it was stopped.
  if (stopCode === undefined) process.stderr.write(`\n${describeFailure(error)}\n`);
  process.exitCode = 1;
}
await stopEmulators();
showCursor();
process.exit(stopCode ?? process.exitCode);

async function load(options: LoadOptions): Promise<number> {
  switch (options.command) {
    case 'help':
      process.stdout.write(loadHelp(await scenarioNames()));
      return 0;
    case 'compare': {
      const [before, after] = await Promise.all([readResult(options.before), readResult(options.after)]);
      await show(after, join(dirname(options.after), `against-${before.id}.html`), before);
      return 0;
    }
    case 'run':
      return await run(options);
  }
}

async function run(options: RunOptions): Promise<number> {
  const { seed, scale, keep } = options;
  const against = options.against === undefined ? undefined : await readResult(options.against);
  const scenario = await readScenario(options.scenario, options.stack === undefined ? 'emulator' : 'account', scale);
  const prepared = await showStep('Images and plan', () => prepareRun({ scenario, seed, scale }));
  const { stack, ...place } = options.stack === undefined ? await ownEmulator() : await namedStack(options.stack);
  if (place.target.kind === 'stack') await askBeforeSpending(prepared, place.target, options);
  const control = { ...place, step: showStep, keep, signal: stopped.signal };
  const result = await executeRun(prepared, stack, control);
  await writeFile(join(prepared.directory, 'run.json'), `${JSON.stringify(result)}\n`);
  await show(result, join(prepared.directory, 'report.html'), against);
  return result.passed ? 0 : 1;
}

/** Fresh and gone afterwards, whatever else is up on this machine: nothing of an earlier run is in its queues. */
async function ownEmulator(): Promise<UnderLoad> {
  isolateThisProcess();
  const { stack, emulator } = await startLocalStack(0, showStep);
  const { endpoint, environment } = emulator;
  return { stack, target: { kind: 'emulator', endpoint }, environment };
}

async function namedStack(name: string): Promise<UnderLoad> {
  Object.assign(process.env, stackEnvironment);
  // Before the stack is asked for its outputs: an endpoint in the environment would lead that request elsewhere too.
  guardTarget({ kind: 'stack', stack: name, region: '', account: '' }, process.env);
  const stack = await accountStack(name);
  const [, region = 'unknown', account = 'unknown'] =
    /^https:\/\/sqs\.([^.]+)\.[^/]+\/(\d+)\//.exec(stack.outputs.UploadQueueUrl) ?? [];
  return { stack, target: { kind: 'stack', stack: name, region, account }, environment: process.env };
}

async function askBeforeSpending(
  { scenario, users, changes, bytes, prefix }: PreparedRun,
  target: Target,
  { yes, keep }: RunOptions,
): Promise<void> {
  process.stdout.write(
    `${scenario.title} on ${shownTarget(target)}: ${changes} changes below ${prefix} (${prettyBytes(bytes)}), about ` +
      `$${estimatedCost(users.flat()).toFixed(2)}, ${Math.ceil((scenario.seconds + scenario.drainSeconds) / 60)} minutes at the most, and about five more to read the metrics and clean up. ` +
      `${keep ? 'The uploads stay.' : 'The uploads are removed at the end.'}\n`,
  );
  if (yes) return;
  if (!process.stdin.isTTY) throw new Failure('Nobody is there to agree to that: say --yes to agree beforehand.');
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  const answer = await terminal.question('Go on? [y/N] ', { signal: stopped.signal });
  terminal.close();
  if (!/^y(es)?$/i.test(answer.trim())) throw new Failure('Nothing was sent.');
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
    ...caveats(result),
    `${result.title} ${result.passed ? 'passed' : 'failed'}. Report: ${pathToFileURL(page)}`,
    `Raw: ${shownPath(join(dirname(page), 'run.json'))}`,
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
}
