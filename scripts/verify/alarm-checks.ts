/** Checks of the stack's alarms: what they do, who hears of it, and what they watch. */
import {
  type CompositeAlarm,
  type DescribeAlarmsCommandInput,
  type Dimension,
  type MetricAlarm,
  paginateDescribeAlarms,
  paginateListMetrics,
  SetAlarmStateCommand,
} from '@aws-sdk/client-cloudwatch';
import { paginateListSubscriptionsByTopic, SubscribeCommand, UnsubscribeCommand } from '@aws-sdk/client-sns';
import * as z from 'zod';
import { describeFailure } from '../terminal/failure.ts';
import { temporaryQueue } from './temporary-queue.ts';
import { type Finding, physicalIds, type Verification, waitFor } from './verification.ts';

type Alarm = MetricAlarm & CompositeAlarm & { readonly AlarmName: string };

async function readAlarms({ stack, resources }: Verification): Promise<Alarm[]> {
  const own = new Set([
    ...physicalIds(resources, 'AWS::CloudWatch::Alarm'),
    ...physicalIds(resources, 'AWS::CloudWatch::CompositeAlarm'),
  ]);
  const all: DescribeAlarmsCommandInput = {
    AlarmNamePrefix: stack.name,
    AlarmTypes: ['MetricAlarm', 'CompositeAlarm'],
  };
  const pages = await Array.fromAsync(paginateDescribeAlarms({ client: stack.clients.cloudWatch }, all));
  return pages
    .flatMap(({ MetricAlarms = [], CompositeAlarms = [] }): (MetricAlarm & CompositeAlarm)[] => [
      ...MetricAlarms,
      ...CompositeAlarms,
    ])
    .flatMap((alarm) => (own.has(alarm.AlarmName ?? '') ? [{ ...alarm, AlarmName: alarm.AlarmName ?? '' }] : []));
}

export async function checkAlarmActions(verification: Verification): Promise<Finding> {
  const alarms = await readAlarms(verification);
  const faults = alarms
    .filter((alarm) => !isPart(alarm, alarms))
    .flatMap((alarm) => {
      if (alarm.ActionsEnabled === false) return `The actions of ${alarm.AlarmName} are switched off.`;
      return topicsOf([alarm]).length > 0 ? [] : `${alarm.AlarmName} notifies no topic.`;
    });
  return { faults, seen: `alarms: ${alarms.length}` };
}

function topicsOf(alarms: readonly Alarm[]): string[] {
  const actions = alarms.flatMap(({ AlarmActions = [] }) => AlarmActions);
  return [...new Set(actions.filter((action) => action.split(':')[2] === 'sns'))];
}

/** Of another alarm, which then notifies for it. */
function isPart({ AlarmName }: Alarm, alarms: readonly Alarm[]): boolean {
  return alarms.some(({ AlarmRule = '' }) => AlarmRule.includes(AlarmName));
}

/** Sets off one alarm of each topic, and waits for its message in a queue of its own. */
export async function checkAlarmMessage(verification: Verification): Promise<Finding> {
  const alarms = await readAlarms(verification);
  const topics = topicsOf(alarms);
  const faults: string[] = [];
  for (const [index, topic] of topics.entries()) {
    const alarm = quietest(alarms, topic);
    if (alarm === undefined) {
      faults.push(`No alarm that notifies ${nameOf(topic)} is quiet now: nothing could be tested.`);
      continue;
    }
    await setOff(verification, alarm, topic, index).catch((error: unknown) => {
      verification.signal.throwIfAborted();
      faults.push(`${alarm.AlarmName} sends nothing through ${nameOf(topic)}: ${describeFailure(error)}`);
    });
  }
  return { faults, seen: `topics: ${topics.length}` };
}

/** Roll back a release, or start the circuit breaker. */
const consequential = /RollbackAlarm|DispatchImagesUndecidedAlarm/;

/**
 * One that affects as little as possible: not one that is part of another, which would notify, too. A composite alarm only if
 * the topic has no other.
 */
function quietest(alarms: readonly Alarm[], topic: string): Alarm | undefined {
  const suitable = alarms.filter(
    (alarm) =>
      alarm.StateValue !== 'ALARM' &&
      alarm.AlarmActions?.includes(topic) &&
      !consequential.test(alarm.AlarmName) &&
      !isPart(alarm, alarms),
  );
  return suitable.find(({ AlarmRule }) => AlarmRule === undefined) ?? suitable[0];
}

const notification = z.object({ AlarmName: z.string(), NewStateValue: z.string() });

async function setOff(
  verification: Verification,
  { AlarmName }: Alarm,
  TopicArn: string,
  index: number,
): Promise<void> {
  const { stack, clients, undo, runId } = verification;
  const { cloudWatch } = stack.clients;
  const queue = await temporaryQueue(verification, `alarms-${index}`, {
    service: 'sns.amazonaws.com',
    sourceArn: TopicArn,
  });
  const { SubscriptionArn } = await clients.sns.send(
    new SubscribeCommand({
      ...{ TopicArn, Protocol: 'sqs', Endpoint: queue.arn, ReturnSubscriptionArn: true },
      Attributes: { RawMessageDelivery: 'true' },
    }),
  );
  undo.add(`The subscription to ${nameOf(TopicArn)}`, () =>
    clients.sns.send(new UnsubscribeCommand({ SubscriptionArn })),
  );
  const StateReason = `npm run verify ${runId}: this is a test.`;
  // CloudWatch sets a metric alarm right by itself, within a minute, and a composite alarm not at all.
  undo.add(`The state of ${AlarmName}`, () =>
    cloudWatch.send(new SetAlarmStateCommand({ AlarmName, StateValue: 'OK', StateReason })),
  );
  await cloudWatch.send(new SetAlarmStateCommand({ AlarmName, StateValue: 'ALARM', StateReason }));
  await queue.receive(`message of ${AlarmName}`, 3, (body) => {
    const message = notification.safeParse(JSON.parse(body)).data;
    return message?.AlarmName === AlarmName && message.NewStateValue === 'ALARM' ? true : undefined;
  });
}

