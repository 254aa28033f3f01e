import { readFileSync } from 'node:fs';
import {
  CloudFormationClient,
  DeleteStackCommand,
  DescribeStacksCommand,
  ListStackResourcesCommand,
  type StackResourceSummary,
  UpdateTerminationProtectionCommand,
} from '@aws-sdk/client-cloudformation';
import { CloudWatchClient, GetMetricStatisticsCommand } from '@aws-sdk/client-cloudwatch';
import { DescribeTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import {
  DeleteRuleCommand,
  EventBridgeClient,
  EventBridgeServiceException,
  ListRulesCommand,
  ListTargetsByRuleCommand,
  RemoveTargetsCommand,
} from '@aws-sdk/client-eventbridge';
import { GetQueueAttributesCommand, SQSClient } from '@aws-sdk/client-sqs';
import { beforeEach, describe, expect, it } from 'vitest';
import { deleteStack } from '../../scripts/teardown/delete-stack.ts';
import { foreignRules, removeRules } from '../../scripts/teardown/foreign-rules.ts';
import { resourcesToImport, retainedByTemplate } from '../../scripts/teardown/retained.ts';
import { teardownCommand } from '../../scripts/teardown/teardown.ts';
import { describeTeardown, readTeardown } from '../../scripts/teardown/teardown-plan.ts';
import { at, parseTemplate } from '../../scripts/template/template.ts';
import { parsedOptions } from '../../scripts/terminal/command.ts';
import { mockClient } from '../support/mock-client.ts';
import { mockedStack } from '../support/mocked-stack.ts';

const cloudFormation = mockClient(CloudFormationClient);
const events = mockClient(EventBridgeClient);
const sqs = mockClient(SQSClient);
const dynamoDb = mockClient(DynamoDBClient);
const cloudWatch = mockClient(CloudWatchClient);
const stack = mockedStack();

const resource = (LogicalResourceId: string, ResourceType: string): StackResourceSummary => ({
  ...{ LogicalResourceId, ResourceType, PhysicalResourceId: `the-${LogicalResourceId}` },
  ...{ ResourceStatus: 'CREATE_COMPLETE', LastUpdatedTimestamp: new Date() },
});
let resources: StackResourceSummary[];

beforeEach(() => {
  for (const client of [cloudFormation, events, sqs, dynamoDb, cloudWatch]) client.reset();
  resources = [
    resource('UploadBucket', 'AWS::S3::Bucket'),
    resource('ImageTable', 'AWS::DynamoDB::Table'),
    resource('DataKey', 'AWS::KMS::Key'),
    resource('DomainEventBus', 'AWS::Events::EventBus'),
    resource('UploadDeadLetterQueue', 'AWS::SQS::Queue'),
    resource('UploadQueue', 'AWS::SQS::Queue'),
  ];
  cloudFormation.on(DescribeStacksCommand).resolves({
    Stacks: [
      {
        StackName: stack.name,
        StackId: 'the-id',
        StackStatus: 'CREATE_COMPLETE',
        CreationTime: new Date(),
        EnableTerminationProtection: true,
      },
    ],
  });
  cloudFormation.on(ListStackResourcesCommand).callsFake(() => ({ StackResourceSummaries: resources }));
  cloudFormation.on(DeleteStackCommand).resolves({});
  cloudFormation.on(UpdateTerminationProtectionCommand).resolves({});
  events.on(ListRulesCommand).resolves({ Rules: [{ Name: 'thumbnail-index' }] });
  events.on(ListTargetsByRuleCommand).resolves({ Targets: [{ Id: 'ImageQueue', Arn: 'arn:aws:sqs:::images' }] });
  events.on(RemoveTargetsCommand).resolves({});
  events.on(DeleteRuleCommand).resolves({});
  sqs.on(GetQueueAttributesCommand).callsFake(({ QueueUrl }) => ({
    Attributes: {
      QueueArn: 'arn',
      ApproximateNumberOfMessages: QueueUrl.includes('DeadLetter') ? '3' : '0',
      ApproximateNumberOfMessagesNotVisible: '0',
      MessageRetentionPeriod: '1209600',
    },
  }));
  dynamoDb.on(DescribeTableCommand).resolves({ Table: { TableSizeBytes: 2 * 1024 ** 3 } });
  cloudWatch.on(GetMetricStatisticsCommand).resolves({
    Datapoints: [
      { Timestamp: new Date('2026-01-01'), Average: 1 },
      { Timestamp: new Date('2026-01-02'), Average: 100 * 1024 ** 3 },
    ],
  });
});

describe('before anything is deleted, the command says', () => {
  const described = async () => describeTeardown(stack.name, await readTeardown(stack)).join('\n');

  it('what stays, how large it is, and what it costs', async () => {
    const text = await described();
    expect(text).toMatch(/UploadBucket +the-UploadBucket +107 GB +2\.30/);
    expect(text).toMatch(/ImageTable +the-ImageTable +2\.15 GB +0\.50/);
    expect(text).toMatch(/DataKey +the-DataKey +1\.00/);
    expect(text).toContain('about US$3.80 per month');
  });

  it('which rules of consumers would stop the deletion half-way', async () => {
    expect(await described()).toContain(
      'The rule thumbnail-index of a consumer would be removed from the event bus (to arn:aws:sqs:::images)',
    );
  });

  it('how many dead letters would be lost, and that protection would be turned off', async () => {
    const text = await described();
    expect(text).toContain('3 messages in UploadDeadLetterQueue would be lost.');
    expect(text).not.toContain('in UploadQueue');
    expect(text).toContain('termination protection');
  });

  it('that there is no such stack', async () => {
    cloudFormation.on(DescribeStacksCommand).rejects(new Error('Stack with id images-dev does not exist'));
    await expect(readTeardown(stack)).rejects.toThrow('There is no stack images-dev: check --stack');
  });
});

describe('rules of consumers', () => {
  it('are removed with their targets, on all pages', async () => {
    events
      .on(ListRulesCommand)
      .resolvesOnce({ Rules: [{ Name: 'one' }], NextToken: 'more' })
      .resolvesOnce({ Rules: [{ Name: 'two' }] });
    const found = await foreignRules(stack, 'the-bus');
    await removeRules(stack, 'the-bus', found);
    expect(events.commandCalls(RemoveTargetsCommand).map(({ args: [{ input }] }) => input)).toEqual(
      ['one', 'two'].map((Rule) => ({ EventBusName: 'the-bus', Rule, Ids: ['ImageQueue'] })),
    );
    expect(events.commandCalls(DeleteRuleCommand).map(({ args: [{ input }] }) => input.Name)).toEqual(['one', 'two']);
  });

  it('are none if the bus is gone, because an earlier deletion stopped half-way', async () => {
    const gone = new EventBridgeServiceException({
      ...{ name: 'ResourceNotFoundException', message: 'gone', $fault: 'client', $metadata: {} },
    });
    events.on(ListRulesCommand).rejects(gone);
    expect(await foreignRules(stack, 'the-bus')).toEqual([]);
  });
});

describe('deleting the stack', () => {
  it('turns off termination protection, deletes, and waits for the end by the id', async () => {
    cloudFormation
      .on(DescribeStacksCommand, { StackName: 'the-id' })
      .resolves({ Stacks: [{ StackName: stack.name, StackStatus: 'DELETE_COMPLETE', CreationTime: new Date() }] });
    await deleteStack(stack);
    expect(cloudFormation.commandCalls(UpdateTerminationProtectionCommand)).toHaveLength(1);
    expect(cloudFormation.commandCalls(DeleteStackCommand)).toHaveLength(1);
  });

  it('that fails names what is left, and why', async () => {
    cloudFormation
      .on(DescribeStacksCommand, { StackName: 'the-id' })
      .resolves({ Stacks: [{ StackName: stack.name, StackStatus: 'DELETE_FAILED', CreationTime: new Date() }] });
    resources = [
      {
        ...resource('DomainEventBus', 'AWS::Events::EventBus'),
        ResourceStatus: 'DELETE_FAILED',
        ResourceStatusReason: 'it has rules',
      },
    ];
    await expect(deleteStack(stack)).rejects.toThrow(
      'could not delete DomainEventBus (it has rules). Remove the cause and run this again',
    );
  });
});

describe('what stays', () => {
  const toImport = parseTemplate('scripts/teardown/import-retained.yaml');

  it('can be imported into a new stack: the template for that has the same resources as this one keeps', () => {
    const imported = Object.entries(at(toImport, 'Resources') ?? {}).map(([id, found]) => [id, at(found, 'Type')]);
    expect(imported.sort()).toEqual([...retainedByTemplate()].sort());
    // CloudFormation requires a deletion policy for an import.
    for (const [id] of imported)
      expect(at(toImport, 'Resources', String(id), 'DeletionPolicy'), String(id)).toBe('RetainExceptOnCreate');
  });

  it('is listed as an import expects it', () => {
    const found = [...retainedByTemplate()].map(([logicalId, type]) => ({ logicalId, type, physicalId: 'x' }));
    expect(resourcesToImport(found)).toHaveLength(found.length);
    expect(
      resourcesToImport([{ logicalId: 'ImageTable', type: 'AWS::DynamoDB::Table', physicalId: 'images' }]),
    ).toEqual([
      {
        ResourceType: 'AWS::DynamoDB::Table',
        LogicalResourceId: 'ImageTable',
        ResourceIdentifier: { TableName: 'images' },
      },
    ]);
  });

  it('is named in docs/data.md', () => {
    const text = readFileSync(new URL('../../docs/data.md', import.meta.url), 'utf8');
    for (const [id, type] of retainedByTemplate()) {
      if (type !== 'AWS::S3::BucketPolicy') expect(text, id).toContain(`\`${id}\``);
    }
  });
});

it('npm run teardown needs a stack, and can only look', () => {
  expect(parsedOptions(teardownCommand, ['--stack', 'x', '--dry-run', '--json'])).toEqual({
    arguments: [],
    ...{ stack: 'x', dryRun: true, json: true },
  });
  expect(() => parsedOptions(teardownCommand, [])).toThrow('--stack');
});
