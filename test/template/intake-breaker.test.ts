import { describe, expect, it } from 'vitest';
import { retryDelaySeconds } from '../../core/retry-delay.ts';
import { at, numberAt, type Resource, stages, templateFor } from '../../scripts/template/template.ts';
import { METRIC_DELAY_SECONDS } from '../support/aws-metrics.ts';
import { breaker, calculated, play, undecidedAlarm, type Weather } from '../support/played-breaker.ts';

/** The circuit breaker: pauses intake while everything behind the queue fails, and resumes it automatically. */

const template = templateFor('prod');
const properties = (id: string): Resource['Properties'] => {
  const found = template.resources.get(id);
  if (found === undefined) throw new Error(`template.yaml has no resource ${id}.`);
  return found.Properties;
};

/** Conditions in these spans of minutes; all is well in between. */
const outage =
  (how: Weather, ...spans: readonly (readonly [from: number, to: number])[]) =>
  (minute: number): Weather =>
    spans.some(([from, to]) => from <= minute && minute < to) ? how : 'fine';
const lengths = Array.from({ length: 22 }, (_, index) => 12 + 5 * index);

describe('when most uploads cannot be decided', () => {
  it('intake pauses, reopens as a trickle, and reopens in full once the trickle succeeds', async () => {
    const { switched, ended } = await play({ minutes: 60, weather: outage('down', [10, 16]) });
    expect(switched.map(({ to }) => to)).toEqual(['paused', 'trickle', 'full']);
    const [paused = 0, trickle = 0, full = 0] = switched.map(({ minute }) => minute);
    expect(paused).toBeLessThanOrEqual(10 + (ringsAfterSeconds + probeSeconds) / 60);
    expect(trickle).toBeGreaterThanOrEqual(paused + 5);
    expect(full).toBe(trickle + 10);
    expect(ended).toEqual(['Recovered']);
  });

  it('the trickle stops when the alarm fires again, and the first trial does not count the pause as a success', async () => {
    const { switched, ended } = await play({ minutes: 120, weather: outage('down', [10, 50]) });
    expect(ended).toEqual(['LeaveItToTheNext', 'LeaveItToTheNext', 'Recovered']);
    expect(switched.map(({ to }) => to)).toEqual([
      ...['paused', 'trickle'],
      ...['paused', 'trickle'],
      ...['paused', 'trickle', 'full'],
    ]);
  });

  it('a trial with hanging attempts is not a success, even if too few fail at once to set off the alarm', async () => {
    const weather = outage('hangs', [10, 80]);
    const { switched, ended } = await play({ minutes: 140, weather, imagesABatch: 4 });
    expect(switched.filter(({ to }) => to === 'trickle').length).toBeGreaterThan(ended.length);
    expect(switched.filter(({ to }) => to === 'full').map(({ minute }) => weather(minute))).toEqual(['fine']);
  });

  it.each<Weather>(['down', 'hangs'])(
    '(%s) intake reopens in full after the outage, never during it, however long it lasts',
    async (how) => {
      for (const length of lengths) {
        const weather = outage(how, [10, 10 + length]);
        const { switched, ended } = await play({ minutes: length + 70, weather });
        const full = switched.filter(({ to }) => to === 'full');
        expect({ length, full: full.map(({ minute }) => weather(minute)) }).toEqual({ length, full: ['fine'] });
        expect({ length, last: switched.at(-1)?.to }).toEqual({ length, last: 'full' });
        expect({ length, ended }).not.toEqual({ length, ended: expect.arrayContaining([undefined]) });
      }
    },
  );

  it.each<Weather>(['down', 'hangs'])(
    '(%s) if the outage starts again, at any minute, intake reopens in full once it is over',
    async (how) => {
      for (const again of lengths) {
        const weather = outage(how, [10, 22], [10 + again, 30 + again]);
        const { switched, ended } = await play({ minutes: again + 110, weather });
        const { minute = 0, to } = switched.at(-1) ?? {};
        expect({ again, to, weather: weather(minute) }).toEqual({ again, to: 'full', weather: 'fine' });
        expect({ again, ended }).not.toEqual({ again, ended: expect.arrayContaining([undefined]) });
      }
    },
  );

  it('intake stays closed while the alarm is on, and the breaker raises its own alarm when it times out', async () => {
    const minutes = breaker.TimeoutSeconds / 60 + 30;
    const { switched, ended } = await play({ minutes, weather: outage('down', [10, minutes]), heedsNoPause: true });
    expect(switched.map(({ to }) => to)).toEqual(['paused']);
    expect(ended).toEqual(['TIMED_OUT']);
    expect(properties('IntakeBreakerTimedOutAlarm')['MetricName']).toBe('ExecutionsTimedOut');
  });

  it('a trial without uploads is a success', async () => {
    const weather = (minute: number): Weather => (minute >= 10 && minute < 16 ? 'down' : 'idle');
    const { switched } = await play({ minutes: 60, weather });
    expect(switched.map(({ to }) => to)).toEqual(['paused', 'trickle', 'full']);
  });

  it('intake stays paused if a person paused it in the meantime', async () => {
    const { switched, ended } = await play({ minutes: 60, weather: outage('down', [10, 16]), pausedByHandAt: 17 });
    expect(switched.map(({ to }) => to)).toEqual(['paused']);
    expect(ended).toEqual(['LeaveItToPeople']);
  });

  it('every call is retried, because Lambda refuses to change a mapping during an update', () => {
    for (const [name, state] of Object.entries(breaker.States)) {
      if (state.Type === 'Task' && name !== 'Probe')
        expect(state.Retry, name).toMatchObject([{ ErrorEquals: ['States.ALL'] }]);
    }
  });
});

