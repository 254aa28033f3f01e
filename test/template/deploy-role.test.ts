import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { projectName } from '../../core/names.ts';
import { isolatedEnvironment } from '../../scripts/local/isolated-environment.ts';
import { installLinters } from '../../scripts/local/toolchain.ts';
import { at, type Json, parseTemplate } from '../../scripts/template/template.ts';
import { projectDirectory } from '../../scripts/terminal/project.ts';

/** governance/deploy-role.yaml, against what CloudFormation needs for each resource type of the translated template. */

const INSTALLATION_MILLIS = 600_000;
const template = parseTemplate('governance/deploy-role.yaml');
const properties = (id: string) => at(template, 'Resources', id, 'Properties');

const statementSchema = z.strictObject({
  Sid: z.string(),
  Effect: z.literal('Allow'),
  Action: z.union([z.string(), z.array(z.string())]).transform((value) => [value].flat()),
  Resource: z.unknown(),
  Condition: z.unknown().optional(),
});
type Statement = z.infer<typeof statementSchema>;

const statements = (document: Json | undefined): Statement[] =>
  z.array(statementSchema).parse(at(document, 'PolicyDocument', 'Statement'));
const managed = (id: string) => statements(properties(id));
const servicePolicies = ['DataPolicy', 'CodePolicy', 'WatchPolicy', 'PrivilegePolicy'] as const;
const serviceStatements = servicePolicies.flatMap(managed);

const matches = (pattern: string, action: string) => new RegExp(`^${pattern.replaceAll('*', '.*')}$`, 'i').test(action);
const allowed = serviceStatements.flatMap(({ Action }) => Action);
const lets = (action: string) => allowed.some((pattern) => matches(pattern, action));

/** Permissions in the schemas that this template's resources do not use, and why. */
const unused: readonly (readonly [why: string, actions: readonly string[]])[] = [
  [
    'What the buckets and tables hold is not the deployment’s business.',
    [
      ...['s3:DeleteObject', 's3:GetObjectMetadata', 's3:PutObjectAcl', 's3:REST.PUT.OBJECT', 's3:PutObject'],
      ...['s3:AbortMultipartUpload', 's3:ListBucketMultipartUploads', 's3:ListMultipartUploadParts'],
      ...['dynamodb:BatchWriteItem', 'dynamodb:DeleteItem', 'dynamodb:GetItem', 'dynamodb:PutItem'],
      ...['dynamodb:Query', 'dynamodb:Scan', 'dynamodb:UpdateItem', 'logs:CreateLogStream', 'logs:PutLogEvents'],
      ...['logs:DescribeLogStreams', 'kinesis:*', 'firehose:*'],
    ],
  ],
  [
    'Could copy or publish data, or weaken its protection; the template sets none of these.',
    [
      ...['s3:PutBucketReplication', 's3:PutReplicationConfiguration', 's3:DeleteBucketReplication'],
      ...['s3:PutBucketAcl', 's3:PutBucketWebsite', 's3:DeleteBucketWebsite', 's3:PutInventoryConfiguration'],
      ...['s3:DeleteBucketEncryption', 's3:PutBucketObjectLockConfiguration', 's3:PutObjectLockConfiguration'],
      ...['dynamodb:AssociateTableReplica', 'dynamodb:CreateTableReplica', 'dynamodb:ImportTable'],
      ...['dynamodb:PutResourcePolicy', 'dynamodb:DeleteResourcePolicy', 'dynamodb:*KinesisStreamingDestination'],
      ...['logs:DeleteDataProtectionPolicy', 'logs:PutDataProtectionPolicy', 'logs:PutBearerTokenAuthentication'],
      ...['logs:PutLogGroupDeletionProtection', 'sns:PutDataProtectionPolicy', 'iam:DeleteRolePermissionsBoundary'],
    ],
  ],
  [
    'Features that the template does not use.',
    [
      ...['s3:PutAnalyticsConfiguration', 's3:DeleteBucketAnalyticsConfiguration', 's3:PutMetricsConfiguration'],
      ...['s3:DeleteBucketMetricsConfiguration', 's3:PutIntelligentTieringConfiguration', 's3:*MetadataTable*'],
      ...[
        's3:UpdateBucketMetadata*',
        's3:PutAccelerateConfiguration',
        's3:DeleteBucketCors',
        's3:DeleteBucketLifecycle',
      ],
      ...['glue:*Connection', 'glue:GetSchemaVersion', 'lakeformation:*'],
      ...['s3:PutBucketAbac', 's3tables:*', 's3files:*', 'elasticfilesystem:*', 'vpc-lattice:*', 'vpce:*'],
      ...['lambda:*FunctionScalingConfig', 'lambda:PassCapacityProvider', 'lambda:AssociateRuntimeAlias'],
      ...['codedeploy:RegisterOnPremisesInstance', 'ec2:*CidrBlock', 'ec2:CreateVpcEncryptionControl'],
      ...[
        'ec2:ModifyVpcTenancy',
        'logs:PutIndexPolicy',
        'logs:DeleteIndexPolicy',
        'iam:*GroupPolicy',
        'iam:*UserPolicy',
      ],
    ],
  ],
];
const isUnused = (action: string) => unused.some(([, actions]) => actions.some((each) => matches(each, action)));

