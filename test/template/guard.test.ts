import { describe, expect, it } from 'vitest';
import {
  at,
  type Json,
  ofType,
  type Resource,
  stages,
  statementsOf,
  templateFor,
} from '../../scripts/template/template.ts';

/** Encryption with the stack's own key, access logs, code signing. */

const template = templateFor('prod');
const resource = (id: string): Resource => {
  const found = template.resources.get(id);
  if (found === undefined) throw new Error(`template.yaml has no resource ${id}.`);
  return found;
};
const all = (type: string) => ofType(template, type);
const items = (value: Json | undefined): Json[] => [value ?? []].flat();
const keyStatement = (sid: string) =>
  items(at(resource('DataKey').Properties['KeyPolicy'], 'Statement')).find((found) => at(found, 'Sid') === sid);

const keyArn = { 'Fn::GetAtt': 'DataKey.Arn' };
const key = { Ref: 'DataKey' };

describe('the data key', () => {
  it.each(all('AWS::S3::Bucket').filter(([id]) => id !== 'AccessLogBucket'))(
    'encrypts %s, with a bucket key, and no uploader can use another key that only they have',
    (_id, { Properties }) => {
      expect(at(Properties['BucketEncryption'], 'ServerSideEncryptionConfiguration')).toEqual([
        {
          ServerSideEncryptionByDefault: { SSEAlgorithm: 'aws:kms', KMSMasterKeyID: keyArn },
          BucketKeyEnabled: true,
          BlockedEncryptionTypes: { EncryptionType: ['SSE-C'] },
        },
      ]);
    },
  );

  it.each(all('AWS::SQS::Queue').filter(([id]) => id !== 'UndeliveredDomainEventQueue'))(
    'encrypts %s',
    (_id, { Properties }) => {
      expect(Properties['KmsMasterKeyId']).toEqual(key);
    },
  );

  it('does not encrypt the queue of events that it could not encrypt', () => {
    const { KmsMasterKeyId, SqsManagedSseEnabled } = resource('UndeliveredDomainEventQueue').Properties;
    expect([KmsMasterKeyId, SqsManagedSseEnabled]).toEqual([undefined, true]);
  });

  it.each(all('AWS::StepFunctions::StateMachine'))(
    'encrypts %s, whose role may use it for this workflow and its log lines only',
    (id, { Properties }) => {
      expect(Properties['EncryptionConfiguration']).toEqual({
        Type: 'CUSTOMER_MANAGED_KMS_KEY',
        KmsKeyId: keyArn,
        KmsDataKeyReusePeriodSeconds: 900,
      });
      // Its role, and the policies in governance/, go by this name.
      expect(Properties['StateMachineName']).toEqual({ 'Fn::Sub': `\${AWS::StackName}-${id}` });
      expect(Properties['RoleArn']).toEqual({ 'Fn::GetAtt': `${id}Role.Arn` });
      const arn = (rest: string) => ({ 'Fn::Sub': `arn:\${AWS::Partition}:${rest}` });
      const ofWorkflow = {
        'kms:EncryptionContext:aws:states:stateMachineArn': arn(
          `states:\${AWS::Region}:\${AWS::AccountId}:stateMachine:\${AWS::StackName}-${id}*`,
        ),
      };
      const ofLogs = { 'kms:EncryptionContext:SourceArn': arn('logs:${AWS::Region}:${AWS::AccountId}:*') };
      const statements = statementsOf(resource(`${id}Role`));
      const own = (sid: string) => statements.find(({ Sid }) => Sid === sid);
      expect(own('EncryptExecutions')).toMatchObject({
        Effect: 'Allow',
        Action: ['kms:Decrypt', 'kms:GenerateDataKey'],
        Condition: { StringLike: ofWorkflow },
      });
      expect(own('EncryptLogDelivery')).toMatchObject({
        Effect: 'Allow',
        Action: ['kms:GenerateDataKey'],
        Condition: { StringLike: ofLogs },
      });
      expect(keyStatement('WorkflowLogsAreDelivered')).toEqual({
        Sid: 'WorkflowLogsAreDelivered',
        Effect: 'Allow',
        Principal: { Service: 'delivery.logs.amazonaws.com' },
        Action: 'kms:Decrypt',
        Resource: '*',
        Condition: { StringLike: ofLogs },
      });
    },
  );

  it('encrypts the event bus, for this bus only, and what it cannot encrypt goes to a queue', () => {
    const { KmsKeyIdentifier, DeadLetterConfig, Name } = resource('DomainEventBus').Properties;
    expect(KmsKeyIdentifier).toEqual(keyArn);
    expect(keyStatement('EventBusIsEncrypted')).toMatchObject({
      Principal: { Service: 'events.amazonaws.com' },
      Action: ['kms:Decrypt', 'kms:GenerateDataKey'],
      Condition: {
        StringEquals: {
          'kms:EncryptionContext:aws:events:event-bus:arn': {
            'Fn::Sub': `arn:\${AWS::Partition}:events:\${AWS::Region}:\${AWS::AccountId}:event-bus/${at(Name, 'Fn::Sub')}`,
          },
        },
      },
    });
    expect(keyStatement('EventBridgeChecksKey')).toMatchObject({ Action: 'kms:DescribeKey' });
    expect(DeadLetterConfig).toEqual({ Arn: { 'Fn::GetAtt': 'UndeliveredDomainEventQueue.Arn' } });
    const policy = resource('UndeliveredDomainEventQueuePolicy').Properties['PolicyDocument'];
    expect(at(policy, 'Statement', 0)).toMatchObject({
      Effect: 'Allow',
      Principal: { Service: 'events.amazonaws.com' },
      Action: 'sqs:SendMessage',
      Condition: { ArnEquals: { 'aws:SourceArn': { 'Fn::GetAtt': 'DomainEventBus.Arn' } } },
    });
  });

  it('has a name that contains the stack’s, for people who look for it in the account', () => {
    const { Properties } = resource('DataKeyAlias');
    expect(Properties).toEqual({ AliasName: { 'Fn::Sub': 'alias/${AWS::StackName}-data' }, TargetKeyId: key });
  });

  it.each(all('AWS::DynamoDB::Table'))('encrypts %s', (_id, { Properties }) => {
    expect(Properties['SSESpecification']).toEqual({ SSEEnabled: true, SSEType: 'KMS', KMSMasterKeyId: key });
  });

  it.each(all('AWS::Logs::LogGroup'))('encrypts %s, and its policy covers that name', (_id, { Properties }) => {
    expect(Properties['KmsKeyId']).toEqual(keyArn);
    // CloudFormation generates a name that begins with the stack's.
    const name = at(Properties['LogGroupName'], 'Fn::Sub') ?? '${AWS::StackName}-';
    const known = items(
      at(keyStatement('LogsAreWritten'), 'Condition', 'ArnLike', 'kms:EncryptionContext:aws:logs:arn'),
    );
    const prefixes = known.map((arn) => String(at(arn, 'Fn::Sub')).replace(/^.*:log-group:|\*$/g, ''));
    expect(prefixes.filter((prefix) => String(name).startsWith(prefix))).toHaveLength(1);
  });

  it('is rotated every year, and retained when the stack is deleted, like the data that needs it', () => {
    const { Properties, DeletionPolicy, UpdateReplacePolicy } = resource('DataKey');
    expect(Properties['EnableKeyRotation']).toBe(true);
    expect([DeletionPolicy, UpdateReplacePolicy]).toEqual(['RetainExceptOnCreate', 'Retain']);
  });

  it('lets EventBridge deliver to the encrypted queues for the rules of this stack only', () => {
    expect(keyStatement('EventBridgeDelivers')).toEqual({
      Sid: 'EventBridgeDelivers',
      Effect: 'Allow',
      Principal: { Service: 'events.amazonaws.com' },
      Action: ['kms:Decrypt', 'kms:GenerateDataKey'],
      Resource: '*',
      Condition: {
        StringEqualsIfExists: { 'aws:SourceAccount': { Ref: 'AWS::AccountId' } },
        ArnLikeIfExists: {
          'aws:SourceArn': {
            'Fn::Sub': 'arn:${AWS::Partition}:events:${AWS::Region}:${AWS::AccountId}:rule/${AWS::StackName}-*',
          },
        },
      },
    });
    // A rule with an explicit name would not be covered.
    for (const [id, rule] of all('AWS::Events::Rule')) expect(rule.Properties['Name'], id).toBeUndefined();
  });

  it('grants nothing outside the account', () => {
    for (const [id, { Properties }] of all('AWS::KMS::Key')) {
      for (const statement of items(at(Properties['KeyPolicy'], 'Statement'))) {
        const service = at(statement, 'Principal', 'Service');
        const account = { 'Fn::Sub': 'arn:${AWS::Partition}:iam::${AWS::AccountId}:root' };
        if (service === undefined) expect(at(statement, 'Principal', 'AWS'), id).toEqual(account);
        else expect(JSON.stringify(at(statement, 'Condition')), id).toContain('AWS::AccountId');
      }
    }
  });
});

