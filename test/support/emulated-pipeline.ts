import { randomUUID } from 'node:crypto';
import {
  DescribeRuleCommand,
  PutEventsCommand,
  PutRuleCommand,
  PutTargetsCommand,
  TestEventPatternCommand,
} from '@aws-sdk/client-eventbridge';
import { IAMClient } from '@aws-sdk/client-iam';
import {
  InvokeCommand,
  ListEventSourceMappingsCommand,
  UpdateEventSourceMappingCommand,
  type UpdateEventSourceMappingRequest,
} from '@aws-sdk/client-lambda';
import { DeleteObjectCommand, GetObjectCommand, ListObjectsV2Command, PutObjectCommand } from '@aws-sdk/client-s3';
import { SFNClient } from '@aws-sdk/client-sfn';
import {
  CreateQueueCommand,
  DeleteMessageCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
  TagQueueCommand,
  UntagQueueCommand,
} from '@aws-sdk/client-sqs';
import { UpdateCommand } from '@aws-sdk/lib-dynamodb';
import pWaitFor from 'p-wait-for';
import * as z from 'zod';
import { sfnPipeline } from '../../adapters/aws/sfn-pipeline.ts';
import { domainEvents, type PublishedEventType, progressEvents } from '../../adapters/contracts/domain-events.ts';
import { verdictType } from '../../adapters/contracts/malware-verdict.ts';
import { parseUploadEvent } from '../../adapters/contracts/upload-event.ts';
import { dispatchImage } from '../../core/dispatch-images.ts';
import { imageIdOf } from '../../core/image.ts';
import { eventSource } from '../../core/names.ts';
import { renditionGroups } from '../../core/presets.ts';
import type { ImageRecord } from '../../core/record.ts';
import { follow, readRecords } from '../../scripts/stack/follow.ts';
import { messagesIn, readIntake, readQueue } from '../../scripts/stack/queues.ts';
import { physicalId, type Stack } from '../../scripts/stack/stack.ts';
import { providedStack } from './provided-stack.ts';
import { violationsOf } from './published-schemas.ts';

/**
 * The deployed pipeline as its users see it: send uploads, and inspect records, renditions and events.
 *
 * @param stack needed where no test runner provides one
 */
