import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { backfillBatch, stepOutput } from '../../adapters/contracts/backfill-batch.ts';
import { BATCH_KEYS } from '../../core/backfill.ts';
import { at, type Json, numberAt, statementsOf, templateFor } from '../../scripts/template/template.ts';
import { denialsOf } from '../support/policy-evaluation.ts';

/** The workflow that backfills in the account, where DeployBackfill is true. */

const file = new URL('../../statemachine/backfill.asl.json', import.meta.url);
const machine: Json = JSON.parse(readFileSync(file, 'utf8'));
const map = at(machine, 'States', 'BackfillUploads');
const states = at(map, 'ItemProcessor', 'States');
const deployed = templateFor('prod');
const plain = templateFor('prod', { DeployBackfill: 'false' });
const named = (kind: string, rest: string) =>
  `arn:\${AWS::Partition}:states:\${AWS::Region}:\${AWS::AccountId}:${kind}:\${AWS::StackName}-Backfill${rest}`;

it('a stack without DeployBackfill has nothing of it, and nothing else may send to the queue', () => {
  const added = [...deployed.resources.keys()].filter((id) => !plain.resources.has(id));
  expect(added).toEqual([
    ...['Backfill', 'BackfillLogGroup', 'BackfillRole'],
    ...['BackfillImagesFunction', 'BackfillImagesLogGroup', 'BackfillImagesRole'],
  ]);
  const policies = [...plain.resources].filter(([, { Type }]) => /Policy$/.test(Type));
  expect(JSON.stringify(policies)).not.toContain('Backfill');
});

describe('the workflow', () => {
  it('runs one batch at a time, and its batches may wait for longer than the five minutes of EXPRESS', () => {
    expect(at(map, 'MaxConcurrency')).toBe(1);
    expect(at(map, 'ItemProcessor', 'ProcessorConfig')).toEqual({ Mode: 'DISTRIBUTED', ExecutionType: 'STANDARD' });
    expect(deployed.resources.get('Backfill')?.Properties['StateMachineType']).toBe('STANDARD');
  });

  it('has the batches that the price assumes', () => {
    expect(at(map, 'ItemBatcher', 'MaxItemsPerBatch')).toBe(BATCH_KEYS);
  });

  it('waits as long as the function says, and calls it again while something is left', () => {
    expect(at(states, 'BackfillImages', 'Next')).toBe('LeaveRoom');
    expect(at(states, 'LeaveRoom')).toMatchObject({ SecondsPath: '$.waitSeconds', Next: 'IsBatchDone' });
    expect(at(states, 'IsBatchDone')).toMatchObject({
      Choices: [{ Variable: '$.outcome', StringEquals: 'more', Next: 'BackfillImages' }],
      Default: 'Done',
    });
  });

  it('gives the function more time than it has', () => {
    const { Timeout = null } = deployed.resources.get('BackfillImagesFunction')?.Properties ?? {};
    expect(numberAt(states, 'BackfillImages', 'TimeoutSeconds')).toBeGreaterThan(Number(Timeout));
  });

  it('returns nothing per batch: 256 KB have to do for all of them', () => {
    expect(at(states, 'Done', 'OutputPath')).toBeNull();
    expect(at(map, 'ResultPath')).toBeNull();
  });

  it('runs in every partition', () => {
    expect(readFileSync(file, 'utf8')).not.toMatch(/arn:aws/);
  });
});

describe('the input of the function', () => {
  const item = { bucket: 'uploads', key: 'a.jpg', perSecond: 10, storedBefore: '2026-02-01T00:00:00.000Z' };

  it('has what the map selects', () => {
    const selected = Object.keys(Object(at(map, 'ItemSelector'))).map((name) => name.replace(/\.\$$/, ''));
    expect(selected.sort()).toEqual(Object.keys(item).sort());
  });

  it('is a batch, one key on the emulator, or what the step before has left', () => {
    const counts = { sent: 0, skipped: 0 };
    expect(backfillBatch.parse({ Items: [item] })).toEqual({ items: [item], counts });
    expect(backfillBatch.parse(item)).toEqual({ items: [item], counts });
    const left = { outcome: 'more', waitSeconds: 5, items: [item], counts: { sent: 7, skipped: 1 } } as const;
    expect(backfillBatch.parse(JSON.parse(JSON.stringify(stepOutput(left))))).toEqual({
      items: left.items,
      counts: left.counts,
    });
  });

  it.each([
    ['no key', { ...item, key: '' }],
    ['no rate', { ...item, perSecond: 0 }],
    ['no time', { ...item, storedBefore: 'now' }],
  ])('is refused with %s', (_, input) => {
    expect(backfillBatch.safeParse(input).success).toBe(false);
  });
});

it('only its own role may send to the overflow queue in addition, and only where it is deployed', () => {
  const mayForge = (template: typeof plain) => {
    const policy = template.resources.get('OverflowQueuePolicy')?.Properties['PolicyDocument'];
    const context = { 'aws:securetransport': 'true', 'aws:principalarn': 'BackfillImagesRole.Arn' };
    const request = { action: 'sqs:SendMessage', resource: 'OverflowQueue.Arn', context };
    return denialsOf(at(policy, 'Statement'), request).length === 0;
  };
  expect(mayForge(deployed)).toBe(true);
  expect(mayForge(plain)).toBe(false);
});

it('its role may list the uploads, call its function and run its own batches', () => {
  const role = deployed.resources.get('BackfillRole');
  const statements = role === undefined ? [] : statementsOf(role);
  const own = statements.filter(({ Sid }) => !/^(Encrypt|DeliverLogs|WriteTraces)/.test(Sid));
  expect(own.map(({ Action, Resource }) => [Action, Resource])).toEqual([
    [['s3:ListBucket'], [{ 'Fn::GetAtt': 'UploadBucket.Arn' }]],
    [['lambda:InvokeFunction'], [{ Ref: 'BackfillImagesFunction.Alias' }]],
    [['states:StartExecution'], [{ 'Fn::Sub': named('stateMachine', '') }]],
    [['states:DescribeExecution', 'states:StopExecution'], [{ 'Fn::Sub': named('execution', '*') }]],
    [['states:RedriveExecution'], [{ 'Fn::Sub': named('execution', '/Backfill:*') }]],
  ]);
});
