import * as z from 'zod';
import { templateFor } from '../../scripts/template/template.ts';
import { runStateMachine, substituted, TaskError } from './asl.ts';
import { METRIC_DELAY_SECONDS } from './aws-metrics.ts';
import { metricMath } from './metric-math.ts';

/**
 * Simulates the circuit breaker minute by minute. Traffic produces metrics, which can fire the alarm in template.yaml. Each
 * time the alarm fires, an execution of statemachine/intake-breaker.asl.json starts, and all executions can switch intake.
 */

const FULL = 10;
const HANGING_MINUTES = 5;
const PROBE_SECONDS = 120;
const LATE_MINUTES = METRIC_DELAY_SECONDS / 60;

export const breaker = substituted('intake-breaker', { values: { Dispatchers: String(FULL) } });

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

// What the state machine may ask of each service. Created once: a play asks thousands of times.
const mappingUpdate = z.strictObject({
  Uuid: z.enum(['IntakeMapping', 'OverflowMapping']),
  Enabled: z.boolean().optional(),
  ScalingConfig: z.strictObject({ MaximumConcurrency: z.int().min(2) }).optional(),
});
const metricRequest = z.strictObject({
  StartTime: z.iso.datetime(),
  EndTime: z.iso.datetime(),
  MetricDataQueries: queries,
});
const historyRequest = z.strictObject({
  AlarmName: z.literal('DispatchImagesUndecidedAlarm'),
  HistoryItemType: z.literal('StateUpdate'),
  StartDate: z.iso.datetime(),
});
const alarmRequest = z.strictObject({ AlarmNames: z.tuple([z.literal('DispatchImagesUndecidedAlarm')]) });
const ruleRequest = z.strictObject({ Name: z.literal('rule') });

/** One minute's sums, by the ids of the alarm's queries. */
type Counts = Readonly<Record<string, number>>;

const calculations = new Map<string, number>();

/** Evaluates a query as CloudWatch does: expressions may refer to other queries by id. */
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

/**
 * Conditions in one minute: images are decided, attempts fail at once or after five minutes, or there are no uploads. Or
 * most uploads are one sender's and fail, and all others are decided.
 */
export type Weather = 'fine' | 'down' | 'hangs' | 'idle' | 'poison';

interface Play {
  readonly minutes: number;
  readonly weather: (minute: number) => Weather;
  /** Ten by default; lower when there are few uploads. */
  readonly imagesABatch?: number;
  /** The minute in which an operator pauses intake. */
  readonly pausedByHandAt?: number;
  /** Attempts keep failing and the alarm keeps firing, even while intake is paused. */
  readonly heedsNoPause?: boolean;
}

interface Played {
  /** Each change to intake, and its minute. */
  readonly switched: readonly { readonly minute: number; readonly to: 'paused' | 'trickle' | 'full' }[];
  /** Each change to the intake of uploads that were set aside, in order. */
  readonly overflow: readonly { readonly minute: number; readonly to: 'paused' | 'full' }[];
  /** The state in which each execution ended, in order of their start; `undefined` while it is running. */
  readonly ended: readonly (string | undefined)[];
}

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
  const clock: Clock = { minute: 1 };
  const services: Services = {
    'arn:aws:states:::lambda:invoke': async (given, wait) => {
      z.strictObject({ FunctionName: z.literal('ProbePipelineFunction'), Payload: z.strictObject({}) }).parse(given);
      if (intake.serves(weather(clock.minute))) return { Payload: { verdict: 'healthy' } };
      await wait(PROBE_SECONDS);
      throw new TaskError('States.Timeout', 'the probe takes too long');
    },
    'lambda:updateEventSourceMapping': (given) => intake.update(given, clock.minute),
    'eventbridge:describeRule': (given) => describeRule(given, isPausedByHand(clock.minute)),
    'cloudwatch:describeAlarmHistory': (given) => alarm.history(given),
    'cloudwatch:describeAlarms': (given) => alarm.describe(given),
    'cloudwatch:getMetricData': (given) => metrics.data(given, clock.minute),
  };
  const executions: Execution[] = [];

  for (; clock.minute <= minutes; clock.minute += 1) {
    const now = clock.minute;
    metrics.counts.push(intake.traffic(now - 1, weather(now - 1)));
    if ((await alarm.startsFiring(now)) && !isPausedByHand(now)) executions.push(new Execution(clock, services));
    for (const execution of executions) await execution.advance();
  }
  return { switched: intake.switched, overflow: intake.overflow, ended: executions.map(({ ended }) => ended) };
}

