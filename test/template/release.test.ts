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
import { workflow } from '../../scripts/template/workflow.ts';
import { METRIC_DELAY_SECONDS } from '../support/aws-metrics.ts';

/** How a release gets its traffic, and what takes it away again. */

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

it('goes from 5 over 20 to 100 %', () => {
  expect([firstGate.percent, secondGate.percent]).toEqual([5, 20]);
  expect(at(propertiesOf('ReleaseDeploymentConfig')['TrafficRoutingConfig'], 'Type')).toBe('TimeBasedCanary');
  expect(at(alias, 'Type')).toBe('CANARY');
});

describe.each(releasedSteps)('a new version of %s', (step) => {
  const preference = propertiesOf(`${step}Function`)['DeploymentPreference'];

  it('gets a real image first, and traffic after', () => {
    expect(at(preference, 'Enabled')).toBe(true);
    expect(at(preference, 'Hooks')).toEqual({ PreTraffic: { Ref: 'CheckReleaseFunction' } });
    expect(at(preference, 'Type')).toEqual({ Ref: 'ReleaseDeploymentConfig' });
    expect(at(preference, 'Role')).toEqual({ 'Fn::GetAtt': 'ReleaseRole.Arn' });
  });

  it('loses it by its own errors and its own slowness, not by those of the version before it', () => {
    expect(at(preference, 'Alarms')).toEqual([
      { Ref: `${step}ErrorsRollbackAlarm` },
      { Ref: `${step}DurationRollbackAlarm` },
    ]);
    for (const symptom of ['Errors', 'Duration']) {
      const alarm = propertiesOf(`${step}${symptom}RollbackAlarm`);
      expect(alarm['MetricName']).toBe(symptom);
      expect(alarm['Dimensions']).toEqual([
        { Name: 'FunctionName', Value: { Ref: `${step}Function` } },
        { Name: 'Resource', Value: { 'Fn::Sub': `\${${step}Function}:live` } },
        { Name: 'ExecutedVersion', Value: { 'Fn::GetAtt': `${step}Function.Version.Version` } },
      ]);
    }
    expect(propertiesOf(`${step}DurationRollbackAlarm`)).toMatchObject({
      ExtendedStatistic: 'p99',
      Threshold: numberAt(propertiesOf(`${step}Function`)['Timeout']) * 800,
    });
  });
});

it('finds each function by a name that CloudFormation does not cut short', () => {
  // Of 64 letters it gives 25 to the stack and 24 to the logical id, and 13 are random: nobody documents it, some have
  // seen it (https://github.com/convox/rack/issues/2297).
  const settings = readFileSync(new URL('../../samconfig.toml', import.meta.url), 'utf8');
  const stacks = [...settings.matchAll(/^stack_name = "(.*)"$/gm)].map(([, name = '']) => name);
  expect(stacks.length).toBeGreaterThanOrEqual(stages.length);
  for (const stack of stacks) expect(stack.length, stack).toBeLessThanOrEqual(25);
  for (const step of [...releasedSteps, 'CheckRelease']) expect(`${step}Function`.length, step).toBeLessThanOrEqual(24);
});

it('a new version of the workflow loses its traffic by its own failures and timeouts', () => {
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

// What begins later in a gate may be seen when it is over.
const SEEN_FROM_THE_FIRST_SECONDS = 300;
const LOOKS_EVERY_SECONDS = 60;

describe.each(rollbackAlarms)('%s', (_, { Properties }) => {
  const ofFunction = referredId(at(items(Properties['Dimensions'])[0], 'Value')) ?? '';
  const slowest =
    ofFunction === 'ImagePipeline' ? workflow.timeoutSeconds : numberAt(propertiesOf(ofFunction)['Timeout']);

  it('rings for the first failure, long enough for a service that looks once a minute', () => {
    expect(numberAt(Properties['DatapointsToAlarm'])).toBe(1);
    const window = numberAt(Properties['Period']) * numberAt(Properties['EvaluationPeriods']);
    // Lambda's numbers bear the time at which a call began.
    const age = METRIC_DELAY_SECONDS + (Properties['Namespace'] === 'AWS/Lambda' ? slowest : 0);
    expect(window - age).toBeGreaterThanOrEqual(LOOKS_EVERY_SECONDS);
    expect(Properties['TreatMissingData']).toBe('notBreaching');
  });

  it('rings within either gate for what began in its first minutes, also if that hangs until it is stopped', () => {
    // The alarm looks once a minute, and so does who watches the alarm.
    const seenAfter = slowest + METRIC_DELAY_SECONDS + 2 * LOOKS_EVERY_SECONDS;
    expect(firstGate.minutes * 60 - seenAfter).toBeGreaterThanOrEqual(SEEN_FROM_THE_FIRST_SECONDS);
    expect(secondGate.minutes * 60 - seenAfter).toBeGreaterThanOrEqual(SEEN_FROM_THE_FIRST_SECONDS);
  });
});

it('has an answer to the check before CodeDeploy stops waiting for it, and never before the slowest function', () => {
  const check = propertiesOf('CheckReleaseFunction');
  const waited = numberAt(check['Environment'], 'Variables', 'STEP_WAIT_MILLIS') / 1000;
  expect(waited).toBeGreaterThan(numberAt(propertiesOf('DispatchImagesFunction')['Timeout']));
  // Room to give the image back and to report.
  expect(numberAt(check['Timeout'])).toBeGreaterThanOrEqual(waited + 20);
  expect(check['DeploymentPreference']).toBeUndefined();
});

describe.each(stages)('stage %s', (stage) => {
  it('checks releases wherever there is CodeDeploy, and shifts gradually where there is traffic', () => {
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
  ])('says %s as the template has it', (_, said) => {
    expect(text.replaceAll('\n', ' ')).toContain(said);
  });

  it('counts the minutes of a good release by these gates', () => {
    const [, good = ''] = /## A good one\n(.*?)\n## /s.exec(text) ?? [];
    const minutes = [...good.matchAll(/^\| (\d+) \|/gm)].map(([, minute]) => Number(minute));
    const [, , first = 0, firstPassed, second = 0, secondPassed = 0, done] = minutes;
    expect([firstPassed, secondPassed]).toEqual([first + firstGate.minutes, second + secondGate.minutes]);
    expect(done).toBeGreaterThan(secondPassed + firstGate.minutes);
  });

  it('names every alarm that rolls back by what is in the template, and no other', () => {
    const named = [...text.matchAll(/`(\w+RollbackAlarm)`/g)].map(([, id]) => id);
    expect([...new Set(named)].sort()).toEqual(rollbackAlarms.map(([id]) => id).sort());
  });
});

it('leaves no rollback alarm to itself: every one is watched by a deployment', () => {
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
