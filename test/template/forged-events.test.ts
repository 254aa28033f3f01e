import { describe, expect, it } from 'vitest';
import { at, type Json, ofType, stages, templateFor } from '../../scripts/template/template.ts';
import { denialsOf } from '../support/policy-evaluation.ts';

/** The pipeline accepts upload events only from S3, through the stack's rule; consumers get events only from the workflow. */

const operator = 'arn:aws:iam::111122223333:role/operators';
const neighbour = { 'aws:principalarn': 'arn:aws:iam::111122223333:role/neighbour' };
const rule = { 'aws:sourcearn': 'UploadRule.Arn' };
const template = templateFor('prod');
const withOperator = templateFor('prod', { OperatorRoleArn: operator });
const redriveAllowed = (id: string) => template.resources.get(id)?.Properties['RedriveAllowPolicy'];

const mayForge = (found: typeof template, queue: string, who: Readonly<Record<string, string>>) => {
  const policy = found.resources.get(`${queue}Policy`)?.Properties['PolicyDocument'];
  const context = { 'aws:securetransport': 'true', ...who };
  const request = { action: 'sqs:SendMessage', resource: `${queue}.Arn`, context };
  return denialsOf(at(policy, 'Statement'), request).length === 0;
};

describe('a message for the upload queue', () => {
  it('is accepted from the rule', () => {
    expect(mayForge(template, 'UploadQueue', rule)).toBe(true);
    expect(mayForge(withOperator, 'UploadQueue', rule)).toBe(true);
  });

  it.each([
    ['a role that may send to every queue', neighbour],
    ['an administrator', { 'aws:principalarn': 'arn:aws:iam::111122223333:role/Admin' }],
    ['another rule', { 'aws:sourcearn': 'arn:aws:events:eu-west-1:111122223333:rule/neighbour' }],
  ])('is refused from %s', (_, who) => {
    expect(mayForge(template, 'UploadQueue', who)).toBe(false);
    expect(mayForge(withOperator, 'UploadQueue', who)).toBe(false);
  });

  it('is accepted from the operator role, if it is set, so that dead letters can be moved back', () => {
    const who = { 'aws:principalarn': operator };
    expect(mayForge(template, 'UploadQueue', who)).toBe(false);
    expect(mayForge(withOperator, 'UploadQueue', who)).toBe(true);
  });

  it('is accepted from a single sign-on role, whose name has a random suffix', () => {
    const role = 'arn:aws:iam::111122223333:role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_Operators';
    const found = templateFor('prod', { OperatorRoleArn: `${role}_*` });
    expect(mayForge(found, 'UploadQueue', { 'aws:principalarn': `${role}_0123456789abcdef` })).toBe(true);
    expect(mayForge(found, 'UploadQueue', neighbour)).toBe(false);
  });
});

it('a message for the queue of undelivered events is accepted only from the rule and the operator', () => {
  expect(mayForge(withOperator, 'UndeliveredEventQueue', rule)).toBe(true);
  expect(mayForge(withOperator, 'UndeliveredEventQueue', neighbour)).toBe(false);
  expect(mayForge(withOperator, 'UndeliveredEventQueue', { 'aws:principalarn': operator })).toBe(true);
});

it('a message for the overflow queue is accepted from the dispatcher, and from the operator who moves dead letters back', () => {
  const dispatcher = { 'aws:principalarn': 'DispatchImagesRole.Arn' };
  expect(mayForge(template, 'OverflowQueue', dispatcher)).toBe(true);
  expect(mayForge(template, 'OverflowQueue', neighbour)).toBe(false);
  expect(mayForge(template, 'OverflowQueue', rule)).toBe(false);
  expect(mayForge(template, 'OverflowQueue', { 'aws:principalarn': operator })).toBe(false);
  expect(mayForge(withOperator, 'OverflowQueue', { 'aws:principalarn': operator })).toBe(true);
});

