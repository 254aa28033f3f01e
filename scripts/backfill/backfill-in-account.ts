/** Starts the workflow that backfills in the account, or finds the one that runs, and follows it. */
import {
  DescribeExecutionCommand,
  DescribeMapRunCommand,
  ListExecutionsCommand,
  ListMapRunsCommand,
  StartExecutionCommand,
} from '@aws-sdk/client-sfn';
import pWaitFor from 'p-wait-for';
import * as z from 'zod';
import { needsBackfill } from '../../core/backfill.ts';
import { allPresets } from '../../core/presets.ts';
import { withStack } from '../local/running-stack.ts';
import { readRecords } from '../stack/follow.ts';
import { type Candidate, DONE, openNotebook } from '../stack/notebook.ts';
import { READS_PER_SECOND } from '../stack/queue-images.ts';
import { minutesOnTheWay, settled } from '../stack/settle.ts';
import type { Sources } from '../stack/sources.ts';
import type { Stack } from '../stack/stack.ts';
import { stackSources } from '../stack/stack-sources.ts';
import { confirm } from '../terminal/confirm.ts';
import { Failure } from '../terminal/failure.ts';
import { printPlan } from '../terminal/plan.ts';
import { print } from '../terminal/print.ts';
import { outputFor, type Report } from '../terminal/progress.ts';
import {
  describeExecution,
  describeWorkflow,
  describeWorkflowResult,
  planMillion,
  type WorkflowResult,
} from './backfill-report.ts';
import { type BackfillOptions, queueAll, type Task, taskOf, unrecorded } from './backfill-stack.ts';

/** Of a thousand objects each. */
const PAGES_FOR_THE_TRIAL = 10;

/** Returns the exit code. */
export function backfillInAccount(options: BackfillOptions, signal: AbortSignal): Promise<number> {
  return withStack(options.stack, (stack) => runInAccount(stack, options, signal));
}

/** Returns the exit code: 0 if the workflow has looked at every object. */
export async function runInAccount(stack: Stack, options: BackfillOptions, signal: AbortSignal): Promise<number> {
  const { json, dryRun } = options;
  const { step, say } = outputFor(json);
  const stateMachineArn = stack.outputs.BackfillArn;
  if (stateMachineArn === undefined) {
    throw new Failure(
      `${stack.name} has no workflow for backfills. Deploy it with DeployBackfill=true, or leave out --in-account: docs/backfill.md.`,
    );
  }
  const task = await taskOf(stack, options);
  if (task.copyFrom !== undefined)
    throw new Failure('--in-account makes no copies. Make them without it; they are processed as uploads.');
  const running = await runningExecution(stack, stateMachineArn);
  if (running !== undefined && dryRun) {
    say(`A backfill is running: ${running}. Without --dry-run, this follows it.`);
    if (json) printPlan({ executionArn: running });
    return 0;
  }
  if (running !== undefined) say('A backfill is running. This follows it, whatever its bucket and prefix are.');
  const executionArn = running ?? (await start({ stack, stateMachineArn, task, options, signal }));
  if (executionArn === undefined) return 0;
  say(describeExecution(executionArn));
  // At once: the process ends when it is stopped.
  const sayGoesOn = () => say('', 'The workflow goes on in the account.');
  signal.addEventListener('abort', sayGoesOn);
  const result = await step('Objects', (report) => follow(stack, executionArn, report, signal));
  signal.removeEventListener('abort', sayGoesOn);
  await step('Outcomes', (report) => settled(stack, new Date(), 0, report));
  say(describeWorkflowResult(result));
  if (json) print(JSON.stringify({ executionArn, ...result }));
  return result.status === 'SUCCEEDED' && result.failed === 0 ? 0 : 1;
}

interface Start {
  readonly stack: Stack;
  readonly stateMachineArn: string;
  readonly task: Task;
  readonly options: BackfillOptions;
  readonly signal: AbortSignal;
}

