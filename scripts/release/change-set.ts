/** Change sets in CloudFormation: made by SAM CLI, read, run and discarded here. */

import { join } from 'node:path';
import {
  type CloudFormationClient,
  DeleteChangeSetCommand,
  DescribeStacksCommand,
  ExecuteChangeSetCommand,
  paginateDescribeChangeSet,
  paginateDescribeStackEvents,
} from '@aws-sdk/client-cloudformation';
import pWaitFor from 'p-wait-for';
import * as z from 'zod';
import { Failure } from '../terminal/failure.ts';
import type { Report } from '../terminal/progress.ts';
import { logDirectory, shownPath } from '../terminal/project.ts';
import { runCommand } from '../terminal/run-command.ts';
import type { Artifact } from './artifact.ts';
import { type DescribedChange, describedChange } from './changes.ts';

export interface Wanted {
  readonly artifact: Artifact;
  readonly stage: string;
  readonly stack: string;
  readonly parameters: readonly string[];
  readonly tags: readonly string[];
  /** Where SAM CLI uploads the code; undefined for the bucket that it creates itself. */
  readonly bucket: string | undefined;
  /** The role that CloudFormation uses; undefined for the caller's permissions. */
  readonly role: string | undefined;
}

/** Uploads the artifact's code and makes a change set. Returns its ARN, or undefined if nothing would change. */
export async function createChangeSet(sam: string, wanted: Wanted): Promise<string | undefined> {
  const { artifact, stage, stack, parameters, tags, bucket, role } = wanted;
  const log = join(logDirectory, `release-changes-${stack}.log`);
  const { succeeded, output } = await runCommand({
    command: sam,
    args: [
      'deploy',
      ...['--config-env', stage, '--config-file', artifact.config, '--template-file', artifact.template],
      ...['--stack-name', stack, '--no-execute-changeset', '--no-confirm-changeset', '--no-fail-on-empty-changeset'],
      ...['--use-json', '--no-progressbar', '--output', 'json'],
      ...(bucket === undefined ? [] : ['--no-resolve-s3', '--s3-bucket', bucket, '--s3-prefix', stack]),
      ...(role === undefined ? [] : ['--role-arn', role]),
      ...(tags.length === 0 ? [] : ['--tags', tags.join(' ')]),
      ...['--parameter-overrides', ...parameters],
    ],
    environment: { ...process.env, SAM_CLI_TELEMETRY: '0' },
    log,
  });
  const result = lastResult(output);
  if (succeeded && result?.status === 'changeset_created') return result.changeset_id;
  if (succeeded && result?.status === 'no_changes') return undefined;
  const reason = output.trim().split('\n').at(-1) ?? 'it gave no reason';
  throw new Failure(`sam deploy made no change set for ${stack}: ${reason} The full output is in ${shownPath(log)}.`);
}

const result = z.object({
  type: z.literal('result'),
  status: z.enum(['changeset_created', 'no_changes']),
  changeset_id: z.string().optional(),
});

/** SAM CLI prints one JSON object for each line, and may print warnings in between. */
export function lastResult(output: string): z.infer<typeof result> | undefined {
  return output
    .split('\n')
    .flatMap((line) => {
      try {
        const parsed = result.safeParse(JSON.parse(line));
        return parsed.success ? [parsed.data] : [];
      } catch {
        return [];
      }
    })
    .at(-1);
}

export async function describeChanges(client: CloudFormationClient, changeSet: string): Promise<DescribedChange[]> {
  const changes: DescribedChange[] = [];
  const pages = paginateDescribeChangeSet({ client }, { ChangeSetName: changeSet, IncludePropertyValues: true });
  for await (const { Changes = [] } of pages) changes.push(...z.array(describedChange).parse(Changes));
  return changes;
}

/** So that it cannot be run. */
export async function discardChangeSet(client: CloudFormationClient, changeSet: string): Promise<void> {
  await client.send(new DeleteChangeSetCommand({ ChangeSetName: changeSet }));
}

/** Runs it to the end, including a rollback. @throws {Failure} with CloudFormation's reason if it failed. */
export async function runChangeSet(
  client: CloudFormationClient,
  { stack, changeSet }: { readonly stack: string; readonly changeSet: string },
  report: Report,
): Promise<void> {
  const startedAt = await lastEventAt(client, stack);
  await client.send(new ExecuteChangeSetCommand({ ChangeSetName: changeSet }));
  const status = await untilSettled(client, stack, report);
  if (status === 'CREATE_COMPLETE' || status === 'UPDATE_COMPLETE') return;
  const reasons = await reasonsSince(client, stack, startedAt);
  throw new Failure(
    `The release of ${stack} ended as ${status}: ${reasons.join('; ') || 'CloudFormation gave no reason'}. ` +
      'docs/runbooks/bad-release.md says what to do.',
  );
}

/** The stack's status once it has ended changing; undefined once there is no such stack. */
export async function untilSettled(
  client: CloudFormationClient,
  stack: string,
  report: Report,
): Promise<string | undefined> {
  let status: string | undefined;
  await pWaitFor(
    async () => {
      status = await statusOf(client, stack);
      report(status ?? 'deleted');
      // REVIEW_IN_PROGRESS is a stack that has nothing but a change set.
      return status?.endsWith('_IN_PROGRESS') !== true || status === 'REVIEW_IN_PROGRESS';
    },
    { interval: pollMillis() },
  );
  return status;
}

/** SAM CLI's own setting, in seconds, so that both wait alike. */
function pollMillis(): number {
  return 1000 * z.coerce.number().positive().catch(5).parse(process.env['SAM_CLI_POLL_DELAY']);
}

export async function statusOf(client: CloudFormationClient, stack: string): Promise<string | undefined> {
  try {
    const { Stacks: [found] = [] } = await client.send(new DescribeStacksCommand({ StackName: stack }));
    return found?.StackStatus === 'DELETE_COMPLETE' ? undefined : found?.StackStatus;
  } catch (error) {
    if (error instanceof Error && error.message.includes('does not exist')) return undefined;
    throw error;
  }
}

/** When the stack was last changed. @throws {Failure} if there is no such stack */
export async function updatedAt(client: CloudFormationClient, stack: string): Promise<string> {
  const { Stacks: [found] = [] } = await client.send(new DescribeStacksCommand({ StackName: stack }));
  const time = found?.LastUpdatedTime ?? found?.CreationTime;
  if (time === undefined) throw new Failure(`There is no stack ${stack}.`);
  return time.toISOString();
}

async function lastEventAt(client: CloudFormationClient, stack: string): Promise<number> {
  for await (const { StackEvents: [newest] = [] } of paginateDescribeStackEvents({ client }, { StackName: stack })) {
    return newest?.Timestamp?.getTime() ?? 0;
  }
  return 0;
}

/** What failed first is the cause; the rest was cancelled because of it. */
export async function reasonsSince(client: CloudFormationClient, stack: string, since: number): Promise<string[]> {
  const reasons: string[] = [];
  for await (const { StackEvents = [] } of paginateDescribeStackEvents({ client }, { StackName: stack })) {
    for (const { Timestamp, ResourceStatus = '', LogicalResourceId = '', ResourceStatusReason = '' } of StackEvents) {
      if ((Timestamp?.getTime() ?? 0) < since) return reasons.slice(0, 3);
      if (ResourceStatus.endsWith('_FAILED') && !ResourceStatusReason.includes('cancelled'))
        reasons.unshift(`${LogicalResourceId}: ${ResourceStatusReason}`);
    }
  }
  return reasons.slice(0, 3);
}
