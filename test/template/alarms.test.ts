import { existsSync, readFileSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import { describe, expect, it } from 'vitest';
import { metricNamespace } from '../../core/names.ts';
import { renditionGroups } from '../../core/presets.ts';
import { retryDelaySeconds } from '../../core/retry-delay.ts';
import { steps, workers } from '../../core/steps.ts';
import {
  at,
  type Json,
  numberAt,
  ofType,
  type Resource,
  referredId,
  type Template,
  templateFor,
} from '../../scripts/template/template.ts';
import { awsMetrics, METRIC_DELAY_SECONDS } from '../support/aws-metrics.ts';
import { captureLog } from '../support/captured-log.ts';
import { metricMath } from '../support/metric-math.ts';
import { playedAlarm, type Recorded } from '../support/played-alarm.ts';
import { publishEverything, publishedMetrics } from '../support/published-metrics.ts';
import { workflow } from '../support/workflow.ts';

const template = templateFor('prod');
const alarms = ofType(template, 'AWS::CloudWatch::Alarm');
const items = (value: Json | undefined): Json[] => [value ?? []].flat();
const alarmNamed = (id: string, { resources }: Pick<Template, 'resources'> = template): Resource => {
  const found = resources.get(id);
  if (found === undefined) throw new Error(`template.yaml has no ${id} in this stage.`);
  return found;
};
/** The alarms that UsersAffectedAlarm combines into one page. */
const combined = [
  ...String(at(template.resources.get('UsersAffectedAlarm')?.Properties['AlarmRule'], 'Fn::Sub')).matchAll(
    /ALARM\("\$\{(\w+)\}"\)/g,
  ),
].map(([, id = '']) => id);
const notifies = (topic: string) => ({ AlarmActions: [{ Ref: topic }], OKActions: [{ Ref: topic }] });
const pagingThemselves = alarms.filter(([, { Properties }]) =>
  isDeepStrictEqual(Properties['AlarmActions'], notifies('PageTopic').AlarmActions),
);

/** A metric that an alarm watches or calculates with. */
type AlarmMetric = Readonly<Record<'Namespace' | 'MetricName' | 'Dimensions', Json | undefined>>;

const metricsOf = ({ Properties }: Resource): AlarmMetric[] => {
  const metrics = [
    ...(Properties['Metrics'] === undefined ? [Properties] : []),
    ...items(Properties['Metrics']).flatMap((metric) => at(metric, 'MetricStat', 'Metric') ?? []),
  ];
  return metrics.map((metric) => ({
    Namespace: at(metric, 'Namespace'),
    MetricName: at(metric, 'MetricName'),
    Dimensions: at(metric, 'Dimensions'),
  }));
};
const dimensionNames = ({ Dimensions }: AlarmMetric) =>
  items(Dimensions)
    .map((dimension) => String(at(dimension, 'Name')))
    .sort();
/** The resource that an alarm watches; for a custom metric, the function that publishes it. */
const watched = (alarm: Resource) => {
  const [metric] = metricsOf(alarm);
  if (metric?.Namespace !== metricNamespace) return referredId(at(items(metric?.Dimensions)[0], 'Value'));
  return String(metric.MetricName).startsWith('Probe') ? 'ProbePipelineFunction' : 'DispatchImagesFunction';
};
/** Alarms for operators. release.test.ts covers rollback alarms. */
const on = (id: string, metric: string) =>
  alarms
    .filter(([alarm]) => !alarm.endsWith('RollbackAlarm'))
    .filter(([, alarm]) => watched(alarm) === id && alarm.Properties['MetricName'] === metric)
    .map(([, found]) => found);

describe.each(alarms)('%s', (id, alarm) => {
  const { Properties } = alarm;

  it('watches only AWS metrics that exist with these dimensions', () => {
    const metrics = metricsOf(alarm).filter(({ Namespace }) => Namespace !== metricNamespace);
    for (const metric of metrics) {
      expect(awsMetrics[String(metric.Namespace)]?.[String(metric.MetricName)]).toContainEqual(dimensionNames(metric));
    }
  });

  it('is named after what it watches', () => {
    const subject = (watched(alarm) ?? '').replace(/Function$/, '');
    expect(template.resources.has(watched(alarm) ?? '')).toBe(true);
    expect(id).toMatch(new RegExp(`^${subject}[A-Z][A-Za-z]+Alarm$`));
  });

  it('describes the impact, and names a runbook that exists', () => {
    const [, impact, runbook] =
      /^(.{20,}\.) Runbook: \$\{RunbookUrl\}\/([a-z-]+\.md)$/.exec(
        String(at(Properties['AlarmDescription'], 'Fn::Sub')),
      ) ?? [];
    expect(impact).toBeDefined();
    expect(existsSync(new URL(`../../docs/runbooks/${runbook}`, import.meta.url)), runbook).toBe(true);
  });

  it('treats missing data as good, unless it waits for the probe', () => {
    expect(Properties['TreatMissingData']).toBe(id === 'ProbePipelineMissingAlarm' ? 'breaching' : 'notBreaching');
  });
});

it.each([...alarms, ...ofType(template, 'AWS::CloudWatch::CompositeAlarm')])(
  '%s is explained in its runbook',
  (id, { Properties }) => {
    const [, page = 'none'] = /([a-z-]+\.md)$/.exec(String(at(Properties['AlarmDescription'], 'Fn::Sub'))) ?? [];
    const text = readFileSync(new URL(`../../docs/runbooks/${page}`, import.meta.url), 'utf8');
    const name = id.replace(/Alarm$/, '');
    expect(text.includes(`\`${name}\``), `docs/runbooks/${page} does not name \`${name}\`: add its row.`).toBe(true);
  },
);

// https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-view.html
const bearingTheBeginning = alarms.filter(
  ([, { Properties }]) =>
    Properties['Namespace'] === 'AWS/Lambda' && ['Errors', 'Duration'].includes(String(Properties['MetricName'])),
);

it.each(bearingTheBeginning)(
  '%s evaluates far enough back to include the start of a call that hung until its timeout',
  (_, alarm) => {
    const timeout = numberAt(template.resources.get(watched(alarm) ?? '')?.Properties['Timeout']);
    const [period, periods, needed] = ['Period', 'EvaluationPeriods', 'DatapointsToAlarm'].map((name) =>
      numberAt(alarm.Properties[name]),
    );
    if (period === undefined || periods === undefined || needed === undefined) throw new Error('no number');
    expect(period * periods).toBeGreaterThanOrEqual(timeout + METRIC_DELAY_SECONDS + period * needed);
  },
);

describe('one image that fails on every attempt', () => {
  const { resources } = template;
  const properties = (id: string) => resources.get(id)?.Properties ?? {};
  const baseSeconds = numberAt(
    at(properties('DispatchImagesFunction')['Environment'], 'Variables', 'RETRY_BASE_SECONDS'),
  );
  const tries = numberAt(at(properties('UploadQueue')['RedrivePolicy'], 'maxReceiveCount'));
  const delays = Array.from({ length: tries - 1 }, (_, index) =>
    retryDelaySeconds(index + 1, { baseSeconds, lastAttempt: false, random: 0 }),
  );
  /** Seconds from the first attempt, with the shortest possible delays. */
  const beginnings = Array.from({ length: tries }, (_, index) =>
    delays.slice(0, index).reduce((sum, delay) => sum + delay, 0),
  );

  const callsATry = (functionId: string) =>
    workflow.tasks
      .filter((task) => task.functionId === functionId)
      .map(
        ({ definition }) =>
          1 + (definition.Retry.find(({ ErrorEquals }) => ErrorEquals[0] === 'States.ALL')?.MaxAttempts ?? 0),
      )
      .reduce((sum, calls) => sum + calls, 0);

  it.each<[string, number]>([
    ['DispatchImagesErrorsAlarm', 1],
    ['ImagePipelineFailedAlarm', 1],
    ...workers.map(({ name, takes }): [string, number] => [
      `${name}ErrorsAlarm`,
      callsATry(`${name}Function`) * (takes === 'rendition' ? renditionGroups.length : 1),
    ]),
  ])('does not set off %s, at %i failures per attempt', (id, failures) => {
    const { Threshold, DatapointsToAlarm, Period } = properties(id);
    const period = numberAt(Period);
    for (let offset = 0; offset < period; offset += 1) {
      const minutes = Map.groupBy(beginnings, (begin) => Math.floor((begin + offset) / period));
      const breaching = [...minutes.values()].filter(({ length }) => length * failures > numberAt(Threshold));
      expect(
        breaching.length,
        `${offset} s into a minute. template.yaml: raise Threshold of ${id} until one image cannot breach it, at ${failures} failures an attempt.`,
      ).toBeLessThan(numberAt(DatapointsToAlarm));
    }
  });
});

it.each(ofType(template, 'AWS::Serverless::Function').filter(([id]) => isStep(id)))(
  'has alarms for errors, throttles, duration and concurrency of %s',
  (id, { Properties }) => {
    expect(on(id, 'Errors')).toHaveLength(1);
    expect(on(id, 'Throttles')).toHaveLength(1);
    const [duration] = on(id, 'Duration');
    expect(duration?.Properties).toMatchObject({
      ExtendedStatistic: 'p99',
      Threshold: numberAt(Properties['Timeout']) * 800,
    });
    const [concurrency] = on(id, 'ConcurrentExecutions');
    // Near the reserve; back-pressure.test.ts checks that it can be reached.
    const reserve = numberAt(Properties['ReservedConcurrentExecutions']);
    expect(concurrency?.Properties['Threshold']).toBeLessThanOrEqual(reserve);
    expect(concurrency?.Properties['Threshold']).toBeGreaterThan(0.6 * reserve);
  },
);

/** A function that images pass through. The probe and the release check report their own failures: a missing probe, a stopped release. */
function isStep(id: string): boolean {
  return steps.some(({ name }) => id === `${name}Function`);
}

describe('a dead-letter queue', () => {
  const quiet = (minutes: number): number[][] => Array.from({ length: minutes }, () => []);
  const waiting = (letters: number, minutes: number): number[][] => Array.from({ length: minutes }, () => [letters]);
  const pagesOf = async (id: string, recorded: Recorded) => {
    const states = await playedAlarm(alarmNamed(id), recorded);
    return states.flatMap((isOn, minute) => (isOn && states[minute - 1] !== true ? [minute] : []));
  };
  const queues = ['UploadDeadLetterQueue', 'UndeliveredEventQueue'];

  it('is one of these two', () => {
    const deadLetterQueues = [...template.resources.values()].flatMap(({ Properties }) => [
      at(Properties['RedrivePolicy'], 'deadLetterTargetArn'),
      ...items(Properties['Targets']).map((target) => at(target, 'DeadLetterConfig', 'Arn')),
    ]);
    expect([...new Set(deadLetterQueues.flatMap((queue) => referredId(queue) ?? []))].sort()).toEqual(queues.sort());
  });

  describe.each(queues)('%s', (queue) => {
    it('pages for the first letter, and again each time that more arrive, while the first is still there', async () => {
      const letters = [...quiet(60), ...waiting(1, 600), ...waiting(3, 120)];
      expect(await pagesOf(`${queue}GrowthAlarm`, { ApproximateNumberOfMessagesVisible: letters })).toEqual([60, 660]);
    });

    it('is quiet again soon after the last arrival, so that it does not keep the pager silent', async () => {
      const letters = [...quiet(60), ...waiting(1, 60)];
      const states = await playedAlarm(alarmNamed(`${queue}GrowthAlarm`), {
        ApproximateNumberOfMessagesVisible: letters,
      });
      expect(states.filter(Boolean).length).toBeLessThanOrEqual(20);
      expect(states.at(-1)).toBe(false);
    });

    it.each([
      ['letters are moved back', [...waiting(5, 60), ...waiting(2, 30), ...quiet(60)]],
      [
        'letters are hidden for two minutes while someone lists them',
        [...waiting(5, 60), ...waiting(0, 2), ...waiting(5, 60)],
      ],
      ['a minute has no data', [...waiting(5, 60), [], ...waiting(5, 60)]],
      ['the queue is empty', waiting(0, 120)],
    ])('does not page because %s', async (_, letters) => {
      const states = await playedAlarm(alarmNamed(`${queue}GrowthAlarm`), {
        ApproximateNumberOfMessagesVisible: letters,
      });
      // At the beginning, the letters that were there before arrive.
      expect(states.slice(30)).not.toContain(true);
    });

    it('says all the time that letters wait, without paging anyone', async () => {
      const waits = alarmNamed(`${queue}DepthAlarm`);
      const states = await playedAlarm(waits, {
        ApproximateNumberOfMessagesVisible: [...quiet(5), ...waiting(1, 100), ...waiting(0, 5)],
      });
      expect(states).toEqual(states.map((_, minute) => minute >= 5 && minute < 105));
      expect(waits.Properties).toMatchObject(notifies('InformTopic'));
      expect(combined).not.toContain(`${queue}DepthAlarm`);
    });

    it('pages at least two days before SQS deletes the oldest letter', () => {
      const age = alarmNamed(`${queue}AgeAlarm`);
      const kept = numberAt(alarmNamed(queue).Properties['MessageRetentionPeriod']);
      // SQS counts retention from the first queue, and the metric's age from this one.
      const before = [...template.resources.values()]
        .filter(({ Properties }) => referredId(at(Properties['RedrivePolicy'], 'deadLetterTargetArn')) === queue)
        .map(({ Properties }) => numberAt(Properties['MessageRetentionPeriod']));
      expect(age.Properties).toMatchObject({ MetricName: 'ApproximateAgeOfOldestMessage', Statistic: 'Maximum' });
      expect(age.Properties).toMatchObject(notifies('PageTopic'));
      const left = kept - Math.max(0, ...before) - numberAt(age.Properties['Threshold']);
      expect(left / 86_400).toBeGreaterThanOrEqual(2);
      // It stays on until someone acts.
      expect(combined).not.toContain(`${queue}AgeAlarm`);
    });
  });

  it('pages at once when the dispatcher gives up, and once, though the queue’s own metric comes 15 minutes later', async () => {
    const recorded = {
      ImagesFailed: [...quiet(60), [1], ...quiet(60)],
      ApproximateNumberOfMessagesVisible: [...quiet(75), ...waiting(1, 46)],
    };
    const gaveUp = await playedAlarm(alarmNamed('DispatchImagesGaveUpAlarm'), recorded);
    const grew = await playedAlarm(alarmNamed('UploadDeadLetterQueueGrowthAlarm'), recorded);
    const either = gaveUp.map((isOn, minute) => isOn || grew[minute] === true);
    expect(either.flatMap((isOn, minute) => (isOn && either[minute - 1] !== true ? [minute] : []))).toEqual([60]);
    expect(grew).toContain(true);
    expect(combined).toEqual(expect.arrayContaining(['DispatchImagesGaveUpAlarm', 'UploadDeadLetterQueueGrowthAlarm']));
  });
});

describe('EventBridge retries', () => {
  const alarm = alarmNamed('UploadRuleRetriesAlarm');
  const minutes = (values: number[]) => Array.from({ length: 30 }, () => values);

  it.each([
    ['nothing can be delivered', { RetryInvocationAttempts: minutes([3]), InvocationAttempts: minutes([4]) }, true],
    [
      'one event on a quiet stack is retried all the time',
      { RetryInvocationAttempts: minutes([1]), InvocationAttempts: minutes([1]) },
      true,
    ],
    [
      'one delivery in a hundred is retried',
      { RetryInvocationAttempts: minutes([1]), InvocationAttempts: minutes([100]) },
      false,
    ],
    ['there is no traffic', { RetryInvocationAttempts: minutes([]), InvocationAttempts: minutes([]) }, false],
  ])('page in a quarter of an hour or not at all: %s', async (_, recorded, fires) => {
    expect((await playedAlarm(alarm, recorded)).slice(0, 15).includes(true)).toBe(fires);
    expect(combined).toContain('UploadRuleRetriesAlarm');
  });
});

describe.each([
  ['local', 'DISABLED', 'rate(1 hour)', 3600, {}],
  ['dev', 'ENABLED', 'rate(1 hour)', 3600, {}],
  // Warm workers are scaled down only while there is data.
  ['dev', 'ENABLED', 'rate(5 minutes)', 300, { ProvisionConcurrency: 'true' }],
  ['prod', 'ENABLED', 'rate(5 minutes)', 300, {}],
] as const)('the probe of stage %s', (stage, state, rate, period, parameters) => {
  const { resources } = templateFor(stage, parameters);
  const properties = (id: string) => resources.get(id)?.Properties ?? {};

  it(`is ${state}, at ${rate}`, () => {
    expect(properties('ProbeSchedule')).toMatchObject({ State: state, ScheduleExpression: rate });
  });

  it.runIf(stage !== 'local')('raises an alarm when three in a row are missing, and not before', async () => {
    const probe = [[0], ...Array.from({ length: period / 60 - 1 }, () => [])];
    const gone = Array.from({ length: (4 * period) / 60 }, () => []);
    const running = [...probe, ...probe, ...probe, ...probe];
    const states = await playedAlarm(alarmNamed('ProbePipelineMissingAlarm', { resources }), {
      ProbeFailed: [...running, ...gone],
    });
    // The last probe began its period, so that period counts from its beginning.
    const last = running.length - period / 60;
    expect(states.indexOf(true, (3 * period) / 60)).toBe(last + (3 * period) / 60);
    expect(properties('ProbePipelineMissingAlarm')['TreatMissingData']).toBe('breaching');
  });

  it('raises an alarm when two of three failed', () => {
    expect(properties('ProbePipelineFailedAlarm')).toMatchObject({
      Period: period,
      EvaluationPeriods: 3,
      DatapointsToAlarm: 2,
      Threshold: 0,
      ComparisonOperator: 'GreaterThanThreshold',
    });
  });
});

it('where workers are kept warm, the probe gives their scaling data every five minutes', () => {
  for (const stage of ['dev', 'prod'] as const) {
    const { resources } = templateFor(stage, { ProvisionConcurrency: 'true' });
    expect(resources.get('ResizeImageWarmPolicy')).toBeDefined();
    expect(resources.get('ProbeSchedule')?.Properties).toMatchObject({
      State: 'ENABLED',
      ScheduleExpression: 'rate(5 minutes)',
    });
  }
});

describe('the pager', () => {
  it('gets one alarm for all that affects users, and those about letters that are about to expire', () => {
    expect(alarmNamed('UsersAffectedAlarm').Properties).toMatchObject(notifies('PageTopic'));
    expect(pagingThemselves.map(([id]) => id)).toEqual([
      'UndeliveredEventQueueAgeAlarm',
      'UploadDeadLetterQueueAgeAlarm',
      'UndeliveredDomainEventQueueAgeAlarm',
    ]);
  });

  it('combines alarms that exist, a failed and a missing probe among them', () => {
    expect(combined).toEqual(expect.arrayContaining(['ProbePipelineFailedAlarm', 'ProbePipelineMissingAlarm']));
    for (const id of combined) expect(alarms.map(([alarm]) => alarm)).toContain(id);
  });

  it.each(combined)('is not kept silent by %s, which ends when its cause does', (id) => {
    const metrics = metricsOf(alarmNamed(id));
    // Dead letters stay until someone moves them: only their growth may page.
    const formulas = items(alarmNamed(id).Properties['Metrics']).flatMap((metric) => at(metric, 'Expression') ?? []);
    if (metrics.some(({ MetricName }) => MetricName === 'ApproximateNumberOfMessagesVisible')) {
      expect(String(formulas)).toContain('DIFF(');
    }
    // "Alarms that evaluate metrics in the AWS/DynamoDB namespace always ignore missing data", so they can stay on without data.
    // https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html
    for (const { Namespace } of metrics) expect(Namespace).not.toBe('AWS/DynamoDB');
  });

  it('is not woken by any other alarm: they inform', () => {
    for (const [id, { Properties }] of alarms) {
      if (pagingThemselves.some(([paging]) => paging === id)) continue;
      expect(Properties, id).toMatchObject(notifies('InformTopic'));
    }
  });
});

describe('stage dev', () => {
  const dev = templateFor('dev');

  it('has only the alarms that page, so that an idle month stays cheap and a burst in a small account is quiet', () => {
    const page = [...combined, ...pagingThemselves.map(([id]) => id)];
    expect(
      ofType(dev, 'AWS::CloudWatch::Alarm')
        .map(([id]) => id)
        .sort(),
    ).toEqual(page.sort());
    expect(alarmNamed('UsersAffectedAlarm', dev)).toEqual(alarmNamed('UsersAffectedAlarm'));
  });

  it('has no dashboard', () => {
    expect(ofType(dev, 'AWS::CloudWatch::Dashboard')).toEqual([]);
  });
});

describe('AlarmEmail', () => {
  const subscriptions = (AlarmEmail: string) => ofType(templateFor('prod', { AlarmEmail }), 'AWS::SNS::Subscription');

  it('gets pages', () => {
    expect(subscriptions('ops@example.com').map(([, { Properties }]) => Properties)).toEqual([
      { TopicArn: { Ref: 'PageTopic' }, Protocol: 'email', Endpoint: 'ops@example.com' },
    ]);
  });

  it('subscribes no one if it is empty', () => {
    expect(subscriptions('')).toEqual([]);
  });
});

it.each(['PageTopic', 'InformTopic'])(
  '%s is encrypted, and only CloudWatch in this account can publish to it',
  (topic) => {
    expect(template.resources.get(topic)?.Properties['KmsMasterKeyId']).toEqual({ Ref: 'DataKey' });
    const key = template.resources.get('DataKey');
    expect(key?.Properties['EnableKeyRotation']).toBe(true);
    for (const [policy, sid] of [
      [at(template.resources.get(`${topic}Policy`)?.Properties['PolicyDocument'], 'Statement'), 'PublishAlarms'],
      [at(key?.Properties['KeyPolicy'], 'Statement'), 'AlarmsArePublished'],
    ] as const) {
      const statement = items(policy).find((candidate) => at(candidate, 'Sid') === sid);
      expect(at(statement, 'Principal')).toEqual({ Service: 'cloudwatch.amazonaws.com' });
      expect(at(statement, 'Condition')).toEqual({ StringEquals: { 'aws:SourceAccount': { Ref: 'AWS::AccountId' } } });
    }
    expect(template.resources.get(`${topic}Policy`)?.Properties['Topics']).toEqual([{ Ref: topic }]);
  },
);

describe('custom metrics', () => {
  const logged = captureLog();

  it('watched by an alarm are published by the code with the same dimensions', async () => {
    await publishEverything();
    const published = publishedMetrics(logged('log')).map(({ namespace, metric, dimensions }) =>
      [namespace, metric, ...Object.keys(dimensions).sort()].join(' '),
    );
    const own = alarms
      .flatMap(([, alarm]) => metricsOf(alarm))
      .filter(({ Namespace }) => Namespace === metricNamespace);
    expect(own.length).toBeGreaterThan(0);
    for (const metric of own) {
      expect(published).toContain([metric.Namespace, metric.MetricName, ...dimensionNames(metric)].join(' '));
      expect(items(metric.Dimensions)).toEqual([{ Name: 'service', Value: { Ref: 'AWS::StackName' } }]);
    }
  });

  it('have the stack’s name as a dimension, so that two stages in one account do not set off each other’s alarms', () => {
    expect(at(template.functionGlobals['Environment'], 'Variables', 'POWERTOOLS_SERVICE_NAME')).toEqual({
      Ref: 'AWS::StackName',
    });
  });
});

const calculating = alarms.filter(([, { Properties }]) => Properties['Metrics'] !== undefined);

describe.each(calculating)('%s, which uses metric math,', (_, { Properties, Condition }) => {
  const metrics = items(Properties['Metrics']);
  const ids = metrics.map((metric) => String(at(metric, 'Id')));

  it('refers only to metrics that it defines', () => {
    for (const expression of metrics.flatMap((metric) => at(metric, 'Expression') ?? [])) {
      const named = String(expression).match(/\b[a-z]\w*\b/g);
      expect(ids).toEqual(expect.arrayContaining([...new Set(named)]));
    }
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('compares one result with a threshold, or one metric with its anomaly band', () => {
    const returned = metrics.filter((metric) => at(metric, 'ReturnData') !== false);
    const band = metrics.find((metric) => at(metric, 'Id') === Properties['ThresholdMetricId']);
    if (band === undefined) {
      expect(returned).toHaveLength(1);
      expect(Properties['Threshold']).toBeGreaterThanOrEqual(0);
    } else {
      expect(returned).toHaveLength(2);
      const [, ofMetric] = /^ANOMALY_DETECTION_BAND\((\w+), \d\)$/.exec(String(at(band, 'Expression'))) ?? [];
      expect(ids).toContain(ofMetric);
      expect(Properties['ComparisonOperator']).toMatch(/UpperThreshold$/);
      expect(Properties['Threshold']).toBeUndefined();
    }
  });

  it('is deployed to accounts only, because the emulator has no metric math', () => {
    // Only prod has the last two.
    expect(['IsAccount', 'WatchesClosely', 'ShiftsGradually']).toContain(Condition);
  });
});

describe('the error rate', () => {
  const rate = (counts: Readonly<Record<string, number>>) => {
    const metrics = items(template.resources.get('ImagePipelineErrorRateAlarm')?.Properties['Metrics']);
    return metricMath(String(metrics.flatMap((metric) => at(metric, 'Expression') ?? [])[0]), counts);
  };

  it.each([
    ['nothing fails', { started: 1000 }, 0],
    ['one image fails all five attempts', { started: 20, failed: 5 }, 0],
    ['two images fail three times each, and there is no other traffic', { started: 6, failed: 6 }, 100],
    ['twenty of a thousand fail, half of them by time', { started: 1000, failed: 10, late: 10 }, 2],
  ])('given %s in five minutes, is %j', async (_, counts, expected) => {
    expect(await rate(counts)).toBe(expected);
  });
});

it('anomaly detection watches the volume of uploads, without paging anyone, and not on a stack that only probes use', () => {
  const unusual = calculating.filter(([, { Properties }]) => Properties['ThresholdMetricId'] !== undefined);
  expect(unusual.flatMap(([, alarm]) => metricsOf(alarm).map(({ MetricName }) => MetricName))).toEqual([
    'NumberOfMessagesSent',
  ]);
  for (const [id] of unusual) {
    expect(combined).not.toContain(id);
    expect(templateFor('dev').resources.has(id)).toBe(false);
  }
});
