/** `npm run bad-release`: see `help` for what it does. */
import { parseArgs } from 'node:util';
import { stopEmulators } from '../../scripts/local/emulator.ts';
import { isolateThisProcess } from '../../scripts/local/isolated-environment.ts';
import { startLocalStack } from '../../scripts/local/local-stack.ts';
import { findRunningStack } from '../../scripts/local/running-stack.ts';
import type { Stack } from '../../scripts/stack/stack.ts';
import { at, numberAt, templateFor } from '../../scripts/template/template.ts';
import { describeFailure, Failure } from '../../scripts/terminal/failure.ts';
import { showCursor, showStep } from '../../scripts/terminal/progress.ts';
import { endRunningCommands } from '../../scripts/terminal/run-command.ts';
import { onceStopped } from '../../scripts/terminal/stop-on-signals.ts';
import { plainTable } from '../../scripts/terminal/table.ts';
import { type Minute, type PlayedRelease, playCanary, type Run } from './canary.ts';
import { type CheckedVersion, playPreTraffic } from './pre-traffic.ts';
import { readRollbackAlarm } from './rollback-alarm.ts';

const help = `Plays a bad release on this machine, and how it dies. docs/releases.md tells the same for an account.

  npm run bad-release     through the stack of \`npm start\`, or one of its own

First the check before the traffic: the versions that are live pass, broken ones are refused. Then a bad version of the
workflow gets its 20 % of real uploads, until the rollback alarm of template.yaml rings. The stack is left as it was.
Exit code 0: all broken versions were refused, the bad one was rolled back, no image is lost.
`;

const ALARM = 'ImagePipelineFailedRollbackAlarm';
const IMAGES_A_MINUTE = 10;
const stopping = new AbortController();

onceStopped((exitCode) => {
  // What is being played has to be taken back first.
  process.exitCode = exitCode;
  stopping.abort();
});
isolateThisProcess();
try {
  const exitCode = await badRelease(process.argv.slice(2));
  process.exitCode ??= exitCode;
} catch (error) {
  process.stderr.write(`\n${describeFailure(error)}\n`);
  process.exitCode = 1;
} finally {
  endRunningCommands();
  await stopEmulators();
  showCursor();
}

async function badRelease(args: readonly string[]): Promise<number> {
  if (options(args).help) {
    process.stdout.write(help);
    return 0;
  }
  const stack = await stackToPlayOn();

  const checked = await showStep('Check before the traffic', (report) =>
    playPreTraffic(stack, ({ step, what }) => report(`${step}: ${what}`)),
  );
  process.stdout.write(`\n${checkTable(checked)}\n\n`);

  const canaryPercent = numberAt(
    at(templateFor('prod').resources.get('ImagePipelineLiveAlias')?.Properties['DeploymentPreference'], 'Percentage'),
  );
  const played = await showStep('Canary of the workflow', (report) =>
    playCanary(stack, {
      alarm: readRollbackAlarm(ALARM),
      canaryPercent,
      imagesAMinute: IMAGES_A_MINUTE,
      showMinute: (minute) => report(`${routesOf(minute)}: ${minute.runs.length} images, ${minute.alarm}`),
      stopped: stopping.signal,
    }),
  );
  process.stdout.write(`\n${minuteTable(played.minutes)}\n\n${summary(played)}\n`);

  stack.close();
  const checkedRight = checked.every(({ broken, verdict }) => broken === (verdict.verdict === 'refused'));
  return checkedRight && played.rolledBack && played.lost === 0 ? 0 : 1;
}

function options(args: readonly string[]): { readonly help: boolean } {
  try {
    return parseArgs({ args: [...args], options: { help: { type: 'boolean', short: 'h', default: false } } }).values;
  } catch (error) {
    const [sentence = ''] = error instanceof Error ? error.message.split('. ') : [];
    throw new Failure(`${sentence.replace(/\.$/, '')}: see npm run bad-release -- --help.`);
  }
}

/** That of `npm start` where one is up; else one of its own, on any free port, which ends with this process. */
async function stackToPlayOn(): Promise<Stack> {
  const { stack } = (await findRunningStack()) ?? (await startLocalStack(0, showStep));
  return stack;
}

function checkTable(checked: readonly CheckedVersion[]): string {
  return plainTable(
    ['Function', 'Version', 'Verdict', 'Reason'],
    checked.map(({ step, what, verdict }) => [
      step,
      what,
      verdict.verdict,
      verdict.verdict === 'refused' ? said(verdict.reason) : '',
    ]),
  );
}

function minuteTable(minutes: readonly Minute[]): string {
  const counts = (runs: readonly Run[], version: number) => {
    const own = runs.filter((run) => run.version === version);
    const failed = own.filter(({ succeeded }) => !succeeded).length;
    return own.length === 0 ? '–' : `${own.length - failed} ok, ${failed} failed`;
  };
  return plainTable(
    ['Minute', 'Alias', 'Version 1', 'Version 2', ALARM],
    minutes.map((minute, index) => [
      String(index + 1),
      routesOf(minute),
      counts(minute.runs, 1),
      counts(minute.runs, 2),
      minute.alarm,
    ]),
  );
}

function routesOf({ routes }: Minute): string {
  return routes.map(({ version, weight }) => `${weight} % v${version}`).join(', ');
}

function summary({ rolledBack, touched, images, lost }: PlayedRelease): string {
  const end = rolledBack
    ? 'ALARM → the alias is back at 100 % version 1.'
    : 'The alarm never rang: the bad version stayed.';
  return `${end} Version 2 had ${touched} of ${images} images in its hands; ${lost} of them are without renditions at the end.`;
}

/** What was said, on one line, without the name of the function that has a column of its own. */
function said(reason: string): string {
  const line = reason.replace(/^\S+ failed: /, '').replace(/\s+/g, ' ');
  return line.length <= 110 ? line : `${line.slice(0, 110)} …`;
}
