import { describe, expect, it } from 'vitest';
import { steps } from '../../core/steps.ts';
import { at, ofType, parseTemplate, stages, statementsOf, templateFor } from '../../scripts/template/template.ts';
import { denialsOf } from '../support/policy-evaluation.ts';

/** What an attacker cannot do who has compromised a worker with a file that its decoder could not handle. */

describe.each(stages)('in stage %s, a rendition', (stage) => {
  const { resources } = templateFor(stage);
  const policy = at(resources.get('RenditionBucketPolicy')?.Properties['PolicyDocument'], 'Statement');
  const write = (context: Readonly<Record<string, string>>) =>
    denialsOf(policy, {
      action: 's3:PutObject',
      resource: 'RenditionBucket.Arn/image/version/webp-320.webp',
      context: { 'aws:securetransport': 'true', ...context },
    });

  it('is written on the condition that its key is free', () => {
    expect(write({ 's3:if-none-match': '*' })).toEqual([]);
  });

  it('is never replaced, by any caller', () => {
    expect(write({})).toEqual(['NeverReplaceRenditions']);
    expect(write({ 's3:if-match': '"etag"' })).toEqual(['NeverReplaceRenditions']);
  });
});

describe.each(stages)('in stage %s, no role', (stage) => {
  const roles = ofType(templateFor(stage), 'AWS::IAM::Role');
  const ofKms = roles.flatMap(([id, role]) =>
    statementsOf(role)
      .filter(({ Action }) => Action.some((action) => action.startsWith('kms:')))
      .map((statement) => ({ id, statement })),
  );

  it('decrypts anything itself: the key works through the services that hold the data', () => {
    expect(ofKms.length).toBeGreaterThan(3);
    // A workflow encrypts its own data itself: the context of the encryption keeps it away from everything else.
    const ownContext = ({ Condition }: (typeof ofKms)[number]['statement']) =>
      at(Condition, 'StringLike', 'kms:EncryptionContext:aws:states:stateMachineArn') ??
      at(Condition, 'StringLike', 'kms:EncryptionContext:SourceArn');
    for (const { id, statement } of ofKms) {
      const context = ownContext(statement);
      if (context !== undefined) {
        expect(String(at(context, 'Fn::Sub')), id).toMatch(
          /^arn:\$\{AWS::Partition\}:(states:.*:stateMachine:\$\{AWS::StackName\}-(ImagePipeline|IntakeBreaker|Backfill)\*|logs:.*:\*)$/,
        );
        continue;
      }
      const through = [at(statement.Condition, 'StringEquals', 'kms:ViaService') ?? []].flat();
      const services = through.map((service) => String(at(service, 'Fn::Sub')));
      expect(services.length, id).toBeGreaterThan(0);
      for (const service of services)
        expect(service, id).toMatch(/^(s3|sqs|dynamodb)\.\$\{AWS::Region\}\.amazonaws\.com$/);
    }
  });
});

