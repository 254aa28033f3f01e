import { readFileSync } from 'node:fs';
import jsonata from 'jsonata';
import * as z from 'zod';
import { metricMath } from '../../scripts/template/dashboard/metric-math.ts';
import { templateFor } from '../../scripts/template/template.ts';
import { METRIC_DELAY_SECONDS } from './aws-metrics.ts';

/**
 * Plays the circuit breaker minute by minute: the traffic makes numbers, the alarm of template.yaml rings by them, each
 * ringing starts an execution of statemachine/intake-breaker.asl.json, and these switch the intake, side by side.
 */

const stateSchema = z.discriminatedUnion('Type', [
  z.looseObject({
    Type: z.literal('Task'),
    Resource: z.templateLiteral(['arn:aws:states:::aws-sdk:', z.string()]),
    Arguments: z.record(z.string(), z.unknown()),
    Assign: z.record(z.string(), z.unknown()).default({}),
    Retry: z.array(z.looseObject({ ErrorEquals: z.array(z.string()) })),
    Next: z.string().optional(),
  }),
  z.looseObject({ Type: z.literal('Wait'), Seconds: z.int(), Next: z.string() }),
  z.looseObject({
    Type: z.literal('Choice'),
    Choices: z.array(z.object({ Condition: z.string(), Next: z.string() })),
    Default: z.string(),
  }),
  z.looseObject({ Type: z.literal('Succeed') }),
]);
export const breaker = z
  .looseObject({ StartAt: z.string(), TimeoutSeconds: z.int(), States: z.record(z.string(), stateSchema) })
  .parse(JSON.parse(readFileSync(new URL('../../statemachine/intake-breaker.asl.json', import.meta.url), 'utf8')));

const queries = z.array(
  z.looseObject({ Id: z.string(), Expression: z.string().optional(), ReturnData: z.boolean().default(true) }),
);
export const undecidedAlarm = z
  .looseObject({
    EvaluationPeriods: z.int(),
    DatapointsToAlarm: z.int(),
    Threshold: z.number(),
    ComparisonOperator: z.literal('GreaterThanThreshold'),
    TreatMissingData: z.literal('notBreaching'),
    Metrics: queries,
  })
  .parse(templateFor('prod').resources.get('DispatchImagesUndecidedAlarm')?.Properties);

/** Sums of one minute, by the ids of the alarm's queries. */
type Counts = Readonly<Record<string, number>>;

const calculations = new Map<string, number>();

/** As CloudWatch calculates it: an expression may use the others by their ids. */
export async function calculated(id: string, counts: Counts): Promise<number> {
  const calculation = JSON.stringify([id, counts]);
  const known = calculations.get(calculation);
  if (known !== undefined) return known;
  const values: Record<string, number> = { ...counts };
  for (const { Id, Expression } of [...undecidedAlarm.Metrics].reverse()) {
    if (Expression !== undefined) values[Id] = await metricMath(Expression, values);
  }
  const value = z.number().parse(values[id]);
  calculations.set(calculation, value);
  return value;
}

/** A minute behind the queue: images are decided, tries fail at once, or after five minutes; or nobody uploads. */
export type Weather = 'fine' | 'down' | 'hangs' | 'idle';

interface Play {
  readonly minutes: number;
  readonly weather: (minute: number) => Weather;
  /** Ten, unless hardly anybody uploads. */
  readonly imagesABatch?: number;
  /** When a person's pause begins. */
  readonly pausedByHandAt?: number;
  /** Tries go on failing, and the alarm ringing, whatever is done to the intake. */
  readonly heedsNoPause?: boolean;
}

interface Played {
  /** What was done to the intake, and in which minute. */
  readonly switched: readonly { readonly minute: number; readonly to: 'paused' | 'trickle' | 'full' }[];
  /** The state in which each execution ended, in the order of their beginnings; `undefined` while it runs. */
  readonly ended: readonly (string | undefined)[];
}

const FULL = 10;
const HANGING_MINUTES = 5;
const LATE_MINUTES = METRIC_DELAY_SECONDS / 60;

