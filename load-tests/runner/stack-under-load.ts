/** What the runner reads from the stack under load, and how it cleans up. */
import { paginateListStackResources } from '@aws-sdk/client-cloudformation';
import { GetMetricDataCommand, type MetricDataQuery } from '@aws-sdk/client-cloudwatch';
import { DeleteObjectsCommand, ListObjectVersionsCommand } from '@aws-sdk/client-s3';
import { imageIdOf } from '../../core/image.ts';
import { countLetters, sampleLetters } from '../../scripts/stack/dead-letter-queue.ts';
import { readRecords } from '../../scripts/stack/follow.ts';
import { readIntake } from '../../scripts/stack/queues.ts';
import type { Stack } from '../../scripts/stack/stack.ts';
import type { DeadLetter, Decided } from './ledger.ts';
import type { LambdaPoint, QueueSample } from './result.ts';
import { mostChanges } from './scenario.ts';

// Of a thousand versions each. A change makes one version, and another if its request was answered late and retried.
const mostRemovals = Math.ceil((2 * mostChanges) / 1000);

export async function sampleQueues(stack: Stack): Promise<Omit<QueueSample, 'at' | 'processor'>> {
  const [{ waiting, inWork }, deadLetters, undelivered] = await Promise.all([
    readIntake(stack),
    countLetters(stack, ['uploads']),
    countLetters(stack, ['undelivered']),
  ]);
  return { waiting, inWork, deadLetters, undelivered };
}

/** By key. Records whose processing has not finished are left out. */
export async function decidedRecords(stack: Stack, keys: readonly string[]): Promise<Map<string, Decided>> {
  const keyOf = new Map<string, string>();
  for (const key of keys) keyOf.set(await imageIdOf(stack.outputs.UploadBucketName, key), key);
  const records = [...(await readRecords(stack, [...keyOf.keys()])).values()];
  return new Map(
    records.filter(({ announced }) => announced).map((record) => [keyOf.get(record.imageId) ?? '', record]),
  );
}

/** Reads the messages in the dead-letter queue without removing them, because an operator decides about them. */
export async function deadLettersBelow(stack: Stack, prefix: string): Promise<DeadLetter[]> {
  const letters = await sampleLetters(stack, 'uploads', Number.POSITIVE_INFINITY);
  return letters.flatMap(({ event }): DeadLetter[] => {
    if (!event?.image.key.startsWith(prefix)) return [];
    if (event.change === 'deleted') return [{ key: event.image.key, kind: 'delete', names: [] }];
    const { key, versionId, etag } = event.image;
    return [{ key, kind: 'upload', names: versionId === undefined ? [etag] : [versionId, etag] }];
  });
}

const metrics = ['Throttles', 'Errors', 'ConcurrentExecutions'] as const;

/** CloudWatch's metrics for every function of the stack, per minute. The emulator does not count calls by queue or workflow. */
export async function lambdaMetrics(stack: Stack, from: Date, to: Date): Promise<LambdaPoint[]> {
  const queries = (await functionsOf(stack)).flatMap((each) => metrics.map((metric) => ({ ...each, metric })));
  const { MetricDataResults = [] } = await stack.clients.cloudWatch.send(
    new GetMetricDataCommand({
      StartTime: new Date(Math.floor(from.getTime() / 60_000) * 60_000),
      EndTime: new Date(Math.ceil(to.getTime() / 60_000) * 60_000),
      MetricDataQueries: queries.map(({ name, metric }, index) => metricQuery(`m${index}`, name, metric)),
    }),
  );
  return MetricDataResults.flatMap(({ Id, Timestamps = [], Values = [] }) => {
    const query = queries[Number(Id?.slice(1))];
    if (query === undefined) return [];
    const { logicalId, metric } = query;
    return Timestamps.map((time, index) => ({
      at: time.getTime(),
      function: logicalId.replace(/Function$/, ''),
      metric,
      value: Values[index] ?? 0,
    }));
  });
}

function metricQuery(Id: string, functionName: string, MetricName: LambdaPoint['metric']): MetricDataQuery {
  const Dimensions = [{ Name: 'FunctionName', Value: functionName }];
  const Stat = MetricName === 'ConcurrentExecutions' ? 'Maximum' : 'Sum';
  return { Id, MetricStat: { Metric: { Namespace: 'AWS/Lambda', MetricName, Dimensions }, Period: 60, Stat } };
}

async function functionsOf({ name, clients }: Stack): Promise<{ logicalId: string; name: string }[]> {
  const found: { logicalId: string; name: string }[] = [];
  for await (const page of paginateListStackResources({ client: clients.cloudFormation }, { StackName: name })) {
    for (const { ResourceType, LogicalResourceId = '', PhysicalResourceId = '' } of page.StackResourceSummaries ?? []) {
      if (ResourceType === 'AWS::Lambda::Function')
        found.push({ logicalId: LogicalResourceId, name: PhysicalResourceId });
    }
  }
  return found;
}

export interface Removal {
  readonly removed: number;
  /** Still listed after {@link mostRemovals} requests; at most the first thousand are counted. */
  readonly left: number;
}

/** Permanently removes every version below the prefix. The pipeline receives the events and removes renditions and records. */
export async function removeUploads({ clients, outputs }: Stack, prefix: string): Promise<Removal> {
  const { UploadBucketName: Bucket } = outputs;
  let removed = 0;
  for (let request = 0; ; request += 1) {
    const { Versions = [], DeleteMarkers = [] } = await clients.s3.send(
      new ListObjectVersionsCommand({ Bucket, Prefix: prefix, MaxKeys: 1000 }),
    );
    const Objects = [...Versions, ...DeleteMarkers].map(({ Key, VersionId }) => ({ Key, VersionId }));
    if (Objects.length === 0 || request === mostRemovals) return { removed, left: Objects.length };
    const { Errors = [] } = await clients.s3.send(
      new DeleteObjectsCommand({ Bucket, Delete: { Objects, Quiet: true } }),
    );
    const [first] = Errors;
    if (first !== undefined) throw new Error(`${first.Key} could not be removed from ${Bucket}: ${first.Message}`);
    removed += Objects.length;
  }
}
