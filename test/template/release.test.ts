import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { releasedSteps } from '../../core/watch/release.ts';
import {
  at,
  type Json,
  numberAt,
  ofType,
  type Resource,
  referredId,
  stages,
  templateFor,
} from '../../scripts/template/template.ts';
import { METRIC_DELAY_SECONDS } from '../support/aws-metrics.ts';
import { metricMath } from '../support/metric-math.ts';
import { workflow } from '../support/workflow.ts';

/** How a release gets its traffic, and how it is rolled back. */

const template = templateFor('prod');
const propertiesOf = (id: string, { resources } = template): Resource['Properties'] => {
  const found = resources.get(id);
  if (found === undefined) throw new Error(`template.yaml has no resource ${id}.`);
  return found.Properties;
};
const items = (value: Json | undefined): Json[] => [value ?? []].flat();

const canary = at(propertiesOf('ReleaseDeploymentConfig')['TrafficRoutingConfig'], 'TimeBasedCanary');
const firstGate = { percent: numberAt(canary, 'CanaryPercentage'), minutes: numberAt(canary, 'CanaryInterval') };
const alias = propertiesOf('ImagePipelineLiveAlias')['DeploymentPreference'];
const secondGate = { percent: numberAt(alias, 'Percentage'), minutes: numberAt(alias, 'Interval') };
const rollbackAlarms = ofType(template, 'AWS::CloudWatch::Alarm').filter(([id]) => id.endsWith('RollbackAlarm'));

it('a release gets 5 %, 20 % and then 100 % of the traffic', () => {
  expect([firstGate.percent, secondGate.percent]).toEqual([5, 20]);
  expect(at(propertiesOf('ReleaseDeploymentConfig')['TrafficRoutingConfig'], 'Type')).toBe('TimeBasedCanary');
  expect(at(alias, 'Type')).toBe('CANARY');
});

/** They decode uploads, which can be crafted to kill them. */
const openers: readonly string[] = ['ExtractMetadata', 'ResizeImage'];
/** Also the dispatcher, which fails if no upload of a batch is decided. */
const comparedByErrors: readonly string[] = [...openers, 'DispatchImages'];

const ofNewVersion = (step: string) => [
  { Name: 'FunctionName', Value: { Ref: `${step}Function` } },
  { Name: 'Resource', Value: { 'Fn::Sub': `\${${step}Function}:live` } },
  { Name: 'ExecutedVersion', Value: { 'Fn::GetAtt': `${step}Function.Version.Version` } },
];

describe.each(releasedSteps)('a new version of %s', (step) => {
  const preference = propertiesOf(`${step}Function`)['DeploymentPreference'];

  it('processes a test image before it gets traffic', () => {
    expect(at(preference, 'Enabled')).toBe(true);
    expect(at(preference, 'Hooks')).toEqual({ PreTraffic: { Ref: 'CheckReleaseFunction' } });
    expect(at(preference, 'Type')).toEqual({ Ref: 'ReleaseDeploymentConfig' });
    expect(at(preference, 'Role')).toEqual({ 'Fn::GetAtt': 'ReleaseRole.Arn' });
  });

  it('loses traffic for its own errors and its own slowness, not for those of the previous version', () => {
    expect(at(preference, 'Alarms')).toEqual([
      { Ref: `${step}ErrorsRollbackAlarm` },
      { Ref: `${step}DurationRollbackAlarm` },
    ]);
    const near = numberAt(propertiesOf(`${step}Function`)['Timeout']) * 800;
    expect(propertiesOf(`${step}DurationRollbackAlarm`)['Threshold']).toBe(near);
    const own = (symptom: string) => ({ MetricName: symptom, Dimensions: ofNewVersion(step) });
    if (!comparedByErrors.includes(step))
      expect(propertiesOf(`${step}ErrorsRollbackAlarm`)).toMatchObject(own('Errors'));
    if (!openers.includes(step))
      expect(propertiesOf(`${step}DurationRollbackAlarm`)).toMatchObject({
        ...own('Duration'),
        ExtendedStatistic: 'p99',
      });
  });
});