export async function play({
  minutes,
  weather,
  imagesABatch = 10,
  pausedByHandAt,
  heedsNoPause = false,
}: Play): Promise<Played> {
  const isPausedByHand = (minute: number) => minute >= (pausedByHandAt ?? Number.POSITIVE_INFINITY);
  const intake = new Intake(imagesABatch, heedsNoPause);
  const metrics = new Metrics();
  const alarm = new Alarm(metrics);
  const executions: Execution[] = [];

  for (let now = 1; now <= minutes; now += 1) {
    metrics.counts.push(intake.traffic(now - 1, weather(now - 1)));
    if ((await alarm.ringsAnew(now)) && !isPausedByHand(now)) executions.push(new Execution(now));
    const services: Services = {
      'lambda:updateEventSourceMapping': (given) => intake.update(given, now),
      'eventbridge:describeRule': (given) => describeRule(given, isPausedByHand(now)),
      'cloudwatch:describeAlarmHistory': (given) => alarm.history(given),
      'cloudwatch:describeAlarms': (given) => alarm.describe(given),
      'cloudwatch:getMetricData': (given) => metrics.data(given, now),
    };
    for (const execution of executions) await execution.goOn(now, services);
  }
  return { switched: intake.switched, ended: executions.map(({ ended }) => ended) };
}

/** The event source mapping, and what comes of the batches that it lets through. */
class Intake {
  readonly switched: { minute: number; to: 'paused' | 'trickle' | 'full' }[] = [];
  private enabled = true;
  private concurrency = FULL;
  private hangingUntil: readonly number[] = [];
  private readonly imagesABatch: number;
  private readonly heedsNoPause: boolean;
  constructor(imagesABatch: number, heedsNoPause: boolean) {
    this.imagesABatch = imagesABatch;
    this.heedsNoPause = heedsNoPause;
  }

  traffic(minute: number, weather: Weather): Counts {
    const ended = this.hangingUntil.filter((until) => until === minute).length;
    this.hangingUntil = this.hangingUntil.filter((until) => until > minute);
    const dispatchers = this.enabled || this.heedsNoPause ? this.concurrency : 0;
    const free = Math.max(0, dispatchers - this.hangingUntil.length);
    if (weather === 'hangs') {
      const until = Array.from({ length: free }, () => minute + HANGING_MINUTES);
      this.hangingUntil = [...this.hangingUntil, ...until];
    }
    const failed = ended + (weather === 'down' ? free : 0);
    const decided = weather === 'fine' ? free : 0;
    return { tries: this.imagesABatch * failed, errors: failed, processed: this.imagesABatch * decided };
  }

  update(given: unknown, minute: number): unknown {
    const { Enabled, ScalingConfig } = z
      .strictObject({
        Uuid: z.literal('mapping'),
        Enabled: z.boolean().optional(),
        ScalingConfig: z.strictObject({ MaximumConcurrency: z.int().min(2) }).optional(),
      })
      .parse(given);
    this.enabled = Enabled ?? this.enabled;
    this.concurrency = ScalingConfig?.MaximumConcurrency ?? this.concurrency;
    this.switched.push({ minute, to: !this.enabled ? 'paused' : this.concurrency === FULL ? 'full' : 'trickle' });
    return {};
  }
}

class Metrics {
  readonly counts: Counts[] = [];

  /** FILL makes none of what is not there yet. */
  async published(id: string, minute: number, now: number): Promise<number> {
    const counts = this.counts[minute];
    return counts === undefined || minute >= now - LATE_MINUTES ? 0 : calculated(id, counts);
  }

  async data(given: unknown, now: number): Promise<unknown> {
    const { StartTime, EndTime, MetricDataQueries } = z
      .strictObject({ StartTime: z.iso.datetime(), EndTime: z.iso.datetime(), MetricDataQueries: queries })
      .parse(given);
    const first = Math.floor(minuteOf(StartTime));
    const minutes = Array.from({ length: Math.ceil(minuteOf(EndTime)) - first }, (_, index) => first + index);
    const results = MetricDataQueries.filter(({ ReturnData }) => ReturnData).map(async ({ Id }) => ({
      Id,
      Values: await Promise.all(minutes.map((minute) => this.published(Id, minute, now))),
    }));
    return { MetricDataResults: await Promise.all(results) };
  }
}

class Alarm {
  private readonly changes: { readonly at: number; readonly to: 'OK' | 'ALARM' }[] = [{ at: 0, to: 'OK' }];
  private readonly metrics: Metrics;
  constructor(metrics: Metrics) {
    this.metrics = metrics;
  }

  async ringsAnew(now: number): Promise<boolean> {
    const window = Array.from({ length: undecidedAlarm.EvaluationPeriods }, (_, back) => now - 1 - back);
    const percents = await Promise.all(window.map((minute) => this.metrics.published('undecided', minute, now)));
    const breaching = percents.filter((percent) => percent > undecidedAlarm.Threshold).length;
    const to = breaching >= undecidedAlarm.DatapointsToAlarm ? 'ALARM' : 'OK';
    const changed = to !== this.changes.at(-1)?.to;
    if (changed) this.changes.push({ at: now, to });
    return changed && to === 'ALARM';
  }

