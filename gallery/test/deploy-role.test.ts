import { beforeAll, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { projectName } from '../../core/names.ts';
import { at, ofType, parseTemplate, readTemplate, statementsOf, templateFor } from '../../scripts/template/template.ts';
import {
  differences,
  INSTALLATION_MILLIS,
  managed,
  matches,
  type Needs,
  needsOf,
  propertiesOf,
  sharedPolicies,
  statements,
  type Unused,
  unused as unusedByBoth,
} from '../../test/support/deploy-role.ts';

/** governance/deploy-role.yaml with Stage=gallery-dev or gallery-prod, against what CloudFormation needs for the gallery. */

const servicePolicies = [...sharedPolicies, 'GalleryPolicy'] as const;
const serviceStatements = servicePolicies.flatMap(managed);
const allowed = serviceStatements.flatMap(({ Action }) => Action);

/** Permissions in the schemas that the gallery's resources do not use, and why. The pipeline's test has those of types that it has too. */
const unused: Unused = [
  [
    'Secrets are copied to no other region.',
    ['secretsmanager:ReplicateSecretToRegions', 'secretsmanager:RemoveRegionsFromReplication'],
  ],
  [
    'Names of operations that IAM does not know: tags are set with another permission.',
    ['apigateway:TagResource', 'apigateway:UntagResource', 'cloudfront:CreateDistributionWithTags'],
  ],
  [
    'Features that the template does not use.',
    [
      ...['apigateway:UpdateRestApiPolicy', 'cloudfront:*ConnectionGroup', 'cloudfront:GetVpcOrigin'],
      ...['cloudfront:UpdateDistributionWithStagingConfig', 'cognito-idp:AddCustomAttributes'],
      ...['cognito-idp:ListUserPoolClientSecrets', 'iam:CreateServiceLinkedRole', 'ec2:Describe*'],
      ...['kms:CreateGrant', 'kms:RevokeGrant', 'kms:DescribeKey', 'kms:Encrypt', 'kms:GenerateDataKey*'],
      ...['kms:ReEncrypt*', 'kms:ListAliases', 'lambda:GetCodeSigningConfig', 'lambda:GetLayerVersion'],
      ...['logs:CreateLogDelivery', 'logs:*ResourcePolic*', 'logs:DescribeLogGroups', 'payments:*'],
      ...['wafv2:GetPermissionPolicy', 'wafv2:PutPermissionPolicy'],
    ],
  ],
  [
    'Firewalls of other services.',
    [
      ...['amplify:*', 'apprunner:*', 'appsync:*', 'bedrock-agentcore:*', 'elasticloadbalancing:*'],
      ...['cognito-idp:*WebACL*', 'ec2:*VerifiedAccess*'],
    ],
  ],
];
const gallery = templateFor('prod', { Firewall: 'true' }, readTemplate('gallery/template.yaml'));

let needs: Needs;
beforeAll(async () => {
  needs = await needsOf('gallery/template.yaml', 'Firewall=true');
}, INSTALLATION_MILLIS);

describe('the role with which CloudFormation releases the gallery', () => {
  const found = () => differences(needs, allowed, [...unused, ...unusedByBoth]);

  it('knows every resource type of the template', () => {
    expect(found().unknownTypes).toEqual([]);
  });

  it('may do everything that CloudFormation needs for the gallery', () => {
    expect(found().missing).toEqual([]);
  });

  it('may do nothing else for the gallery', () => {
    expect(found().idle).toEqual([]);
  });

  it('has no permission that its list calls unused', () => {
    expect(found().contradictory).toEqual([]);
    expect(differences(needs, allowed, unused).stale).toEqual([]);
  });

  it('passes roles to the services that the template gives them to, and to no other', () => {
    const [statement, ...others] = serviceStatements.filter(({ Action }) => Action.includes('iam:PassRole'));
    expect(others).toEqual([]);
    expect(at(z.json().parse(statement?.Condition), 'StringEquals', 'iam:PassedToService')).toEqual(
      needs.servicesThatGetRoles,
    );
  });

  it.each([
    ...['cognito-idp:UpdateUserPool', 'cognito-idp:DeleteUserPool', 'cognito-idp:UpdateUserPoolClient'],
    ...['cloudfront:UpdateDistribution', 'cloudfront:DeleteDistribution'],
  ])('uses %s only on what has the tag of the project', (action) => {
    const granting = serviceStatements.filter(({ Action }) => Action.some((pattern) => matches(pattern, action)));
    expect(granting.map(({ Condition }) => Condition)).toEqual([
      { StringEquals: { 'aws:ResourceTag/project': projectName } },
    ]);
  });

  it('reads the secret of the firewall, and not the key for cookies', () => {
    const reading = serviceStatements.filter(({ Action }) => Action.includes('secretsmanager:GetSecretValue'));
    expect(reading.map(({ Resource }) => JSON.stringify(Resource))).toEqual([
      expect.stringMatching(/:secret:OriginSecret-\*"}$/),
    ]);
    expect(ofType(gallery, 'AWS::SecretsManager::Secret').map(([id]) => id)).toEqual(['CookieKey', 'OriginSecret']);
  });

  it('changes other things than the stage’s own only where AWS has no names', () => {
    const everywhere = serviceStatements.filter(
      ({ Resource, Condition }) => Resource === '*' && Condition === undefined,
    );
    expect(everywhere.map(({ Sid }) => Sid)).toEqual(['ReadAlarms', 'CreateUserPools', 'MakeOriginSecret']);
    expect(everywhere.flatMap(({ Action }) => Action)).not.toContain('cognito-idp:DeleteUserPool');
  });

  it('has policies that are not longer than AWS allows', () => {
    for (const id of [...servicePolicies, 'GalleryVerifyPolicy'])
      expect(JSON.stringify(at(propertiesOf(id), 'PolicyDocument')).length, id).toBeLessThan(6100);
  });
});

describe('a role that GitHub gets for the gallery', () => {
  const policies = at(propertiesOf('ReleaseRole'), 'Policies');

  it('publishes the page, in its bucket and in the caches of the project’s distributions only', () => {
    expect(at(policies, 2, 'Fn::If', 0)).toBe('IsGallery');
    const publishing = statements(at(policies, 2, 'Fn::If', 1));
    expect(publishing.map(({ Action }) => Action)).toEqual([
      ...[['s3:GetObject', 's3:PutObject'], ['s3:ListBucket'], ['cloudfront:CreateInvalidation']],
    ]);
    for (const { Resource, Condition } of publishing) {
      const bucket = JSON.stringify(Resource).includes(`s3:::${projectName}-\${Stage}-pagebucket-*`);
      const tag = JSON.stringify(Condition ?? {}).includes(`"aws:ResourceTag/project":"${projectName}"`);
      expect(bucket || tag).toBe(true);
    }
    expect(ofType(gallery, 'AWS::S3::Bucket').map(([id]) => id)).toEqual(['PageBucket']);
  });

  it('before the approval, and to verify, publishes and changes nothing', () => {
    const actions = ['ReviewPolicy', 'GalleryVerifyPolicy'].flatMap((id) =>
      managed(id).flatMap(({ Action }) => Action),
    );
    expect(actions.filter((action) => /Invalidation|Execute|Update|DeleteStack|CreateStack/.test(action))).toEqual([]);
    expect(managed('GalleryVerifyPolicy').flatMap(({ Action }) => Action)).toEqual([
      ...['cloudformation:DescribeStacks', 'access-analyzer:CheckNoPublicAccess', 'access-analyzer:ValidatePolicy'],
    ]);
  });
});

describe('the boundary of the account', () => {
  const boundary = at(
    parseTemplate('governance/permissions-boundary.yaml'),
    ...['Resources', 'RoleBoundary', 'Properties', 'PolicyDocument', 'Statement'],
  );
  const inBoundary = z
    .array(z.object({ Effect: z.string(), Action: z.array(z.string()) }))
    .parse(boundary)
    .flatMap(({ Effect, Action }) => (Effect === 'Allow' ? Action : []));

  it.each(ofType(gallery, 'AWS::IAM::Role'))('allows everything that the policies of %s allow', (_, role) => {
    const granted = statementsOf(role).flatMap(({ Effect, Action }) => (Effect === 'Allow' ? Action : []));
    expect(granted.filter((action) => !inBoundary.includes(action))).toEqual([]);
  });
});
