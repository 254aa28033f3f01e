/** What stays when a stack is deleted, what it costs, and how a new stack can take it over. */

import { GetMetricStatisticsCommand } from '@aws-sdk/client-cloudwatch';
import { DescribeTableCommand } from '@aws-sdk/client-dynamodb';
import type { NamedStack } from '../stack/stack.ts';
import type { StackResource } from '../stack/stack-resources.ts';
import { readTemplate } from '../template/template.ts';

// US$ per month in us-east-1, before free tiers: https://aws.amazon.com/s3/pricing/, https://aws.amazon.com/dynamodb/pricing/,
// https://aws.amazon.com/kms/pricing/. A key also costs a dollar for each of its first two yearly rotations.
const BUCKET_GIGABYTE = 0.023;
const TABLE_GIGABYTE = 0.25;
const KEY = 1;
const GIGABYTE = 1024 ** 3;

export interface Retained {
  readonly logicalId: string;
  readonly type: string;
  readonly physicalId: string;
  /** Bytes stored, as of yesterday; absent if it stores nothing or the size is unknown. */
  readonly bytes?: number | undefined;
  /** US$ per month, at list prices in us-east-1; absent if unknown. */
  readonly usd?: number | undefined;
}

/** The property that identifies a resource in an import: `aws cloudformation create-change-set --change-set-type IMPORT`. */
const identifiers: Readonly<Record<string, string>> = {
  'AWS::S3::Bucket': 'BucketName',
  'AWS::S3::BucketPolicy': 'Bucket',
  'AWS::DynamoDB::Table': 'TableName',
  'AWS::KMS::Key': 'KeyId',
};

/** By logical id: the resources that template.yaml keeps. */
export function retainedByTemplate(): ReadonlyMap<string, string> {
  const { Resources } = readTemplate('template.yaml');
  return new Map(
    Object.entries(Resources)
      .filter(([, { DeletionPolicy }]) => DeletionPolicy === 'RetainExceptOnCreate')
      .map(([id, { Type }]) => [id, Type]),
  );
}

export async function findRetained(stack: NamedStack, resources: readonly StackResource[]): Promise<Retained[]> {
  const kept = retainedByTemplate();
  const found: Retained[] = [];
  for (const { logicalId, type, physicalId } of resources.filter((each) => kept.has(each.logicalId))) {
    found.push({ logicalId, type, physicalId, ...(await costOf(stack, type, physicalId)) });
  }
  return found;
}

async function costOf(stack: NamedStack, type: string, physicalId: string): Promise<Pick<Retained, 'bytes' | 'usd'>> {
  if (type === 'AWS::KMS::Key') return { usd: KEY };
  if (type === 'AWS::S3::Bucket') return priced(await bytesInBucket(stack, physicalId), BUCKET_GIGABYTE);
  if (type === 'AWS::DynamoDB::Table') return priced(await bytesInTable(stack, physicalId), TABLE_GIGABYTE);
  return {};
}

function priced(bytes: number | undefined, perGigabyte: number): Pick<Retained, 'bytes' | 'usd'> {
  return { bytes, usd: bytes === undefined ? undefined : (bytes / GIGABYTE) * perGigabyte };
}

/** S3 publishes the size once per day. */
async function bytesInBucket({ clients }: NamedStack, bucket: string): Promise<number | undefined> {
  const { Datapoints = [] } = await clients.cloudWatch.send(
    new GetMetricStatisticsCommand({
      Namespace: 'AWS/S3',
      MetricName: 'BucketSizeBytes',
      Dimensions: [
        { Name: 'BucketName', Value: bucket },
        { Name: 'StorageType', Value: 'StandardStorage' },
      ],
      StartTime: new Date(Date.now() - 3 * 86_400_000),
      EndTime: new Date(),
      Period: 86_400,
      Statistics: ['Average'],
    }),
  );
  const [newest] = Datapoints.toSorted((one, other) => Number(other.Timestamp) - Number(one.Timestamp));
  return newest?.Average;
}

async function bytesInTable({ clients }: NamedStack, TableName: string): Promise<number | undefined> {
  const { Table } = await clients.dynamoDb.send(new DescribeTableCommand({ TableName }));
  return Table?.TableSizeBytes;
}

/** The file for `--resources-to-import`. */
export function resourcesToImport(retained: readonly Retained[]): object[] {
  return retained.flatMap(({ logicalId, type, physicalId }) => {
    const identifier = identifiers[type];
    return identifier === undefined
      ? []
      : [
          {
            ResourceType: type,
            LogicalResourceId: logicalId,
            // CloudFormation's own id of a bucket policy is the name of its bucket.
            ResourceIdentifier: { [identifier]: physicalId },
          },
        ];
  });
}