describe('when most uploads fail but a known-good image does not', () => {
  it('intake stays open for everyone, however long one sender continues', async () => {
    const { switched, ended } = await play({ minutes: 180, weather: outage('poison', [10, 160]) });
    expect(switched.map(({ to }) => to)).toEqual(['full']);
    expect(ended).toEqual(['Recovered']);
  });

  it('an outage that starts in the meantime pauses intake, even though the alarm is already on', async () => {
    const weather = (minute: number): Weather =>
      minute < 10 ? 'fine' : minute < 40 ? 'poison' : minute < 60 ? 'down' : 'fine';
    const { switched, ended } = await play({ minutes: 120, weather });
    const paused = switched.find(({ to }) => to === 'paused');
    expect(paused?.minute).toBeGreaterThanOrEqual(40);
    expect(paused?.minute).toBeLessThanOrEqual(40 + (60 + probeSeconds) / 60);
    expect(switched.at(-1)?.to).toBe('full');
    expect(ended.at(-1)).toBe('Recovered');
  });

  it('intake reopens in full after an outage, even if one sender’s uploads fail the trial', async () => {
    const weather = (minute: number): Weather => (minute < 10 ? 'fine' : minute < 20 ? 'down' : 'poison');
    const { switched } = await play({ minutes: 120, weather });
    expect(switched.filter(({ to }) => to === 'paused').map(({ minute }) => weather(minute))).toEqual(['down']);
    expect(switched.at(-1)?.to).toBe('full');
  });

  it('its own probes cannot keep the alarm on: an upload and a deletion, twice per minute each, are too few', async () => {
    const { KeepWatch } = breaker.States;
    expect(KeepWatch).toMatchObject({ Type: 'Wait', Seconds: 60 });
    expect(await calculated('undecided', { attempts: 4 })).toBe(0);
  });

  it('the live version of the probe sends the known-good image, and any error in sending it counts as a system failure', () => {
    expect(properties('IntakeBreaker')['DefinitionSubstitutions']).toMatchObject({
      ProbePipelineFunction: { Ref: 'ProbePipelineFunction.Alias' },
    });
    // Any failure to send the image counts as a failing image, because the system may be the cause.
    expect(Probe).toMatchObject({ Catch: [{ ErrorEquals: ['States.ALL'], Next: 'Open' }], Next: 'IsItTheSystem' });
  });
});

const alarm = properties('DispatchImagesUndecidedAlarm');
const metricPeriod = numberAt(alarm['Metrics'], 3, 'MetricStat', 'Period');
const { Probe } = breaker.States;
if (Probe?.Type !== 'Task') throw new Error('The breaker has no task Probe.');
const probeSeconds = Probe.Retry.reduce(
  (sum, { MaxAttempts, IntervalSeconds = 0 }) => sum + MaxAttempts * IntervalSeconds,
  Probe.TimeoutSeconds,
);
const ringsAfterSeconds = numberAt(alarm['DatapointsToAlarm']) * metricPeriod + METRIC_DELAY_SECONDS;
const windowSeconds = numberAt(alarm['EvaluationPeriods']) * metricPeriod;

it('the alarm fires even though the latest minutes have no data yet', () => {
  expect(windowSeconds).toBeGreaterThanOrEqual(ringsAfterSeconds);
});

it('the alarm fires when attempts hang: its window covers two bursts that are one timeout apart', () => {
  const { Environment } = properties('DispatchImagesFunction');
  const apartSeconds = numberAt(Environment, 'Variables', 'WORKFLOW_WAIT_MILLIS') / 1000;
  expect(windowSeconds).toBeGreaterThanOrEqual(apartSeconds + metricPeriod + METRIC_DELAY_SECONDS);
});

