import { describe, expect, it } from 'vitest';
import { padSequencer } from '../../core/image.ts';
import { probePrefix, releaseCheckPrefix } from '../../core/names.ts';
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
import { workflow } from '../../scripts/template/workflow.ts';

/**
 * Every role holds exactly what its code uses. Here: what AWS itself does on behalf of a resource, and what the emulator
 * does not enforce. What the functions' own calls need is proved by test/pipeline/permissions.test.ts, which takes each
 * permission away in turn and sees the call denied.
 */

interface Permission {
  readonly action: string;
  readonly on: string;
}

const text = ({ action, on }: Permission) => `${action} on ${on}`;
const sorted = (permissions: readonly Permission[]) => permissions.map(text).sort();

/** `UploadBucket`, `UploadBucket/*`: the resource and what of it, exactly as the policy will say it. */
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

/** What may be written to the upload bucket beside people's images, and by whom. */
const ownPrefixes: Readonly<Record<string, readonly string[]>> = {
  CheckReleaseRole: [`UploadBucket/${releaseCheckPrefix}*`],
  ProbePipelineRole: [`UploadBucket/${probePrefix}*`],
};

/** By name: the dispatcher's ARN would close a circle of resources that wait for each other. */
const ofThisStack = (service: string, kind: string, rest: string) =>
  `arn:\${AWS::Partition}:${service}:\${AWS::Region}:\${AWS::AccountId}:${kind}:\${AWS::StackName}-${rest}`;

const allow = (on: string, ...actions: string[]): Permission[] => actions.map((action) => ({ action, on }));

