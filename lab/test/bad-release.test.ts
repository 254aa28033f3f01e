import { describe, expect, it } from 'vitest';
import { drawVersion } from '../bad-release/canary.ts';
import { type RollbackAlarm, readRollbackAlarm, stateOf } from '../bad-release/rollback-alarm.ts';

const alarm: RollbackAlarm = {
  MetricName: 'ExecutionsFailed',
  Statistic: 'Sum',
  Period: 60,
  EvaluationPeriods: 3,
  DatapointsToAlarm: 2,
  Threshold: 1,
  ComparisonOperator: 'GreaterThanThreshold',
  TreatMissingData: 'notBreaching',
};

describe('a rollback alarm of 2 out of 3 minutes over 1', () => {
  it.each<[string, (number | undefined)[], 'OK' | 'ALARM']>([
    ['nothing was published', [], 'OK'],
    ['one minute breaches', [0, 0, 2], 'OK'],
    ['two minutes of three breach', [2, 0, 2], 'ALARM'],
    ['two minutes in a row breach', [2, 2], 'ALARM'],
    ['the threshold is met but not exceeded', [1, 1, 1], 'OK'],
    ['a minute without data lies between them', [2, undefined, 2], 'ALARM'],
    ['the first of them is more than three minutes old', [2, 0, 0, 2], 'OK'],
  ])('given %s (%j), is %s', (_, sums, state) => {
    expect(stateOf(alarm, sums)).toBe(state);
  });
});

it('the workflow’s rollback alarm fires for one failed image and stays on for three minutes', () => {
  const own = readRollbackAlarm('ImagePipelineFailedRollbackAlarm');
  expect([[1], [1, 0], [1, 0, 0], [1, 0, 0, 0]].map((sums) => stateOf(own, sums))).toEqual([
    'ALARM',
    'ALARM',
    'ALARM',
    'OK',
  ]);
});

it('given an unknown alarm, or one of another kind, throws', () => {
  expect(() => readRollbackAlarm('MissingRollbackAlarm')).toThrow();
  expect(() => readRollbackAlarm('ResizeImageDurationRollbackAlarm')).toThrow('Statistic');
});

describe('the version of an execution', () => {
  const routes = [
    { version: 1, weight: 80 },
    { version: 2, weight: 20 },
  ];

  it.each([
    [0, 1],
    [0.799, 1],
    [0.8, 2],
    [0.999, 2],
  ])('for the random number %d is %i', (random, version) => {
    expect(drawVersion(routes, random)).toBe(version);
  });

  it('given weights that do not add up, is an error', () => {
    expect(() => drawVersion([{ version: 1, weight: 80 }], 0.9)).toThrow('80');
  });
});