/** Returns the ARN of the execution; undefined if there is nothing to do, or nothing is wanted. */
async function start({ stack, stateMachineArn, task, options, signal }: Start): Promise<string | undefined> {
  const { dryRun, yes, json, perSecond = stack.outputs.IntakeConcurrency } = options;
  const { bucket, prefix = '' } = task;
  const { step, say } = outputFor(json);
  const sources = stackSources(stack, { prefix, perSecond: READS_PER_SECOND, buckets: [bucket] });
  const first = await step('First upload without a record', () => firstUnrecorded(stack, sources, signal));
  if (first === 'none') {
    say('Every upload has a record.');
    if (dryRun && json) printPlan({ images: 0, usd: 0, minutes: 0 });
    return undefined;
  }
  const work = { perSecond, renditions: allPresets.length };
  say(describeWorkflow(work));
  if (dryRun) {
    const { usd: usdPerMillion, minutes: minutesPerMillion } = planMillion(work);
    if (json) printPlan({ usdPerMillion, minutesPerMillion });
    return undefined;
  }
  if (!(yes || (await confirm('Start it?', signal)))) return undefined;
  // Those that are stored from now on are left to their own events.
  const storedBefore = new Date();
  await step('Uploads on their way', (report) => settled(stack, storedBefore, minutesOnTheWay(stack), report));
  if (first !== 'unknown') await step('First image', (report) => tryFirst(first, { stack, sources, report, signal }));
  const { executionArn } = await stack.clients.stepFunctions.send(
    new StartExecutionCommand({
      stateMachineArn,
      input: JSON.stringify({ bucket, prefix, perSecond, storedBefore: storedBefore.toISOString() }),
    }),
  );
  return z.string().parse(executionArn);
}

/** `none` if every object has a record, `unknown` if that would take too long to find out. */
async function firstUnrecorded(
  stack: Stack,
  sources: Sources,
  signal: AbortSignal,
): Promise<Candidate | 'none' | 'unknown'> {
  let pages = 0;
  for await (const { items, next } of sources.uploads(undefined)) {
    signal.throwIfAborted();
    const records = await readRecords(
      stack,
      items.map(({ imageId }) => imageId),
    );
    const found = items.find((upload) => needsBackfill({ upload, record: records.get(upload.imageId) }));
    if (found !== undefined) return unrecorded(found.imageId, found);
    pages += 1;
    if (next === undefined) return 'none';
    if (pages === PAGES_FOR_THE_TRIAL) return 'unknown';
  }
  return 'none';
}

/** @throws {Failure} if it failed, and so all others probably would */
async function tryFirst(
  first: Candidate,
  run: { readonly stack: Stack; readonly sources: Sources; readonly report: Report; readonly signal: AbortSignal },
): Promise<void> {
  const notebook = openNotebook(':memory:');
  try {
    notebook.noteCandidates([first], DONE);
    await queueAll({ ...run, notebook, perSecond: 1 });
  } finally {
    notebook.close();
  }
}

async function runningExecution({ clients }: Stack, stateMachineArn: string): Promise<string | undefined> {
  const { executions: [running] = [] } = await clients.stepFunctions.send(
    new ListExecutionsCommand({ stateMachineArn, statusFilter: 'RUNNING', maxResults: 1 }),
  );
  return running?.executionArn;
}

async function follow(
  { clients: { stepFunctions }, emulated }: Stack,
  executionArn: string,
  report: Report,
  signal: AbortSignal,
): Promise<WorkflowResult> {
  const ended = async () => {
    signal.throwIfAborted();
    const { status = 'RUNNING' } = await stepFunctions.send(new DescribeExecutionCommand({ executionArn }));
    const counts = await countsOf();
    report(`${counts.succeeded} of ${counts.listed} objects looked at, ${counts.failed} failed`);
    return status !== 'RUNNING' && pWaitFor.resolveWith({ status, ...counts });
  };
  /** Zeros until the listing has begun. */
  async function countsOf(): Promise<Omit<WorkflowResult, 'status'>> {
    const { mapRuns: [mapRun] = [] } = await stepFunctions.send(new ListMapRunsCommand({ executionArn }));
    if (mapRun === undefined) return { listed: 0, succeeded: 0, failed: 0 };
    const { itemCounts } = await stepFunctions.send(new DescribeMapRunCommand({ mapRunArn: mapRun.mapRunArn }));
    const { total = 0, succeeded = 0, failed = 0, timedOut = 0, aborted = 0 } = itemCounts ?? {};
    return { listed: total, succeeded, failed: failed + timedOut + aborted };
  }
  return await pWaitFor(ended, { interval: emulated ? 300 : 5000 });
}
