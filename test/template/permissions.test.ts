import { describe, expect, it } from 'vitest';
import { padSequencer } from '../../core/image.ts';
import { probePrefix, releaseCheckPrefix } from '../../core/names.ts';
import { contentTypes, renditionKey } from '../../core/rendition.ts';
import { steps } from '../../core/steps.ts';
import { releasedSteps } from '../../core/watch/release.ts';
import {
  at,
  type Json,
  ofType,
  type Resource,
  type Stage,
  stages,
  statementsOf,
  templateFor,
} from '../../scripts/template/template.ts';
import { workflow } from '../support/workflow.ts';

/**
 * Every role has exactly the permissions that its code uses. This file covers what AWS itself does on behalf of a resource,
 * and what the emulator does not enforce. test/pipeline/permissions.test.ts proves what the functions' own calls need: it
 * removes each permission in turn and expects the call to be denied.
 */

interface Permission {
  readonly action: string;
  readonly on: string;
}

const text = ({ action, on }: Permission) => `${action} on ${on}`;
const sorted = (permissions: readonly Permission[]) => permissions.map(text).sort();

/** `UploadBucket` or `UploadBucket/*`: the resource, or the part of it that the policy names. */
const exactly = (resource: Json): string => {
  if (resource === '*') return '*';
  const text = String(at(resource, 'Ref') ?? at(resource, 'Fn::GetAtt') ?? at(resource, 'Fn::Sub'));
  return text.replace(/^\$\{([A-Za-z]+)\.Arn\}/, '$1').replace(/^([A-Za-z]+)\.Arn$/, '$1');
};

const granted = (role: Resource): Permission[] =>
  statementsOf(role).flatMap(({ Effect, Action, Resource, Condition }) => {
    const unlessPlain =
      Effect === 'Allow' && Condition === undefined ? '' : ` (${Effect} if ${JSON.stringify(Condition)})`;
    return Action.flatMap((action) => Resource.map((resource) => ({ action, on: exactly(resource) + unlessPlain })));
  });

const roleOf = (stage: Stage, id: string): Resource => {
  const role = templateFor(stage).resources.get(id);
  if (role === undefined) throw new Error(`template.yaml has no role ${id}.`);
  return role;
};

/** The prefixes in the upload bucket that roles of the stack may write to. */
const ownPrefixes: Readonly<Record<string, readonly string[]>> = {
  CheckReleaseRole: [`UploadBucket/${releaseCheckPrefix}*`],
  ProbePipelineRole: [`UploadBucket/${probePrefix}*`],
};

/** By name, because the dispatcher's ARN would be a circular reference. */
const ofThisStack = (service: string, kind: string, rest: string) =>
  `arn:\${AWS::Partition}:${service}:\${AWS::Region}:\${AWS::AccountId}:${kind}:\${AWS::StackName}-${rest}`;

/** A worker may write what the pipeline serves as images, and no index.html. */
const renditionNames = Object.keys(contentTypes).map((format) => {
  const preset = { name: '*', format: format as keyof typeof contentTypes };
  return `RenditionBucket/${renditionKey('*', '*', preset)}`;
});

/** The executions of one workflow, by the context with which Step Functions encrypts them. */
const ofWorkflow = (id: string) => ({
  StringLike: {
    'kms:EncryptionContext:aws:states:stateMachineArn': {
      'Fn::Sub': `arn:\${AWS::Partition}:states:\${AWS::Region}:\${AWS::AccountId}:stateMachine:\${AWS::StackName}-${id}*`,
    },
  },
});
const ofLogDelivery = {
  StringLike: {
    'kms:EncryptionContext:SourceArn': { 'Fn::Sub': 'arn:${AWS::Partition}:logs:${AWS::Region}:${AWS::AccountId}:*' },
  },
};
const dataKeyIf = (condition: object) => `DataKey (Allow if ${JSON.stringify(condition)})`;

const allow = (on: string, ...actions: string[]): Permission[] => actions.map((action) => ({ action, on }));

// Lambda does this with the function's role, and the function's code may not:
// https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html
const byItsCode = {
  ArnLike: { 'lambda:SourceFunctionArn': { 'Fn::Sub': ofThisStack('lambda', 'function', '*') } },
};
const changingInterfaces = [
  'ec2:AssignPrivateIpAddresses',
  'ec2:CreateNetworkInterface',
  'ec2:DeleteNetworkInterface',
  'ec2:UnassignPrivateIpAddresses',
];
const seeingNetwork = ['ec2:DescribeNetworkInterfaces', 'ec2:DescribeSubnets'];
const joiningNetwork = [
  ...allow('arn:${AWS::Partition}:ec2:${AWS::Region}:${AWS::AccountId}:*/*', ...changingInterfaces),
  ...allow('*', ...seeingNetwork),
  ...allow(`* (Deny if ${JSON.stringify(byItsCode)})`, ...changingInterfaces, ...seeingNetwork),
];

