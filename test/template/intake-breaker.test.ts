import { readFileSync } from 'node:fs';
import jsonata from 'jsonata';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { retryDelaySeconds } from '../../core/dispatch-images.ts';
import { metricMath } from '../../scripts/dashboard/metric-math.ts';
import { at, numberAt, type Resource, stages, templateFor } from '../../scripts/template.ts';

/** The circuit breaker: stops pulling while what is behind keeps failing, and goes on by itself. */

const template = templateFor('prod');
const properties = (id: string): Resource['Properties'] => {
  const found = template.resources.get(id);
  if (found === undefined) throw new Error(`template.yaml has no resource ${id}.`);
  return found.Properties;
};

const stateSchema = z.looseObject({
  Type: z.enum(['Task', 'Wait', 'Choice', 'Succeed']),
  Resource: z.string().default(''),
  Arguments: z.record(z.string(), z.unknown()).default({}),
  Assign: z.record(z.string(), z.string()).default({}),
  Seconds: z.number().default(0),
  Choices: z.array(z.object({ Condition: z.string(), Next: z.string() })).default([]),
  Default: z.string().optional(),
  Next: z.string().optional(),
  Retry: z.array(z.looseObject({ ErrorEquals: z.array(z.string()) })).default([]),
});
const machine = z
  .object({ StartAt: z.string(), States: z.record(z.string(), stateSchema) })
  .parse(JSON.parse(readFileSync(new URL('../../statemachine/intake-breaker.asl.json', import.meta.url), 'utf8')));

const substitutions: Readonly<Record<string, string>> = {
  Dispatchers: '10',
  IntakeMapping: 'mapping',
  DispatchImagesUndecidedAlarm: 'alarm',
};

async function evaluate(value: unknown, variables: Readonly<Record<string, unknown>>): Promise<unknown> {
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value).map(async ([name, item]) => [name, await evaluate(item, variables)]);
    return Array.isArray(value)
      ? await Promise.all(value.map((item) => evaluate(item, variables)))
      : Object.fromEntries(await Promise.all(entries));
  }
  if (typeof value !== 'string') return value;
  const filled = value.replace(/\$\{(\w+)\}/g, (_, name: string) => substitutions[name] ?? `no substitution ${name}`);
  const [, expression] = /^\{%(.*)%\}$/s.exec(filled) ?? [];
  return expression === undefined ? filled : await jsonata(expression).evaluate({}, { ...variables });
}

/** What it does to the intake, in order, if the rule looks like this before the trial, and the alarm like that after it. */
async function run(alarmState: string, ruleState = 'ENABLED'): Promise<unknown[]> {
  const done: unknown[] = [];
  const variables: Record<string, unknown> = {};
  for (let name: string | undefined = machine.StartAt; name !== undefined; ) {
    const state: z.infer<typeof stateSchema> | undefined = machine.States[name];
    if (state === undefined) throw new Error(`The circuit breaker has no state ${name}.`);
    if (state.Type === 'Wait') done.push({ wait: state.Seconds });
    if (state.Resource.endsWith(':updateEventSourceMapping')) done.push(await evaluate(state.Arguments, variables));
    const result = { MetricAlarms: [{ StateValue: alarmState }], State: ruleState };
    const input = { rule: 'rule' };
    for (const [variable, value] of Object.entries(state.Assign)) {
      variables[variable] = await evaluate(value, { states: { result, input } });
    }
    let next: string | undefined = state.Next ?? state.Default;
    for (const { Condition, Next } of state.Choices) if (await evaluate(Condition, variables)) next = Next;
    name = next;
  }
  return done;
}

const opened = { Uuid: 'mapping', Enabled: false };
const trickle = { Uuid: 'mapping', Enabled: true, ScalingConfig: { MaximumConcurrency: 2 } };

describe('once most uploads cannot be decided', () => {
  it('intake stops, is tried with a trickle, and goes on in full when that went well', async () => {
    const closed = { Uuid: 'mapping', ScalingConfig: { MaximumConcurrency: 10 } };
    expect(await run('OK')).toEqual([opened, { wait: 300 }, trickle, { wait: 600 }, closed]);
  });

  it('the trickle stays a trickle when the alarm rings again, which opens the circuit anew', async () => {
    expect(await run('ALARM')).toEqual([opened, { wait: 300 }, trickle, { wait: 600 }]);
  });

  it('intake stays paused where a person has paused it meanwhile', async () => {
    expect(await run('OK', 'DISABLED')).toEqual([opened, { wait: 300 }]);
  });

  it('every call is tried again, for a mapping that is just being updated refuses another change', () => {
    for (const [name, state] of Object.entries(machine.States)) {
      if (state.Type === 'Task') expect(state.Retry, name).toMatchObject([{ ErrorEquals: ['States.ALL'] }]);
    }
  });
});

