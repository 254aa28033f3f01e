import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  CloudFormationClient,
  DeleteChangeSetCommand,
  DeleteStackCommand,
  DescribeChangeSetCommand,
  DescribeStackEventsCommand,
  DescribeStacksCommand,
  ExecuteChangeSetCommand,
  ListStackResourcesCommand,
  ListStacksCommand,
  type ResourceChange,
  type StackStatus,
} from '@aws-sdk/client-cloudformation';
import { DeleteObjectsCommand, ListObjectVersionsCommand, NoSuchBucket, S3Client } from '@aws-sdk/client-s3';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { projectName } from '../../core/names.ts';
import { runChangeSet } from '../../scripts/release/change-set.ts';
import { pullRequestStacks, removeStack } from '../../scripts/release/pull-request-stacks.ts';
import { readReviewed } from '../../scripts/release/receipt.ts';
import { review } from '../../scripts/release/review.ts';
import { mockClient } from '../support/mock-client.ts';

const cloudFormation = mockClient(CloudFormationClient);
const s3 = mockClient(S3Client);
const client = new CloudFormationClient();
const changeSet = 'arn:aws:cloudformation:us-east-1:1:changeSet/samcli-deploy1/1';
const stack = `${projectName}-pr-7`;
const ignored = () => undefined;

beforeEach(() => {
  cloudFormation.reset();
  s3.reset();
});

function statuses(...given: readonly (StackStatus | undefined)[]): void {
  const described = cloudFormation.on(DescribeStacksCommand);
  for (const StackStatus of given) {
    if (StackStatus === undefined) described.rejectsOnce(new Error(`Stack with id ${stack} does not exist`));
    else described.resolvesOnce({ Stacks: [{ StackName: stack, CreationTime: new Date(), StackStatus }] });
  }
}

describe('a review', () => {
  const reviewOf = async (...changes: readonly ResourceChange[]) => {
    const directory = mkdtempSync(join(tmpdir(), 'review-'));
    onTestFinished(() => rmSync(directory, { recursive: true }));
    cloudFormation
      .on(DescribeChangeSetCommand)
      .resolvesOnce({ Changes: [], NextToken: 'more' })
      .resolves({ Changes: changes.map((ResourceChange) => ({ Type: 'Resource', ResourceChange })) });
    const given = { stack, artifact: { sha256: 'abc', commit: '123' }, changeSet, replace: [], directory };
    const [ended] = await Promise.allSettled([review(client, given)]);
    return { ended, directory };
  };

  it('of a harmless change set leaves it for the approval, with its table for the page of the run', async () => {
    const { ended, directory } = await reviewOf({
      ...{ Action: 'Modify', LogicalResourceId: 'ResizeImageFunction', ResourceType: 'AWS::Lambda::Function' },
      Replacement: 'False',
    });
    expect(ended?.status).toBe('fulfilled');
    expect(await readReviewed(directory, stack)).toEqual({ stack, artifact: 'abc', commit: '123', changeSet });
    expect(readFileSync(join(directory, `changes-${stack}.md`), 'utf8')).toContain('| changed | ResizeImageFunction |');
    expect(cloudFormation.commandCalls(DeleteChangeSetCommand)).toEqual([]);
  });

  it('of one that would lose data discards it, so that nobody can run it, and says why', async () => {
    const { ended, directory } = await reviewOf({
      ...{
        Action: 'Remove',
        LogicalResourceId: 'UploadBucket',
        ResourceType: 'AWS::S3::Bucket',
        PolicyAction: 'Retain',
      },
    });
    expect(ended).toMatchObject({
      status: 'rejected',
      reason: { name: 'Failure', message: expect.stringContaining('UploadBucket (AWS::S3::Bucket) would be removed') },
    });
    expect(cloudFormation.commandCalls(DeleteChangeSetCommand).map(({ args }) => args[0].input)).toEqual([
      { ChangeSetName: changeSet },
    ]);
    expect(existsSync(join(directory, `changes-${stack}.json`))).toBe(false);
    expect(readFileSync(join(directory, `changes-${stack}.md`), 'utf8')).toContain('**Stopped:**');
  });
});

describe('running a change set', () => {
  it('ends well when the stack does', async () => {
    statuses('UPDATE_COMPLETE');
    cloudFormation.on(DescribeStackEventsCommand).resolves({});
    await runChangeSet(client, { stack, changeSet }, ignored);
    expect(cloudFormation.commandCalls(ExecuteChangeSetCommand).map(({ args }) => args[0].input)).toEqual([
      { ChangeSetName: changeSet },
    ]);
  });

  it('that was rolled back fails with what failed first, and leaves out what was cancelled because of it', async () => {
    statuses('UPDATE_ROLLBACK_COMPLETE');
    const event = (LogicalResourceId: string, ResourceStatusReason: string, seconds: number) => ({
      ...{ StackId: stack, EventId: LogicalResourceId, StackName: stack, ResourceStatus: 'UPDATE_FAILED' as const },
      ...{ LogicalResourceId, ResourceStatusReason, Timestamp: new Date(1000 * seconds) },
    });
    const before = event('Before', 'an earlier release', 1);
    cloudFormation
      .on(DescribeStackEventsCommand)
      .resolvesOnce({ StackEvents: [{ ...before, Timestamp: new Date(2000) }] })
      .resolves({
        StackEvents: [
          event('Other', 'Resource update cancelled', 9),
          event('ResizeImageFunctionAliaslive', 'The alarm ResizeImageErrorsRollbackAlarm fired', 8),
          before,
        ],
      });
    await expect(runChangeSet(client, { stack, changeSet }, ignored)).rejects.toThrow(
      `The release of ${stack} ended as UPDATE_ROLLBACK_COMPLETE: ResizeImageFunctionAliaslive: The alarm ResizeImageErrorsRollbackAlarm fired. docs/runbooks/bad-release.md says what to do.`,
    );
  });
});