describe.each(stages)('stage %s', (stage) => {
  const template = templateFor(stage);

  /** What Lambda does on a function's behalf because of how the function is declared. */
  const byDeclaration = (stem: string): Permission[] => {
    const declared = template.resources.get(`${stem}Function`)?.Properties ?? {};
    return [
      ...allow(`${stem}LogGroup`, 'logs:CreateLogStream', 'logs:PutLogEvents'),
      ...(template.functionGlobals['Tracing'] === 'Active'
        ? allow('*', 'xray:PutTraceSegments', 'xray:PutTelemetryRecords')
        : []),
      ...(declared['VpcConfig'] === undefined ? [] : joiningNetwork),
      // https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html#events-sqs-permissions
      ...(at(declared['Events'], 'Uploads', 'Type') === 'SQS'
        ? ['UploadQueue', 'OverflowQueue'].flatMap((queue) =>
            allow(queue, 'sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:GetQueueAttributes'),
          )
        : []),
      // https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/iam-policy-example-lamda-process-dynamodb-streams.html
      ...(at(declared['Events'], 'Changes', 'Type') === 'DynamoDB'
        ? allow(
            'ImageTable.StreamArn',
            ...['dynamodb:DescribeStream', 'dynamodb:GetRecords', 'dynamodb:GetShardIterator', 'dynamodb:ListStreams'],
          )
        : []),
      // https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html
      ...(at(declared['Events'], 'Changes', 'Properties', 'DestinationConfig') === undefined
        ? []
        : allow('UnrecordedChangeQueue', 'sqs:SendMessage')),
    ];
  };

  const needsKey = { s3: /^s3:(GetObject|PutObject)/, sqs: /^sqs:(Receive|Send)Message$/, dynamodb: /^dynamodb:/ };

  // All user data is encrypted with one key: readers need Decrypt, writers of objects GenerateDataKey. The key works only
  // through the services that hold the data: https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html
  // https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html and …/developerguide/encryption.usagenotes.html
  const throughDataKey = (permissions: readonly Permission[]): Permission[] => {
    const has = (pattern: RegExp) => permissions.some(({ action }) => pattern.test(action));
    const services = (['s3', 'sqs', 'dynamodb'] as const).filter((service) => has(needsKey[service]));
    const through = services.map((service) => ({ 'Fn::Sub': `${service}.\${AWS::Region}.amazonaws.com` }));
    const condition = { StringEquals: { 'kms:ViaService': through.length === 1 ? through[0] : through } };
    const key = dataKeyIf(condition);
    return [
      ...(services.length > 0 ? allow(key, 'kms:Decrypt') : []),
      ...(has(/^(s3:PutObject|sqs:SendMessage)$/) ? allow(key, 'kms:GenerateDataKey') : []),
      // https://docs.aws.amazon.com/step-functions/latest/dg/encryption-at-rest.html#using-api-with-encryption-required-permissions
      ...(has(/^states:StartSyncExecution$/) ? allow(dataKeyIf(ofWorkflow('ImagePipeline')), 'kms:Decrypt') : []),
    ];
  };

  // GetObject answers 403 instead of 404 to a role that may not list the bucket.
  const readUploads = [
    ...allow('UploadBucket/*', 's3:GetObjectVersion', 's3:GetObject'),
    ...allow('UploadBucket', 's3:ListBucket'),
  ];

  // The emulator cannot prove these, because it has no CodeDeploy.
  const deployments = ofThisStack('codedeploy', 'deploymentgroup', '*');
  const dispatcher = ofThisStack('lambda', 'function', 'DispatchImagesFunction-*:*');
  const newVersions = releasedSteps.filter((step) => step !== 'DispatchImages').map((stem) => `${stem}Function:*`);
  const checkRelease: [string, readonly Permission[]] = [
    'CheckRelease',
    [
      ...allow(deployments, 'codedeploy:GetDeployment', 'codedeploy:PutLifecycleEventHookExecutionStatus'),
      ...allow(`UploadBucket/${releaseCheckPrefix}*`, 's3:PutObject', 's3:DeleteObject'),
      ...[...newVersions, dispatcher].flatMap((version) => allow(version, 'lambda:InvokeFunction')),
      // The check's own sequencer, which S3 never assigns.
      ...allow(`RenditionBucket/*/${padSequencer('0')}/*`, 's3:GetObject', 's3:PutObject'),
      ...allow('RenditionBucket', 's3:ListBucket'),
    ],
  ];

  const byCode: readonly [string, readonly Permission[]][] = [
    [
      'DispatchImages',
      [
        ...allow('UploadQueue', 'sqs:ChangeMessageVisibility'),
        ...allow('OverflowQueue', 'sqs:ChangeMessageVisibility', 'sqs:SendMessage'),
        ...allow('ImagePipeline', 'states:StartSyncExecution'),
        ...allow('IdempotencyTable', 'dynamodb:PutItem', 'dynamodb:UpdateItem', 'dynamodb:DeleteItem'),
      ],
    ],
    ['ExtractMetadata', readUploads],
    ['ResizeImage', [...readUploads, ...renditionNames.flatMap((name) => allow(name, 's3:PutObject'))]],
    [
      'RemoveRenditions',
      [...allow('RenditionBucket', 's3:ListBucket'), ...allow('RenditionBucket/*', 's3:DeleteObject')],
    ],
    [
      'ProbePipeline',
      [
        ...allow(`UploadBucket/${probePrefix}*`, 's3:PutObject', 's3:DeleteObject'),
        ...allow('ImageTable', 'dynamodb:GetItem'),
        ...allow('RenditionBucket/*', 's3:GetObject'),
      ],
    ],
    [
      'BackfillImages',
      [
        ...allow('ImageTable', 'dynamodb:GetItem'),
        ...allow('UploadBucket/*', 's3:GetObject'),
        ...allow('UploadBucket', 's3:ListBucket'),
        ...allow('OverflowQueue', 'sqs:GetQueueAttributes', 'sqs:SendMessage'),
      ],
    ],
    ['RecordHistory', allow('HistoryBucket/history/*', 's3:PutObject')],
    ...(stage === 'local' ? [] : [checkRelease]),
  ];

  it.each(steps)('the calls of $name are listed in this test', ({ name }) => {
    expect(
      byCode.some(([stem]) => stem === name),
      `test/template/permissions.test.ts has no line for ${name}: add to byCode what its code calls.`,
    ).toBe(true);
  });

  it.each(byCode)('%s may make exactly the calls that its code and its declaration need', (stem, called) => {
    const needed = [...byDeclaration(stem), ...called];
    // The headers of an upload are not encrypted: https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html
    const encrypted = stem === 'BackfillImages' ? needed.filter(({ action }) => !action.startsWith('s3:')) : needed;
    expect(sorted(granted(roleOf(stage, `${stem}Role`)))).toEqual(sorted([...needed, ...throughDataKey(encrypted)]));
  });

  it('the workflow may make exactly the calls in its definition', () => {
    const actionOf: Readonly<Record<string, string>> = {
      'arn:aws:states:::lambda:invoke': 'lambda:InvokeFunction',
      'arn:aws:states:::dynamodb:putItem': 'dynamodb:PutItem',
      'arn:aws:states:::dynamodb:getItem': 'dynamodb:GetItem',
      'arn:aws:states:::dynamodb:updateItem': 'dynamodb:UpdateItem',
      'arn:aws:states:::events:putEvents': 'events:PutEvents',
    };
    const tasks = workflow.tasks.map(({ resource, definition }): Permission => {
      const [, on] = /\$\{(\w+)\}/.exec(JSON.stringify(definition.Arguments)) ?? [];
      const action = actionOf[resource] ?? `unknown integration ${resource}`;
      // The definition refers to functions by alias.
      return { action, on: action === 'lambda:InvokeFunction' ? `${on}.Alias` : `${on}` };
    });
    const byDefinition = [...new Map(tasks.map((permission) => [text(permission), permission])).values()];
    const byLoggingAndTracing = granted(roleOf(stage, 'ImagePipelineRole')).filter(({ on }) => on === '*');
    expect(sorted(granted(roleOf(stage, 'ImagePipelineRole')))).toEqual(
      sorted([
        ...byDefinition,
        ...throughDataKey(byDefinition),
        ...byLoggingAndTracing,
        ...allow(dataKeyIf(ofWorkflow('ImagePipeline')), 'kms:Decrypt', 'kms:GenerateDataKey'),
        ...allow(dataKeyIf(ofLogDelivery), 'kms:GenerateDataKey'),
      ]),
    );
    // https://docs.aws.amazon.com/step-functions/latest/dg/cw-logs.html and …/xray-iam.html
    expect(byLoggingAndTracing.map(({ action }) => action).sort()).toEqual([
      'logs:CreateLogDelivery',
      'logs:DeleteLogDelivery',
      'logs:DescribeLogGroups',
      'logs:DescribeResourcePolicies',
      'logs:GetLogDelivery',
      'logs:ListLogDeliveries',
      'logs:PutResourcePolicy',
      'logs:UpdateLogDelivery',
      'xray:GetSamplingRules',
      'xray:GetSamplingTargets',
      'xray:PutTelemetryRecords',
      'xray:PutTraceSegments',
    ]);
  });

  it.each(ofType(template, 'AWS::Serverless::Function').map(([id]) => id.replace(/Function$/, '')))(
    'only Lambda may assume the role of %s',
    (stem) => {
      expect(roleOf(stage, `${stem}Role`).Properties['AssumeRolePolicyDocument']).toEqual({
        Version: '2012-10-17',
        Statement: [{ Effect: 'Allow', Principal: { Service: 'lambda.amazonaws.com' }, Action: 'sts:AssumeRole' }],
      });
    },
  );

  it('roles write to the upload bucket only below their own prefixes, so that no image can loop', () => {
    for (const [id, role] of ofType(template, 'AWS::IAM::Role')) {
      const written = granted(role)
        .filter(({ action, on }) => on.startsWith('UploadBucket') && !/^s3:(Get|List)/.test(action))
        .map(({ on }) => on);
      expect([...new Set(written)], id).toEqual(ownPrefixes[id] ?? []);
    }
  });

  // The circuit breaker cannot loop either: intake-breaker.test.ts.
  it('nothing that an upload starts may call the probe, so that no image can loop', () => {
    const callers = ofType(template, 'AWS::IAM::Role').filter(([, role]) =>
      granted(role).some(({ action, on }) => action === 'lambda:InvokeFunction' && on.startsWith('ProbePipeline')),
    );
    expect(callers.map(([id]) => id).sort()).toEqual(
      stage === 'local' ? ['ProbeScheduleRole'] : ['IntakeBreakerRole', 'ProbeScheduleRole'],
    );
    expect(roleOf(stage, 'ProbeScheduleRole').Properties['AssumeRolePolicyDocument']).toEqual({
      Version: '2012-10-17',
      Statement: [
        {
          Effect: 'Allow',
          Principal: { Service: 'scheduler.amazonaws.com' },
          Action: 'sts:AssumeRole',
          Condition: { StringEquals: { 'aws:SourceAccount': { Ref: 'AWS::AccountId' } } },
        },
      ],
    });
    // And not in any other way: it has no event source, and no policy that admits a service.
    expect(template.resources.get('ProbePipelineFunction')?.Properties['Events']).toBeUndefined();
    expect(ofType(template, 'AWS::Lambda::Permission')).toEqual([]);
  });

  it('the schedule may call the probe, and nothing else', () => {
    expect(granted(roleOf(stage, 'ProbeScheduleRole'))).toEqual(
      allow('ProbePipelineFunction.Alias', 'lambda:InvokeFunction'),
    );
    expect(template.resources.get('ProbeSchedule')?.Properties['Target']).toMatchObject({
      RoleArn: { 'Fn::GetAtt': 'ProbeScheduleRole.Arn' },
    });
  });

  it('no policy has a wildcard action, or a wildcard resource that AWS does not require', () => {
    for (const [id, role] of ofType(template, 'AWS::IAM::Role')) {
      for (const { action, on } of granted(role)) {
        expect(action, id).not.toContain('*');
        // CodeDeploy's own policy asks for every alarm: https://docs.aws.amazon.com/aws-managed-policy/latest/reference/AWSCodeDeployRoleForLambdaLimited.html
        if (on === '*')
          expect(action, id).toMatch(/^(xray|logs):|^cloudwatch:(DescribeAlarms|GetMetricData)$|^ec2:Describe/);
      }
    }
  });

  it('CodeDeploy may shift the traffic of this stack’s functions, and nothing else', () => {
    const role = roleOf(stage, 'ReleaseRole');
    expect(at(role.Properties['AssumeRolePolicyDocument'], 'Statement', 0)).toMatchObject({
      Principal: { Service: 'codedeploy.amazonaws.com' },
      Condition: { StringEquals: { 'aws:SourceAccount': { Ref: 'AWS::AccountId' } } },
    });
    expect(sorted(granted(role))).toEqual(
      sorted([
        ...allow(
          ofThisStack('lambda', 'function', '*'),
          'lambda:GetAlias',
          'lambda:UpdateAlias',
          'lambda:GetProvisionedConcurrencyConfig',
        ),
        ...allow(ofThisStack('lambda', 'function', 'CheckReleaseFunction-*'), 'lambda:InvokeFunction'),
        ...allow('*', 'cloudwatch:DescribeAlarms'),
      ]),
    );
  });

  it('the boundary of every role allows exactly what all roles together may do, in this account only', () => {
    const roles = ofType(templateFor('prod'), 'AWS::IAM::Role').map(([, role]) => role);
    for (const [id, role] of ofType(template, 'AWS::IAM::Role')) {
      expect(role.Properties['PermissionsBoundary'], id).toEqual({ Ref: 'PipelineBoundary' });
    }
    const boundary = roleOf(stage, 'PipelineBoundary').Properties['PolicyDocument'];
    const [statement, ...others] = [at(boundary, 'Statement') ?? []].flat();
    expect(others).toEqual([]);
    expect(at(statement, 'Action')).toEqual([
      ...new Set(
        roles
          .flatMap(granted)
          .map(({ action }) => action)
          .sort(),
      ),
    ]);
    expect(at(statement, 'Condition')).toEqual({
      StringEqualsIfExists: { 'aws:ResourceAccount': { Ref: 'AWS::AccountId' } },
    });
  });

  it.each(['UploadQueue', 'UndeliveredEventQueue'])('EventBridge may send to %s for this rule only', (queue) => {
    const policy = template.resources.get(`${queue}Policy`)?.Properties['PolicyDocument'];
    expect(at(policy, 'Statement', 0)).toEqual({
      Sid: 'DeliverUploads',
      Effect: 'Allow',
      Principal: { Service: 'events.amazonaws.com' },
      Action: 'sqs:SendMessage',
      Resource: { 'Fn::GetAtt': `${queue}.Arn` },
      Condition: { ArnEquals: { 'aws:SourceArn': { 'Fn::GetAtt': 'UploadRule.Arn' } } },
    });
  });
});

