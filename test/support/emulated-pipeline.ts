import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { CloudFormationClient, DescribeStackResourcesCommand } from '@aws-sdk/client-cloudformation';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { EventBridgeClient, PutRuleCommand, PutTargetsCommand } from '@aws-sdk/client-eventbridge';
import { IAMClient } from '@aws-sdk/client-iam';
import {
  InvokeCommand,
  LambdaClient,
  ListEventSourceMappingsCommand,
  UpdateEventSourceMappingCommand,
  type UpdateEventSourceMappingRequest,
} from '@aws-sdk/client-lambda';
import {
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { SFNClient } from '@aws-sdk/client-sfn';
import {
  CreateQueueCommand,
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { DynamoDBDocumentClient, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { inject } from 'vitest';
import * as z from 'zod';
import { dynamoDbCatalogue } from '../../adapters/aws/dynamodb-catalogue.ts';
import { sfnPipeline } from '../../adapters/aws/sfn-pipeline.ts';
import { type DomainEventType, domainEvents } from '../../adapters/contracts/domain-events.ts';
import { parseS3Event } from '../../adapters/contracts/s3-event.ts';
import { dispatchImage } from '../../core/dispatch-images.ts';
import { imageIdOf } from '../../core/image.ts';
import { eventSource } from '../../core/names.ts';
import { renditionGroups } from '../../core/presets.ts';
import type { ImageRecord } from '../../core/record.ts';
import { output, stackName } from '../../scripts/local/deploy.ts';
import { clientConfig } from '../../scripts/local/emulator.ts';
import type { LocalStack } from '../../scripts/local/local-stack.ts';
import { violationsOf } from './published-schemas.ts';

/**
 * The deployed pipeline as its users see it: send uploads, and inspect records, renditions and events.
 *
 * @param stack needed where no test runner provides one
 */
export function emulatedPipeline({ address, outputs }: Pick<LocalStack, 'address' | 'outputs'> = providedStack()) {
  const config = clientConfig(address);
  const bucket = output(outputs, 'UploadBucketName');
  const renditionBucket = output(outputs, 'RenditionBucketName');
  const tableName = output(outputs, 'ImageTableName');
  const queueUrl = output(outputs, 'UploadQueueUrl');

  const s3 = new S3Client({ ...config, forcePathStyle: true });
  const sqs = new SQSClient(config);
  const events = new EventBridgeClient(config);
  const lambda = new LambdaClient(config);
  const table = DynamoDBDocumentClient.from(new DynamoDBClient(config));
  const catalogue = dynamoDbCatalogue({ client: table, tableName });
  const pipeline = sfnPipeline({
    client: new SFNClient({ ...config, disableHostPrefix: true, maxAttempts: 1 }),
    stateMachineArn: output(outputs, 'StateMachineArn'),
  });

  const messagesIn = async (url: string): Promise<number> => {
    const AttributeNames = ['ApproximateNumberOfMessages', 'ApproximateNumberOfMessagesNotVisible'] as const;
    const { Attributes = {} } = await sqs.send(
      new GetQueueAttributesCommand({ QueueUrl: url, AttributeNames: [...AttributeNames] }),
    );
    return AttributeNames.reduce((sum, name) => sum + Number(Attributes[name]), 0);
  };

  /** The physical id of a resource in the template. */
  const physicalId = async (logicalId: string): Promise<string> => {
    const { StackResources = [] } = await new CloudFormationClient(config).send(
      new DescribeStackResourcesCommand({ StackName: stackName }),
    );
    return z
      .string({ error: `The stack has no ${logicalId}.` })
      .parse(StackResources.find(({ LogicalResourceId }) => LogicalResourceId === logicalId)?.PhysicalResourceId);
  };

  return {
    bucket,
    renditionBucket,
    queueUrl,
    deadLetterQueueUrl: output(outputs, 'UploadDeadLetterQueueUrl'),
    s3,
    sqs,
    events,
    iam: new IAMClient(config),
    lambda,
    physicalId,
    messagesIn,

    /** Changes how the queue is polled; returns a function that restores it. */
    async takeInBatches(how: Pick<UpdateEventSourceMappingRequest, 'BatchSize' | 'ScalingConfig'>) {
      const { EventSourceMappings: [before] = [] } = await lambda.send(new ListEventSourceMappingsCommand());
      const { UUID, BatchSize, ScalingConfig } = before ?? {};
      const take = (wanted: typeof how) => lambda.send(new UpdateEventSourceMappingCommand({ UUID, ...wanted }));
      await take(how);
      return () => take({ BatchSize, ScalingConfig });
    },

    async put(key: string, body: Uint8Array | string): Promise<{ etag: string; versionId: string; size: number }> {
      const Body = typeof body === 'string' ? Buffer.from(body) : body;
      const { ETag, VersionId } = await s3.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body }));
      return {
        etag: z.string().parse(ETag).replaceAll('"', ''),
        versionId: z.string().parse(VersionId),
        size: Body.length,
      };
    },

    async delete(key: string, versionId?: string): Promise<void> {
      await s3.send(new DeleteObjectCommand({ Bucket: bucket, Key: key, VersionId: versionId }));
    },

    async record(key: string): Promise<ImageRecord | undefined> {
      return catalogue.find(await imageIdOf(bucket, key));
    },

    /** Waits until the record matches and all work on it is done. */
    async recordWhen(key: string, matches: (record: ImageRecord) => boolean): Promise<ImageRecord> {
      const imageId = await imageIdOf(bucket, key);
      return eventually(`the record of ${key}`, async () => {
        const record = await catalogue.find(imageId);
        return record?.announced && matches(record) ? record : undefined;
      });
    },

    /** As if the workflow had ended between its two writes. */
    async forgetAnnouncement(key: string): Promise<void> {
      await table.send(
        new UpdateCommand({
          TableName: tableName,
          Key: { imageId: await imageIdOf(bucket, key) },
          UpdateExpression: 'SET announced = :no',
          ExpressionAttributeValues: { ':no': false },
        }),
      );
    },

    /** The keys of an image's renditions, sorted. */
    async renditionKeys(key: string): Promise<string[]> {
      const Prefix = `${await imageIdOf(bucket, key)}/`;
      const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket: renditionBucket, Prefix }));
      return Contents.map(({ Key }) => z.string().parse(Key)).sort();
    },

    async rendition(key: string): Promise<{ bytes: Buffer; contentType: string | undefined }> {
      const { Body, ContentType } = await s3.send(new GetObjectCommand({ Bucket: renditionBucket, Key: key }));
      if (Body === undefined) throw new Error(`The rendition ${key} has no body.`);
      return { bytes: Buffer.from(await Body.transformToByteArray()), contentType: ContentType };
    },

    /** Sends an event exactly as S3 and EventBridge deliver it to the queue. */
    async enqueue(event: S3Event): Promise<void> {
      await sqs.send(new SendMessageCommand({ QueueUrl: queueUrl, MessageBody: messageBody(bucket, event) }));
    },

    /** Runs the workflow for an event, bypassing the queue and the stored decisions. */
    async decide(event: S3Event): Promise<string> {
      const { outcome } = await dispatchImage(
        await parseS3Event(messageBody(bucket, event)),
        { pipeline },
        { lastAttempt: false, groups: renditionGroups },
      );
      return outcome;
    },

    /** Renders an upload like an attempt that ends before it decides. */
    async render(event: S3Event): Promise<void> {
      const { correlationId, image } = await parseS3Event(messageBody(bucket, event));
      const FunctionName = await physicalId('ResizeImageFunction');
      const Payload = JSON.stringify({ correlationId, image, group: renditionGroups[0].name });
      await lambda.send(new InvokeCommand({ FunctionName, Payload }));
    },

    async queueIsEmpty(): Promise<void> {
      await eventually('an empty upload queue', async () => ((await messagesIn(queueUrl)) === 0 ? true : undefined));
    },

    /** Subscribes to the domain events as a consumer would, with its own rule and queue. */
    async subscribe(): Promise<() => Promise<DomainEvent[]>> {
      const name = `test-${randomUUID()}`;
      const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName: name }));
      const { Attributes } = await sqs.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['QueueArn'] }));
      const EventBusName = output(outputs, 'DomainEventBusName');
      await events.send(
        new PutRuleCommand({ Name: name, EventBusName, EventPattern: JSON.stringify({ source: [eventSource] }) }),
      );
      await events.send(
        new PutTargetsCommand({
          Rule: name,
          EventBusName,
          Targets: [{ Id: 'test', Arn: z.string().parse(Attributes?.['QueueArn']) }],
        }),
      );
      const received: DomainEvent[] = [];
      return async () => {
        for (;;) {
          const { Messages = [] } = await sqs.send(new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10 }));
          if (Messages.length === 0) return received;
          for (const { Body, ReceiptHandle } of Messages) {
            received.push(asPublished(JSON.parse(z.string().parse(Body))));
            await sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }));
          }
        }
      };
    },
  };
}

