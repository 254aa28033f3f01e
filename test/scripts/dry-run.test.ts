import { CloudFormationClient, DescribeStackResourceCommand } from '@aws-sdk/client-cloudformation';
import { DescribeTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import {
  DescribeArchiveCommand,
  DescribeRuleCommand,
  EventBridgeClient,
  ListRulesCommand,
} from '@aws-sdk/client-eventbridge';
import { LambdaClient, ListEventSourceMappingsCommand } from '@aws-sdk/client-lambda';
import {
  GetBucketVersioningCommand,
  GetObjectLockConfigurationCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  ListObjectVersionsCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { ListExecutionsCommand, SFNClient } from '@aws-sdk/client-sfn';
import { GetQueueAttributesCommand, ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { BatchGetCommand, DynamoDBDocumentClient, GetCommand, ScanCommand } from '@aws-sdk/lib-dynamodb';
import { beforeEach, expect, it, onTestFinished, vi } from 'vitest';
import { historyPrefix } from '../../adapters/contracts/history-keys.ts';
import { announce } from '../../scripts/announce/announce-images.ts';
import { audit } from '../../scripts/audit/audit-stack.ts';
import { runInAccount } from '../../scripts/backfill/backfill-in-account.ts';
import { backfill } from '../../scripts/backfill/backfill-stack.ts';
import { erase } from '../../scripts/erase/erase-stack.ts';
import { rebuild, showImage } from '../../scripts/history/history-stack.ts';
import { replayPeriod } from '../../scripts/replay/replay-events.ts';
import { rerender } from '../../scripts/rerender/rerender-stack.ts';
import { mockClient } from '../support/mock-client.ts';
import { mockedStack } from '../support/mocked-stack.ts';

/** A program that plans reads the price and the duration from one line of JSON, whatever the command. */

const stack = { ...mockedStack({ emulated: true }), name: `dry-run-${process.pid}` };
const signal = new AbortController().signal;
const options = { dryRun: true, json: true } as const;
const period = { from: new Date('2026-11-28T09:00Z'), to: new Date('2026-11-28T10:00Z'), rule: 'images' };
const rates = { perSecond: 10, repairsPerSecond: 5, waitMinutes: 0 };
const [s3, states] = [mockClient(S3Client), mockClient(SFNClient)];
const number = expect.any(Number);

/** The upload bucket has one file and no record of it, the history two objects, and the table a million records. */
beforeEach(() => {
  for (const client of [s3, states]) client.reset();
  const events = mockClient(EventBridgeClient);
  events.on(DescribeArchiveCommand).resolves({ ArchiveArn: 'archive', EventSourceArn: 'bus', EventCount: 2_000_000 });
  events.on(DescribeRuleCommand).resolves({ State: 'ENABLED' });
  mockClient(LambdaClient)
    .on(ListEventSourceMappingsCommand)
    .resolves({ EventSourceMappings: [{ UUID: 'u', State: 'Enabled' }] });
  events.on(ListRulesCommand).resolves({ Rules: [{ Name: 'images', Arn: 'rule' }] });
  mockClient(DynamoDBClient)
    .on(DescribeTableCommand)
    .resolves({ Table: { TableId: 'table', ItemCount: 1_000_000, TableSizeBytes: 2_000_000_000 } });
  const table = mockClient(DynamoDBDocumentClient);
  table.on(ScanCommand).resolves({ Items: [] });
  table.on(BatchGetCommand).resolves({ Responses: {} });
  table.on(GetCommand).resolves({});
  const stored = { Key: 'cat.jpg', ETag: '"e"', Size: 100, LastModified: new Date('2026-01-02T03:04:05Z') };
  s3.on(ListObjectVersionsCommand).resolves({ Versions: [] });
  s3.on(ListObjectVersionsCommand, { Bucket: stack.outputs.UploadBucketName }).resolves({
    Versions: [{ ...stored, VersionId: 'v1', IsLatest: true }],
  });
  s3.on(HeadObjectCommand).resolves({ ...stored, ContentLength: 100, VersionId: 'v1' });
  s3.on(ListObjectsV2Command).resolves({ Contents: [] });
  s3.on(ListObjectsV2Command, { Prefix: historyPrefix }).resolves({
    Contents: [1, 2].map((index) => ({ Key: `${historyPrefix}${index}`, Size: 1_000_000 })),
  });
  s3.on(ListObjectsV2Command, { Bucket: 'old-site' }).resolves({
    Contents: [stored, { ...stored, Key: 'empty', Size: 0 }],
  });
  s3.on(GetBucketVersioningCommand).resolves({});
  s3.on(GetObjectLockConfigurationCommand).resolves({});
  states.on(ListExecutionsCommand).resolves({ executions: [] });
  mockClient(CloudFormationClient)
    .on(DescribeStackResourceCommand)
    .resolves({
      StackResourceDetail: {
        ...{ LogicalResourceId: 'Queue', PhysicalResourceId: 'queue', ResourceType: 'AWS::SQS::Queue' },
        ...{ LastUpdatedTimestamp: new Date(), ResourceStatus: 'CREATE_COMPLETE' },
      },
    });
  const sqs = mockClient(SQSClient);
  sqs.on(ReceiveMessageCommand).resolves({ Messages: [] });
  sqs.on(GetQueueAttributesCommand).resolves({
    Attributes: {
      ...{ QueueArn: 'queue', MessageRetentionPeriod: '60' },
      ...{ ApproximateNumberOfMessages: '0', ApproximateNumberOfMessagesNotVisible: '0' },
    },
  });
});

function printed(): () => string {
  const out = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
  vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  onTestFinished(() => void vi.restoreAllMocks());
  return () => out.mock.calls.map(([text]) => String(text)).join('');
}

it.each<[command: string, run: () => Promise<number>, plan: object]>([
  [
    'announce',
    () => announce(stack, { ...options, perSecond: 50 }, signal),
    { images: 1e6, usd: 1.030518, minutes: 334 },
  ],
  [
    'replay',
    () => replayPeriod(stack, { ...options, ...period }, signal),
    { rule: 'images', from: period.from.toISOString(), to: period.to.toISOString(), eventsInArchive: 2e6, usd: 2 },
  ],
  ['audit', () => audit(stack, { ...options, ...rates }, signal), { images: 1e6, usd: number, minutes: number }],
  [
    'history KEY',
    () => showImage(stack, { ...options, key: 'cat.jpg' }, signal),
    { objects: 2, bytes: 2e6, usd: 0.000001 },
  ],
  [
    'history --rebuild',
    () => rebuild(stack, { ...options, into: 'rebuilt', perSecond: 5 }, signal),
    { into: 'rebuilt', objects: 2, bytes: 2e6, usd: 0.001222 },
  ],
  ['rerender', () => rerender(stack, { ...options, perSecond: 5 }, signal), { images: 0, usd: 0, minutes: 0 }],
  ['backfill', () => backfill(stack, { ...options, perSecond: 5 }, signal), { images: 1, usd: number, minutes: 1 }],
  [
    'backfill --into',
    () => backfill(stack, { ...options, bucket: 'old-site', into: 'new', perSecond: 5 }, signal),
    { images: 1, unfit: 1, usd: number, minutes: 1 },
  ],
  [
    'backfill --in-account',
    () => runInAccount(stack, { ...options, perSecond: 10 }, signal),
    { usdPerMillion: number, minutesPerMillion: 1667 },
  ],
  [
    'erase',
    () => erase(stack, { ...options, key: 'cat.jpg', perSecond: 5 }, signal),
    { images: 1, usd: number, minutes: 1 },
  ],
])(
  'npm run %s -- --dry-run --json prints one line: what it would do, for how much, and for how long',
  async (_, run, plan) => {
    const out = printed();
    expect(await run()).toBe(0);
    const lines = out().trimEnd().split('\n');
    expect(lines).toHaveLength(1);
    const [line = ''] = lines;
    expect(JSON.parse(line)).toMatchObject({ dryRun: true, ...plan });
  },
);

it('npm run audit -- --repair --dry-run --json ends with what the repair would cost', async () => {
  const out = printed();
  expect(await audit(stack, { ...options, ...rates, repair: true }, signal)).toBe(1);
  const [finding = '', plan = ''] = out().trimEnd().split('\n');
  expect(JSON.parse(finding)).toMatchObject({ key: 'cat.jpg', findings: [{ kind: 'no-record' }] });
  expect(JSON.parse(plan)).toEqual({
    ...{ dryRun: true, images: 1, findings: { 'no-record': 1 }, repaired: 0 },
    ...{ usd: number, minutes: 1 },
  });
});

it('npm run backfill -- --in-account --dry-run --json names the workflow that runs, and does not follow it', async () => {
  states.on(ListExecutionsCommand).resolves({
    executions: [{ executionArn: 'one', stateMachineArn: 'm', name: 'one', status: 'RUNNING', startDate: new Date() }],
  });
  const out = printed();
  expect(await runInAccount(stack, options, signal)).toBe(0);
  expect(JSON.parse(out())).toEqual({ dryRun: true, executionArn: 'one' });
});

it('npm run backfill -- --in-account --dry-run --json has zeros if every upload has a record', async () => {
  s3.on(ListObjectVersionsCommand, { Bucket: stack.outputs.UploadBucketName }).resolves({ Versions: [] });
  const out = printed();
  expect(await runInAccount(stack, options, signal)).toBe(0);
  expect(JSON.parse(out())).toEqual({ dryRun: true, images: 0, usd: 0, minutes: 0 });
});