/** Permissions that no schema names, and why they are needed all the same. */
const undocumented: Readonly<Record<string, string>> = {
  'logs:GetLogDelivery': 'Step Functions sets up its logs in the name of the workflow’s creator',
  'logs:UpdateLogDelivery': 'the same',
  'logs:DeleteLogDelivery': 'the same',
  'logs:ListLogDeliveries': 'the same',
};

let byType: ReadonlyMap<string, readonly string[]>;
let types: readonly string[];
let servicesThatGetRoles: readonly string[];

beforeAll(async () => {
  const python = join(await installLinters(() => undefined), 'python');
  const directory = mkdtempSync(join(tmpdir(), 'deploy-role-'));
  const run = (...args: readonly string[]) =>
    execFileSync(python, args, {
      cwd: projectDirectory,
      env: isolatedEnvironment(),
      stdio: ['ignore', 'pipe', 'pipe'],
      encoding: 'utf8',
    });
  try {
    const output = join(directory, 'prod.json');
    run('scripts/template/translate.py', output, 'Stage=prod');
    const resources = z
      .record(z.string(), z.looseObject({ Type: z.string() }))
      .parse(at(JSON.parse(readFileSync(output, 'utf8')), 'Resources'));
    types = [...new Set(Object.values(resources).map(({ Type }) => Type))].sort();
    const found = run('scripts/template/handler-permissions.py', ...types);
    byType = new Map(Object.entries(z.record(z.string(), z.array(z.string())).parse(JSON.parse(found))));
    servicesThatGetRoles = [
      ...new Set(
        Object.values(resources)
          .filter(({ Type }) => Type === 'AWS::IAM::Role')
          .flatMap((role) => JSON.stringify(role).match(/[a-z-]+\.amazonaws\.com(?=")/g) ?? []),
      ),
    ].sort();
  } finally {
    rmSync(directory, { recursive: true });
  }
}, INSTALLATION_MILLIS);

describe('the role that CloudFormation uses', () => {
  it('knows every resource type of the template', () => {
    expect(types.filter((type) => !byType.has(type))).toEqual([]);
  });

  it('may do everything that CloudFormation needs to create, read, update and delete each of them', () => {
    const missing = types.flatMap((type) =>
      (byType.get(type) ?? [])
        .filter((action) => !lets(action) && !isUnused(action))
        .map((action) => `${type} ${action}`),
    );
    expect(missing).toEqual([]);
  });

  it('may do nothing else', () => {
    const needed = [...byType.values()].flat();
    const idle = allowed.filter(
      (pattern) => !needed.some((action) => matches(pattern, action)) && !(pattern in undocumented),
    );
    expect(idle).toEqual([]);
    expect(Object.keys(undocumented).filter((action) => needed.includes(action))).toEqual([]);
  });

  it('has no permission that its list calls unused', () => {
    const needed = [...new Set([...byType.values()].flat())];
    expect(needed.filter((action) => isUnused(action) && allowed.includes(action))).toEqual([]);
    const stale = unused.flatMap(([, actions]) =>
      actions.filter((pattern) => !needed.some((action) => matches(pattern, action))),
    );
    expect(stale).toEqual([]);
  });

  it.each(['s3:GetObject', 's3:GetObjectVersion'])('reads code with %s, and no images', (action) => {
    const resources = serviceStatements
      .filter(({ Action }) => Action.some((pattern) => matches(pattern, action)))
      .map(({ Resource }) => Resource);
    expect(resources).toEqual([{ 'Fn::Sub': `\${ArtifactBucket.Arn}/${projectName}-\${Stage}*` }]);
  });

  it('decrypts nothing itself: only services that store settings may use the key for it', () => {
    const [statement, ...others] = serviceStatements.filter(({ Action }) => Action.includes('kms:Decrypt'));
    expect(others).toEqual([]);
    expect(at(z.json().parse(statement?.Condition), 'StringLike', 'kms:ViaService')).toHaveLength(4);
  });

  it('creates roles with the account’s boundary only, and never removes it', () => {
    const bounded = ['iam:AttachRolePolicy', 'iam:CreateRole', 'iam:PutRolePermissionsBoundary', 'iam:PutRolePolicy'];
    for (const action of bounded) {
      const granting = serviceStatements.filter(({ Action }) => Action.some((pattern) => matches(pattern, action)));
      expect(
        granting.map(({ Sid }) => Sid),
        action,
      ).toEqual(['BoundedRoles']);
    }
    const [statement] = serviceStatements.filter(({ Sid }) => Sid === 'BoundedRoles');
    expect(statement?.Condition).toEqual({
      StringEquals: {
        'iam:PermissionsBoundary': { 'Fn::Sub': expect.stringMatching(/:policy\/\$\{BoundaryName\}$/) },
      },
    });
    const name = (file: string) => at(parseTemplate(file), 'Parameters', 'BoundaryName', 'Default');
    expect(name('governance/deploy-role.yaml')).toBe(name('governance/permissions-boundary.yaml'));
    expect(lets('iam:DeleteRolePermissionsBoundary')).toBe(false);
  });

  it('passes roles of the stack to the services that the template gives them to, and to no other', () => {
    const [statement, ...others] = serviceStatements.filter(({ Action }) => Action.includes('iam:PassRole'));
    expect(others).toEqual([]);
    expect(JSON.stringify(statement?.Resource)).toContain(`role/${projectName}-\${Stage}-*`);
    expect(at(z.json().parse(statement?.Condition), 'StringEquals', 'iam:PassedToService')).toEqual(
      servicesThatGetRoles,
    );
  });

  it('makes no service-linked role but that of the warm workers', () => {
    const [statement] = serviceStatements.filter(({ Action }) => Action.includes('iam:CreateServiceLinkedRole'));
    expect(statement?.Condition).toEqual({
      StringEquals: { 'iam:AWSServiceName': 'lambda.application-autoscaling.amazonaws.com' },
    });
  });

  it('changes other things than the stage’s own only where AWS has no names, each with a reason', () => {
    const everywhere = serviceStatements
      .filter(({ Resource, Condition }) => Resource === '*' && Condition === undefined)
      .map(({ Sid }) => Sid);
    expect(everywhere).toEqual(['ListKeys', 'CodeSigning', 'Network', 'WarmWorkers', 'ReadAlarms', 'LogDelivery']);
  });

  it.each([...servicePolicies, 'ReviewPolicy', 'VerifyPolicy'])('%s is not longer than AWS allows', (id) => {
    // 6,144 characters without white space; names and ARNs are longer than their variables.
    // https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
    expect(JSON.stringify(at(properties(id), 'PolicyDocument')).length).toBeLessThan(6100);
  });
});

const trust = z.object({
  AssumeRolePolicyDocument: z.object({
    Statement: z.tuple([
      z.strictObject({
        Sid: z.string(),
        Effect: z.literal('Allow'),
        Principal: z.unknown(),
        Action: z.literal('sts:AssumeRoleWithWebIdentity'),
        Condition: z.strictObject({
          StringEquals: z.record(z.string(), z.unknown()),
          StringLike: z.record(z.string(), z.unknown()),
        }),
      }),
    ]),
  }),
});
const issuer = 'token.actions.githubusercontent.com';

describe('a role that GitHub gets', () => {
  it.each([
    ['ReviewRole', '-review'],
    ['ReleaseRole', ''],
    ['VerifyRole', '-verify'],
  ])('%s is for one repository, one environment and some branches', (id, environment) => {
    const [{ Condition }] = trust.parse(properties(id)).AssumeRolePolicyDocument.Statement;
    expect(Condition.StringEquals).toEqual({
      [`${issuer}:aud`]: 'sts.amazonaws.com',
      [`${issuer}:sub`]: { 'Fn::Sub': `repo:\${Repository}:environment:\${Stage}${environment}` },
      [`${issuer}:repository`]: { Ref: 'Repository' },
    });
    expect(Condition.StringLike).toEqual({ [`${issuer}:ref`]: { Ref: 'Refs' } });
  });

  it('before the approval, cannot run a change set', () => {
    expect(properties('ReviewRole')).not.toHaveProperty('Policies');
    const actions = managed('ReviewPolicy').flatMap(({ Action }) => Action);
    expect(actions.filter((action) => /Execute|Update|DeleteStack|CreateStack/.test(action))).toEqual([]);
  });

  it('makes change sets that run with the service role, and no other', () => {
    const making = managed('ReviewPolicy').filter(({ Sid }) => Sid === 'MakeChangeSets');
    expect(making.map(({ Condition }) => Condition)).toEqual([
      { StringEquals: { 'cloudformation:RoleArn': { 'Fn::GetAtt': 'ServiceRole.Arn' } } },
    ]);
    const passing = managed('ReviewPolicy').filter(({ Action }) => Action.includes('iam:PassRole'));
    expect(passing).toMatchObject([
      {
        Resource: { 'Fn::GetAtt': 'ServiceRole.Arn' },
        Condition: { StringEquals: { 'iam:PassedToService': 'cloudformation.amazonaws.com' } },
      },
    ]);
  });

  it('deletes stacks and images of pull requests only', () => {
    const removing = JSON.stringify(at(properties('ReleaseRole'), 'Policies', 1, 'Fn::If'));
    expect(at(properties('ReleaseRole'), 'Policies', 1, 'Fn::If', 0)).toBe('IsPullRequest');
    expect(removing.match(new RegExp(`${projectName}-[^"]*`, 'g'))).toEqual([
      `${projectName}-pr-*/*`,
      `${projectName}-pr-*`,
    ]);
  });

  it('to verify, changes no queue and no rule but its own temporary ones', () => {
    const changing = managed('VerifyPolicy').filter(({ Action }) =>
      Action.some((action) => /^(sqs|events):(Create|Put|Delete(?!Message)|Remove)/.test(action)),
    );
    expect(changing.map(({ Sid }) => Sid)).toEqual(['TemporaryQueues', 'TemporaryRules']);
    for (const { Resource } of changing) expect(JSON.stringify(Resource)).toMatch(/-verify-\*"}$/);
  });

  it('to verify, has only permissions that docs/verify.md explains', () => {
    const page = readFileSync(join(projectDirectory, 'docs/verify.md'), 'utf8');
    const statements = managed('VerifyPolicy').filter(({ Sid }) => Sid !== 'CheckPolicies');
    const operations = statements.flatMap(({ Action }) => Action.map((action) => action.split(':')[1] ?? ''));
    expect(operations.filter((operation) => !new RegExp(`[\`:]${operation}\``).test(page))).toEqual([]);
  });

  it('to verify, changes no setting of the stack', () => {
    const settings =
      /^(?!s3:|dynamodb:|sqs:|events:|sns:|cloudwatch:SetAlarmState)[a-z]+:(Create|Put|Update|Delete|Set)/;
    expect(managed('VerifyPolicy').flatMap(({ Action }) => Action.filter((action) => settings.test(action)))).toEqual(
      [],
    );
  });

  it('there is no user and no key', () => {
    const types = Object.values(
      z.record(z.string(), z.looseObject({ Type: z.string() })).parse(at(template, 'Resources')),
    );
    expect(types.filter(({ Type }) => /User|AccessKey|Group$/.test(Type))).toEqual([]);
  });
});