describe.each(stages)('stage %s', (stage) => {
  const template = templateFor(stage);

  /** What Lambda does in a function's name because of how the function is declared. */
  const byDeclaration = (stem: string): Permission[] => {
    const declared = template.resources.get(`${stem}Function`)?.Properties ?? {};
    return [
      ...allow(`${stem}LogGroup`, 'logs:CreateLogStream', 'logs:PutLogEvents'),
      ...(template.functionGlobals['Tracing'] === 'Active'
        ? allow('*', 'xray:PutTraceSegments', 'xray:PutTelemetryRecords')
        : []),
      // https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html#events-sqs-permissions
      ...(at(declared['Events'], 'Uploads', 'Type') === 'SQS'
        ? ['UploadQueue', 'OverflowQueue'].flatMap((queue) =>
            allow(queue, 'sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:GetQueueAttributes'),
          )
        : []),
    ];
  };

  // All that holds people's data is encrypted with one key: who reads needs Decrypt, who writes objects GenerateDataKey.
  // https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html and …/developerguide/encryption.usagenotes.html
  const throughDataKey = (permissions: readonly Permission[]): Permission[] => {
    const has = (pattern: RegExp) => permissions.some(({ action }) => pattern.test(action));
    return [
      ...(has(/^(s3:GetObject|sqs:ReceiveMessage|dynamodb:)/) ? allow('DataKey', 'kms:Decrypt') : []),
      ...(has(/^(s3:PutObject|sqs:SendMessage)$/) ? allow('DataKey', 'kms:GenerateDataKey') : []),
    ];
  };

  // GetObject answers 403 instead of 404 to a role that may not list the bucket.
  const readUploads = [
    ...allow('UploadBucket/*', 's3:GetObjectVersion', 's3:GetObject'),
    ...allow('UploadBucket', 's3:ListBucket'),
  ];

  // Not proved by the emulator, which has no CodeDeploy.
  const deployments = ofThisStack('codedeploy', 'deploymentgroup', '*');
  const dispatcher = ofThisStack('lambda', 'function', 'DispatchImagesFunction-*:*');
  const newVersions = releasedSteps.filter((step) => step !== 'DispatchImages').map((stem) => `${stem}Function:*`);
  const checkRelease: [string, readonly Permission[]] = [
    'CheckRelease',
    [
      ...allow(deployments, 'codedeploy:GetDeployment', 'codedeploy:PutLifecycleEventHookExecutionStatus'),
      ...allow(`UploadBucket/${releaseCheckPrefix}*`, 's3:PutObject', 's3:DeleteObject'),
      ...[...newVersions, dispatcher].flatMap((version) => allow(version, 'lambda:InvokeFunction')),
      // The check's own sequencer, which S3 gives to no upload.
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
    ['ResizeImage', [...readUploads, ...allow('RenditionBucket/*', 's3:PutObject')]],
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
    ...(stage === 'local' ? [] : [checkRelease]),
  ];

  it.each(steps)('knows what the code of $name calls', ({ name }) => {
    expect(
      byCode.some(([stem]) => stem === name),
      `test/template/permissions.test.ts has no line for ${name}: add to byCode what its code calls.`,
    ).toBe(true);
  });

  it.each(byCode)('%s may do what its code and its declaration need, and nothing else', (stem, called) => {
    const needed = [...byDeclaration(stem), ...called];
    expect(sorted(granted(roleOf(stage, `${stem}Role`)))).toEqual(sorted([...needed, ...throughDataKey(needed)]));
  });

  it('lets the workflow do what its definition says, and nothing else', () => {
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
      // A function is substituted by its alias.
      return { action, on: action === 'lambda:InvokeFunction' ? `${on}.Alias` : `${on}` };
    });
    const byDefinition = [...new Map(tasks.map((permission) => [text(permission), permission])).values()];
    const byLoggingAndTracing = granted(roleOf(stage, 'ImagePipelineRole')).filter(({ on }) => on === '*');
    expect(sorted(granted(roleOf(stage, 'ImagePipelineRole')))).toEqual(
      sorted([...byDefinition, ...throughDataKey(byDefinition), ...byLoggingAndTracing]),
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
    'lets Lambda, and nobody else, act as %s',
    (stem) => {
      expect(roleOf(stage, `${stem}Role`).Properties['AssumeRolePolicyDocument']).toEqual({
        Version: '2012-10-17',
        Statement: [{ Effect: 'Allow', Principal: { Service: 'lambda.amazonaws.com' }, Action: 'sts:AssumeRole' }],
      });
    },
  );

  it('lets nobody write to the upload bucket but below a prefix of its own, so that no image can loop', () => {
    for (const [id, role] of ofType(template, 'AWS::IAM::Role')) {
      const written = granted(role)
        .filter(({ action, on }) => on.startsWith('UploadBucket') && !/^s3:(Get|List)/.test(action))
        .map(({ on }) => on);
      expect([...new Set(written)], id).toEqual(ownPrefixes[id] ?? []);
    }
  });

  // The circuit breaker cannot loop either: intake-breaker.test.ts.
  it('lets nothing that one upload sets off call the probe, so that no image can loop', () => {
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
    // Nor by another way: no events of its own, and no policy that lets a service in.
    expect(template.resources.get('ProbePipelineFunction')?.Properties['Events']).toBeUndefined();
    expect(ofType(template, 'AWS::Lambda::Permission')).toEqual([]);
  });

  it('lets the schedule call the probe, and do nothing else', () => {
    expect(granted(roleOf(stage, 'ProbeScheduleRole'))).toEqual(
      allow('ProbePipelineFunction.Alias', 'lambda:InvokeFunction'),
    );
    expect(template.resources.get('ProbeSchedule')?.Properties['Target']).toMatchObject({
      RoleArn: { 'Fn::GetAtt': 'ProbeScheduleRole.Arn' },
    });
  });

  it('names no wildcard action, and no wildcard resource but where AWS knows no other', () => {
    for (const [id, role] of ofType(template, 'AWS::IAM::Role')) {
      for (const { action, on } of granted(role)) {
        expect(action, id).not.toContain('*');
        // CodeDeploy's own policy asks for every alarm: https://docs.aws.amazon.com/aws-managed-policy/latest/reference/AWSCodeDeployRoleForLambdaLimited.html
        if (on === '*') expect(action, id).toMatch(/^(xray|logs):|^cloudwatch:(DescribeAlarms|GetMetricData)$/);
      }
    }
  });

  it('lets CodeDeploy shift the traffic of this stack’s functions, and nothing else', () => {
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

  it('bounds every role by exactly what all roles together may do, in this account', () => {
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

  it.each(['UploadQueue', 'UndeliveredEventQueue'])(
    'lets EventBridge, in the name of this rule alone, send to %s',
    (queue) => {
      const policy = template.resources.get(`${queue}Policy`)?.Properties['PolicyDocument'];
      expect(at(policy, 'Statement', 0)).toEqual({
        Sid: 'DeliverUploads',
        Effect: 'Allow',
        Principal: { Service: 'events.amazonaws.com' },
        Action: 'sqs:SendMessage',
        Resource: { 'Fn::GetAtt': `${queue}.Arn` },
        Condition: { ArnEquals: { 'aws:SourceArn': { 'Fn::GetAtt': 'UploadRule.Arn' } } },
      });
    },
  );
});

it('lets the circuit breaker switch the intake, look at its alarm, count and probe, and nothing else', () => {
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
      ...byTracing,
    ]),
  );
  expect(sorted(granted(roleOf('prod', 'IntakeBreakerRuleRole')))).toEqual(['states:StartExecution on IntakeBreaker']);
});

it('takes the boundary that an organisation demands in place of its own', () => {
  const theirs = 'arn:aws:iam::111122223333:policy/boundary';
  for (const [id, role] of ofType(templateFor('prod', { PermissionsBoundary: theirs }), 'AWS::IAM::Role')) {
    expect(role.Properties['PermissionsBoundary'], id).toBe(theirs);
  }
});