export function emulatedPipeline(stack: Stack = providedStack()) {
  const { s3, sqs, events, lambda, table } = stack.clients;
  const {
    UploadBucketName: bucket,
    RenditionBucketName: renditionBucket,
    ImageTableName: tableName,
    UploadQueueUrl: queueUrl,
  } = stack.outputs;
  const pipeline = sfnPipeline({
    client: new SFNClient({ ...stack.clientConfig, disableHostPrefix: true, maxAttempts: 1 }),
    stateMachineArn: stack.outputs.StateMachineArn,
  });

  return {
    stack,
    bucket,
    renditionBucket,
    queueUrl,
    deadLetterQueueUrl: stack.outputs.UploadDeadLetterQueueUrl,
    s3,
    sqs,
    events,
    iam: new IAMClient(stack.clientConfig),
    lambda,
    /** The physical id of a resource in the template. */
    physicalId: (logicalId: string) => physicalId(stack, logicalId),
    messagesIn: (url: string) => messagesIn(sqs, url),

    /** Changes how the queue is polled; returns a function that restores it. */
    async takeInBatches(how: Pick<UpdateEventSourceMappingRequest, 'BatchSize' | 'ScalingConfig'>) {
      const { arn: EventSourceArn } = await readQueue(sqs, queueUrl);
      const { EventSourceMappings: [before] = [] } = await lambda.send(
        new ListEventSourceMappingsCommand({ EventSourceArn }),
      );
      const { UUID, BatchSize, ScalingConfig } = before ?? {};
      const take = (wanted: typeof how) => lambda.send(new UpdateEventSourceMappingCommand({ UUID, ...wanted }));
      await take(how);
      return () => take({ BatchSize, ScalingConfig });
    },

    /** Messages wait a tenth of the usual time between attempts, so five attempts take seconds; returns a function that restores it. */
    async shortenRetries() {
      const tag = 'retry-wait-scale';
      await sqs.send(new TagQueueCommand({ QueueUrl: queueUrl, Tags: { [tag]: '0.1' } }));
      return () => sqs.send(new UntagQueueCommand({ QueueUrl: queueUrl, TagKeys: [tag] }));
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
      const imageId = await imageIdOf(bucket, key);
      return (await readRecords(stack, [imageId])).get(imageId);
    },

    /** Waits until the record matches and all work on it is done. */
    async recordWhen(key: string, matches: (record: ImageRecord) => boolean): Promise<ImageRecord> {
      const upload = {
        imageId: await imageIdOf(bucket, key),
        outcomeIn: (record: ImageRecord | undefined) => (record?.announced && matches(record) ? record : undefined),
      };
      for await (const { outcome } of follow([upload], stack, { pauseMillis: 100, giveUp }))
        if (outcome !== undefined) return outcome;
      throw timedOut(`the record of ${key}`);
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

    /**
     * GuardDuty's event, as for a bucket without versions: the emulator's S3 events have none either. Only AWS can put it on the
     * bus, so this asks the emulator whether the deployed rule matches it, and if so, delivers it as the rule would.
     */
    async reportMalware(verdict: Verdict, changes: Partial<ReturnType<typeof verdictEvent>> = {}): Promise<boolean> {
      const { EventPattern } = await events.send(
        new DescribeRuleCommand({ Name: await physicalId(stack, 'UploadRule') }),
      );
      const body = JSON.stringify({ ...verdictEvent(bucket, verdict), ...changes });
      const { Result: matches = false } = await events.send(new TestEventPatternCommand({ EventPattern, Event: body }));
      if (matches) await sqs.send(new SendMessageCommand({ QueueUrl: queueUrl, MessageBody: body }));
      return matches;
    },

    /** What anyone in the account can try. */
    async forgeVerdict(verdict: Verdict): Promise<string | undefined> {
      const { source: Source, 'detail-type': DetailType, detail } = verdictEvent(bucket, verdict);
      const { Entries: [entry] = [] } = await events.send(
        new PutEventsCommand({ Entries: [{ Source, DetailType, Detail: JSON.stringify(detail) }] }),
      );
      return entry?.ErrorCode;
    },

    /** Runs the workflow for an event, bypassing the queue and the stored decisions. */
    async decide(event: S3Event | Verdict): Promise<string> {
      const body = 'sequencer' in event ? messageBody(bucket, event) : JSON.stringify(verdictEvent(bucket, event));
      const { outcome } = await dispatchImage(
        await parseUploadEvent(body, bucket),
        { pipeline },
        { lastAttempt: false, groups: renditionGroups },
      );
      return outcome;
    },

    /** Renders an upload like an attempt that ends before it decides. */
    async render(event: S3Event): Promise<void> {
      const { correlationId, image } = await parseUploadEvent(messageBody(bucket, event), bucket);
      const FunctionName = await physicalId(stack, 'ResizeImageFunction');
      const Payload = JSON.stringify({ correlationId, image, group: renditionGroups[0].name });
      await lambda.send(new InvokeCommand({ FunctionName, Payload }));
    },

    async queueIsEmpty(): Promise<void> {
      await eventually('no upload in a queue', async () => {
        const { waiting, inWork } = await readIntake(stack);
        return waiting + inWork === 0 ? true : undefined;
      });
    },

    /** Subscribes as a consumer would, with its own rule and queue: to the results of uploads, unless it names other types. */
    async subscribe(
      name = `test-${randomUUID()}`,
      types: readonly string[] = Object.keys(domainEvents),
    ): Promise<() => Promise<DomainEvent[]>> {
      const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName: name }));
      const { arn } = await readQueue(sqs, z.string().parse(QueueUrl));
      const EventBusName = stack.outputs.DomainEventBusName;
      await events.send(
        new PutRuleCommand({
          ...{ Name: name, EventBusName },
          EventPattern: JSON.stringify({ source: [eventSource], 'detail-type': types }),
        }),
      );
      await events.send(
        new PutTargetsCommand({
          Rule: name,
          EventBusName,
          Targets: [{ Id: 'test', Arn: arn }],
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
  eventOf('ImageDescribed', progressEvents.ImageDescribed),
]);
function eventOf<Type extends PublishedEventType, Detail extends z.core.$ZodType>(type: Type, detail: Detail) {
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

/** GuardDuty has found malware in one version. */
export interface Verdict {
  readonly key: string;
  readonly etag: string;
  readonly versionId?: string;
}

export function verdictEvent(bucket: string, { key, etag, versionId }: Verdict, scanResultStatus = 'THREATS_FOUND') {
  return {
    version: '0',
    id: randomUUID(),
    account: '000000000000',
    region: 'us-east-1',
    resources: ['arn:aws:guardduty:us-east-1:000000000000:malware-protection-plan/0123'],
    time: new Date().toISOString(),
    source: 'aws.guardduty',
    'detail-type': verdictType,
    detail: {
      schemaVersion: '1.0',
      scanStatus: 'COMPLETED',
      resourceType: 'S3_OBJECT',
      s3ObjectDetails: { bucketName: bucket, objectKey: key, eTag: etag, versionId, s3Throttled: false },
      scanResultDetails: { scanResultStatus, threats: [{ name: 'EICAR-Test-File (not a virus)' }] },
    },
  };
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

const giveUp = (quietMillis: number) => quietMillis > PATIENCE_MILLIS;
const timedOut = (what: string) => new Error(`Waited ${PATIENCE_MILLIS / 1000} seconds without success for ${what}.`);

export async function eventually<Found>(what: string, look: () => Promise<Found | undefined>): Promise<Found> {
  const isFound = async () => {
    const found = await look();
    return found !== undefined && pWaitFor.resolveWith(found);
  };
  return await pWaitFor(isFound, {
    interval: 100,
    timeout: { milliseconds: PATIENCE_MILLIS, message: timedOut(what) },
  });
}