it.each(stages.filter((stage) => stage !== 'local'))(
  'stage %s: intake pauses before any message has used up its attempts',
  (stage) => {
    const here = templateFor(stage).resources;
    const dispatcher = here.get('DispatchImagesFunction')?.Properties ?? {};
    const baseSeconds = numberAt(dispatcher['Environment'], 'Variables', 'RETRY_BASE_SECONDS');
    const tries = numberAt(here.get('UploadQueue')?.Properties['RedrivePolicy'], 'maxReceiveCount');
    const shortest = Array.from({ length: tries - 1 }, (_, failed) =>
      retryDelaySeconds(failed + 1, { baseSeconds, lastAttempt: false, random: 0 }),
    ).reduce((sum, delay) => sum + delay);
    expect(ringsAfterSeconds + probeSeconds).toBeLessThan(shortest);
  },
);

it('the trial lasts long enough for the slowest attempt to fail and the alarm to fire', () => {
  const slowestTry = numberAt(properties('DispatchImagesFunction')['Timeout']);
  const { Trial } = breaker.States;
  expect(Trial?.Type === 'Wait' ? Trial.Seconds : 0).toBeGreaterThan(slowestTry + ringsAfterSeconds);
});

it.each([
  ['everything succeeds', { processed: 90, rejected: 10 }, 0],
  ['most attempts fail', { processed: 20, rejected: 10, attempts: 70 }, 70],
  ['the dispatcher cannot even start', { errors: 12 }, 100],
  ['only a few bad files arrive', { attempts: 9 }, 0],
  // Lambda counts a call if all its messages failed; the dispatcher counts each attempt.
  ['six batches of one fail, and ten images are decided', { attempts: 6, errors: 6, processed: 10 }, 37.5],
  ['a batch of ten fails as a whole', { attempts: 10, errors: 1, processed: 10 }, 50],
  ['some attempts fail among remembered repeats', { attempts: 6, repeated: 10 }, 37.5],
])('if %s, the failure rate is correct: %j', async (_, counts, percent) => {
  expect(await calculated('undecided', counts)).toBe(percent);
});

it('the alarm has no more metrics than CloudWatch allows', () => {
  // https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-limits.html
  expect(undecidedAlarm.Metrics.filter(({ Expression }) => Expression === undefined).length).toBeLessThanOrEqual(10);
});

it.each<Weather>(['down', 'hangs'])(
  '(%s) uploads that were set aside wait whenever the others wait, and resume when intake is fully open',
  async (how) => {
    const { switched, overflow } = await play({ minutes: 120, weather: outage(how, [10, 50]) });
    const paused = switched.filter(({ to }) => to === 'paused').map(({ minute }) => ({ minute, to: 'paused' }));
    const full = switched.filter(({ to }) => to === 'full').map(({ minute }) => ({ minute, to: 'full' }));
    expect(full.length).toBeGreaterThan(0);
    expect(overflow).toEqual([...paused, ...full]);
  },
);

it('only that alarm starts the breaker', () => {
  const rule = properties('IntakeBreakerRule');
  expect(rule['EventPattern']).toEqual({
    source: ['aws.cloudwatch'],
    'detail-type': ['CloudWatch Alarm State Change'],
    resources: [{ 'Fn::GetAtt': 'DispatchImagesUndecidedAlarm.Arn' }],
    detail: { state: { value: ['ALARM'] } },
  });
  expect(at(rule['Targets'], 0)).toMatchObject({
    Arn: { Ref: 'IntakeBreaker' },
    // https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-transform-target-input.html
    InputTransformer: { InputTemplate: '{"rule": "<aws.events.rule-name>"}' },
  });
});

it('the breaker switches the event source mapping of the upload queue, and restores its concurrency', () => {
  const mapping = at(properties('DispatchImagesFunction')['Events'], 'Uploads', 'Properties', 'ScalingConfig');
  expect(properties('IntakeBreaker')['DefinitionSubstitutions']).toEqual({
    IntakeMapping: { Ref: 'DispatchImagesFunctionUploads' },
    OverflowMapping: { Ref: 'DispatchImagesFunctionOverflow' },
    Partition: { Ref: 'AWS::Partition' },
    Dispatchers: at(mapping, 'MaximumConcurrency'),
    DispatchImagesUndecidedAlarm: { Ref: 'DispatchImagesUndecidedAlarm' },
    ProbePipelineFunction: { Ref: 'ProbePipelineFunction.Alias' },
  });
});