describe.each(comparedByErrors)('a new version of %s, which an upload can make fail,', (step) => {
  const queryOf = (id: string) =>
    items(propertiesOf(`${step}ErrorsRollbackAlarm`)['Metrics']).find((query) => at(query, 'Id') === id);

  it('is compared with all traffic of the alias for the whole gate', () => {
    const errors = (Dimensions: Json) => ({
      Stat: 'Sum',
      Period: firstGate.minutes * 60,
      Metric: { Namespace: 'AWS/Lambda', MetricName: 'Errors', Dimensions },
    });
    expect(at(queryOf('fresh'), 'MetricStat')).toEqual(errors(ofNewVersion(step)));
    expect(at(queryOf('all'), 'MetricStat')).toEqual(errors(ofNewVersion(step).slice(0, 2)));
  });

  it.each([
    ['loses traffic when only the new version fails', { fresh: 2, all: 2 }, 100],
    ['loses traffic when it fails more than the old one', { fresh: 12, all: 20 }, 60],
    ['keeps traffic while nothing fails', {}, 0],
    // One upload kills one worker of each version, or the new version once.
    ['keeps traffic when one upload killed a worker', { fresh: 1, all: 1 }, 0],
    ['keeps traffic when one upload killed a worker of each version', { fresh: 1, all: 2 }, 0],
    // 5 % of the traffic.
    ['keeps traffic while a sender floods the pipeline with such uploads', { fresh: 50, all: 1000 }, 5],
  ])('%s: %j', async (_, counts, percent) => {
    expect(await metricMath(String(at(queryOf('share'), 'Expression')), counts)).toBe(percent);
    expect(percent > numberAt(propertiesOf(`${step}ErrorsRollbackAlarm`)['Threshold'])).toBe(percent > 50);
  });

  it('keeps traffic whatever one sender uploads: such uploads roll back fewer than one release in a hundred', () => {
    const [alone, kills] = [firstGate.percent / 100, 400];
    // At any time within the gate, more than half of the kills so far hit the new version, and at least two.
    expect(chanceOfAMajority(alone, kills)).toBeLessThan(0.01);
    // If the first failure were enough, a few uploads would roll a release back.
    expect(1 - (1 - alone) ** 30).toBeGreaterThan(0.75);
  });
});

describe.each(openers)('a new version of %s, which an upload can slow down,', (step) => {
  const queryOf = (id: string) =>
    items(propertiesOf(`${step}DurationRollbackAlarm`)['Metrics']).find((query) => at(query, 'Id') === id);
  const stat = (id: string) => at(queryOf(id), 'MetricStat');

  it('is judged by nine in ten of its calls in the whole gate', () => {
    const metric = (MetricName: string) => ({
      Period: firstGate.minutes * 60,
      Metric: { Namespace: 'AWS/Lambda', MetricName, Dimensions: ofNewVersion(step) },
    });
    expect(stat('fast')).toEqual({ Stat: 'p10', ...metric('Duration') });
    expect(stat('calls')).toEqual({ Stat: 'Sum', ...metric('Invocations') });
  });

  it.each([
    ['loses traffic when nine in ten calls are close to the timeout', { calls: 40, fast: 35_000 }, 35_000],
    ['keeps traffic while most calls are slow but a tenth are not', { calls: 40, fast: 900 }, 900],
    ['keeps traffic when too few calls were slow', { calls: 9, fast: 40_000 }, 0],
    ['keeps traffic while it is not called', {}, 0],
  ])('%s: %j', async (_, counts, millis) => {
    expect(await metricMath(String(at(queryOf('pace'), 'Expression')), counts)).toBe(millis);
  });
});

