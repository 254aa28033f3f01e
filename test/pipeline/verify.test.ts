import { DisableAlarmActionsCommand, EnableAlarmActionsCommand } from '@aws-sdk/client-cloudwatch';
import { ListRulesCommand } from '@aws-sdk/client-eventbridge';
import { AttachRolePolicyCommand, DetachRolePolicyCommand } from '@aws-sdk/client-iam';
import { DisableKeyRotationCommand, EnableKeyRotationCommand, KMSClient } from '@aws-sdk/client-kms';
import { GetAliasCommand, UpdateAliasCommand } from '@aws-sdk/client-lambda';
import { ListObjectsV2Command, ListObjectVersionsCommand } from '@aws-sdk/client-s3';
import { ListSubscriptionsCommand, SNSClient } from '@aws-sdk/client-sns';
import { ListQueuesCommand, SetQueueAttributesCommand } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, describe, expect, inject, it, onTestFinished } from 'vitest';
import * as z from 'zod';
import { verifyPrefix } from '../../core/names.ts';
import { localStackAddress } from '../../scripts/local/local-stack.ts';
import { countLetters } from '../../scripts/stack/dead-letter-queue.ts';
import { stackOf } from '../../scripts/stack/stack.ts';
import { type CheckName, checkList, checkNames } from '../../scripts/verify/check-list.ts';
import { type CheckResult, runChecks } from '../../scripts/verify/verify-stack.ts';
import { emulatedPipeline } from '../support/emulated-pipeline.ts';
import { actionsOfPolicy } from '../support/policy-actions.ts';
import { recordRequests } from '../support/recorded-requests.ts';

const pipeline = emulatedPipeline();
const { stack } = pipeline;
const kms = new KMSClient(stack.clientConfig);
const verify = (names: readonly CheckName[], of = stack) =>
  runChecks(of, names, new AbortController().signal, () => undefined);

let restoreRetries: () => Promise<unknown>;
beforeAll(async () => {
  await pipeline.queueIsEmpty();
  restoreRetries = await pipeline.shortenRetries();
});
afterAll(() => restoreRetries());

describe('a verification of a stack that works', () => {
  let results: readonly CheckResult[];
  let before: Awaited<ReturnType<typeof inventory>>;
  let calls: readonly string[];
  beforeAll(async () => {
    before = await inventory();
    const requests = await recordRequests(inject('emulator'));
    const { clientConfig, ...same } = localStackAddress(inject('emulator'));
    const recorded = stackOf({
      ...{ ...same, outputs: inject('outputs') },
      clientConfig: { ...clientConfig, endpoint: requests.endpoint },
    });
    try {
      results = await verify(checkNames, recorded);
      calls = requests.take();
    } finally {
      recorded.close();
      await requests.stop();
    }
  });

  it('passes, except for what the emulator cannot serve', () => {
    const expected = checkList.map((check) => [
      ...[check.name, 'onlyInAccount' in check ? 'not on the emulator' : 'passed'],
      [],
    ]);
    expect(results.map(({ name, result, faults }) => [name, result, faults])).toEqual(expected);
  });

  it('calls only what VerifyPolicy of governance/deploy-role.yaml allows, and that allows nothing else', () => {
    const allowed = actionsOfPolicy('VerifyPolicy');
    const known = unseen.flatMap(([, actions]) => actions);
    expect(calls.filter((action) => !allowed.includes(action))).toEqual([]);
    expect(allowed.filter((action) => !calls.includes(action) && !known.includes(action))).toEqual([]);
    expect(known.filter((action) => calls.includes(action) || !allowed.includes(action))).toEqual([]);
  });

  it('leaves nothing behind', async () => {
    expect(await inventory()).toEqual(before);
  });
});

/** Permissions in VerifyPolicy that a verification on the emulator does not use, and why. */
const unseen: readonly (readonly [why: string, actions: readonly string[]])[] = [
  [
    'Checks that the emulator cannot serve.',
    [
      ...['cloudwatch:ListMetrics', 'sns:ListSubscriptionsByTopic', 'lambda:ListProvisionedConcurrencyConfigs'],
      ...['kms:ListGrants', 's3:GetEncryptionConfiguration', 'dynamodb:DescribeTable'],
      ...['lambda:GetAccountSettings', 'lambda:GetFunctionConcurrency'],
      ...['servicequotas:ListServiceQuotas', 'servicequotas:ListAWSDefaultServiceQuotas'],
    ],
  ],
  ['The emulator’s workflow has no alias.', ['states:DescribeStateMachineAlias', 'states:ListStateMachineVersions']],
  [
    'Before the checks, the command asks whether intake is open.',
    ['cloudwatch:GetMetricStatistics', 'events:DescribeRule', 'lambda:ListEventSourceMappings'],
  ],
  ['Without it, S3 answers 403 for a rendition that is gone.', ['s3:ListBucket']],
  ['npm run policies.', ['access-analyzer:CheckNoPublicAccess', 'access-analyzer:ValidatePolicy']],
  ['S3, SQS and DynamoDB use the key in the name of the caller.', ['kms:Decrypt', 'kms:GenerateDataKey']],
];