const providedStack = () => ({ address: inject('emulator'), outputs: inject('outputs') });

/** Validates against the published documents, and against the strict schemas, which allow no other properties. */
function asPublished(event: unknown): DomainEvent {
  const violations = violationsOf(event);
  if (violations.length > 0) throw new Error(`An event violates docs/events: ${violations.join(', ')}.`);
  return domainEvent.parse(event);
}

const domainEvent = z.discriminatedUnion('detail-type', [
  eventOf('ImageProcessed', domainEvents.ImageProcessed),
  eventOf('ImageRejected', domainEvents.ImageRejected),
  eventOf('ImageDeleted', domainEvents.ImageDeleted),
  eventOf('ImageFailed', domainEvents.ImageFailed),
]);
function eventOf<Type extends DomainEventType, Detail extends z.core.$ZodType>(type: Type, detail: Detail) {
  return z.object({ source: z.literal(eventSource), 'detail-type': z.literal(type), detail });
}
export type DomainEvent = z.infer<typeof domainEvent>;

export interface S3Event {
  readonly key: string;
  readonly sequencer: string;
  readonly versionId?: string;
  /** Absent if the object was created. */
  readonly deleted?: 'Permanently Deleted' | 'Delete Marker Created';
  readonly etag?: string;
  readonly size?: number;
}

export function messageBody(bucket: string, { key, sequencer, versionId, deleted, etag, size }: S3Event): string {
  const object = { key, sequencer, 'version-id': versionId, etag, size };
  return JSON.stringify({
    version: '0',
    id: randomUUID(),
    'detail-type': deleted === undefined ? 'Object Created' : 'Object Deleted',
    source: 'aws.s3',
    account: '000000000000',
    time: new Date().toISOString(),
    region: 'us-east-1',
    resources: [`arn:aws:s3:::${bucket}`],
    detail: {
      version: '0',
      bucket: { name: bucket },
      object,
      'deletion-type': deleted,
      reason: deleted === undefined ? 'PutObject' : 'DeleteObject',
    },
  });
}

// Generous: a safety limit for a pipeline that hangs, not a measure of its speed.
const PATIENCE_MILLIS = 240_000;

export async function eventually<Found>(what: string, look: () => Promise<Found | undefined>): Promise<Found> {
  const giveUpAt = Date.now() + PATIENCE_MILLIS;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (Date.now() > giveUpAt) throw new Error(`Waited ${PATIENCE_MILLIS / 1000} seconds without success for ${what}.`);
    await sleep(100);
  }
}