/** The event source mapping, and the results of the batches that it delivers. */
class Intake {
  readonly switched: { minute: number; to: 'paused' | 'trickle' | 'full' }[] = [];
  readonly overflow: { minute: number; to: 'paused' | 'full' }[] = [];
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
    if (weather === 'poison') {
      const images = this.imagesABatch * free;
      return { attempts: this.imagesABatch * ended + 0.7 * images, errors: ended, processed: 0.3 * images };
    }
    const failed = ended + (weather === 'down' ? free : 0);
    const decided = weather === 'fine' ? free : 0;
    return { attempts: this.imagesABatch * failed, errors: failed, processed: this.imagesABatch * decided };
  }

  /** Whether an image that is fine would be decided now. */
  serves(weather: Weather): boolean {
    return this.enabled && weather !== 'down' && weather !== 'hangs';
  }

  update(given: unknown, minute: number): unknown {
    const { Uuid, Enabled, ScalingConfig } = mappingUpdate.parse(given);
    if (Uuid === 'OverflowMapping') {
      this.overflow.push({ minute, to: Enabled ? 'full' : 'paused' });
      return {};
    }
    this.enabled = Enabled ?? this.enabled;
    this.concurrency = ScalingConfig?.MaximumConcurrency ?? this.concurrency;
    this.switched.push({ minute, to: !this.enabled ? 'paused' : this.concurrency === FULL ? 'full' : 'trickle' });
    return {};
  }
}

class Metrics {
  readonly counts: Counts[] = [];

  /** Recent minutes are not published yet, and the FILL function turns them into 0. */
  async published(id: string, minute: number, now: number): Promise<number> {
    const counts = this.counts[minute];
    return counts === undefined || minute >= now - LATE_MINUTES ? 0 : calculated(id, counts);
  }

  async data(given: unknown, now: number): Promise<unknown> {
    const { StartTime, EndTime, MetricDataQueries } = metricRequest.parse(given);
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

  async startsFiring(now: number): Promise<boolean> {
    const window = Array.from({ length: undecidedAlarm.EvaluationPeriods }, (_, back) => now - 1 - back);
    const percents = await Promise.all(window.map((minute) => this.metrics.published('undecided', minute, now)));
    const breaching = percents.filter((percent) => percent > undecidedAlarm.Threshold).length;
    const to = breaching >= undecidedAlarm.DatapointsToAlarm ? 'ALARM' : 'OK';
    const changed = to !== this.changes.at(-1)?.to;
    if (changed) this.changes.push({ at: now, to });
    return changed && to === 'ALARM';
  }

  history(given: unknown): unknown {
    const { StartDate } = historyRequest.parse(given);
    const from = { OK: 'ALARM', ALARM: 'OK' };
    return {
      AlarmHistoryItems: this.changes
        .filter(({ at }) => at >= minuteOf(StartDate))
        .map(({ at, to }) => ({ Timestamp: timeOf(at), HistorySummary: `Alarm updated from ${from[to]} to ${to}` }))
        .reverse(),
    };
  }

  describe(given: unknown): unknown {
    alarmRequest.parse(given);
    return { MetricAlarms: [{ StateValue: this.changes.at(-1)?.to, Metrics: undecidedAlarm.Metrics }] };
  }
}

function describeRule(given: unknown, isPausedByHand: boolean): unknown {
  const { Name } = ruleRequest.parse(given);
  return { Name, State: isPausedByHand ? 'DISABLED' : 'ENABLED' };
}

type Wait = (seconds: number) => Promise<void>;
type Services = Readonly<Record<string, (given: unknown, wait: Wait) => unknown>>;

interface Clock {
  minute: number;
}

/** One execution of the circuit breaker. It stops at each Wait state until the clock has advanced. */
class Execution {
  ended: string | undefined;
  private readonly clock: Clock;
  private readonly startedAt: number;
  private due: number;
  private proceed: () => void;
  private halted = Promise.withResolvers<void>();
  constructor(clock: Clock, services: Services) {
    this.clock = clock;
    this.startedAt = clock.minute;
    this.due = clock.minute;
    this.proceed = () => void this.run(services);
  }

  async advance(): Promise<void> {
    if (this.clock.minute - this.startedAt >= breaker.TimeoutSeconds / 60) this.ended ??= 'TIMED_OUT';
    while (this.ended === undefined && this.due <= this.clock.minute) {
      this.halted = Promise.withResolvers();
      this.proceed();
      await this.halted.promise;
    }
  }

  private async run(services: Services): Promise<void> {
    // One second after the alarm fired.
    const StartTime = timeOf(this.startedAt + 1 / 60);
    const wait: Wait = (seconds) => {
      this.due = this.clock.minute + seconds / 60;
      const { promise, resolve } = Promise.withResolvers<void>();
      this.proceed = resolve;
      this.halted.resolve();
      return promise;
    };
    try {
      const { state } = await runStateMachine(breaker, undefined, {
        context: { Execution: { StartTime, Input: { rule: 'rule' } } },
        now: () => timeOf(this.clock.minute),
        async task({ resource, parameters }) {
          const service = services[resource.replace('arn:aws:states:::aws-sdk:', '')];
          if (service === undefined) throw new Error(`No service is simulated for ${resource}.`);
          return service(parameters, wait);
        },
        wait,
      });
      this.ended = state;
      this.halted.resolve();
    } catch (error) {
      this.halted.reject(error);
    }
  }
}

const timeOf = (minute: number) => new Date(minute * 60_000).toISOString();
const minuteOf = (time: string) => Date.parse(time) / 60_000;