describe('the network of the workers that decode images', () => {
  const { resources } = templateFor('prod');
  const present = templateFor('prod');
  const network = { Ref: 'WorkerNetwork' };
  const [extract, resize] = ['ExtractMetadataRole.Arn', 'ResizeImageRole.Arn'];

  it.each(steps.filter(({ decodes }) => decodes))('is that of $name, in two zones', ({ name }) => {
    const config = resources.get(`${name}Function`)?.Properties['VpcConfig'];
    expect(at(config, 'SecurityGroupIds')).toEqual([{ Ref: 'WorkerSecurityGroup' }]);
    const subnets = [at(config, 'SubnetIds') ?? []].flat().map((subnet) => resources.get(String(at(subnet, 'Ref'))));
    expect(subnets.map((subnet) => subnet?.Properties['VpcId'])).toEqual([network, network]);
    const zones = subnets.map((subnet) => JSON.stringify(subnet?.Properties['AvailabilityZone']));
    expect(new Set(zones).size).toBe(2);
  });

  it('leads to S3, and nowhere else', () => {
    const ways = [...resources.values()].filter(({ Type }) =>
      /^AWS::EC2::(?!VPC$|Subnet$|RouteTable$|SubnetRouteTableAssociation$|SecurityGroup$)/.test(Type),
    );
    expect(ways.map(({ Properties }) => Properties)).toEqual([
      expect.objectContaining({
        VpcEndpointType: 'Gateway',
        ServiceName: { 'Fn::Sub': 'com.amazonaws.${AWS::Region}.s3' },
        VpcId: network,
        RouteTableIds: [{ Ref: 'WorkerRoutes' }],
      }),
    ]);
    const routed = ofType(present, 'AWS::EC2::SubnetRouteTableAssociation').map(([, { Properties }]) => Properties);
    expect(routed).toEqual(
      ['WorkerSubnetA', 'WorkerSubnetB'].map((subnet) => ({
        RouteTableId: { Ref: 'WorkerRoutes' },
        SubnetId: { Ref: subnet },
      })),
    );
    const group = resources.get('WorkerSecurityGroup')?.Properties;
    expect(group?.['SecurityGroupIngress']).toBeUndefined();
    expect(group?.['SecurityGroupEgress']).toEqual([
      expect.objectContaining({ IpProtocol: 'tcp', FromPort: 443, ToPort: 443 }),
    ]);
  });

  it('lets the roles of the workers pass, to what they read and write, and no other credentials', () => {
    const policy = resources.get('WorkerEndpoint')?.Properties['PolicyDocument'];
    const statements = [at(policy, 'Statement') ?? []].flat();
    for (const statement of statements) {
      expect(at(statement, 'Effect')).toBe('Allow');
      expect(at(statement, 'Condition')).toEqual({
        ArnEquals: { 'aws:PrincipalArn': [extract, resize].map((role) => ({ 'Fn::GetAtt': role })) },
      });
    }
    expect(statements.map((statement) => [at(statement, 'Action'), at(statement, 'Resource')])).toEqual([
      [
        ['s3:GetObjectVersion', 's3:GetObject', 's3:ListBucket'],
        [{ 'Fn::GetAtt': 'UploadBucket.Arn' }, { 'Fn::Sub': '${UploadBucket.Arn}/*' }],
      ],
      ['s3:PutObject', { 'Fn::Sub': '${RenditionBucket.Arn}/*' }],
    ]);
    // All that the workers' own policies let them do in S3.
    const own = ['ExtractMetadataRole', 'ResizeImageRole'].flatMap((id) => {
      const role = resources.get(id);
      return role === undefined ? [] : statementsOf(role).flatMap(({ Action }) => Action);
    });
    const passing = statements.flatMap((statement) => [at(statement, 'Action') ?? []].flat());
    expect(new Set(passing)).toEqual(new Set(own.filter((action) => action.startsWith('s3:'))));
  });

  it.each([
    ['on a laptop', templateFor('local')],
    ['where it is switched off', templateFor('prod', { IsolateWorkers: 'false' })],
  ])('is absent %s', (_, { resources: found }) => {
    expect([...found.values()].filter(({ Type }) => Type.startsWith('AWS::EC2::'))).toEqual([]);
    for (const { name } of steps) expect(found.get(`${name}Function`)?.Properties['VpcConfig'], name).toBeUndefined();
  });

  describe.each(['UploadBucket', 'RenditionBucket'])('%s', (bucket) => {
    const denials = (principal: string, from: Readonly<Record<string, string>>, mode?: string) =>
      denialsOf(
        at(
          templateFor('prod', mode === undefined ? {} : { IsolateWorkers: mode }).resources.get(`${bucket}Policy`)
            ?.Properties['PolicyDocument'],
          'Statement',
        ),
        {
          action: 's3:GetObject',
          resource: `${bucket}.Arn/cat.jpg`,
          context: { 'aws:securetransport': 'true', 'aws:principalarn': principal, ...from },
        },
      );

    it.each([extract, resize])('refuses the credentials of %s from anywhere else', (role = '') => {
      expect(denials(role, {})).toEqual(['OnlyThroughNetwork']);
      expect(denials(role, { 'aws:sourcevpce': 'vpce-of-a-thief' })).toEqual(['OnlyThroughNetwork']);
      expect(denials(role, { 'aws:sourcevpce': 'WorkerEndpoint' })).toEqual([]);
    });

    it('serves all others as before', () => {
      expect(denials('arn:aws:iam::111122223333:role/web-site', {})).toEqual([]);
    });

    it('lets an operator switch it off first, for a release that leaves the network', () => {
      expect(denials(resize ?? '', {}, 'true')).toEqual([]);
    });
  });
});

// CloudFormation ends the update of an alias when CodeDeploy has shifted all traffic:
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-attribute-updatepolicy.html
it.each(['UploadBucketPolicy', 'RenditionBucketPolicy'])('%s applies only when no older version has traffic', (id) => {
  const aliases = steps.filter(({ decodes }) => decodes).map(({ name }) => `${name}FunctionAliaslive`);
  expect(at(parseTemplate('template.yaml'), 'Resources', id, 'DependsOn')).toEqual(aliases);
});
