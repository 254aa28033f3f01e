import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as z from 'zod';
import { isolatedEnvironment } from '../../scripts/local/isolated-environment.ts';
import { installLinters } from '../../scripts/local/toolchain.ts';
import { at, type Json, parseTemplate } from '../../scripts/template/template.ts';
import { projectDirectory } from '../../scripts/terminal/project.ts';

/** governance/deploy-role.yaml, and what CloudFormation needs for each resource type of a translated template. */

export const INSTALLATION_MILLIS = 600_000;
export const deployRole = parseTemplate('governance/deploy-role.yaml');
export const propertiesOf = (id: string) => at(deployRole, 'Resources', id, 'Properties');

const statementSchema = z.strictObject({
  Sid: z.string(),
  Effect: z.literal('Allow'),
  Action: z.union([z.string(), z.array(z.string())]).transform((value) => [value].flat()),
  Resource: z.unknown(),
  Condition: z.unknown().optional(),
});
export type Statement = z.infer<typeof statementSchema>;

export const statements = (document: Json | undefined): Statement[] =>
  z.array(statementSchema).parse(at(document, 'PolicyDocument', 'Statement'));
export const managed = (id: string) => statements(propertiesOf(id));

/** Of every stage; those of the pipeline and of the gallery come on top. */
export const sharedPolicies = ['DataPolicy', 'CodePolicy', 'WatchPolicy', 'PrivilegePolicy'] as const;

export const matches = (pattern: string, action: string) =>
  new RegExp(`^${pattern.replaceAll('*', '.*')}$`, 'i').test(action);

export type Unused = readonly (readonly [why: string, actions: readonly string[]])[];

/** Permissions in the schemas that this template's resources do not use, and why. */
export const unused: Unused = [
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

export interface Needs {
  readonly types: readonly string[];
  /** Permissions that CloudFormation's schemas name. */
  readonly byType: ReadonlyMap<string, readonly string[]>;
  readonly servicesThatGetRoles: readonly string[];
}

/** @param template a template, and values of its parameters */
export async function needsOf(template: string, ...parameters: readonly string[]): Promise<Needs> {
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
    run('scripts/template/translate.py', template, output, 'Stage=prod', ...parameters);
    const resources = z
      .record(z.string(), z.looseObject({ Type: z.string() }))
      .parse(at(JSON.parse(readFileSync(output, 'utf8')), 'Resources'));
    const types = [...new Set(Object.values(resources).map(({ Type }) => Type))].sort();
    const found = run('scripts/template/handler-permissions.py', ...types);
    return {
      types,
      byType: new Map(Object.entries(z.record(z.string(), z.array(z.string())).parse(JSON.parse(found)))),
      servicesThatGetRoles: [
        ...new Set(
          Object.values(resources)
            .filter(({ Type }) => Type === 'AWS::IAM::Role')
            .flatMap((role) => JSON.stringify(role).match(/[a-z-]+\.amazonaws\.com(?=")/g) ?? []),
        ),
      ].sort(),
    };
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** Where a role and what CloudFormation needs differ. Each list is empty if all is well. */
export function differences({ types, byType }: Needs, allowed: readonly string[], knownUnused: Unused) {
  const needed = [...new Set([...byType.values()].flat())];
  const isIn = (patterns: readonly string[], action: string) => patterns.some((pattern) => matches(pattern, action));
  const unusedPatterns = knownUnused.flatMap(([, actions]) => actions);
  const isUnneeded = (pattern: string) => !needed.some((action) => matches(pattern, action));
  return {
    unknownTypes: types.filter((type) => !byType.has(type)),
    missing: types.flatMap((type) =>
      (byType.get(type) ?? [])
        .filter((action) => !isIn(allowed, action) && !isIn(unusedPatterns, action))
        .map((action) => `${type} ${action}`),
    ),
    /** Allowed, and not needed. */
    idle: allowed.filter(isUnneeded),
    /** Allowed, and in the list of the unused. */
    contradictory: needed.filter((action) => isIn(unusedPatterns, action) && allowed.includes(action)),
    /** In the list of the unused, and in no schema. */
    stale: unusedPatterns.filter(isUnneeded),
  };
}