export async function checkAlarmSubscribers(verification: Verification): Promise<Finding> {
  const client = verification.clients.sns;
  const counts = await Promise.all(
    topicsOf(await readAlarms(verification)).map(async (TopicArn) => {
      const pages = await Array.fromAsync(paginateListSubscriptionsByTopic({ client }, { TopicArn }));
      // Until it is confirmed, a subscription has no ARN. This command's own queues do not count.
      const confirmed = pages
        .flatMap(({ Subscriptions = [] }) => Subscriptions)
        .filter(
          ({ SubscriptionArn, Endpoint }) => SubscriptionArn?.startsWith('arn:') && !Endpoint?.includes('-verify-'),
        );
      return { TopicArn, count: confirmed.length };
    }),
  );
  const deaf = counts.filter(({ count }) => count === 0);
  return {
    faults: deaf.map(({ TopicArn }) => `Nobody receives the alarms of ${nameOf(TopicArn)}.`),
    seen: `subscriptions: ${counts.reduce((sum, { count }) => sum + count, 0)}`,
  };
}

interface Watched {
  readonly Namespace: string;
  readonly Dimensions: readonly Dimension[];
  readonly alarms: readonly string[];
}

/** New metrics take up to 15 minutes. */
const metricMinutes = 16;

/** What only runs when something is wrong, or a release begins: it may have no data yet. */
const rarelyUsed = /^(IntakeBreaker|CheckRelease)/;

/**
 * Many metrics exist only once they are not zero, so this looks for any metric of the same namespace with exactly the
 * alarm's dimensions. A test of the template compares the metrics' names with AWS's lists.
 */
export async function checkAlarmMetrics(verification: Verification): Promise<Finding> {
  const { resources } = verification;
  const watched = watchedBy(await readAlarms(verification));
  const quiet = [...resources].filter(([id]) => rarelyUsed.test(id)).map(([, { physicalId }]) => physicalId);
  const isQuiet = ({ Value = '' }: Dimension) => quiet.some((id) => Value === id || Value.startsWith(`${id}:`));
  let missing = watched.filter(({ Dimensions }) => !Dimensions.some(isQuiet));
  const required = missing.length;
  const waiting = { what: 'metrics', minutes: metricMinutes };
  await waitFor(verification, waiting, async () => {
    const found = await Promise.all(missing.map((one) => exists(verification, one)));
    missing = missing.filter((_, index) => !found[index]);
    return missing.length === 0 ? true : undefined;
  }).catch(() => verification.signal.throwIfAborted());
  const faults = missing.map(
    ({ Namespace, Dimensions, alarms }) =>
      `${alarms.join(', ')} ${alarms.length === 1 ? 'watches' : 'watch'} ${Namespace} with ${described(Dimensions)}, which has no metrics.`,
  );
  return { faults, seen: `sets of dimensions: ${required}, and ${watched.length - required} of what is rarely used` };
}

/** Each set of dimensions once. Without those of a version: they exist only while a release shifts traffic. */
function watchedBy(alarms: readonly Alarm[]): Watched[] {
  const sets = new Map<string, Omit<Watched, 'alarms'> & { readonly alarms: Set<string> }>();
  for (const alarm of alarms) {
    const metrics = [alarm, ...(alarm.Metrics ?? []).map(({ MetricStat }) => MetricStat?.Metric)];
    for (const { Namespace, Dimensions = [] } of metrics.filter((metric) => metric !== undefined)) {
      if (Namespace === undefined || Dimensions.some(({ Name = '' }) => Name.endsWith('Version'))) continue;
      const key = `${Namespace} ${described(Dimensions)}`;
      const found = sets.get(key) ?? { Namespace, Dimensions, alarms: new Set() };
      sets.set(key, found);
      found.alarms.add(alarm.AlarmName);
    }
  }
  return [...sets.values()].map((set) => ({ ...set, alarms: [...set.alarms] }));
}

async function exists({ stack }: Verification, { Namespace, Dimensions }: Watched): Promise<boolean> {
  const input = { Namespace, Dimensions: [...Dimensions] };
  const pages = await Array.fromAsync(paginateListMetrics({ client: stack.clients.cloudWatch }, input));
  // The filter also accepts metrics with more dimensions.
  return pages.some(({ Metrics = [] }) =>
    Metrics.some((metric) => described(metric.Dimensions ?? []) === described(Dimensions)),
  );
}

function described(dimensions: readonly Dimension[]): string {
  return dimensions
    .map(({ Name, Value }) => `${Name}=${Value}`)
    .sort()
    .join(', ');
}

function nameOf(arn: string): string {
  return arn.split(':').at(-1) ?? arn;
}