it('the circuit breaker may switch intake, read its alarm and metrics, and call the probe, and nothing else', () => {
  const byTracing = granted(roleOf('prod', 'ImagePipelineRole')).filter(({ on }) => on === '*');
  expect(sorted(granted(roleOf('prod', 'IntakeBreakerRole')))).toEqual(
    sorted([
      ...['Uploads', 'Overflow'].flatMap((event) =>
        allow(
          `arn:\${AWS::Partition}:lambda:\${AWS::Region}:\${AWS::AccountId}:event-source-mapping:\${DispatchImagesFunction${event}}`,
          'lambda:UpdateEventSourceMapping',
        ),
      ),
      ...allow(
        'arn:${AWS::Partition}:cloudwatch:${AWS::Region}:${AWS::AccountId}:alarm:*',
        'cloudwatch:DescribeAlarms',
        'cloudwatch:DescribeAlarmHistory',
      ),
      ...allow('*', 'cloudwatch:GetMetricData'),
      ...allow('ProbePipelineFunction.Alias', 'lambda:InvokeFunction'),
      ...allow(
        'arn:${AWS::Partition}:events:${AWS::Region}:${AWS::AccountId}:rule/${AWS::StackName}-IntakeBreakerRule-*',
        'events:DescribeRule',
      ),
      ...allow(dataKeyIf(ofWorkflow('IntakeBreaker')), 'kms:Decrypt', 'kms:GenerateDataKey'),
      ...allow(dataKeyIf(ofLogDelivery), 'kms:GenerateDataKey'),
      ...byTracing,
    ]),
  );
  expect(sorted(granted(roleOf('prod', 'IntakeBreakerRuleRole')))).toEqual(['states:StartExecution on IntakeBreaker']);
});

it('an organisation’s permissions boundary replaces the stack’s own', () => {
  const theirs = 'arn:aws:iam::111122223333:policy/boundary';
  for (const [id, role] of ofType(templateFor('prod', { PermissionsBoundary: theirs }), 'AWS::IAM::Role')) {
    expect(role.Properties['PermissionsBoundary'], id).toBe(theirs);
  }
});