/** What a verification creates. */
async function inventory() {
  const { sqs, events, s3 } = stack.clients;
  const { QueueUrls = [] } = await sqs.send(new ListQueuesCommand({}));
  const { Rules = [] } = await events.send(new ListRulesCommand({ EventBusName: stack.outputs.DomainEventBusName }));
  const { Subscriptions = [] } = await new SNSClient(stack.clientConfig).send(new ListSubscriptionsCommand({}));
  const uploads = await s3.send(new ListObjectVersionsCommand({ Bucket: pipeline.bucket, Prefix: verifyPrefix }));
  const renditions = await s3.send(new ListObjectsV2Command({ Bucket: pipeline.renditionBucket }));
  return {
    queues: QueueUrls.filter((url) => url.includes('-verify-')),
    rules: Rules.map(({ Name }) => Name),
    subscriptions: Subscriptions.length,
    uploads: [...(uploads.Versions ?? []), ...(uploads.DeleteMarkers ?? [])],
    renditions: (renditions.Contents ?? []).map(({ Key }) => Key),
    letters: await countLetters(stack, ['uploads', 'undelivered']),
  };
}

describe('a verification fails', () => {
  const faultsOf = async (name: CheckName) => (await verify([name])).flatMap(({ faults }) => faults);

  it('if an alarm is switched off', async () => {
    const name = await pipeline.physicalId('UploadQueueAgeAlarm');
    onTestFinished(async () => {
      await stack.clients.cloudWatch.send(new EnableAlarmActionsCommand({ AlarmNames: [name] }));
    });
    await stack.clients.cloudWatch.send(new DisableAlarmActionsCommand({ AlarmNames: [name] }));
    expect(await faultsOf('alarm-actions')).toEqual([`The actions of ${name} are switched off.`]);
  });

  it('if a release has left a weight on an alias', async () => {
    const FunctionName = await pipeline.physicalId('RemoveRenditionsFunction');
    const weigh = (AdditionalVersionWeights: Record<string, number>) =>
      pipeline.lambda.send(
        new UpdateAliasCommand({ FunctionName, Name: 'live', RoutingConfig: { AdditionalVersionWeights } }),
      );
    const alias = await pipeline.lambda.send(new GetAliasCommand({ FunctionName, Name: 'live' }));
    onTestFinished(async () => {
      await weigh({});
    });
    await weigh({ [z.string().parse(alias.FunctionVersion)]: 0.05 });
    expect(await faultsOf('versions')).toEqual([
      `${FunctionName} sends 5 % of its traffic to version ${alias.FunctionVersion}.`,
    ]);
  });

  it('if a key is not rotated', async () => {
    const KeyId = await pipeline.physicalId('DataKey');
    onTestFinished(async () => {
      await kms.send(new EnableKeyRotationCommand({ KeyId }));
    });
    await kms.send(new DisableKeyRotationCommand({ KeyId }));
    expect(await faultsOf('keys')).toEqual(['DataKey is not rotated.']);
  });

  it('if a role may do more than the template grants', async () => {
    const attached = {
      RoleName: await pipeline.physicalId('ResizeImageRole'),
      PolicyArn: 'arn:aws:iam::aws:policy/AdministratorAccess',
    };
    onTestFinished(async () => {
      await pipeline.iam.send(new DetachRolePolicyCommand(attached));
    });
    await pipeline.iam.send(new AttachRolePolicyCommand(attached));
    const faults = await faultsOf('permissions');
    expect(faults).toContain('ResizeImageRole also has the policy AdministratorAccess.');
    expect(faults).toContain('ResizeImageRole may, and must not, call iam:CreateUser on *.');
  });

  it('if a queue is not encrypted with the stack’s key', async () => {
    const KmsMasterKeyId = await pipeline.physicalId('DataKey');
    const encrypt = (key: string) =>
      pipeline.sqs.send(
        new SetQueueAttributesCommand({ QueueUrl: pipeline.deadLetterQueueUrl, Attributes: { KmsMasterKeyId: key } }),
      );
    onTestFinished(async () => {
      await encrypt(KmsMasterKeyId);
    });
    await encrypt('alias/aws/sqs');
    expect(await faultsOf('encrypted-queues')).toEqual([
      expect.stringMatching(/UploadDeadLetterQueue.* is not encrypted with the stack’s key\.$/),
    ]);
  });
});
