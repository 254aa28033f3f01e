import { randomUUID } from 'node:crypto';
import {
  CancelReplayCommand,
  DescribeReplayCommand,
  ListRulesCommand,
  StartReplayCommand,
} from '@aws-sdk/client-eventbridge';
import pWaitFor from 'p-wait-for';
import { projectName } from '../../core/names.ts';
import { withStack } from '../local/running-stack.ts';
import { readArchive } from '../stack/archive.ts';
import { requestPrices, shownPrice } from '../stack/prices.ts';
import type { Stack } from '../stack/stack.ts';
import { suggestion } from '../terminal/command.ts';
import { confirm } from '../terminal/confirm.ts';
import { describeFailure, Failure } from '../terminal/failure.ts';
import { printPlan } from '../terminal/plan.ts';
import { print, printError } from '../terminal/print.ts';
import { outputFor } from '../terminal/progress.ts';

export interface Period {
  readonly from: Date;
  readonly to: Date;
  readonly rule: string;
}
type ReplayOptions = Period & {
  readonly dryRun?: true;
  readonly json?: true;
  readonly stack?: string;
  readonly yes?: true;
};

// AWS recommends it: events reach the archive late. docs.aws.amazon.com/eventbridge/latest/userguide/eb-archive.html
const ARCHIVE_DELAY_MILLIS = 600_000;

/** Returns the exit code. */
export function replayStack(options: ReplayOptions, signal: AbortSignal): Promise<number> {
  return withStack(options.stack, (stack) => replayPeriod(stack, options, signal));
}

/** Returns the exit code. */
export async function replayPeriod(stack: Stack, options: ReplayOptions, signal: AbortSignal): Promise<number> {
  const { step, say } = outputFor(options.json);
  const { from, to, rule } = options;
  if (from >= to) throw new Failure('--from must be before --to.');
  const { EventCount } = await readArchive(stack);
  const usd = EventCount * requestPrices.customEvent;
  const { name } = await ruleNamed(stack, rule);
  say(
    `${stack.name}: events from ${from.toISOString()} to ${to.toISOString()}, to the rule ${name}. ` +
      `The archive has about ${EventCount}; to replay all would cost ${shownPrice(usd)}.`,
  );
  if (!stack.emulated && to.getTime() > Date.now() - ARCHIVE_DELAY_MILLIS)
    say('Events of the last ten minutes may not be in the archive yet.');
  if (options.dryRun) {
    if (options.json) printPlan({ rule: name, from, to, eventsInArchive: EventCount, usd });
    return 0;
  }
  if (!options.yes && !(await confirm('Replay?', signal))) return 0;
  const result = await step('Replay', (report) => replay(stack, options, report, signal)).catch((error: unknown) => {
    // A command that was stopped prints no error of its own.
    if (signal.aborted) printError(describeFailure(error));
    throw error;
  });
  print(options.json ? JSON.stringify(result) : `Replay ${result.replay} is complete.`);
  return 0;
}

/** Waits for the end; an aborted signal cancels the replay. @throws {Failure} if EventBridge gives up, or it was stopped. */
export async function replay(
  stack: Stack,
  { from, to, rule }: Period,
  report: (progress: string) => void = () => undefined,
  signal?: AbortSignal,
): Promise<{ readonly replay: string }> {
  const { events } = stack.clients;
  const { ArchiveArn, EventSourceArn } = await readArchive(stack);
  const { arn } = await ruleNamed(stack, rule);
  const ReplayName = `${projectName}-${randomUUID()}`;
  await events.send(
    new StartReplayCommand({
      ...{ ReplayName, EventSourceArn: ArchiveArn, EventStartTime: startOfSecond(from), EventEndTime: to },
      Destination: { Arn: EventSourceArn, FilterArns: [arn] },
    }),
  );
  const isOver = async () => {
    const { State, StateReason, EventLastReplayedTime } = await events.send(new DescribeReplayCommand({ ReplayName }));
    report(EventLastReplayedTime === undefined ? 'started' : `until ${EventLastReplayedTime.toISOString()}`);
    if (State === 'FAILED' || State === 'CANCELLED')
      throw new Failure(
        `EventBridge ended replay ${ReplayName} (${State}: ${StateReason ?? 'no reason'}). Run it again.`,
      );
    return State === 'COMPLETED';
  };
  try {
    await pWaitFor(isOver, { interval: stack.emulated ? 200 : 5_000, ...(signal !== undefined && { signal }) });
  } catch (error) {
    throw signal?.aborted ? await cancelled(stack, ReplayName) : error;
  }
  return { replay: ReplayName };
}

/** Cancels the replay. Returns what to say about it. */
async function cancelled({ clients }: Stack, ReplayName: string): Promise<Failure> {
  try {
    await clients.events.send(new CancelReplayCommand({ ReplayName }));
  } catch (error) {
    return new Failure(
      `Replay ${ReplayName} could not be cancelled. ${describeFailure(error)}. ` +
        `See whether it goes on: aws events describe-replay --replay-name ${ReplayName}`,
    );
  }
  return new Failure(`Replay ${ReplayName} was stopped. Run it again from the last event that the consumer has.`);
}

/** The time of an event has whole seconds, so those of the second in which a period begins would be left out. */
function startOfSecond(time: Date): Date {
  return new Date(Math.floor(time.getTime() / 1000) * 1000);
}

/** @throws {Failure} naming a similar rule, if there is none of that name. */
async function ruleNamed({ clients, outputs }: Stack, name: string): Promise<{ name: string; arn: string }> {
  const { DomainEventBusName: EventBusName } = outputs;
  const names: string[] = [];
  let NextToken: string | undefined;
  do {
    const page = await clients.events.send(new ListRulesCommand({ EventBusName, NextToken }));
    for (const { Name = '', Arn = '' } of page.Rules ?? []) {
      if (Name === name) return { name, arn: Arn };
      names.push(Name);
    }
    NextToken = page.NextToken;
  } while (NextToken !== undefined);
  const similar = names.length === 0 ? ' It has none.' : `${suggestion(name, names)} It has ${names.join(', ')}.`;
  throw new Failure(`${EventBusName} has no rule ${name}.${similar}`);
}