it('a message for the dead-letter queue is accepted only from the operator, who moves what is there to the upload queue', () => {
  const asOperator = { 'aws:principalarn': operator };
  for (const who of [neighbour, rule, { 'aws:principalarn': 'DispatchImagesRole.Arn' }, asOperator])
    expect(mayForge(template, 'UploadDeadLetterQueue', who)).toBe(false);
  expect(mayForge(withOperator, 'UploadDeadLetterQueue', neighbour)).toBe(false);
  expect(mayForge(withOperator, 'UploadDeadLetterQueue', rule)).toBe(false);
  expect(mayForge(withOperator, 'UploadDeadLetterQueue', asOperator)).toBe(true);
});

it('a message for the queue of undelivered domain events is accepted only from the bus', () => {
  expect(mayForge(withOperator, 'UndeliveredDomainEventQueue', { 'aws:sourcearn': 'DomainEventBus.Arn' })).toBe(true);
  for (const who of [neighbour, rule, { 'aws:principalarn': operator }])
    expect(mayForge(withOperator, 'UndeliveredDomainEventQueue', who)).toBe(false);
});

it('every queue of the stack refuses messages from strangers', () => {
  const queues = ofType(template, 'AWS::SQS::Queue').map(([id]) => id);
  expect(queues.filter((queue) => mayForge(template, queue, neighbour))).toEqual([]);
});

describe('a queue outside this stack', () => {
  it.each(ofType(template, 'AWS::SQS::Queue'))('cannot name %s as its dead-letter queue', (id, { Properties }) => {
    const sources = ofType(template, 'AWS::SQS::Queue').filter(
      ([, { Properties: other }]) =>
        JSON.stringify(at(other['RedrivePolicy'], 'deadLetterTargetArn')) ===
        JSON.stringify({ 'Fn::GetAtt': `${id}.Arn` }),
    );
    const arnOf = (name: Json | undefined): Json => ({
      'Fn::Sub': `arn:\${AWS::Partition}:sqs:\${AWS::Region}:\${AWS::AccountId}:${String(at(name, 'Fn::Sub'))}`,
    });
    expect(Properties['RedriveAllowPolicy']).toEqual(
      sources.length === 0
        ? { redrivePermission: 'denyAll' }
        : {
            redrivePermission: 'byQueue',
            sourceQueueArns: sources.map(([, source]) => arnOf(source.Properties['QueueName'])),
          },
    );
  });

  it('no queue in any stage accepts dead letters from outside', () => {
    for (const stage of stages)
      for (const [id, { Properties }] of ofType(templateFor(stage), 'AWS::SQS::Queue'))
        expect(Properties['RedriveAllowPolicy'], id).toEqual(redriveAllowed(id));
  });
});

it.each(['UploadQueue', 'OverflowQueue'])('an update that replaces %s retains its messages', (queue) => {
  expect(template.resources.get(queue)?.UpdateReplacePolicy).toBe('Retain');
});

describe('an event on the domain event bus', () => {
  const policyOf = (found: typeof template) => found.resources.get('DomainEventBusPolicy')?.Properties;
  const policy = policyOf(template);
  const mayAnnounce = (principal: string, found = template) =>
    denialsOf([{ Sid: String(policyOf(found)?.['StatementId']), ...Object(policyOf(found)?.['Statement']) }], {
      action: 'events:PutEvents',
      resource: 'DomainEventBus.Arn',
      context: { 'aws:principalarn': principal },
    }).length === 0;

  it('is accepted from the operator role, if it is set, so that it can announce the state of images', () => {
    expect(mayAnnounce(operator)).toBe(false);
    expect(mayAnnounce(operator, withOperator)).toBe(true);
  });

  it('is accepted from the workflow', () => {
    expect(policy?.['EventBusName']).toEqual({ Ref: 'DomainEventBus' });
    expect(mayAnnounce('ImagePipelineRole.Arn')).toBe(true);
  });

  it.each(['arn:aws:iam::111122223333:role/neighbour', 'DispatchImagesRole.Arn'])('is refused from %s', (principal) => {
    expect(mayAnnounce(principal)).toBe(false);
    expect(mayAnnounce(principal, withOperator)).toBe(false);
  });
});