describe('access logs', () => {
  it.each(all('AWS::S3::Bucket').filter(([id]) => id !== 'AccessLogBucket'))(
    'of %s go to a separate bucket, which accepts them from this stack’s buckets only',
    (id, { Properties }) => {
      expect(at(Properties['LoggingConfiguration'], 'DestinationBucketName')).toEqual({ Ref: 'AccessLogBucket' });
      const [deliver] = items(at(resource('AccessLogBucketPolicy').Properties['PolicyDocument'], 'Statement'));
      expect(deliver).toMatchObject({ Action: 's3:PutObject', Principal: { Service: 'logging.s3.amazonaws.com' } });
      expect(items(at(deliver, 'Condition', 'ArnEquals', 'aws:SourceArn'))).toContainEqual({
        'Fn::GetAtt': `${id}.Arn`,
      });
    },
  );

  it('are kept for 90 days', () => {
    expect(at(resource('AccessLogBucket').Properties['LifecycleConfiguration'], 'Rules', 0, 'ExpirationInDays')).toBe(
      90,
    );
  });
});

describe('code signing', () => {
  const profile = 'arn:aws:signer:us-east-1:111122223333:/signing-profiles/images/1';
  const signed = templateFor('prod', { SigningProfileVersionArn: profile });

  it.each(ofType(signed, 'AWS::Serverless::Function'))(
    'of %s is enforced if a signing profile is given',
    (id, found) => {
      expect(found.Properties['CodeSigningConfigArn']).toEqual({ Ref: 'CodeSigningConfig' });
      expect(template.resources.get(id)?.Properties['CodeSigningConfigArn']).toBeUndefined();
    },
  );

  it('blocks all other code', () => {
    expect(signed.resources.get('CodeSigningConfig')?.Properties).toMatchObject({
      AllowedPublishers: { SigningProfileVersionArns: [profile] },
      CodeSigningPolicies: { UntrustedArtifactOnDeployment: 'Enforce' },
    });
  });
});

it.each(stages)('stage %s has the data key, the permissions boundary and the access log bucket', (stage) => {
  const here = templateFor(stage).resources;
  for (const id of ['DataKey', 'PipelineBoundary', 'AccessLogBucket']) expect(here.has(id), id).toBe(true);
});