  history(given: unknown): unknown {
    const { StartDate } = z
      .strictObject({
        AlarmName: z.literal('alarm'),
        HistoryItemType: z.literal('StateUpdate'),
        StartDate: z.iso.datetime(),
      })
      .parse(given);
    const from = { OK: 'ALARM', ALARM: 'OK' };
    return {
      AlarmHistoryItems: this.changes
        .filter(({ at }) => at >= minuteOf(StartDate))
        .map(({ at, to }) => ({ Timestamp: timeOf(at), HistorySummary: `Alarm updated from ${from[to]} to ${to}` }))
        .reverse(),
    };
  }

  describe(given: unknown): unknown {
    z.strictObject({ AlarmNames: z.tuple([z.literal('alarm')]) }).parse(given);
    return { MetricAlarms: [{ StateValue: this.changes.at(-1)?.to, Metrics: undecidedAlarm.Metrics }] };
  }
}

function describeRule(given: unknown, isPausedByHand: boolean): unknown {
  const { Name } = z.strictObject({ Name: z.literal('rule') }).parse(given);
  return { Name, State: isPausedByHand ? 'DISABLED' : 'ENABLED' };
}

type Services = Readonly<Record<string, (given: unknown) => unknown>>;

class Execution {
  ended: string | undefined;
  private name = breaker.StartAt;
  private variables: Readonly<Record<string, unknown>> = {};
  private due: number;
  private readonly startedAt: number;
  constructor(startedAt: number) {
    this.startedAt = startedAt;
    this.due = startedAt;
  }

  /** Until it waits or ends. */
  async goOn(now: number, services: Services): Promise<void> {
    if (now - this.startedAt >= breaker.TimeoutSeconds / 60) this.ended ??= 'TIMED_OUT';
    while (this.ended === undefined && this.due <= now) await this.step(now, services);
  }

  private async step(now: number, services: Services): Promise<void> {
    const state = breaker.States[this.name];
    if (state === undefined) throw new Error(`The circuit breaker has no state ${this.name}.`);
    // A second after the ringing that began it.
    const StartTime = timeOf(this.startedAt + 1 / 60);
    const context = { Execution: { StartTime, Input: { rule: 'rule' } } };
    const known = (result?: unknown) => ({ ...this.variables, states: { context, result }, now: () => timeOf(now) });
    switch (state.Type) {
      case 'Wait':
        this.due = now + state.Seconds / 60;
        this.name = state.Next;
        return;
      case 'Choice': {
        const met = await Promise.all(state.Choices.map(({ Condition }) => evaluated(Condition, known())));
        this.name = state.Choices.find((_, index) => met[index] === true)?.Next ?? state.Default;
        return;
      }
      case 'Task': {
        const service = services[state.Resource.replace('arn:aws:states:::aws-sdk:', '')];
        if (service === undefined) throw new Error(`Nobody knows what ${state.Resource} does.`);
        const result = await service(await evaluated(state.Arguments, known()));
        const assigned = z.record(z.string(), z.unknown()).parse(await evaluated(state.Assign, known(result)));
        this.variables = { ...this.variables, ...assigned };
        if (state.Next === undefined) this.ended = this.name;
        else this.name = state.Next;
        return;
      }
      case 'Succeed':
        this.ended = this.name;
    }
  }
}

const substitutions: Readonly<Record<string, string>> = {
  Dispatchers: String(FULL),
  IntakeMapping: 'mapping',
  DispatchImagesUndecidedAlarm: 'alarm',
};

const compiled = new Map<string, jsonata.Expression>();

/** Every `{% … %}` in a value. One that yields nothing is an error in Step Functions, too. */
async function evaluated(value: unknown, known: Readonly<Record<string, unknown>>): Promise<unknown> {
  if (Array.isArray(value)) return Promise.all(value.map((item) => evaluated(item, known)));
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value).map(async ([name, item]) => [name, await evaluated(item, known)]);
    return Object.fromEntries(await Promise.all(entries));
  }
  if (typeof value !== 'string') return value;
  const filled = value.replace(/\$\{(\w+)\}/g, (_, name: string) => substitutions[name] ?? `no substitution ${name}`);
  const [, expression] = /^\{%(.*)%\}$/s.exec(filled) ?? [];
  if (expression === undefined) return filled;
  const ready = compiled.get(expression) ?? jsonata(expression);
  compiled.set(expression, ready);
  const result: unknown = await ready.evaluate({}, { ...known });
  if (result === undefined) throw new Error(`States.QueryEvaluationError: ${expression} yields nothing.`);
  return JSON.parse(JSON.stringify(result));
}

const timeOf = (minute: number) => new Date(minute * 60_000).toISOString();
const minuteOf = (time: string) => Date.parse(time) / 60_000;
