import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { projectName } from '../../core/names.ts';
import { at, parseTemplate } from '../../scripts/template/template.ts';
import { projectDirectory } from '../../scripts/terminal/project.ts';
import {
  deployRole,
  differences,
  INSTALLATION_MILLIS,
  managed,
  matches,
  type Needs,
  needsOf,
  propertiesOf,
  sharedPolicies,
  unused,
} from '../support/deploy-role.ts';

/** governance/deploy-role.yaml, against what CloudFormation needs for the pipeline. */

const servicePolicies = [...sharedPolicies, 'PipelineDataPolicy', 'PipelineCodePolicy'] as const;
const serviceStatements = servicePolicies.flatMap(managed);
const allowed = serviceStatements.flatMap(({ Action }) => Action);
const lets = (action: string) => allowed.some((pattern) => matches(pattern, action));

/** Permissions that no schema names, and why they are needed all the same. */
const undocumented: Readonly<Record<string, string>> = {
  'logs:GetLogDelivery': 'Step Functions sets up its logs in the name of the workflow’s creator',
  'logs:UpdateLogDelivery': 'the same',
  'logs:DeleteLogDelivery': 'the same',
  'logs:ListLogDeliveries': 'the same',
};

let needs: Needs;
beforeAll(async () => {
  needs = await needsOf('template.yaml');
}, INSTALLATION_MILLIS);

describe('the role that CloudFormation uses', () => {
  const found = () => differences(needs, allowed, unused);

  it('knows every resource type of the template', () => {
    expect(found().unknownTypes).toEqual([]);
  });

  it('may do everything that CloudFormation needs to create, read, update and delete each of them', () => {
    expect(found().missing).toEqual([]);
  });

  it('may do nothing else', () => {
    expect(found().idle.filter((pattern) => !(pattern in undocumented))).toEqual([]);
    const needed = [...needs.byType.values()].flat();
    expect(Object.keys(undocumented).filter((action) => needed.includes(action))).toEqual([]);
  });

  it('has no permission that its list calls unused', () => {
    expect(found().contradictory).toEqual([]);
    expect(found().stale).toEqual([]);
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
    const passing = serviceStatements.filter(({ Action }) => Action.includes('iam:PassRole'));
    for (const { Resource } of passing) expect(JSON.stringify(Resource)).toContain(`role/${projectName}-\${Stage}-*`);
    const services = passing.flatMap(({ Condition }) =>
      z.array(z.string()).parse(at(z.json().parse(Condition), 'StringEquals', 'iam:PassedToService')),
    );
    expect(services.sort()).toEqual(needs.servicesThatGetRoles);
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
    expect(everywhere).toEqual([
      'ReadAlarms',
      'ListKeys',
      'CodeSigning',
      'Network',
      'WarmWorkers',
      'ReadMetrics',
      'LogDelivery',
    ]);
  });

  it.each([...servicePolicies, 'ReviewPolicy', 'VerifyPolicy'])('%s is not longer than AWS allows', (id) => {
    // 6,144 characters without white space; names and ARNs are longer than their variables.
    // https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
    expect(JSON.stringify(at(propertiesOf(id), 'PolicyDocument')).length).toBeLessThan(6100);
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
    const [{ Condition }] = trust.parse(propertiesOf(id)).AssumeRolePolicyDocument.Statement;
    expect(Condition.StringEquals).toEqual({
      [`${issuer}:aud`]: 'sts.amazonaws.com',
      [`${issuer}:sub`]: { 'Fn::Sub': `repo:\${Repository}:environment:\${Stage}${environment}` },
      [`${issuer}:repository`]: { Ref: 'Repository' },
    });
    expect(Condition.StringLike).toEqual({ [`${issuer}:ref`]: { Ref: 'Refs' } });
  });

  it('before the approval, cannot run a change set', () => {
    expect(propertiesOf('ReviewRole')).not.toHaveProperty('Policies');
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
    const removing = JSON.stringify(at(propertiesOf('ReleaseRole'), 'Policies', 1, 'Fn::If'));
    expect(at(propertiesOf('ReleaseRole'), 'Policies', 1, 'Fn::If', 0)).toBe('IsPullRequest');
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
      z.record(z.string(), z.looseObject({ Type: z.string() })).parse(at(deployRole, 'Resources')),
    );
    expect(types.filter(({ Type }) => /User|AccessKey|Group$/.test(Type))).toEqual([]);
  });
});
