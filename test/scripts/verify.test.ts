import { CloudWatchClient, DescribeAlarmsCommand, ListMetricsCommand } from '@aws-sdk/client-cloudwatch';
import { DescribeTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import {
  GetRoleCommand,
  GetRolePolicyCommand,
  IAMClient,
  ListAttachedRolePoliciesCommand,
  ListRolePoliciesCommand,
  SimulatePrincipalPolicyCommand,
} from '@aws-sdk/client-iam';
import {
  DescribeKeyCommand,
  GetKeyPolicyCommand,
  GetKeyRotationStatusCommand,
  KMSClient,
  ListGrantsCommand,
} from '@aws-sdk/client-kms';
import {
  GetAccountSettingsCommand,
  GetAliasCommand,
  GetFunctionConcurrencyCommand,
  GetFunctionConfigurationCommand,
  LambdaClient,
  ListEventSourceMappingsCommand,
  ListProvisionedConcurrencyConfigsCommand,
  ListVersionsByFunctionCommand,
  type ProvisionedConcurrencyConfigListItem,
} from '@aws-sdk/client-lambda';
import { GetBucketEncryptionCommand, S3Client } from '@aws-sdk/client-s3';
import {
  ListAWSDefaultServiceQuotasCommand,
  ListServiceQuotasCommand,
  ServiceQuotasClient,
} from '@aws-sdk/client-service-quotas';
import { DescribeStateMachineAliasCommand, ListStateMachineVersionsCommand, SFNClient } from '@aws-sdk/client-sfn';
import { ListSubscriptionsByTopicCommand, SNSClient, type Subscription } from '@aws-sdk/client-sns';
import { beforeEach, describe, expect, it } from 'vitest';
import { warmFunctions } from '../../scripts/stack/warm-functions.ts';
import { checkAlarmActions, checkAlarmMetrics, checkAlarmSubscribers } from '../../scripts/verify/alarm-checks.ts';
import { checkEncryption, checkKeys } from '../../scripts/verify/key-checks.ts';
import { checkPermissions } from '../../scripts/verify/permission-checks.ts';
import { checkQuotas } from '../../scripts/verify/quota-checks.ts';
import { checkVersions, checkWarmWorkers } from '../../scripts/verify/release-checks.ts';
import { mockClient } from '../support/mock-client.ts';
import { mockedVerification } from '../support/mocked-verification.ts';

/** Each check is seen passing and failing: here where it only reads, in verify-uploads.test.ts where it uploads. */

const alarmResource = (name: string) => ['AWS::CloudWatch::Alarm', name] as const;
const cloudWatch = mockClient(CloudWatchClient);
const topic = 'arn:aws:sns:eu-west-1:111122223333:images-dev-PageTopic';

describe('alarm-actions', () => {
  const check = () =>
    checkAlarmActions(
      mockedVerification({ resources: { A: alarmResource('images-dev-A'), B: alarmResource('images-dev-B') } }),
    );
  const alarm = { AlarmName: 'images-dev-A', ActionsEnabled: true, AlarmActions: [topic] };

  it.each([
    ['passes for an alarm that notifies the stack’s topic', {}, []],
    ['fails for an alarm without an action', { AlarmActions: [] }, ['images-dev-A notifies no topic.']],
    [
      'fails if the actions are switched off',
      { ActionsEnabled: false },
      ['The actions of images-dev-A are switched off.'],
    ],
    [
      'ignores the alarms of another stack whose name begins alike',
      { AlarmName: 'images-dev-2-A', AlarmActions: [] },
      [],
    ],
  ])('%s', async (_, changes, faults) => {
    cloudWatch.on(DescribeAlarmsCommand).resolves({ MetricAlarms: [{ ...alarm, ...changes }] });
    expect((await check()).faults).toEqual(faults);
  });

  it('passes for an alarm without an action that is part of one that has', async () => {
    const page = { ...alarm, AlarmName: 'images-dev-B', AlarmRule: 'ALARM("images-dev-A")' };
    cloudWatch
      .on(DescribeAlarmsCommand)
      .resolves({ MetricAlarms: [{ ...alarm, AlarmActions: [] }], CompositeAlarms: [page] });
    expect((await check()).faults).toEqual([]);
  });
});

describe('alarm-subscribers', () => {
  const sns = mockClient(SNSClient);
  const check = () => checkAlarmSubscribers(mockedVerification({ resources: { A: alarmResource('images-dev-A') } }));
  beforeEach(() => {
    cloudWatch
      .on(DescribeAlarmsCommand)
      .resolves({ MetricAlarms: [{ AlarmName: 'images-dev-A', AlarmActions: [topic] }] });
  });

  it.each<[string, Subscription[], number]>([
    ['passes if someone is subscribed', [{ SubscriptionArn: `${topic}:1`, Endpoint: 'on-call@example.com' }], 0],
    ['fails if nobody is', [], 1],
    ['fails if nobody has confirmed', [{ SubscriptionArn: 'PendingConfirmation' }], 1],
    [
      'does not count its own queue',
      [{ SubscriptionArn: `${topic}:1`, Endpoint: 'arn:aws:sqs:x:1:images-dev-verify-1' }],
      1,
    ],
  ])('%s', async (_, Subscriptions, count) => {
    sns.on(ListSubscriptionsByTopicCommand).resolves({ Subscriptions });
    expect((await check()).faults).toEqual(
      Array.from({ length: count }, () => 'Nobody receives the alarms of images-dev-PageTopic.'),
    );
  });
});

describe('alarm-metrics', () => {
  const dimension = (Name: string, Value: string) => ({ Name, Value });
  const queue = [dimension('QueueName', 'images-dev-UploadQueue')];
  const check = () =>
    checkAlarmMetrics(
      mockedVerification({
        resources: {
          A: alarmResource('images-dev-A'),
          IntakeBreaker: ['AWS::StepFunctions::StateMachine', 'arn:aws:states:eu-west-1:1:stateMachine:breaker'],
          CheckReleaseFunction: ['AWS::Lambda::Function', 'images-dev-CheckRelease'],
          CheckReleaseFunctionAliaslive: [
            'AWS::Lambda::Alias',
            'arn:aws:lambda:eu-west-1:1:function:images-dev-CheckRelease:live',
          ],
        },
      }),
    );
  const alarm = (changes: object) =>
    cloudWatch.on(DescribeAlarmsCommand).resolves({
      MetricAlarms: [{ AlarmName: 'images-dev-A', Namespace: 'AWS/SQS', Dimensions: queue, ...changes }],
    });
  beforeEach(() => {
    cloudWatch.reset();
    cloudWatch.on(ListMetricsCommand).resolves({ Metrics: [] });
    cloudWatch.on(ListMetricsCommand, { Namespace: 'AWS/SQS', Dimensions: queue }).resolves({
      Metrics: [{ MetricName: 'NumberOfMessagesSent', Dimensions: queue }],
    });
  });

  it('passes if any metric of the namespace has the alarm’s dimensions: many appear only once they are not zero', async () => {
    alarm({});
    expect((await check()).faults).toEqual([]);
  });

  it.each<[string, object, string]>([
    [
      'a dimension has the wrong value',
      { Dimensions: [dimension('QueueName', 'UploadQueue')] },
      'QueueName=UploadQueue',
    ],
    [
      'a dimension has the wrong name',
      { Dimensions: [dimension('Queue', 'images-dev-UploadQueue')] },
      'Queue=images-dev',
    ],
    [
      'a function has no calls through its alias',
      { Dimensions: [dimension('Resource', 'images-dev-Resize:live')] },
      'Resize:live',
    ],
    [
      'a metric of its expression does not exist',
      { Namespace: undefined, Metrics: [{ MetricStat: { Metric: { Namespace: 'Images', Dimensions: queue } } }] },
      'Images with QueueName',
    ],
  ])('fails if %s', async (_, changes, words) => {
    alarm(changes);
    expect((await check()).faults).toEqual([expect.stringContaining(words)]);
  });

  it('fails if the metric has another dimension besides, which the alarm does not name', async () => {
    alarm({});
    cloudWatch.on(ListMetricsCommand, { Namespace: 'AWS/SQS', Dimensions: queue }).resolves({
      Metrics: [{ Dimensions: [...queue, dimension('Other', 'x')] }],
    });
    expect((await check()).faults).toEqual([expect.stringContaining('which has no metrics')]);
  });

  it.each([
    ['a version, which has metrics while a release shifts traffic', dimension('ExecutedVersion', '7')],
    [
      'the circuit breaker, which may never have run',
      dimension('StateMachineArn', 'arn:aws:states:eu-west-1:1:stateMachine:breaker'),
    ],
  ])('expects nothing of %s', async (_, one) => {
    alarm({ Dimensions: [one] });
    expect((await check()).faults).toEqual([]);
  });
});

const lambda = mockClient(LambdaClient);

describe('versions', () => {
  const stepFunctions = mockClient(SFNClient);
  const workflow = 'arn:aws:states:eu-west-1:111122223333:stateMachine:images';
  const alias = 'arn:aws:lambda:eu-west-1:111122223333:function:images-dev-Resize:live';
  const check = () => {
    const verification = mockedVerification({ resources: { Alias: ['AWS::Lambda::Alias', alias] } });
    const outputs = { ...verification.stack.outputs, StateMachineArn: `${workflow}:live` };
    return checkVersions({ ...verification, stack: { ...verification.stack, outputs } });
  };
  beforeEach(() => {
    lambda.reset();
    stepFunctions.reset();
    lambda.on(GetAliasCommand).resolves({ FunctionVersion: '7' });
    lambda.on(ListVersionsByFunctionCommand).resolves({ Versions: [{ Version: '$LATEST' }, { Version: '7' }] });
    lambda.on(GetFunctionConfigurationCommand).resolves({ State: 'Active' });
    stepFunctions.on(DescribeStateMachineAliasCommand).resolves({
      routingConfiguration: [{ stateMachineVersionArn: `${workflow}:3`, weight: 100 }],
    });
    stepFunctions.on(ListStateMachineVersionsCommand).resolves({
      stateMachineVersions: [{ stateMachineVersionArn: `${workflow}:3`, creationDate: new Date() }],
    });
  });

  it('passes if the newest versions have all traffic', async () => {
    expect((await check()).faults).toEqual([]);
  });

  it('fails if a release has left a weight behind', async () => {
    const RoutingConfig = { AdditionalVersionWeights: { 8: 0.05 } };
    lambda.on(GetAliasCommand).resolves({ FunctionVersion: '7', RoutingConfig });
    expect((await check()).faults).toEqual(['images-dev-Resize sends 5 % of its traffic to version 8.']);
  });

  it('fails if a newer version exists', async () => {
    lambda.on(ListVersionsByFunctionCommand).resolves({ Versions: [{ Version: '7' }, { Version: '10' }] });
    expect((await check()).faults).toEqual(['images-dev-Resize uses version 7, and version 10 exists.']);
  });

  it('fails if the version cannot run', async () => {
    lambda.on(GetFunctionConfigurationCommand).resolves({ State: 'Failed' });
    expect((await check()).faults).toEqual(['images-dev-Resize is Failed instead of Active.']);
  });

  it('fails if the workflow shares its traffic between versions', async () => {
    stepFunctions.on(DescribeStateMachineAliasCommand).resolves({
      routingConfiguration: [
        { stateMachineVersionArn: `${workflow}:3`, weight: 20 },
        { stateMachineVersionArn: `${workflow}:2`, weight: 80 },
      ],
    });
    expect((await check()).faults).toEqual([
      'The workflow sends 20 % to version 3 and 80 % to version 2; the newest is 3.',
    ]);
  });
});

describe('warm-workers', () => {
  type Configs = readonly ProvisionedConcurrencyConfigListItem[];
  const ready = { Status: 'READY', RequestedProvisionedConcurrentExecutions: 2 } as const;
  /** @param resize of one function; the others that can be warm are as wanted */
  const check = (ProvisionConcurrency: 'true' | 'false', resize: Configs) => {
    const others: Configs = ProvisionConcurrency === 'true' ? [ready] : [];
    lambda.reset();
    lambda.on(ListProvisionedConcurrencyConfigsCommand).callsFake(({ FunctionName }) => ({
      ProvisionedConcurrencyConfigs:
        FunctionName === 'images-dev-ResizeImageFunction'
          ? resize
          : others.filter(() => warmFunctions.some((id) => FunctionName === `images-dev-${id}`)),
    }));
    const functions = [...warmFunctions, 'RemoveRenditionsFunction'];
    return checkWarmWorkers(
      mockedVerification({
        parameters: new Map([['ProvisionConcurrency', ProvisionConcurrency]]),
        resources: Object.fromEntries(functions.map((id) => [id, ['AWS::Lambda::Function', `images-dev-${id}`]])),
      }),
    );
  };

  it.each([
    ['passes if they are ready', 'true', [ready], []],
    ['passes if none are wanted and none are paid for', 'false', [], []],
    ['fails if they are missing', 'true', [], ['images-dev-ResizeImageFunction has no warm workers.']],
    [
      'fails if they are not ready',
      'true',
      [{ ...ready, Status: 'FAILED', StatusReason: 'no capacity' }],
      ['The warm workers of images-dev-ResizeImageFunction are FAILED (no capacity).'],
    ],
    [
      'fails if a stack that no longer wants them still pays for them',
      'false',
      [ready],
      ['images-dev-ResizeImageFunction keeps 2 workers warm, which the stack does not ask for.'],
    ],
  ] as const)('%s', async (_, parameter, configs, faults) => {
    expect((await check(parameter, [...configs])).faults).toEqual(faults);
  });
});

describe('permissions', () => {
  const iam = mockClient(IAMClient);
  const RoleName = 'images-dev-ResizeImageRole';
  const role = {
    Arn: `arn:aws:iam::111122223333:role/${RoleName}`,
    RoleName,
    Path: '/',
    RoleId: 'R',
    CreateDate: new Date(),
  };
  const PermissionsBoundary = { PermissionsBoundaryArn: 'arn:aws:iam::111122223333:policy/boundary' };
  const policy = {
    Version: '2012-10-17',
    Statement: [
      { Effect: 'Allow', Action: ['s3:GetObject'], Resource: 'arn:aws:s3:::uploads/*' },
      {
        ...{ Effect: 'Allow', Action: 'kms:Decrypt', Resource: ['arn:aws:kms:eu-west-1:111122223333:key/k'] },
        Condition: { StringEquals: { 'kms:ViaService': 's3.eu-west-1.amazonaws.com' } },
      },
    ],
  };
  const check = () =>
    checkPermissions(mockedVerification({ resources: { ResizeImageRole: ['AWS::IAM::Role', RoleName] } }));
  const decide = (ActionNames: string[], EvalDecision: 'allowed' | 'implicitDeny', details = {}) =>
    iam.on(SimulatePrincipalPolicyCommand, { ActionNames }).resolves({
      EvaluationResults: [{ EvalActionName: ActionNames[0], EvalDecision, ...details }],
    });
  beforeEach(() => {
    iam.reset();
    iam.on(GetRoleCommand).resolves({ Role: { ...role, PermissionsBoundary, AssumeRolePolicyDocument: '' } });
    iam.on(ListAttachedRolePoliciesCommand).resolves({ AttachedPolicies: [] });
    iam.on(ListRolePoliciesCommand).resolves({ PolicyNames: ['resize-image'] });
    iam.on(GetRolePolicyCommand).resolves({
      ...{ RoleName, PolicyName: 'resize-image' },
      PolicyDocument: encodeURIComponent(JSON.stringify(policy)),
    });
    iam
      .on(SimulatePrincipalPolicyCommand)
      .resolves({ EvaluationResults: [{ EvalActionName: 'x', EvalDecision: 'implicitDeny' }] });
    decide(['s3:GetObject'], 'allowed');
    iam
      .on(SimulatePrincipalPolicyCommand, {
        ActionNames: ['kms:Decrypt'],
        ResourceArns: ['arn:aws:kms:eu-west-1:111122223333:key/k'],
        ContextEntries: [
          {
            ContextKeyName: 'kms:ViaService',
            ContextKeyValues: ['s3.eu-west-1.amazonaws.com'],
            ContextKeyType: 'string',
          },
        ],
      })
      .resolves({ EvaluationResults: [{ EvalActionName: 'kms:Decrypt', EvalDecision: 'allowed' }] });
  });

  it('passes if IAM allows what the policy grants, under its conditions, and nothing harmful', async () => {
    expect((await check()).faults).toEqual([]);
  });

  it.each([
    ['', {}],
    [
      ' (its permissions boundary forbids it)',
      { PermissionsBoundaryDecisionDetail: { AllowedByPermissionsBoundary: false } },
    ],
    [' (the organization forbids it)', { OrganizationsDecisionDetail: { AllowedByOrganizations: false } }],
  ])('fails if a permission that a policy grants is denied%s', async (reason, details) => {
    decide(['s3:GetObject'], 'implicitDeny', details);
    expect((await check()).faults).toEqual([
      `ResizeImageRole may not, although its policy says so, call s3:GetObject on arn:aws:s3:::uploads/verify${reason}.`,
    ]);
  });

  it('fails if a role may do what it must not', async () => {
    decide(['iam:CreateUser'], 'allowed');
    expect((await check()).faults).toEqual(['ResizeImageRole may, and must not, call iam:CreateUser on *.']);
  });

  it('fails for a policy or a missing boundary that is not in the template', async () => {
    iam.on(GetRoleCommand).resolves({ Role: { ...role, AssumeRolePolicyDocument: '' } });
    iam.on(ListAttachedRolePoliciesCommand).resolves({ AttachedPolicies: [{ PolicyName: 'AdministratorAccess' }] });
    expect((await check()).faults).toEqual([
      'ResizeImageRole also has the policy AdministratorAccess.',
      'ResizeImageRole has no permissions boundary.',
    ]);
  });
});

const kms = mockClient(KMSClient);

describe('keys', () => {
  const account = 'arn:aws:iam::111122223333:root';
  const allow = (Principal: unknown) => ({ Effect: 'Allow', Principal, Action: 'kms:*', Resource: '*' });
  const ours = [
    allow({ AWS: account }),
    allow({ Service: ['events.amazonaws.com', 'logs.eu-west-1.amazonaws.com'] }),
    allow({ Service: 'cloudwatch.amazonaws.com' }),
  ];
  const policyOf = (...Statement: readonly unknown[]) =>
    kms.on(GetKeyPolicyCommand).resolves({ Policy: JSON.stringify({ Statement }) });
  const check = async () => {
    const resources = { DataKey: ['AWS::KMS::Key', 'data'], AlarmKey: ['AWS::KMS::Key', 'alarm'] } as const;
    return (await checkKeys(mockedVerification({ resources }))).faults;
  };
  beforeEach(() => {
    kms.reset();
    kms.on(DescribeKeyCommand).resolves({
      KeyMetadata: { KeyId: 'k', Arn: 'arn:aws:kms:eu-west-1:111122223333:key/k', KeyState: 'Enabled' },
    });
    kms.on(GetKeyRotationStatusCommand).resolves({ KeyRotationEnabled: true });
    policyOf(...ours);
  });

  it('passes if this account and the services that need them may use them', async () => {
    expect(await check()).toEqual([]);
  });

  it.each([
    ['everyone', '*', '*'],
    ['another account', { AWS: 'arn:aws:iam::444455556666:root' }, 'arn:aws:iam::444455556666:root'],
  ])('fails if %s may use them', async (_, principal, name) => {
    policyOf(...ours, allow(principal));
    expect(await check()).toEqual([
      `The policy of DataKey lets ${name} use it.`,
      `The policy of AlarmKey lets ${name} use it.`,
    ]);
  });

  it('fails if a service that delivers or encrypts may not use them', async () => {
    policyOf(allow({ AWS: account }));
    expect(await check()).toEqual([
      'No key’s policy lets events use it.',
      'No key’s policy lets logs use it.',
      'No key’s policy lets cloudwatch use it.',
    ]);
  });

  it('fails if a key is disabled or not rotated', async () => {
    kms
      .on(DescribeKeyCommand, { KeyId: 'data' })
      .resolves({ KeyMetadata: { KeyId: 'k', Arn: account, KeyState: 'PendingDeletion' } });
    kms.on(GetKeyRotationStatusCommand, { KeyId: 'alarm' }).resolves({ KeyRotationEnabled: false });
    expect(await check()).toEqual(['DataKey is PendingDeletion instead of Enabled.', 'AlarmKey is not rotated.']);
  });
});

describe('encryption', () => {
  const s3 = mockClient(S3Client);
  const dynamoDb = mockClient(DynamoDBClient);
  const key = 'arn:aws:kms:eu-west-1:111122223333:key/data';
  const dynamoDbs = {
    GrantId: 'g1',
    GranteePrincipal: 'dynamodb.eu-west-1.amazonaws.com',
    Constraints: { EncryptionContextSubset: { 'aws:dynamodb:tableName': 'images' } },
  };
  const encrypt = (KMSMasterKeyID: string) =>
    s3.on(GetBucketEncryptionCommand).resolves({
      ServerSideEncryptionConfiguration: {
        Rules: [{ ApplyServerSideEncryptionByDefault: { SSEAlgorithm: 'aws:kms', KMSMasterKeyID } }],
      },
    });
  const check = async () =>
    (
      await checkEncryption(
        mockedVerification({
          resources: {
            DataKey: ['AWS::KMS::Key', 'data'],
            ImageTable: ['AWS::DynamoDB::Table', 'images'],
            ImagePipeline: ['AWS::StepFunctions::StateMachine', 'arn:aws:states:eu-west-1:111122223333:stateMachine:x'],
          },
        }),
      )
    ).faults;
  beforeEach(() => {
    encrypt(key);
    dynamoDb.on(DescribeTableCommand).resolves({ Table: { SSEDescription: { KMSMasterKeyArn: key } } });
    kms.reset();
    kms.on(ListGrantsCommand).resolves({ Grants: [dynamoDbs] });
  });

  it('passes if everything has the stack’s key, and DynamoDB its grant', async () => {
    expect(await check()).toEqual([]);
  });

  it('fails for a bucket or a table with another key', async () => {
    encrypt('alias/aws/s3');
    dynamoDb.on(DescribeTableCommand).resolves({ Table: {} });
    expect(await check()).toEqual([
      'The bucket UploadBucketName does not encrypt with the stack’s key.',
      'The bucket RenditionBucketName does not encrypt with the stack’s key.',
      'The table images is not encrypted with the stack’s key.',
    ]);
  });

  it('fails for a grant to someone else, and without DynamoDB’s', async () => {
    const ours = { GrantId: 'g2', GranteePrincipal: 'arn:aws:iam::111122223333:role/backup' };
    const theirs = { GrantId: 'g3', GranteePrincipal: 'arn:aws:iam::444455556666:role/thief' };
    kms.on(ListGrantsCommand).resolves({ Grants: [ours, theirs] });
    expect(await check()).toEqual([
      'DynamoDB has no grant to use the key for images.',
      'The grant g3 lets arn:aws:iam::444455556666:role/thief use the stack’s key.',
    ]);
  });
});

describe('quotas', () => {
  const quotas = mockClient(ServiceQuotasClient);
  const check = () =>
    checkQuotas(
      mockedVerification({ resources: { DispatchImagesFunction: ['AWS::Lambda::Function', 'images-dev-Dispatch'] } }),
    );
  const listed = (Value: number) => ({
    Quotas: [
      'PutEvents throttle limit in transactions per second',
      'Invocations throttle limit in transactions per second',
      'Cryptographic operations (symmetric) request rate',
    ].map((QuotaName) => ({ QuotaName, Value })),
  });
  beforeEach(() => {
    lambda.reset();
    quotas.reset();
    lambda.on(ListEventSourceMappingsCommand).resolves({
      EventSourceMappings: [{ BatchSize: 10, ScalingConfig: { MaximumConcurrency: 2 } }],
    });
    lambda.on(GetAccountSettingsCommand).resolves({ AccountLimit: { ConcurrentExecutions: 1000 } });
    lambda.on(GetFunctionConcurrencyCommand).resolves({});
    quotas.on(ListServiceQuotasCommand).resolves(listed(10_000));
    quotas.on(ListAWSDefaultServiceQuotasCommand).resolves({});
  });

  it('passes if they are larger than what the stage needs', async () => {
    expect(await check()).toEqual({ faults: [], seen: 'images in progress at full load: 20' });
  });

  it('fails in a new account, which runs 10 executions at once', async () => {
    lambda.on(GetAccountSettingsCommand).resolves({ AccountLimit: { ConcurrentExecutions: 10 } });
    expect((await check()).faults).toEqual([
      expect.stringMatching(
        /^Lambda: the account may run 10 executions at once \(L-B99A9384\), and the stage needs \d+\.$/,
      ),
    ]);
  });

  it('fails if the stack reserves so much that less than 100 are left for others', async () => {
    lambda.on(GetFunctionConcurrencyCommand).resolves({ ReservedConcurrentExecutions: 950 });
    expect((await check()).faults).toEqual([
      'Lambda: the account may run 1000 executions at once (L-B99A9384), and the stage reserves 950, and Lambda keeps 100 for others.',
    ]);
  });

  it('fails if a rate is too small', async () => {
    quotas.on(ListServiceQuotasCommand, { ServiceCode: 'kms' }).resolves(listed(1));
    expect((await check()).faults).toEqual([
      'kms: “Cryptographic operations (symmetric) request rate” is 1, and the stage needs 200.',
    ]);
  });

  it('says which quotas are published nowhere, and uses the default where the account has no value of its own', async () => {
    quotas.on(ListServiceQuotasCommand).resolves({});
    quotas.on(ListAWSDefaultServiceQuotasCommand, { ServiceCode: 'events' }).resolves(listed(10_000));
    expect(await check()).toEqual({
      faults: [],
      seen: 'images in progress at full load: 20; no quota “Cryptographic operations (symmetric) request rate” is published',
    });
  });
});
