/** `npm run lab -- bad-release`. */
import { stopEmulators } from '../../scripts/local/emulator.ts';
import { isolateThisProcess } from '../../scripts/local/isolated-environment.ts';
import { startLocalStack } from '../../scripts/local/local-stack.ts';
import { findRunningStack } from '../../scripts/local/running-stack.ts';
import type { Stack } from '../../scripts/stack/stack.ts';
import { at, numberAt, templateFor } from '../../scripts/template/template.ts';
import { command } from '../../scripts/terminal/command.ts';
import { print } from '../../scripts/terminal/print.ts';
import { showStep } from '../../scripts/terminal/progress.ts';
import { plainTable } from '../../scripts/terminal/table.ts';
import { type Minute, type PlayedRelease, playCanary, type Run } from './canary.ts';
import { type CheckedVersion, playPreTraffic } from './pre-traffic.ts';
import { readRollbackAlarm } from './rollback-alarm.ts';

const ALARM = 'ImagePipelineFailedRollbackAlarm';
const IMAGES_A_MINUTE = 10;

export const badReleaseCommand = command({
  name: 'bad-release',
  summary: 'A bad release on your machine: refused, or rolled back without losing an image. 40 s.',
  syntax: (line) => line,
  notes: `It runs on the stack of npm start, if there is one, or else on a new one. First the check before traffic: the live versions pass, broken ones are refused. Then a bad version of the workflow gets its 20 % of real uploads, until the rollback alarm of template.yaml fires. The stack is left as it was.

The exit code is 0 if every broken version was refused, the bad one was rolled back and no image is lost. docs/releases.md describes the same for an account.`,
  run: async ({ signal }) => {
    isolateThisProcess();
    return (await play(await stackToPlayOn(), signal)) ? 0 : 1;
  },
  // What it changed must be restored first.
  runsToEnd: true,
  cleanUp: stopEmulators,
});

/** Whether all broken versions were refused, the bad one was rolled back and no image is lost. */
async function play(stack: Stack, stopped: AbortSignal): Promise<boolean> {
  const checked = await showStep('Check before traffic', (report) =>
    playPreTraffic(stack, ({ step, what }) => report(`${step}: ${what}`)),
  );
  print('', checkTable(checked), '');

  const canaryPercent = numberAt(
    at(templateFor('prod').resources.get('ImagePipelineLiveAlias')?.Properties['DeploymentPreference'], 'Percentage'),
  );
  const played = await showStep('Workflow canary', (report) =>
    playCanary(stack, {
      alarm: readRollbackAlarm(ALARM),
      canaryPercent,
      imagesAMinute: IMAGES_A_MINUTE,
      showMinute: (minute) => report(`${routesOf(minute)}: ${minute.runs.length} images, ${minute.alarm}`),
      stopped,
    }),
  );
  print('', minuteTable(played.minutes), '', summary(played));

  stack.close();
  const checkedRight = checked.every(({ broken, verdict }) => broken === (verdict.verdict === 'refused'));
  return checkedRight && played.rolledBack && played.lost === 0;
}

/** The emulator of `npm start` if it is running; otherwise a new one on a free port, which ends with this process. */
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
      verdict.verdict === 'refused' ? shortReason(verdict.reason) : '',
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
    : 'The alarm did not fire: the bad version kept its traffic.';
  return `${end} Version 2 handled ${touched} of ${images} images; ${lost} of them ${lost === 1 ? 'was' : 'were'} lost.`;
}

/** On one line, without the name of the function, which is in another column. */
function shortReason(reason: string): string {
  const line = reason.replace(/^\S+ failed: /, '').replace(/\s+/g, ' ');
  return line.length <= 110 ? line : `${line.slice(0, 110)} …`;
}
