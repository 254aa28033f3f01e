import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import pMap from 'p-map';
import { stackNamed } from '../local/running-stack.ts';
import { requireOpenIntake } from '../stack/intake-switch.ts';
import type { Stack } from '../stack/stack.ts';
import { readParameters } from '../stack/stack-parameters.ts';
import { confirm } from '../terminal/confirm.ts';
import { describeFailure } from '../terminal/failure.ts';
import { makeFolder } from '../terminal/make-folder.ts';
import { print } from '../terminal/print.ts';
import { printable } from '../terminal/printable.ts';
import { type Report, showStep } from '../terminal/progress.ts';
import { plainTable } from '../terminal/table.ts';
import { checkAlarmActions, checkAlarmMessage, checkAlarmMetrics, checkAlarmSubscribers } from './alarm-checks.ts';
import { type CheckName, checkList, checkNames } from './check-list.ts';
import { checkDeadLetter, checkEncryptedQueues } from './event-checks.ts';
import { checkEncryption, checkKeys } from './key-checks.ts';
import { checkPermissions } from './permission-checks.ts';
import { checkPicture, checkRejections } from './pipeline-checks.ts';
import { checkQuotas } from './quota-checks.ts';
import { checkVersions, checkWarmWorkers } from './release-checks.ts';
import { clientsFor, type Finding, readResources, Undo, type Verification } from './verification.ts';

/** A name in check-list.ts without a check does not compile. */
const checks: Readonly<Record<CheckName, (verification: Verification) => Promise<Finding>>> = {
  picture: checkPicture,
  'encrypted-queues': checkEncryptedQueues,
  rejections: checkRejections,
  'dead-letter': checkDeadLetter,
  'alarm-actions': checkAlarmActions,
  'alarm-message': checkAlarmMessage,
  'alarm-subscribers': checkAlarmSubscribers,
  'alarm-metrics': checkAlarmMetrics,
  versions: checkVersions,
  'warm-workers': checkWarmWorkers,
  permissions: checkPermissions,
  keys: checkKeys,
  encryption: checkEncryption,
  quotas: checkQuotas,
};

export interface CheckResult {
  readonly name: CheckName;
  readonly result: 'passed' | 'failed' | 'not on the emulator' | 'stopped';
  readonly promise: string;
  readonly page: string;
  readonly remedy: string;
  /** What was looked at; or why nothing was. */
  readonly seen: string;
  readonly faults: readonly string[];
}

interface VerifyOptions {
  readonly stack?: string;
  readonly only?: readonly CheckName[];
  readonly except?: readonly CheckName[];
  readonly json?: string;
  readonly yes?: true;
}

/** Most of a check is waiting. Few enough not to be throttled by IAM or CloudWatch. */
const concurrentChecks = 5;

/** Returns the exit code. */
export async function verify(options: VerifyOptions, signal: AbortSignal): Promise<number> {
  const stack = await stackNamed(options.stack);
  try {
    const names = chosenChecks(options);
    if (names.some((name) => sending.includes(name))) await requireOpenIntake(stack);
    if (!stack.emulated && !options.yes && !(await agreed(stack, names, signal))) {
      print('Nothing was checked.');
      return 0;
    }
    if (options.json !== undefined) makeFolder(dirname(options.json));
    const results = await showStep(`Verify ${stack.name}`, (report) => runChecks(stack, names, signal, report));
    printResults(results);
    const passed = results.every(({ result }) => result === 'passed' || result === 'not on the emulator');
    if (options.json !== undefined) {
      const report = { stack: stack.name, at: new Date().toISOString(), passed, checks: results };
      writeFileSync(options.json, `${JSON.stringify(report, null, 2)}\n`);
    }
    return passed ? 0 : 1;
  } finally {
    stack.close();
  }
}

export function chosenChecks({ only = checkNames, except = [] }: Pick<VerifyOptions, 'only' | 'except'>): CheckName[] {
  return checkNames.filter((name) => only.includes(name) && !except.includes(name));
}

/** Those that wait for the outcomes of uploads. */
const sending: readonly CheckName[] = ['picture', 'encrypted-queues', 'rejections', 'dead-letter'];

/** Alarm messages and dead letters reach people. */
const heard: readonly CheckName[] = ['alarm-message', 'dead-letter'];

async function agreed(stack: Stack, names: readonly CheckName[], signal: AbortSignal): Promise<boolean> {
  const rings = names.some((name) => heard.includes(name));
  print(
    `${names.length} checks of ${stack.name}. Uploads, messages and requests cost less than US$0.02.`,
    ...(rings ? ['Alarms will fire, and whoever receives them will get messages: tell whoever is on call.'] : []),
  );
  return await confirm('Start?', signal);
}

/** In the order of the list. Each check removes what it created, whatever happens. */
export async function runChecks(
  stack: Stack,
  names: readonly CheckName[],
  signal: AbortSignal,
  report: Report,
): Promise<CheckResult[]> {
  const clients = clientsFor(stack);
  const shared = {
    minute: 60_000,
    stack,
    clients,
    signal,
    resources: await readResources(stack),
    parameters: await readParameters(stack),
  };
  const listed = checkList.filter(({ name }) => names.includes(name));
  let done = 0;
  const run = async (check: (typeof listed)[number]): Promise<CheckResult> => {
    const result = await runCheck(check, { ...shared, runId: randomUUID().slice(0, 8), undo: new Undo() });
    done += 1;
    report(`${done} of ${listed.length}: ${check.name} ${result.result}`);
    return result;
  };
  signal.addEventListener('abort', () => report('stopped: removing what was created'), { once: true });
  try {
    return await pMap(listed, run, { concurrency: concurrentChecks });
  } finally {
    for (const client of Object.values(clients)) client.destroy();
  }
}

async function runCheck(listed: (typeof checkList)[number], verification: Verification): Promise<CheckResult> {
  const { stack, signal, undo } = verification;
  const about = { name: listed.name, promise: listed.promise, page: listed.page, remedy: listed.remedy };
  if (stack.emulated && 'onlyInAccount' in listed)
    return { ...about, result: 'not on the emulator', seen: listed.onlyInAccount, faults: [] };
  if (signal.aborted) return { ...about, result: 'stopped', seen: '', faults: [] };
  const found: Finding = await checks[listed.name](verification).catch((error: unknown) => ({
    seen: '',
    faults: [describeFailure(error)],
  }));
  const left = await undo.all();
  // An error after a stop is a consequence of the stop.
  if (signal.aborted && found.faults.length > 0) return { ...about, result: 'stopped', seen: '', faults: left };
  const faults = [...found.faults, ...left];
  return { ...about, result: faults.length === 0 ? 'passed' : 'failed', seen: found.seen, faults };
}

function printResults(results: readonly CheckResult[]): void {
  const rows = results.map(({ name, result, seen, promise, page }) => [
    name,
    result === 'passed' ? `passed: ${seen}` : result,
    ...[promise, page],
  ]);
  const counts = Map.groupBy(results, ({ result }) => result);
  print(
    '',
    plainTable(['Check', 'Result', 'Promise', 'Page'], rows),
    '',
    ...results.filter(({ faults, result }) => faults.length > 0 || result === 'not on the emulator').flatMap(explained),
    [...counts].map(([result, some]) => `${some.length} ${result}`).join(', '),
  );
}

function explained({ name, result, seen, faults, remedy, page }: CheckResult): string[] {
  if (faults.length === 0) return [`${name}: ${result}, because ${seen}.`, ''];
  return [`${name}: ${result}`, ...faults.map((fault) => `  ${printable(fault)}`), `  ${remedy} ${page}`, ''];
}
