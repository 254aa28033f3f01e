import { DescribeRuleCommand, EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { LambdaClient, ListEventSourceMappingsCommand } from '@aws-sdk/client-lambda';
import { ListObjectVersionsCommand, S3Client } from '@aws-sdk/client-s3';
import {
  DescribeExecutionCommand,
  DescribeMapRunCommand,
  ListExecutionsCommand,
  ListMapRunsCommand,
  SFNClient,
  StartExecutionCommand,
} from '@aws-sdk/client-sfn';
import { GetQueueAttributesCommand, SQSClient } from '@aws-sdk/client-sqs';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { beforeEach, describe, expect, it } from 'vitest';
import { runInAccount } from '../../scripts/backfill/backfill-in-account.ts';
import { describeWorkflow, describeWorkflowResult } from '../../scripts/backfill/backfill-report.ts';
import { mockClient } from '../support/mock-client.ts';
import { mockedStack } from '../support/mocked-stack.ts';
import { startCommand } from '../support/started-command.ts';

/** The command that starts the workflow, and follows it. */

const stack = mockedStack({ emulated: true });
const signal = new AbortController().signal;
const quietly = { json: true, yes: true } as const;
const executionArn = 'arn:aws:states:eu-west-1:111122223333:execution:images-dev-Backfill:1';
const stateMachineArn = 'arn:aws:states:eu-west-1:111122223333:stateMachine:images-dev-Backfill';
const startDate = new Date('2026-01-02T03:04:05Z');
const running = { executionArn, stateMachineArn, name: '1', status: 'RUNNING', startDate } as const;
const mapRun = { executionArn, stateMachineArn, mapRunArn: 'map-run', startDate, stopDate: startDate };
const zeros = { pending: 0, running: 0, timedOut: 0, aborted: 0, resultsWritten: 0 };
const mockedStates = () => mockClient(SFNClient);
let states: ReturnType<typeof mockedStates>;

beforeEach(() => {
  states = mockedStates();
  states.on(ListExecutionsCommand).resolves({ executions: [] });
  mockClient(S3Client).on(ListObjectVersionsCommand).resolves({ Versions: [] });
  mockClient(DynamoDBDocumentClient);
  mockClient(EventBridgeClient).on(DescribeRuleCommand).resolves({ State: 'ENABLED' });
});

describe('the command', () => {
  it('says how to deploy the workflow where it is missing', async () => {
    const { BackfillArn: _, ...outputs } = stack.outputs;
    await expect(runInAccount({ ...stack, outputs }, quietly, signal)).rejects.toThrow('DeployBackfill=true');
  });

  it('makes no copies', async () => {
    await expect(runInAccount(stack, { ...quietly, bucket: 'old-site', into: 'import' }, signal)).rejects.toThrow(
      '--in-account makes no copies',
    );
  });

  it('starts nothing if every upload has a record', async () => {
    expect(await runInAccount(stack, quietly, signal)).toBe(0);
    expect(states.commandCalls(StartExecutionCommand)).toEqual([]);
  });

  it('follows one that runs, starts no second one, and leaves it running when it is stopped', async () => {
    const stopping = new AbortController();
    states.on(ListExecutionsCommand).resolves({ executions: [running] });
    states.on(ListMapRunsCommand).resolves({ mapRuns: [] });
    states.on(DescribeExecutionCommand).callsFake(async () => {
      stopping.abort(new Error('stopped'));
      return { status: 'RUNNING' };
    });
    await expect(runInAccount(stack, quietly, stopping.signal)).rejects.toThrow('stopped');
    expect(states.commandCalls(StartExecutionCommand)).toEqual([]);
  });

  it('says on Ctrl-C that the workflow goes on', async () => {
    const { printed, stop, ended } = startCommand(
      { file: 'scripts/backfill/backfill.ts', name: 'backfillCommand', args: ['--in-account', '--yes'] },
      `
      import * as sdk from '@aws-sdk/client-sfn';
      const states = mockClient(sdk.SFNClient);
      states.on(sdk.ListExecutionsCommand).resolves({ executions: [{ executionArn: 'one' }] });
      states.on(sdk.ListMapRunsCommand).resolves({ mapRuns: [] });
      states.on(sdk.DescribeExecutionCommand).callsFake(async () => {
        console.log('looked');
        return { status: 'RUNNING' };
      });`,
    );
    await printed('looked');
    stop();
    const { exitCode, out } = await ended;
    expect(out).toContain('The workflow goes on in the account.');
    expect(exitCode).toBe(130);
  });

  it.each([
    ['ended well', 'SUCCEEDED', 0, 0],
    ['ended well, except for some batches', 'SUCCEEDED', 100, 1],
    ['failed', 'FAILED', 100, 1],
  ] as const)('has the exit code of a workflow that %s', async (_, status, failed, exitCode) => {
    states.on(ListExecutionsCommand).resolves({ executions: [running] });
    states.on(DescribeExecutionCommand).resolves({ status });
    states.on(ListMapRunsCommand).resolves({ mapRuns: [mapRun] });
    states
      .on(DescribeMapRunCommand)
      .resolves({ itemCounts: { ...zeros, total: 500, succeeded: 500 - failed, failed } });
    const Attributes = {
      ...{ QueueArn: 'q', ApproximateNumberOfMessages: '0', ApproximateNumberOfMessagesNotVisible: '0' },
      MessageRetentionPeriod: '60',
    };
    mockClient(SQSClient).on(GetQueueAttributesCommand).resolves({ Attributes });
    mockClient(LambdaClient)
      .on(ListEventSourceMappingsCommand)
      .resolves({ EventSourceMappings: [{ UUID: 'u', State: 'Enabled' }] });
    expect(await runInAccount(stack, quietly, signal)).toBe(exitCode);
  });
});

describe('the report', () => {
  it('has the prices per million, because the count is not known in advance', () => {
    expect(describeWorkflow({ renditions: 7, perSecond: 10 }).split('\n').slice(1)).toEqual([
      'Per million uploads without a record: about US$ 83.42, 28 hours at 10 images per second.',
      'Per million that have one: about US$ 1.64.',
    ]);
  });

  it('says what failed and where to look', () => {
    expect(describeWorkflowResult({ status: 'SUCCEEDED', listed: 5, succeeded: 5, failed: 0 })).toBe(
      'Done: 5 of 5 objects were looked at, and what had no record was sent.',
    );
    expect(describeWorkflowResult({ status: 'FAILED', listed: 5, succeeded: 2, failed: 3 })).toMatch(
      /ended as FAILED.*\n3 were in batches that failed: docs\/runbooks\/backfill-images.md/,
    );
  });
});