/** The chance that, after some number of kills, the new version has had more than half of them and at least two. */
function chanceOfAMajority(share: number, kills: number): number {
  let undecided = new Map([[0, 1]]);
  let fired = 0;
  for (let kill = 1; kill <= kills; kill += 1) {
    const next = new Map<number, number>();
    for (const [fresh, chance] of undecided) {
      for (const [count, part] of [
        [fresh + 1, share],
        [fresh, 1 - share],
      ] as const) {
        if (count >= 2 && 2 * count > kill) fired += chance * part;
        else next.set(count, (next.get(count) ?? 0) + chance * part);
      }
    }
    undecided = next;
  }
  return fired;
}

it('function names are short enough that CloudFormation does not truncate them', () => {
  // Of 64 characters, 25 are for the stack, 24 for the logical id and 13 are random. This is not documented, but was observed
  // (https://github.com/convox/rack/issues/2297).
  const settings = readFileSync(new URL('../../samconfig.toml', import.meta.url), 'utf8');
  const stacks = [...settings.matchAll(/^stack_name = "(.*)"$/gm)].map(([, name = '']) => name);
  expect(stacks.length).toBeGreaterThanOrEqual(stages.length);
  for (const stack of stacks) expect(stack.length, stack).toBeLessThanOrEqual(25);
  for (const step of [...releasedSteps, 'CheckRelease']) expect(`${step}Function`.length, step).toBeLessThanOrEqual(24);
});

it('a new version of the workflow loses traffic for its own failures and timeouts', () => {
  expect(at(alias, 'StateMachineVersionArn')).toEqual({ Ref: 'ImagePipelineLiveVersion' });
  expect(at(alias, 'Alarms')).toEqual([
    { Ref: 'ImagePipelineFailedRollbackAlarm' },
    { Ref: 'ImagePipelineTimedOutRollbackAlarm' },
  ]);
  for (const id of ['ImagePipelineFailedRollbackAlarm', 'ImagePipelineTimedOutRollbackAlarm']) {
    expect(propertiesOf(id)['Dimensions']).toEqual([
      { Name: 'StateMachineArn', Value: { Ref: 'ImagePipeline' } },
      { Name: 'Version', Value: { 'Fn::Select': [7, { 'Fn::Split': [':', { Ref: 'ImagePipelineLiveVersion' }] }] } },
    ]);
  }
});

// A failure that begins later in a gate may be detected only after it.
const SEEN_FROM_THE_FIRST_SECONDS = 300;
const LOOKS_EVERY_SECONDS = 60;

describe.each(rollbackAlarms)('%s', (id, { Properties }) => {
  const calculates = Properties['Metrics'] !== undefined;
  const measured = calculates
    ? items(Properties['Metrics']).flatMap((query) => at(query, 'MetricStat') ?? [])[0]
    : undefined;
  const dimensions = calculates ? at(measured, 'Metric', 'Dimensions') : Properties['Dimensions'];
  const ofFunction = referredId(at(items(dimensions)[0], 'Value')) ?? '';
  const slowest =
    ofFunction === 'ImagePipeline' ? workflow.timeoutSeconds : numberAt(propertiesOf(ofFunction)['Timeout']);

  it('uses metric math only for functions that an upload can make fail', () => {
    const compared = id.endsWith('ErrorsRollbackAlarm') ? comparedByErrors : openers;
    expect(calculates).toBe(compared.some((step) => id.startsWith(step)));
  });

  it('fires in the first period that breaches, and stays on long enough for a check once a minute', () => {
    expect(numberAt(Properties['DatapointsToAlarm'])).toBe(1);
    const period = numberAt(calculates ? at(measured, 'Period') : Properties['Period']);
    const window = period * numberAt(Properties['EvaluationPeriods']);
    // Lambda's metrics have the time at which a call began.
    const isOfLambda = calculates || Properties['Namespace'] === 'AWS/Lambda';
    const age = METRIC_DELAY_SECONDS + (isOfLambda ? slowest : 0);
    expect(window - age).toBeGreaterThanOrEqual(LOOKS_EVERY_SECONDS);
    expect(Properties['TreatMissingData']).toBe('notBreaching');
  });

  it('fires within either gate for a call that started in its first minutes, even if it hangs until its timeout', () => {
    // The alarm is evaluated once per minute, and CodeDeploy checks it once per minute.
    const seenAfter = slowest + METRIC_DELAY_SECONDS + 2 * LOOKS_EVERY_SECONDS;
    expect(firstGate.minutes * 60 - seenAfter).toBeGreaterThanOrEqual(SEEN_FROM_THE_FIRST_SECONDS);
    expect(secondGate.minutes * 60 - seenAfter).toBeGreaterThanOrEqual(SEEN_FROM_THE_FIRST_SECONDS);
  });
});

