/** The services of the stack under load, as the runner speaks to them. */
import { CloudFormationClient, paginateListStackResources } from '@aws-sdk/client-cloudformation';
import { CloudWatchClient, GetMetricDataCommand } from '@aws-sdk/client-cloudwatch';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DeleteObjectsCommand, ListObjectVersionsCommand, S3Client } from '@aws-sdk/client-s3';
import { GetQueueAttributesCommand, ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { parseS3Event } from '../../adapters/contracts/s3-event.ts';
import { imageIdOf } from '../../core/image.ts';
import { output } from '../../scripts/local/deploy.ts';
import type { TargetStack } from '../../scripts/local/target-stack.ts';
import type { DeadLetter, Decided } from './ledger.ts';
import type { LambdaPoint, QueueSample } from './result.ts';
import { mostChanges } from './scenario.ts';
import { readRecords } from './watch-records.ts';

// Of a thousand versions each. A change makes one, and another where a request was answered too late and tried again.
const mostRemovals = Math.ceil((2 * mostChanges) / 1000);

export function stackClients({ name, outputs, emulated, clientConfig }: TargetStack) {
  const s3 = new S3Client({ ...clientConfig, forcePathStyle: emulated });
  const sqs = new SQSClient(clientConfig);
  const table = DynamoDBDocumentClient.from(new DynamoDBClient(clientConfig));
  const cloudWatch = new CloudWatchClient(clientConfig);
  const cloudFormation = new CloudFormationClient(clientConfig);
  const bucket = output(outputs, 'UploadBucketName');
  const tableName = output(outputs, 'ImageTableName');

  const depth = async (queue: string) => {
    const { Attributes = {} } = await sqs.send(
      new GetQueueAttributesCommand({
        QueueUrl: output(outputs, queue),
        AttributeNames: ['ApproximateNumberOfMessages', 'ApproximateNumberOfMessagesNotVisible'],
      }),
    );
    return {
      waiting: Number(Attributes['ApproximateNumberOfMessages'] ?? 0),
      inWork: Number(Attributes['ApproximateNumberOfMessagesNotVisible'] ?? 0),
    };
  };

  return {
    bucket,
    tableName,

    async queues(): Promise<Omit<QueueSample, 'at' | 'processor'>> {
      const [uploads, dead, undelivered] = await Promise.all([
        depth('UploadQueueUrl'),
        depth('UploadDeadLetterQueueUrl'),
        depth('UndeliveredEventQueueUrl'),
      ]);
      return {
        ...uploads,
        deadLetters: dead.waiting + dead.inWork,
        undelivered: undelivered.waiting + undelivered.inWork,
      };
    },

    async records(keys: readonly string[]): Promise<Map<string, Decided>> {
      const keyOf = new Map<string, string>();
      for (const key of keys) keyOf.set(await imageIdOf(bucket, key), key);
      const found = await readRecords(table, tableName, [...keyOf.keys()]);
      return new Map(found.map((record) => [keyOf.get(record.imageId) ?? '', record]));
    },

    /** Looks at the messages of the dead-letter queue without taking them out: they are a human's to decide on. */
    async deadLetters(prefix: string): Promise<DeadLetter[]> {
      const letters = new Map<string, DeadLetter | undefined>();
      for (;;) {
        const { Messages = [] } = await sqs.send(
          new ReceiveMessageCommand({
            QueueUrl: output(outputs, 'UploadDeadLetterQueueUrl'),
            MaxNumberOfMessages: 10,
            // Long enough not to see one twice in this loop.
            VisibilityTimeout: 60,
            WaitTimeSeconds: 1,
          }),
        );
        const unseen = Messages.filter(({ MessageId = '' }) => !letters.has(MessageId));
        if (unseen.length === 0)
          return [...letters.values()]
            .filter((letter) => letter !== undefined)
            .filter(({ key }) => key.startsWith(prefix));
        for (const { MessageId = '', Body = '' } of unseen) {
          letters.set(MessageId, await letterOf(Body));
        }
      }
    },

    /** What CloudWatch knows of every function of the stack, by the minute: on the emulator nothing of calls by queue and workflow. */
    async lambdaMetrics(from: Date, to: Date): Promise<LambdaPoint[]> {
      const queries = (await functions()).flatMap(({ logicalId, physicalId }) =>
        (['Throttles', 'Errors', 'ConcurrentExecutions'] as const).map((metric) => ({ logicalId, physicalId, metric })),
      );
      const { MetricDataResults = [] } = await cloudWatch.send(
        new GetMetricDataCommand({
          StartTime: new Date(Math.floor(from.getTime() / 60_000) * 60_000),
          EndTime: new Date(Math.ceil(to.getTime() / 60_000) * 60_000),
          MetricDataQueries: queries.map(({ physicalId, metric }, index) => ({
            Id: `m${index}`,
            MetricStat: {
              Metric: {
                Namespace: 'AWS/Lambda',
                MetricName: metric,
                Dimensions: [{ Name: 'FunctionName', Value: physicalId }],
              },
              Period: 60,
              Stat: metric === 'ConcurrentExecutions' ? 'Maximum' : 'Sum',
            },
          })),
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
    },

    /**
     * Removes every version below the prefix for good; the pipeline hears of it, and takes renditions and records back. What is
     * left is what a bucket still lists after {@link mostRemovals} requests, the first thousand of it.
     */
    async removeUploads(prefix: string): Promise<{ readonly removed: number; readonly left: number }> {
      let removed = 0;
      for (let request = 0; ; request += 1) {
        const { Versions = [], DeleteMarkers = [] } = await s3.send(
          new ListObjectVersionsCommand({ Bucket: bucket, Prefix: prefix, MaxKeys: 1000 }),
        );
        const Objects = [...Versions, ...DeleteMarkers].map(({ Key, VersionId }) => ({ Key, VersionId }));
        if (Objects.length === 0 || request === mostRemovals) return { removed, left: Objects.length };
        const { Errors = [] } = await s3.send(
          new DeleteObjectsCommand({ Bucket: bucket, Delete: { Objects, Quiet: true } }),
        );
        const [first] = Errors;
        if (first !== undefined) throw new Error(`${first.Key} could not be removed from ${bucket}: ${first.Message}`);
        removed += Objects.length;
      }
    },

    destroy(): void {
      for (const client of [s3, sqs, table, cloudWatch, cloudFormation]) client.destroy();
    },
  };

  async function functions(): Promise<{ logicalId: string; physicalId: string }[]> {
    const found: { logicalId: string; physicalId: string }[] = [];
    for await (const page of paginateListStackResources({ client: cloudFormation }, { StackName: name })) {
      for (const { ResourceType, LogicalResourceId, PhysicalResourceId } of page.StackResourceSummaries ?? []) {
        if (ResourceType !== 'AWS::Lambda::Function') continue;
        found.push({ logicalId: LogicalResourceId ?? '', physicalId: PhysicalResourceId ?? '' });
      }
    }
    return found;
  }
}

/** Undefined for a message that is no event of S3: it cannot be of a run's making. */
async function letterOf(body: string): Promise<DeadLetter | undefined> {
  const event = await parseS3Event(body).catch(() => undefined);
  if (event === undefined) return undefined;
  const { key, versionId } = event.image;
  if (event.change === 'deleted') return { key, kind: 'delete', names: [] };
  return { key, kind: 'upload', names: [versionId, event.image.etag].filter((name) => name !== undefined) };
}

export type StackClients = ReturnType<typeof stackClients>;