const alarm = properties('DispatchImagesUndecidedAlarm');
const metrics = z.array(z.looseObject({ Id: z.string(), Expression: z.string().optional() })).parse(alarm['Metrics']);
const metricPeriod = numberAt(alarm['Metrics'], 3, 'MetricStat', 'Period');
// CloudWatch has the numbers of a minute one or two minutes later.
const lateSeconds = 2 * metricPeriod;
const ringsAfterSeconds = numberAt(alarm['DatapointsToAlarm']) * metricPeriod + lateSeconds;
const windowSeconds = numberAt(alarm['EvaluationPeriods']) * metricPeriod;

it('rings though the newest minutes have no numbers yet, which FILL makes none', () => {
  expect(windowSeconds).toBeGreaterThanOrEqual(ringsAfterSeconds);
});

it('rings where tries hang: of two bursts, each in one minute, it still sees the first when it sees the second', () => {
  const { Environment } = properties('DispatchImagesFunction');
  const apartSeconds = numberAt(Environment, 'Variables', 'WORKFLOW_WAIT_MILLIS') / 1000;
  expect(windowSeconds).toBeGreaterThanOrEqual(apartSeconds + metricPeriod + lateSeconds);
});

it.each(stages.filter((stage) => stage !== 'local'))(
  'stage %s: stops before any message has used its tries up',
  (stage) => {
    const here = templateFor(stage).resources;
    const dispatcher = here.get('DispatchImagesFunction')?.Properties ?? {};
    const baseSeconds = numberAt(dispatcher['Environment'], 'Variables', 'RETRY_BASE_SECONDS');
    const tries = numberAt(here.get('UploadQueue')?.Properties['RedrivePolicy'], 'maxReceiveCount');
    const shortest = Array.from({ length: tries - 1 }, (_, failed) =>
      retryDelaySeconds(failed + 1, { baseSeconds, lastTry: false, random: 0 }),
    ).reduce((sum, delay) => sum + delay);
    expect(ringsAfterSeconds).toBeLessThan(shortest);
  },
);

it('has seen the alarm end before the trial, and would see it ring again within', () => {
  expect(machine.States['CoolDown']?.Seconds).toBeGreaterThan(ringsAfterSeconds);
  // Also where each try hangs until the dispatcher gives up on it.
  const slowestTry = numberAt(properties('DispatchImagesFunction')['Timeout']);
  expect(machine.States['Trial']?.Seconds).toBeGreaterThan(slowestTry + ringsAfterSeconds);
});

it.each([
  ['all goes well', { processed: 90, rejected: 10 }, 0],
  ['most tries fail', { processed: 20, rejected: 10, tries: 70 }, 70],
  ['the dispatcher cannot even start', { errors: 12 }, 100],
  ['a few bad files come, and nothing else', { tries: 9 }, 0],
  // Lambda counts a call of which all failed; the dispatcher counts its tries.
  ['six batches of one fail, and ten images are decided', { tries: 6, errors: 6, processed: 10 }, 37.5],
  ['a batch of ten fails as a whole', { tries: 10, errors: 1, processed: 10 }, 50],
  ['some tries fail among repeats that are remembered', { tries: 6, repeated: 10 }, 37.5],
])('given %s, it is so many percent: %j', async (_, counts, percent) => {
  // As CloudWatch does: an expression may use the others by their ids.
  const values: Record<string, number> = { ...counts };
  for (const { Id, Expression } of [...metrics].reverse()) {
    if (Expression !== undefined) values[Id] = await metricMath(Expression, values);
  }
  expect(values['undecided']).toBe(percent);
});

it('asks for no more metrics than an alarm may', () => {
  // https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-limits.html
  expect(metrics.filter(({ Expression }) => Expression === undefined).length).toBeLessThanOrEqual(10);
});

it('is started by that alarm, and by nothing else', () => {
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

it('switches the mapping that takes uploads, back to the concurrency that the template gives it', () => {
  const mapping = at(properties('DispatchImagesFunction')['Events'], 'Uploads', 'Properties', 'ScalingConfig');
  expect(properties('IntakeBreaker')['DefinitionSubstitutions']).toEqual({
    IntakeMapping: { Ref: 'DispatchImagesFunctionUploads' },
    Dispatchers: at(mapping, 'MaximumConcurrency'),
    DispatchImagesUndecidedAlarm: { Ref: 'DispatchImagesUndecidedAlarm' },
  });
});