describe('removing the stack of a pull request', () => {
  const remove = () => removeStack({ cloudFormation: client, s3: new S3Client() }, stack, ignored);
  const bucket = (PhysicalResourceId: string) => ({
    ...{ LogicalResourceId: 'UploadBucket', ResourceType: 'AWS::S3::Bucket', PhysicalResourceId },
    ...{ LastUpdatedTimestamp: new Date(), ResourceStatus: 'CREATE_COMPLETE' as const },
  });

  it('deletes all versions of all objects before the stack', async () => {
    statuses('CREATE_COMPLETE', undefined);
    cloudFormation.on(ListStackResourcesCommand).resolves({ StackResourceSummaries: [bucket('uploads')] });
    s3.on(ListObjectVersionsCommand)
      .resolvesOnce({ Versions: [{ Key: 'a', VersionId: '1' }], DeleteMarkers: [{ Key: 'a', VersionId: '2' }] })
      .resolves({});
    s3.on(DeleteObjectsCommand).resolves({});
    await remove();
    expect(s3.commandCalls(DeleteObjectsCommand).map(({ args }) => args[0].input.Delete?.Objects)).toEqual([
      [
        { Key: 'a', VersionId: '1' },
        { Key: 'a', VersionId: '2' },
      ],
    ]);
    expect(cloudFormation.commandCalls(DeleteStackCommand)).toHaveLength(1);
  });

  it('tries again if something was written to a bucket in the meantime', async () => {
    statuses('CREATE_COMPLETE', 'DELETE_FAILED', 'DELETE_FAILED', undefined);
    cloudFormation.on(ListStackResourcesCommand).resolves({ StackResourceSummaries: [bucket('uploads')] });
    s3.on(ListObjectVersionsCommand).resolves({});
    await remove();
    expect(cloudFormation.commandCalls(DeleteStackCommand)).toHaveLength(2);
  });

  it('is done if there is no such stack', async () => {
    statuses(undefined);
    await remove();
    expect(cloudFormation.commandCalls(DeleteStackCommand)).toEqual([]);
  });

  it('goes on where a removal ended: a bucket may be gone already', async () => {
    statuses('DELETE_FAILED', undefined);
    cloudFormation.on(ListStackResourcesCommand).resolves({ StackResourceSummaries: [bucket('gone')] });
    s3.on(ListObjectVersionsCommand).rejects(new NoSuchBucket({ message: 'gone', $metadata: {} }));
    await remove();
    expect(cloudFormation.commandCalls(DeleteStackCommand)).toHaveLength(1);
  });

  it('that keeps failing gives CloudFormation’s reason', async () => {
    cloudFormation
      .on(DescribeStacksCommand)
      .resolves({ Stacks: [{ StackName: stack, CreationTime: new Date(), StackStatus: 'DELETE_FAILED' }] });
    cloudFormation.on(ListStackResourcesCommand).resolves({ StackResourceSummaries: [] });
    cloudFormation.on(DescribeStackEventsCommand).callsFake(() => ({
      StackEvents: [
        {
          ...{ StackId: stack, EventId: '1', StackName: stack, Timestamp: new Date(Date.now() + 60_000) },
          ...{
            LogicalResourceId: 'DomainEventBus',
            ResourceStatus: 'DELETE_FAILED',
            ResourceStatusReason: 'has rules',
          },
        },
      ],
    }));
    await expect(remove()).rejects.toThrow(
      `${stack} is DELETE_FAILED: DomainEventBus: has rules. The nightly sweep tries again.`,
    );
  });
});

it('a sweep finds the stacks of pull requests, also those whose deletion failed', async () => {
  const summary = (StackName: string, StackStatus: StackStatus) => ({
    StackName,
    StackStatus,
    CreationTime: new Date(0),
  });
  cloudFormation.on(ListStacksCommand).resolves({
    StackSummaries: [summary(stack, 'DELETE_FAILED'), summary(`${projectName}-prod`, 'UPDATE_COMPLETE')],
  });
  expect((await pullRequestStacks(client)).map(({ name }) => name)).toEqual([stack]);
  const [call] = cloudFormation.commandCalls(ListStacksCommand);
  expect(call?.args[0].input.StackStatusFilter).toContain('DELETE_FAILED');
  expect(call?.args[0].input.StackStatusFilter).not.toContain('DELETE_COMPLETE');
});
