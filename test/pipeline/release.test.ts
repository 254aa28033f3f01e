import { CloudFormationClient, DeleteStackCommand, DescribeStacksCommand } from '@aws-sdk/client-cloudformation';
import { CreateBucketCommand, ListBucketsCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { projectName } from '../../core/names.ts';
import { rehearse, rehearsedStacks } from '../../scripts/release/rehearse.ts';
import { actionsOfPolicy, inlineActionsOf } from '../support/policy-actions.ts';
import { providedStack } from '../support/provided-stack.ts';
import { recordRequests } from '../support/recorded-requests.ts';

/** A release from the commit to production, with the commands that the workflows run, on the emulator of the other tests. */

const { dev, prod, pullRequest } = rehearsedStacks;
const stack = providedStack();
const cloudFormation = new CloudFormationClient(stack.clientConfig);
const called = new Map<string, readonly string[]>();

const emulator = inject('emulator');

beforeAll(async () => {
  const bucket = `${projectName}-test-artifacts`;
  await stack.clients.s3.send(new CreateBucketCommand({ Bucket: bucket }));
  const requests = await recordRequests(emulator);
  try {
    await rehearse({
      environment: { ...emulator.environment, AWS_ENDPOINT_URL: requests.endpoint },
      bucket,
      step: async (title, work) => {
        requests.take();
        const result = await work(() => undefined);
        called.set(title, requests.take());
        return result;
      },
    });
  } finally {
    await requests.stop();
  }
  // A safety bound, as in vitest.config.ts: three deployments take longer than one test does.
}, 900_000);
afterAll(async () => {
  for (const StackName of [dev, prod]) await cloudFormation.send(new DeleteStackCommand({ StackName }));
  cloudFormation.destroy();
  stack.close();
});

it('brings the artifact that was built once to dev and, after its verification there, to prod', async () => {
  for (const StackName of [dev, prod]) {
    const { Stacks: [found] = [] } = await cloudFormation.send(new DescribeStacksCommand({ StackName }));
    expect(found?.StackStatus).toBe('CREATE_COMPLETE');
  }
});

it('verifies dev with only what VerifyPolicy of governance/deploy-role.yaml allows', () => {
  const calls = during(/^Verify/);
  expect(calls).toContain('sns:Subscribe');
  expect(calls.filter((action) => !actionsOfPolicy('VerifyPolicy').includes(action))).toEqual([]);
});

it('smoke-tests a pull request’s stack with only what its role may', () => {
  const allowed = [...release, ...actionsOfPolicy('VerifyPolicy')];
  expect(during(/^Smoke test/)).toContain('s3:PutObject');
  expect(during(/^Smoke test/).filter((action) => !allowed.includes(action))).toEqual([]);
});

it('leaves nothing of the pull request’s stack', async () => {
  await expect(cloudFormation.send(new DescribeStacksCommand({ StackName: pullRequest }))).rejects.toThrow(
    'does not exist',
  );
  const { Buckets = [] } = await stack.clients.s3.send(new ListBucketsCommand({}));
  expect(Buckets.filter(({ Name }) => Name?.startsWith(pullRequest))).toEqual([]);
});

const review = actionsOfPolicy('ReviewPolicy');
const release = [...review, ...inlineActionsOf('ReleaseRole', 'release', 'remove')];
const during = (title: RegExp) => [...called].flatMap(([step, actions]) => (title.test(step) ? actions : []));

it('before the approval, calls only what the review role of governance/deploy-role.yaml may', () => {
  const calls = during(/^Changes to/);
  expect(calls).toContain('cloudformation:CreateChangeSet');
  expect(calls.filter((action) => !review.includes(action))).toEqual([]);
});

it('calls only what the release role may, and that has no other permission', () => {
  const calls = during(/^(Changes to|Deploy|Confirm|Stack|Sweep)/);
  expect(calls.filter((action) => !release.includes(action))).toEqual([]);
  const unseen = [
    // Checked by AWS for another call: with the role and for code that is not there yet.
    ...['iam:PassRole', 's3:ListBucket'],
    // One request deletes objects and versions.
    's3:DeleteObject',
    // For a release that was refused, and for one that failed.
    ...['cloudformation:DeleteChangeSet', 'cloudformation:DescribeStackEvents'],
  ];
  expect(release.filter((action) => !calls.includes(action) && !unseen.includes(action))).toEqual([]);
});
