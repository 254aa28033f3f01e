import { globSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { verdictType } from '../../adapters/contracts/malware-verdict.ts';
import { projectName } from '../../core/names.ts';
import { auditCommand } from '../../scripts/audit/audit.ts';
import {
  at,
  type Json,
  ofType,
  parseTemplate,
  type Resource,
  statementsOf,
  templateFor,
} from '../../scripts/template/template.ts';
import { parsedOptions } from '../../scripts/terminal/command.ts';
import { denialsOf } from '../support/policy-evaluation.ts';

/** The governance templates match the main template; `npm run check` lints them (scripts/template/scan-template.ts). */

const prod = templateFor('prod');
const files = globSync('governance/*.yaml').map((file) => file.replace('governance/', ''));
const governance = (file: string) => parseTemplate(`governance/${file}`);

describe('governance/', () => {
  it.each(files)('%s is described in governance/README.md, with its deploy command', (file) => {
    const readme = readFileSync('governance/README.md', 'utf8');
    expect(readme).toContain(`--template-file governance/${file}`);
  });

  it.each(files)('%s describes each of its parameters', (file) => {
    const parameters = z.record(z.string(), z.object({ Description: z.string().min(10) }));
    expect(() => parameters.parse(at(governance(file), 'Parameters'))).not.toThrow();
  });
});

describe('permissions-boundary.yaml', () => {
  const policy = at(governance('permissions-boundary.yaml'), 'Resources', 'RoleBoundary', 'Properties');
  const statements = z
    .array(z.object({ Effect: z.enum(['Allow', 'Deny']), Action: z.array(z.string()) }))
    .parse(at(policy, 'PolicyDocument', 'Statement'));
  const matches = (pattern: string, action: string) =>
    new RegExp(`^${pattern.replaceAll('*', '.*')}$`, 'i').test(action);
  const says = (effect: 'Allow' | 'Deny', action: string) =>
    statements.some(({ Effect, Action }) => Effect === effect && Action.some((pattern) => matches(pattern, action)));
  const lets = (action: string) => says('Allow', action) && !says('Deny', action);

  it.each(ofType(prod, 'AWS::IAM::Role'))('allows everything that the policies of %s allow', (_, role) => {
    const granted = statementsOf(role).flatMap(({ Effect, Action }) => (Effect === 'Allow' ? Action : []));
    expect(granted.filter((action) => !lets(action))).toEqual([]);
  });

  it.each([
    'iam:CreateRole',
    'iam:PutRolePolicy',
    'iam:PassRole',
    'iam:DeleteRolePermissionsBoundary',
    'iam:CreateAccessKey',
    'sts:AssumeRole',
    'organizations:LeaveOrganization',
  ])('denies %s, even if another policy allows it', (action) => {
    expect(says('Deny', action)).toBe(true);
  });

  it.each(['s3:PutBucketPolicy', 'kms:ScheduleKeyDeletion', 'lambda:UpdateFunctionCode', 'dynamodb:DeleteTable'])(
    'does not allow %s: code must not change its own stack',
    (action) => {
      expect(lets(action)).toBe(false);
    },
  );

  it('allows no wildcard action', () => {
    const allowed = statements.filter(({ Effect }) => Effect === 'Allow').flatMap(({ Action }) => Action);
    expect(allowed.filter((action) => action.includes('*'))).toEqual([]);
  });

  it('has the name that the service control policy requires', () => {
    const name = (file: string) => at(governance(file), 'Parameters', 'BoundaryName', 'Default');
    expect(name('permissions-boundary.yaml')).toBe(name('service-control-policy.yaml'));
    expect(at(policy, 'ManagedPolicyName')).toEqual({ Ref: 'BoundaryName' });
  });
});

describe('service-control-policy.yaml', () => {
  const policies = ['Guardrails', 'IntegrityGuardrails'].map((id) =>
    at(governance('service-control-policy.yaml'), 'Resources', id, 'Properties', 'Content'),
  );

  it('is shorter than AWS’s limit, with room for regions and names', () => {
    // 5120 characters: https://docs.aws.amazon.com/organizations/latest/userguide/orgs_reference_limits.html
    for (const content of policies) expect(JSON.stringify(content).length).toBeLessThan(4600);
  });

  const named = (role: string) => `arn:aws:iam::111122223333:role/${role}`;
  const [admin, deployer, platform] = ['Admin', `deploy-${projectName}-prod`, 'OrganizationAccountAccessRole'].map(
    named,
  );
  const releaser = named(`release-${projectName}-prod`);
  const [operator, ownRole] = [`operate-${projectName}`, `${projectName}-prod-ReleaseRole-1`].map(named);
  const verifier = named(`verify-${projectName}-prod`);
  // Parameters replaced by their default values.
  const defaults = z
    .record(z.string(), z.object({ Default: z.string().optional() }))
    .parse(at(governance('service-control-policy.yaml'), 'Parameters'));
  const statements = JSON.parse(
    JSON.stringify(policies.flatMap((content) => at(content, 'Statement') ?? [])).replaceAll(
      /\$\{(\w+)\}/g,
      (_, name: string) => defaults[name]?.Default ?? '',
    ),
  );
  const denied = (principal: string | undefined, action: string, resource: string, context = {}) =>
    denialsOf(statements, {
      action,
      resource,
      context: {
        ...{ 'aws:principalarn': principal ?? '', 'aws:requestedregion': 'AllowedRegions' },
        ...{ 'aws:securetransport': 'true', 'aws:viaawsservice': 'false' },
        ...context,
      },
    });
  const key = 'arn:aws:kms:eu-west-1:111122223333:key/0123';
  const ofProject = { 'aws:resourcetag/project': projectName };
  const bucket = `arn:aws:s3:::${projectName}-prod-uploadbucket-1`;
  const name = (service: string, rest: string) => `arn:aws:${service}:eu-west-1:111122223333:${rest}`;

  it.each(['TagResource', 'UntagResource', 'ScheduleKeyDeletion', 'DisableKeyRotation', 'PutKeyPolicy'])(
    'denies an administrator kms:%s on the stack’s key, and not on other keys',
    (action) => {
      expect(denied(admin, `kms:${action}`, key, ofProject)).toEqual(['KeepKeys']);
      expect(denied(admin, `kms:${action}`, key)).toEqual([]);
      expect(denied(deployer, `kms:${action}`, key, ofProject)).toEqual([]);
    },
  );

  it.each([
    ['s3:PutLifecycleConfiguration', bucket],
    ['s3:PutReplicationConfiguration', bucket],
    ['s3:PutEncryptionConfiguration', bucket],
    ['s3:PutBucketPolicy', bucket],
    ['s3:PutBucketNotification', bucket],
    ['s3:DeleteBucketPolicy', bucket],
    ['sqs:PurgeQueue', name('sqs', `${projectName}-prod-UploadQueue`)],
    ['lambda:UpdateFunctionCode', name('lambda', `function:${projectName}-prod-ResizeImageFunction-1`)],
    ['lambda:CreateFunctionUrlConfig', name('lambda', `function:${projectName}-prod-ResizeImageFunction-1`)],
    ['events:PutPermission', name('events', `event-bus/${projectName}-prod-domain-events`)],
    ['states:UpdateStateMachine', name('states', `stateMachine:${projectName}-prod-ImagePipeline-1`)],
    ['states:DeleteStateMachine', name('states', `stateMachine:${projectName}-prod-ImagePipeline-1`)],
    ['lambda:DeleteFunction', name('lambda', `function:${projectName}-prod-ResizeImageFunction-1`)],
    ['lambda:PutFunctionConcurrency', name('lambda', `function:${projectName}-prod-ResizeImageFunction-1`)],
    ['dynamodb:PutResourcePolicy', name('dynamodb', `table/${projectName}-prod-ImageTable-1`)],
    ['dynamodb:ExportTableToPointInTime', name('dynamodb', `table/${projectName}-prod-ImageTable-1`)],
    ['sns:SetTopicAttributes', name('sns', `${projectName}-prod-PageTopic-1`)],
    ['logs:PutSubscriptionFilter', name('logs', `log-group:${projectName}-prod-ResizeImageLogGroup-1`)],
  ])('denies an administrator %s', (action, resource) => {
    expect(denied(admin, action, resource)).toEqual(['KeepEncryptionPrivacyAndTraces']);
    expect(denied(deployer, action, resource)).toEqual([]);
    expect(denied(admin, action, resource.replace(projectName, 'other'))).toEqual([]);
  });

  it.each([
    'iam:UpdateAssumeRolePolicy',
    'iam:PutRolePolicy',
    'iam:AttachRolePolicy',
    'iam:CreateRole',
    'iam:DeleteRole',
    'iam:DeleteRolePermissionsBoundary',
  ])('denies %s on the exempt roles to everyone except the platform team', (action) => {
    for (const role of [deployer, releaser, operator, verifier, platform]) {
      expect(denied(admin, action, role ?? '')).toEqual(['KeepPrivilegedRoles']);
      expect(denied(deployer, action, role ?? '')).toEqual(['KeepPrivilegedRoles']);
      expect(denied(platform, action, role ?? '')).toEqual([]);
    }
    expect(denied(admin, action, named('team-role'))).toEqual([]);
  });

  it.each([
    'iam:UpdateAssumeRolePolicy',
    'iam:AttachRolePolicy',
    'iam:PutRolePolicy',
    'iam:CreateRole',
    'iam:PassRole',
  ])('denies everyone except the deployer %s on the stack’s roles', (action) => {
    const bounded = { 'iam:permissionsboundary': `arn:aws:iam::111122223333:policy/${projectName}-boundary` };
    for (const other of [admin, operator, ownRole])
      expect(denied(other, action, ownRole ?? '', bounded)).toEqual(['KeepRoles']);
    expect(denied(deployer, action, ownRole ?? '', bounded)).toEqual([]);
    expect(denied(admin, action, named('team-role'))).toEqual([]);
  });

  it('lets only the roles of the release workflow pass the deployer to CloudFormation', () => {
    for (const other of [admin, operator, platform, ownRole])
      expect(denied(other, 'iam:PassRole', deployer ?? '')).toEqual(['KeepDeployer']);
    expect(denied(releaser, 'iam:PassRole', deployer ?? '')).toEqual([]);
  });

  it('exempts the names of the roles in deploy-role.yaml', () => {
    const roleName = (id: string) => at(governance('deploy-role.yaml'), 'Resources', id, 'Properties', 'RoleName');
    const exempt = (parameter: string) => String(defaults[parameter]?.Default).replace('*', '');
    expect(JSON.stringify(roleName('ServiceRole'))).toContain(exempt('DeployerRole'));
    for (const id of ['ReleaseRole', 'ReviewRole'])
      expect(JSON.stringify(roleName(id))).toContain(exempt('ReleaserRole'));
    expect(JSON.stringify(roleName('VerifyRole'))).toContain(exempt('VerifierRole'));
  });

  const changes = [
    'sqs:DeleteQueue',
    'events:DeleteRule',
    'events:PutRule',
    'events:PutTargets',
    'events:RemoveTargets',
  ];

  // A name that the template does not give ends in a random suffix.
  const nameOf = (id: string, { Properties }: Resource) =>
    Properties['QueueName'] === undefined ? `${projectName}-prod-${id}-1A2B` : `${projectName}-prod-${id}`;
  const ownQueuesAndRules = [
    ...ofType(prod, 'AWS::SQS::Queue').map(([id, queue]) => [id, 'sqs', name('sqs', nameOf(id, queue))] as const),
    ...ofType(prod, 'AWS::Events::Rule').map(
      ([id, rule]) => [id, 'events', name('events', `rule/${nameOf(id, rule)}`)] as const,
    ),
  ];

  it.each(ownQueuesAndRules)('lets nobody but the deployer delete or change %s', (_, service, resource) => {
    for (const action of changes.filter((each) => each.startsWith(service))) {
      for (const other of [admin, operator, verifier])
        expect(denied(other, action, resource)).toContain('KeepQueuesAndRules');
      expect(denied(deployer, action, resource)).toEqual([]);
    }
  });

  it('knows the names that the template gives to queues: the stack’s and the logical id', () => {
    for (const [id, { Properties }] of ofType(prod, 'AWS::SQS::Queue').filter(
      ([, queue]) => queue.Properties['QueueName'],
    ))
      expect(Properties['QueueName']).toEqual({ 'Fn::Sub': `\${AWS::StackName}-${id}` });
    expect(ofType(prod, 'AWS::Events::Rule').filter(([, rule]) => rule.Properties['Name'])).toEqual([]);
  });

  it('lets a verification and an operator make temporary queues, and rules on the event bus', () => {
    const temporary = `${projectName}-prod-verify-0a1b2c3d`;
    const bus = `${projectName}-prod-domain-events`;
    for (const action of changes) {
      const resource = action.startsWith('sqs')
        ? name('sqs', `${temporary}-events`)
        : name('events', `rule/${bus}/${temporary}`);
      for (const exempt of [deployer, operator, verifier]) expect(denied(exempt, action, resource)).toEqual([]);
      expect(denied(admin, action, resource)).toEqual(['KeepBus']);
    }
  });

  it.each([
    ['lambda:InvokeFunction', name('lambda', `function:${projectName}-prod-DispatchImagesFunction-1`)],
    ['lambda:UpdateAlias', name('lambda', `function:${projectName}-prod-ResizeImageFunction-1`)],
    ['states:StartSyncExecution', name('states', `stateMachine:${projectName}-prod-ImagePipeline-1`)],
  ])('denies everyone %s, except the deployer and the stack’s own roles', (action, resource) => {
    for (const other of [admin, operator]) expect(denied(other, action, resource)).toEqual(['KeepCalls']);
    for (const own of [deployer, ownRole]) expect(denied(own, action, resource)).toEqual([]);
    expect(denied(admin, action, resource.replace(projectName, 'other'))).toEqual([]);
  });

  it('exempts by name every role of the stack that invokes a function, moves an alias or starts a workflow', () => {
    const calls = ['lambda:InvokeFunction', 'lambda:UpdateAlias', 'states:StartSyncExecution', 'states:StartExecution'];
    const callers = ofType(prod, 'AWS::IAM::Role').filter(([, role]) =>
      statementsOf(role).some(({ Action }) => Action.some((action) => calls.includes(action))),
    );
    expect(callers.length).toBeGreaterThan(0);
    // A role without a name of its own gets one that begins with the name of the stack.
    for (const [id, { Properties }] of callers) expect(Properties['RoleName'], id).toBeUndefined();
  });

  it.each(['CreateEventSourceMapping', 'UpdateEventSourceMapping', 'DeleteEventSourceMapping'])(
    'denies an administrator lambda:%s for the stack’s functions, and not the circuit breaker or an operator',
    (action) => {
      const of = (project: string) => ({ 'lambda:functionarn': name('lambda', `function:${project}-prod-Dispatch-1`) });
      const mapping = name('lambda', 'event-source-mapping:0123');
      expect(denied(admin, `lambda:${action}`, mapping, of(projectName))).toEqual(['KeepIntake']);
      expect(denied(admin, `lambda:${action}`, mapping, of('other'))).toEqual([]);
      for (const exempt of [deployer, operator, ownRole])
        expect(denied(exempt, `lambda:${action}`, mapping, of(projectName))).toEqual([]);
    },
  );

  it('denies an administrator events:DisableRule, and not an operator who pauses intake', () => {
    const rule = name('events', `rule/${projectName}-prod-IntakeBreakerRule-1`);
    expect(denied(admin, 'events:DisableRule', rule)).toEqual(['KeepRules']);
    for (const exempt of [deployer, operator]) expect(denied(exempt, 'events:DisableRule', rule)).toEqual([]);
  });

  it.each([
    ['AttachInternetGateway', 'vpc'],
    ['CreateVpcPeeringConnection', 'vpc'],
    ['CreateRoute', 'route-table'],
    ['ModifyVpcEndpoint', 'vpc-endpoint'],
    ['AuthorizeSecurityGroupEgress', 'security-group'],
    ['DeleteTags', 'vpc'],
  ])('denies an administrator ec2:%s on a %s of the stack', (action, type) => {
    const resource = name('ec2', `${type}/${type}-1`);
    expect(denied(admin, `ec2:${action}`, resource, ofProject)).toEqual(['KeepNetwork']);
    expect(denied(admin, `ec2:${action}`, resource)).toEqual([]);
    expect(denied(deployer, `ec2:${action}`, resource, ofProject)).toEqual([]);
  });

  it('denies an administrator grants on the stack’s key, except those that AWS services need', () => {
    const forService = { ...ofProject, 'kms:grantisforawsresource': 'true' };
    expect(denied(admin, 'kms:CreateGrant', key, { ...ofProject, 'kms:grantisforawsresource': 'false' })).toEqual([
      'KeepGrants',
    ]);
    expect(denied(admin, 'kms:CreateGrant', key, ofProject)).toEqual(['KeepGrants']);
    expect(denied(admin, 'kms:CreateGrant', key, forService)).toEqual([]);
  });

  it('does not deny reading or uploading', () => {
    expect(denied(admin, 's3:PutObject', `${bucket}/cat.jpg`)).toEqual([]);
    expect(denied(admin, 'kms:Decrypt', key, ofProject)).toEqual([]);
  });

  it('denies, and allows nothing', () => {
    const effects = z.array(z.object({ Effect: z.string() })).parse(statements);
    expect(new Set(effects.map(({ Effect }) => Effect))).toEqual(new Set(['Deny']));
  });
});

describe('config-rules.yaml', () => {
  // Identifier and resource type as AWS documents them, each on the page of its name, as in
  // https://docs.aws.amazon.com/config/latest/developerguide/s3-bucket-ssl-requests-only.html
  const documented: Readonly<Record<string, string>> = {
    CLOUDWATCH_ALARM_ACTION_CHECK: 'AWS::CloudWatch::Alarm',
    CLOUDWATCH_ALARM_ACTION_ENABLED_CHECK: 'AWS::CloudWatch::Alarm',
    CLOUDWATCH_LOG_GROUP_ENCRYPTED: 'AWS::Logs::LogGroup',
    CMK_BACKING_KEY_ROTATION_ENABLED: 'AWS::KMS::Key',
    CW_LOGGROUP_RETENTION_PERIOD_CHECK: 'AWS::Logs::LogGroup',
    DYNAMODB_PITR_ENABLED: 'AWS::DynamoDB::Table',
    DYNAMODB_TABLE_ENCRYPTED_KMS: 'AWS::DynamoDB::Table',
    KMS_CMK_NOT_SCHEDULED_FOR_DELETION: 'AWS::KMS::Key',
    LAMBDA_CONCURRENCY_CHECK: 'AWS::Serverless::Function',
    LAMBDA_FUNCTION_PUBLIC_ACCESS_PROHIBITED: 'AWS::Serverless::Function',
    LAMBDA_FUNCTION_SETTINGS_CHECK: 'AWS::Serverless::Function',
    REQUIRED_TAGS: 'AWS::S3::Bucket',
    S3_BUCKET_ACL_PROHIBITED: 'AWS::S3::Bucket',
    S3_BUCKET_LEVEL_PUBLIC_ACCESS_PROHIBITED: 'AWS::S3::Bucket',
    S3_BUCKET_SERVER_SIDE_ENCRYPTION_ENABLED: 'AWS::S3::Bucket',
    S3_BUCKET_SSL_REQUESTS_ONLY: 'AWS::S3::Bucket',
    S3_BUCKET_VERSIONING_ENABLED: 'AWS::S3::Bucket',
    SNS_ENCRYPTED_KMS: 'AWS::SNS::Topic',
    SQS_QUEUE_NO_PUBLIC_ACCESS: 'AWS::SQS::Queue',
    STEP_FUNCTIONS_STATE_MACHINE_LOGGING_ENABLED: 'AWS::StepFunctions::StateMachine',
  };
  const rules = z
    .record(
      z.string(),
      z.object({
        Properties: z.object({
          Description: z.string(),
          Source: z.object({ Owner: z.literal('AWS'), SourceIdentifier: z.string() }),
          InputParameters: z.record(z.string(), z.unknown()).default({}),
          Scope: z.record(z.string(), z.unknown()).default({}),
        }),
      }),
    )
    .parse(at(governance('config-rules.yaml'), 'Resources'));
  const rule = (identifier: string) =>
    Object.values(rules).find(({ Properties }) => Properties.Source.SourceIdentifier === identifier)?.Properties;

  it.each(Object.entries(rules))(
    '%s is a managed rule of AWS, for a resource type of the stack',
    (_, { Properties }) => {
      const type = documented[Properties.Source.SourceIdentifier];
      expect(type).toBeDefined();
      expect([...prod.resources.values()].map(({ Type }) => Type)).toContain(type);
    },
  );

  it.each(Object.entries(rules))(
    '%s covers only the stack, or says that it covers the account',
    (_, { Properties }) => {
      const { TagValue, ComplianceResourceId } = Properties.Scope;
      const ofTheStack = TagValue === projectName || ComplianceResourceId !== undefined;
      expect(Properties.Description.endsWith('in this account.')).toBe(!ofTheStack);
    },
  );

  it('requires the runtime of the functions and the actions of the alarms', () => {
    expect(rule('LAMBDA_FUNCTION_SETTINGS_CHECK')?.InputParameters['runtime']).toBe(prod.functionGlobals['Runtime']);
    for (const [id, { Properties }] of ofType(prod, 'AWS::CloudWatch::Alarm')) {
      expect(Properties['AlarmActions'], id).toBeDefined();
      expect(Properties['OKActions'], id).toBeDefined();
    }
  });
});

/** What a governance stack creates; conditions are left as they are. */
const propertiesIn = (file: string, id: string) => at(governance(file), 'Resources', id, 'Properties');

/** Allowed actions of a policy document, as `action on resource`. */
const allowedBy = (document: Json | undefined) =>
  z
    .array(
      z.object({ Effect: z.literal('Allow'), Action: z.union([z.string(), z.array(z.string())]), Resource: z.json() }),
    )
    .parse(at(document, 'Statement'))
    .flatMap(({ Action, Resource }) => [Action].flat().map((action) => ({ action, on: JSON.stringify(Resource) })));

describe('malware-protection.yaml', () => {
  const allowed = allowedBy(at(propertiesIn('malware-protection.yaml', 'ScanPolicy'), 'PolicyDocument'));

  it('tags uploads, which the stack’s bucket policy relies on', () => {
    const plan = propertiesIn('malware-protection.yaml', 'UploadScan');
    expect(at(plan, 'Actions', 'Tagging', 'Status')).toBe('ENABLED');
    expect(at(plan, 'ProtectedResource', 'S3Bucket')).toEqual({ BucketName: { Ref: 'UploadBucketName' } });
    expect(JSON.stringify(prod.resources.get('UploadBucketPolicy'))).toContain(
      's3:ExistingObjectTag/GuardDutyMalwareScanStatus',
    );
  });

  it('sends its verdicts where the stack’s rule listens', () => {
    expect(JSON.stringify(prod.resources.get('UploadRule'))).toContain(verdictType);
  });

  // https://docs.aws.amazon.com/guardduty/latest/ug/malware-protection-s3-iam-policy-prerequisite.html
  it('grants what AWS documents, and nothing on other buckets, keys or rules', () => {
    expect(allowed.map(({ action }) => action).sort()).toEqual([
      ...[
        'events:DeleteRule',
        'events:DescribeRule',
        'events:ListTargetsByRule',
        'events:PutRule',
        'events:PutTargets',
      ],
      ...['events:RemoveTargets', 'kms:Decrypt', 'kms:GenerateDataKey', 's3:GetBucketNotification', 's3:GetObject'],
      ...['s3:GetObjectTagging', 's3:GetObjectVersion', 's3:GetObjectVersionTagging', 's3:ListBucket'],
      ...['s3:PutBucketNotification', 's3:PutObject', 's3:PutObjectTagging', 's3:PutObjectVersionTagging'],
    ]);
    const scopes = [/\$\{UploadBucketName\}/, /DataKeyArn/, /rule\/DO-NOT-DELETE-AmazonGuardDutyMalwareProtectionS3\*/];
    for (const { action, on } of allowed)
      expect(
        scopes.some((scope) => scope.test(on)),
        action,
      ).toBe(true);
  });

  it('raises an alarm for uploads that were not scanned, whatever the reason', () => {
    const metrics = at(propertiesIn('malware-protection.yaml', 'UploadUnscannedAlarm'), 'Metrics');
    const names = z
      .array(z.json())
      .parse(metrics)
      .map((metric) => at(metric, 'MetricStat', 'Metric', 'MetricName'));
    expect(names.filter((name) => name !== undefined)).toEqual(['FailedScanCount', 'SkippedScanCount']);
  });

  it('writes nothing to the bucket except its own test object', () => {
    expect(allowed.find(({ action }) => action === 's3:PutObject')?.on).toContain(
      '/malware-protection-resource-validation-object',
    );
  });
});

describe('audit-trail.yaml', () => {
  const trail = propertiesIn('audit-trail.yaml', 'AuditTrail');

  it('records data events of the objects in both buckets, and nothing else', () => {
    expect(at(trail, 'AdvancedEventSelectors', 1)).toBeUndefined();
    expect(at(trail, 'AdvancedEventSelectors', 0, 'FieldSelectors')).toEqual([
      { Field: 'eventCategory', Equals: ['Data'] },
      { Field: 'resources.type', Equals: ['AWS::S3::Object'] },
      {
        Field: 'resources.ARN',
        // Without the slash, they would match other buckets too.
        StartsWith: ['UploadBucketName', 'RenditionBucketName'].map((bucket) => ({
          'Fn::Sub': `arn:\${AWS::Partition}:s3:::\${${bucket}}/`,
        })),
      },
    ]);
  });

  it('shows whether a record was changed, and encrypts it with a key of its own', () => {
    expect(at(trail, 'EnableLogFileValidation')).toBe(true);
    expect(at(trail, 'KMSKeyId')).toEqual({ 'Fn::GetAtt': 'AuditKey.Arn' });
  });

  it('locks each record for as long as it is kept', () => {
    const bucket = propertiesIn('audit-trail.yaml', 'AuditBucket');
    expect(at(bucket, 'ObjectLockEnabled')).toBe(true);
    expect(at(bucket, 'ObjectLockConfiguration', 'Rule', 'DefaultRetention')).toEqual({
      Mode: { Ref: 'LockMode' },
      Days: { Ref: 'RetentionDays' },
    });
    expect(at(bucket, 'LifecycleConfiguration', 'Rules', 0, 'ExpirationInDays')).toEqual({ Ref: 'RetentionDays' });
  });

  it('accepts records only from this trail', () => {
    const document = at(propertiesIn('audit-trail.yaml', 'AuditBucketPolicy'), 'PolicyDocument', 'Statement');
    const statements = z
      .array(z.object({ Effect: z.string(), Principal: z.json(), Condition: z.json() }))
      .parse(document)
      .filter(({ Effect }) => Effect === 'Allow');
    expect(statements).toHaveLength(2);
    for (const { Principal, Condition } of statements) {
      expect(Principal).toEqual({ Service: 'cloudtrail.amazonaws.com' });
      expect(JSON.stringify(at(Condition, 'StringEquals', 'aws:SourceArn'))).toContain(':trail/${AWS::StackName}');
    }
  });
});

describe('backup.yaml', () => {
  const rule = at(propertiesIn('backup.yaml', 'BackupPlan'), 'BackupPlan', 'BackupPlanRule', 0);

  it('copies uploads and records, which cannot be made again, every day', () => {
    const resources = at(propertiesIn('backup.yaml', 'BackupSelection'), 'BackupSelection', 'Resources');
    expect(JSON.stringify(resources)).toMatch(/s3:::\$\{UploadBucketName\}.*table\/\$\{ImageTableName\}/);
    expect(at(rule, 'ScheduleExpression')).toMatch(/^cron\(\d+ \d+ \* \* \? \*\)$/);
  });

  it('keeps a backup exactly as long as the vault is locked for it', () => {
    expect(at(rule, 'Lifecycle', 'DeleteAfterDays')).toEqual({ Ref: 'RetentionDays' });
    const vault = propertiesIn('backup.yaml', 'BackupVault');
    expect(at(vault, 'LockConfiguration', 'Fn::If', 1, 'MinRetentionDays')).toEqual({ Ref: 'RetentionDays' });
    expect(at(governance('backup.yaml'), 'Parameters', 'VaultLock', 'Default')).toBe('governance');
  });

  it('locks permanently only if that was chosen, and leaves time to reconsider', () => {
    const days = at(propertiesIn('backup.yaml', 'BackupVault'), 'LockConfiguration', 'Fn::If', 1, 'ChangeableForDays');
    expect(days).toEqual({ 'Fn::If': ['LocksForGood', 3, { Ref: 'AWS::NoValue' }] });
  });

  it.each(['DynamoDB', 'S3'])('restores the newest backup of %s every month, to see whether it can', (type) => {
    const tests = ['RestoreTestOfRecords', 'RestoreTestOfUploads'].map((id) => propertiesIn('backup.yaml', id));
    expect(tests.map((test) => at(test, 'ProtectedResourceType'))).toContain(type);
    expect(at(propertiesIn('backup.yaml', 'RestoreTest'), 'ScheduleExpression')).toContain('SUN#1');
  });

  it('cannot restore with the role that backs up', () => {
    const policies = (id: string) => JSON.stringify(at(propertiesIn('backup.yaml', id), 'ManagedPolicyArns'));
    expect(policies('BackupRole')).not.toContain('Restore');
    expect(policies('RestoreRole')).not.toContain('ForBackup');
  });

  it('raises an alarm if backups fail, and if there are none', () => {
    expect(at(propertiesIn('backup.yaml', 'BackupFailedAlarm'), 'MetricName')).toBe('NumberOfBackupJobsFailed');
    expect(at(propertiesIn('backup.yaml', 'BackupMissingAlarm'), 'TreatMissingData')).toBe('breaching');
  });
});

describe('weekly-audit.yaml', () => {
  const audit = propertiesIn('weekly-audit.yaml', 'Audit');
  const policies = at(propertiesIn('weekly-audit.yaml', 'AuditRole'), 'Policies');
  const allowed = [at(policies, 0), at(policies, 1, 'Fn::If', 1)].flatMap((policy) =>
    allowedBy(at(policy, 'PolicyDocument')),
  );

  it('runs the command every week, with options that it has', () => {
    const [, line = ''] = /- npm run -s audit -- (.+)/.exec(z.string().parse(at(audit, 'Source', 'BuildSpec'))) ?? [];
    expect(parsedOptions(auditCommand, line.replace('"$STACK"', 'stack-to-audit').split(' '))).toMatchObject({
      ...{ stack: 'stack-to-audit', yes: true, json: true },
    });
    expect(at(governance('weekly-audit.yaml'), 'Parameters', 'Schedule', 'Default')).toMatch(/^cron\(.+ SUN \*\)$/);
    expect(at(propertiesIn('weekly-audit.yaml', 'Weekly'), 'Target', 'Arn')).toEqual({ 'Fn::GetAtt': 'Audit.Arn' });
  });

  it('grants what the runbook lists for an audit without --repair, and the log', () => {
    const rows = readFileSync('docs/runbooks/audit.md', 'utf8')
      .split('\n')
      .filter((row) => row.startsWith('| `'));
    const listed = rows.flatMap((row) => {
      const [, actions = ''] = row.split('|');
      let service = '';
      return [...actions.matchAll(/`(?:(\w+):)?(\w+)`/g)].map(([, named, action]) => {
        service = named ?? service;
        return `${service}:${action}`;
      });
    });
    const ofAudit = allowed.map(({ action }) => action).filter((action) => !/^(logs|codeconnections):/.test(action));
    expect([...new Set(ofAudit)].sort()).toEqual([...new Set(listed)].sort());
  });

  it('cannot change images, records or messages', () => {
    const reads = /:(Get|List|Describe|Scan|Decrypt)/;
    expect(allowed.filter(({ action }) => !reads.test(action)).map(({ action }) => action)).toEqual([
      ...['logs:CreateLogStream', 'logs:PutLogEvents', 'codeconnections:UseConnection'],
    ]);
  });

  it('raises an alarm about findings until the next audit, and if an audit could not start', () => {
    const alarm = (id: string) => propertiesIn('weekly-audit.yaml', id);
    expect(at(alarm('AuditFailedAlarm'), 'MetricName')).toBe('FailedBuilds');
    expect(at(alarm('AuditFailedAlarm'), 'Dimensions')).toEqual([{ Name: 'ProjectName', Value: { Ref: 'Audit' } }]);
    expect(at(alarm('AuditNotStartedAlarm'), 'MetricName')).toBe('TargetErrorCount');
    for (const id of ['AuditFailedAlarm', 'AuditNotStartedAlarm']) {
      const { Period, EvaluationPeriods, ...rest } = z
        .looseObject({ Period: z.number(), EvaluationPeriods: z.number() })
        .parse(alarm(id));
      expect(Period * EvaluationPeriods).toBe(7 * 86_400);
      expect(rest).toMatchObject({ DatapointsToAlarm: 1, TreatMissingData: 'notBreaching' });
    }
  });
});

describe('experiments.yaml', () => {
  const template = governance('experiments.yaml');
  const experiments = ['ThrottleExperiment', 'DenyExperiment', 'StopExperiment'] as const;
  const documents = ['ThrottleDocument', 'StopDocument'] as const;
  const step = z.looseObject({ name: z.string(), onFailure: z.string().optional(), onCancel: z.string().optional() });
  const stepsOf = (id: string) => z.array(step).parse(at(propertiesIn('experiments.yaml', id), 'Content', 'mainSteps'));

  it.each([`${projectName}-prod`, 'prod', 'my-production-1'])('refuses %s', (name) => {
    const pattern = z.string().parse(at(template, 'Parameters', 'StackName', 'AllowedPattern'));
    expect(name).not.toMatch(new RegExp(pattern));
    expect(`${projectName}-dev`).toMatch(new RegExp(pattern));
    expect(at(template, 'Parameters', 'ProdStackName', 'Default')).toBe('');
  });

  it.each(experiments)('%s stops as soon as the paging alarm fires', (id) => {
    expect(at(propertiesIn('experiments.yaml', id), 'StopConditions')).toEqual([
      { Source: 'aws:cloudwatch:alarm', Value: { Ref: 'PagerAlarmArn' } },
    ]);
  });

  it.each(documents)('%s undoes what it changed, also if it fails or is stopped', (id) => {
    const [find, ...steps] = stepsOf(id);
    const restore = steps.pop();
    expect([find?.name, restore?.name, restore?.['isEnd']]).toEqual(['find', 'restore', true]);
    expect(steps.length).toBeGreaterThan(0);
    for (const { name, onFailure, onCancel } of steps)
      expect([onFailure, onCancel], name).toEqual(['step:restore', 'step:restore']);
  });

  it('lasts less time than the five attempts of an upload take', () => {
    const most = Number(at(template, 'Parameters', 'Minutes', 'MaxValue'));
    expect(most).toBeLessThanOrEqual(10);
    // The automation may take longer than its wait, and must not be cut off before it has restored.
    for (const [id, action] of [
      ['ThrottleExperiment', 'throttle'],
      ['StopExperiment', 'stop'],
    ] as const)
      expect(at(propertiesIn('experiments.yaml', id), 'Actions', action, 'Parameters', 'maxDuration')).toBe('PT15M');
  });

  it('names resources that the stack has', () => {
    const named = documents.map((id) => at(propertiesIn('experiments.yaml', id), 'Content', 'mainSteps', 0, 'inputs'));
    const [throttled, stopped] = named.map((inputs) => at(inputs, 'LogicalResourceId'));
    expect(prod.resources.has(String(throttled))).toBe(true);
    // SAM names the mapping after the function and its event.
    const events = prod.resources.get('DispatchImagesFunction')?.Properties['Events'];
    expect(Object.keys(Object(events)).map((event) => `DispatchImagesFunction${event}`)).toContain(stopped);
  });

  it('may change one function and one queue’s readers of the stack, and nothing else', () => {
    const document = at(propertiesIn('experiments.yaml', 'AutomationRole'), 'Policies', 0, 'PolicyDocument');
    expect(allowedBy(document).map(({ action }) => action)).toEqual([
      ...['cloudformation:DescribeStackResource', 'lambda:PutFunctionConcurrency', 'lambda:DeleteFunctionConcurrency'],
      'lambda:UpdateEventSourceMapping',
    ]);
    expect(JSON.stringify(document)).toContain('${Name}-ResizeImageFunction-*');
    expect(JSON.stringify(document)).toContain('${Name}-DispatchImagesFunction-*');
  });
});