it('the release check outlasts the slowest function, and reports before its own timeout', () => {
  const check = propertiesOf('CheckReleaseFunction');
  const waited = numberAt(check['Environment'], 'Variables', 'STEP_WAIT_MILLIS') / 1000;
  expect(waited).toBeGreaterThan(numberAt(propertiesOf('DispatchImagesFunction')['Timeout']));
  // Time to remove the image and to report.
  expect(numberAt(check['Timeout'])).toBeGreaterThanOrEqual(waited + 20);
  expect(check['DeploymentPreference']).toBeUndefined();
});

describe.each(stages)('stage %s', (stage) => {
  it('checks releases if it has CodeDeploy, and shifts traffic gradually in prod', () => {
    const staged = templateFor(stage);
    for (const step of releasedSteps) {
      const { Enabled, Type } = propertiesOf(`${step}Function`, staged)['DeploymentPreference'] as Record<string, Json>;
      expect(Enabled).toBe(stage !== 'local');
      expect(Type).toEqual(stage === 'prod' ? { Ref: 'ReleaseDeploymentConfig' } : 'AllAtOnce');
    }
    expect(staged.resources.has('CheckReleaseFunction')).toBe(stage !== 'local');
    expect(staged.resources.has('ReleaseDeploymentConfig')).toBe(stage === 'prod');
  });
});

describe('docs/releases.md', () => {
  const text = readFileSync(new URL('../../docs/releases.md', import.meta.url), 'utf8');

  it.each([
    ['the first gate', `${firstGate.percent} % for ${firstGate.minutes} minutes`],
    ['the second gate', `${secondGate.percent} % for ${secondGate.minutes} minutes`],
    ['the timeout of the check', `${numberAt(propertiesOf('CheckReleaseFunction')['Timeout'])} seconds`],
    ['the workflow’s timeout', `${workflow.timeoutSeconds} seconds`],
  ])('states %s as in the template', (_, said) => {
    expect(text.replaceAll('\n', ' ')).toContain(said);
  });

  it('has a timeline of a good release that matches the gates', () => {
    const [, good = ''] = /## A good one\n(.*?)\n## /s.exec(text) ?? [];
    const minutes = [...good.matchAll(/^\| (\d+) \|/gm)].map(([, minute]) => Number(minute));
    const [, , first = 0, firstPassed, second = 0, secondPassed = 0, done] = minutes;
    expect([firstPassed, secondPassed]).toEqual([first + firstGate.minutes, second + secondGate.minutes]);
    expect(done).toBeGreaterThan(secondPassed + firstGate.minutes);
  });

  it('names every rollback alarm of the template, and no others', () => {
    const named = [...text.matchAll(/`(\w+RollbackAlarm)`/g)].map(([, id]) => id);
    expect([...new Set(named)].sort()).toEqual(rollbackAlarms.map(([id]) => id).sort());
  });
});

it('every rollback alarm is watched by a deployment', () => {
  const watched = [
    ...items(at(alias, 'Alarms')),
    ...releasedSteps.flatMap((step) => items(at(propertiesOf(`${step}Function`)['DeploymentPreference'], 'Alarms'))),
  ].map((reference) => String(at(reference, 'Ref')));
  for (const [id] of rollbackAlarms) {
    expect(
      watched,
      `No deployment watches ${id}: add its step to releasedSteps in core/watch/release.ts, or remove the alarm and the step's DeploymentPreference.`,
    ).toContain(id);
  }
  expect(watched).toHaveLength(rollbackAlarms.length);
});
