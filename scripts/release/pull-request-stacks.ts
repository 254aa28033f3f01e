/** Stacks of pull requests: which ones there are, which are no longer needed, and how one is removed with all its data. */
import {
  type CloudFormationClient,
  DeleteStackCommand,
  paginateListStackResources,
  paginateListStacks,
  StackStatus,
} from '@aws-sdk/client-cloudformation';
import { DeleteObjectsCommand, ListObjectVersionsCommand, NoSuchBucket, type S3Client } from '@aws-sdk/client-s3';
import { projectName } from '../../core/names.ts';
import { Failure } from '../terminal/failure.ts';
import type { Report } from '../terminal/progress.ts';
import { reasonsSince, statusOf, untilSettled } from './change-set.ts';

const prefix = `${projectName}-pr-`;

export interface PullRequestStack {
  readonly name: string;
  readonly changedAt: Date;
}

/** The number of the pull request; undefined if the name is not that of a pull request's stack. */
export function pullRequestOf(stack: string): number | undefined {
  const [, number] = stack.startsWith(prefix) ? (/^(\d+)$/.exec(stack.slice(prefix.length)) ?? []) : [];
  return number === undefined ? undefined : Number(number);
}

/** @throws {Failure} for any other stack: its data may be someone's. */
export function assertPullRequest(stack: string): void {
  if (pullRequestOf(stack) !== undefined) return;
  throw new Failure(
    `${stack} is not the stack of a pull request (${prefix}NUMBER), so its data may be someone's: to delete it, use npm run teardown.`,
  );
}

const hourMillis = 3_600_000;

/** The pull request is closed, or has had no push for a while: the next push makes the stack again. */
export function isUnneeded(
  { name, changedAt }: PullRequestStack,
  { open, idleHours, now }: { readonly open: readonly number[]; readonly idleHours: number; readonly now: Date },
): boolean {
  const number = pullRequestOf(name);
  if (number === undefined) return false;
  return !open.includes(number) || now.getTime() - changedAt.getTime() > idleHours * hourMillis;
}

export async function pullRequestStacks(client: CloudFormationClient): Promise<PullRequestStack[]> {
  const stacks: PullRequestStack[] = [];
  // Everything but DELETE_COMPLETE, which CloudFormation lists for 90 days.
  const StackStatusFilter = Object.values(StackStatus).filter((status) => status !== 'DELETE_COMPLETE');
  for await (const { StackSummaries = [] } of paginateListStacks({ client }, { StackStatusFilter })) {
    for (const { StackName: name = '', LastUpdatedTime, CreationTime } of StackSummaries) {
      const changedAt = LastUpdatedTime ?? CreationTime;
      if (pullRequestOf(name) !== undefined && changedAt !== undefined) stacks.push({ name, changedAt });
    }
  }
  return stacks;
}

export interface RemovalClients {
  readonly cloudFormation: CloudFormationClient;
  readonly s3: S3Client;
}

// While a stack is deleted, the pipeline can write once more, and S3 its access logs.
const ATTEMPTS = 4;

/**
 * Deletes the stack with its images. Can be repeated at any point: the stack lists what still has to be deleted.
 *
 * @throws {Failure} if the name is not that of a pull request's stack, or something could not be deleted
 */
export async function removeStack(
  { cloudFormation, s3 }: RemovalClients,
  stack: string,
  report: Report,
): Promise<void> {
  assertPullRequest(stack);
  const startedAt = Date.now();
  for (let attempt = 1; ; attempt += 1) {
    if ((await untilSettled(cloudFormation, stack, report)) === undefined) return;
    for (const bucket of await bucketsOf(cloudFormation, stack)) {
      report(`emptying ${bucket}`);
      await emptyBucket(s3, bucket);
    }
    await cloudFormation.send(new DeleteStackCommand({ StackName: stack }));
    const status = await untilSettled(cloudFormation, stack, report);
    if (status === undefined) return;
    if (attempt < ATTEMPTS) continue;
    const reasons = await reasonsSince(cloudFormation, stack, startedAt);
    throw new Failure(
      `${stack} is ${await statusOf(cloudFormation, stack)}: ${reasons.join('; ')}. The nightly sweep tries again.`,
    );
  }
}

async function bucketsOf(client: CloudFormationClient, stack: string): Promise<string[]> {
  const buckets: string[] = [];
  for await (const { StackResourceSummaries = [] } of paginateListStackResources({ client }, { StackName: stack })) {
    for (const { ResourceType, PhysicalResourceId, ResourceStatus } of StackResourceSummaries) {
      if (
        ResourceType === 'AWS::S3::Bucket' &&
        PhysicalResourceId !== undefined &&
        ResourceStatus !== 'DELETE_COMPLETE'
      )
        buckets.push(PhysicalResourceId);
    }
  }
  return buckets;
}

async function emptyBucket(client: S3Client, Bucket: string): Promise<void> {
  try {
    for (;;) {
      // The first page each time: what it listed is gone afterwards.
      const { Versions = [], DeleteMarkers = [] } = await client.send(new ListObjectVersionsCommand({ Bucket }));
      const Objects = [...Versions, ...DeleteMarkers].map(({ Key, VersionId }) => ({ Key, VersionId }));
      if (Objects.length === 0) return;
      const { Errors: [error] = [] } = await client.send(
        new DeleteObjectsCommand({ Bucket, Delete: { Objects, Quiet: true } }),
      );
      if (error !== undefined)
        throw new Failure(`${Bucket}/${error.Key} cannot be deleted: ${error.Message} (${error.Code}).`);
    }
  } catch (error) {
    if (!(error instanceof NoSuchBucket)) throw error;
  }
}
