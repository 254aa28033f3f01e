/** Checks that an event passes through every encrypted queue, and what happens to one that fails. */
import { randomUUID } from 'node:crypto';
import {
  DeleteRuleCommand,
  PutRuleCommand,
  PutTargetsCommand,
  RemoveTargetsCommand,
} from '@aws-sdk/client-eventbridge';
import { GetQueueAttributesCommand, SendMessageCommand } from '@aws-sdk/client-sqs';
import * as z from 'zod';
import { rememberedOutcomes } from '../../adapters/aws/idempotent-pipeline.ts';
import { knownImage } from '../../adapters/aws/known-image.ts';
import { domainEvents } from '../../adapters/contracts/domain-events.ts';
import { parseS3Event } from '../../adapters/contracts/s3-event.ts';
import { eventSource } from '../../core/names.ts';
import { type DeadLetter, forwardLetters, sampleLetters, takeLetters } from '../stack/dead-letter-queue.ts';
import { explainRefusal } from '../stack/queue-events.ts';
import { temporaryQueue } from './temporary-queue.ts';
import { decided, type SentUpload, upload } from './uploads.ts';
import { type Finding, idOf, pause, temporaryName, type Verification, waitFor } from './verification.ts';

const domainEvent = z.object({ 'detail-type': z.string(), detail: z.object({ image: z.object({ key: z.string() }) }) });

/** Sends an upload from S3 through the encrypted upload queue, and its domain event to an encrypted queue of a consumer. */
export async function checkEncryptedQueues(verification: Verification): Promise<Finding> {
  const { stack } = verification;
  const keyId = idOf(verification, 'DataKey');
  const faults: string[] = [];
  const { UploadQueueUrl, OverflowQueueUrl, UploadDeadLetterQueueUrl, UndeliveredEventQueueUrl } = stack.outputs;
  // Those of uploads. The queue for undelivered domain events has another key on purpose.
  const queues = [UploadQueueUrl, OverflowQueueUrl, UploadDeadLetterQueueUrl, UndeliveredEventQueueUrl];
  for (const QueueUrl of queues) {
    const { Attributes } = await stack.clients.sqs.send(
      new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['KmsMasterKeyId'] }),
    );
    if (Attributes?.['KmsMasterKeyId']?.endsWith(keyId)) continue;
    faults.push(`${QueueUrl.split('/').at(-1)} is not encrypted with the stack’s key.`);
  }
  const consumer = await subscribe(verification, keyId);
  // A new rule takes effect after a while: https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutRule.html
  if (!stack.emulated) await pause(verification);
  const { key } = await upload(verification, 'event.jpg', knownImage.bytes);
  const type = await consumer.receive(`domain event of ${key}`, 5, (body) => {
    const event = domainEvent.parse(JSON.parse(body));
    return event.detail.image.key === key ? event['detail-type'] : undefined;
  });
  if (type !== 'ImageProcessed') faults.push(`The known picture’s domain event is ${type} instead of ImageProcessed.`);
  return { faults, seen: `queues: ${queues.length}, and a domain event` };
}

async function subscribe(verification: Verification, keyId: string) {
  const { stack, undo } = verification;
  const { events } = stack.clients;
  const EventBusName = stack.outputs.DomainEventBusName;
  const rule = { Name: temporaryName(verification), EventBusName };
  const target = { Rule: rule.Name, EventBusName };
  undo.add(`The rule ${rule.Name}`, async () => {
    await events.send(new RemoveTargetsCommand({ ...target, Ids: ['verify'] }));
    await events.send(new DeleteRuleCommand(rule));
  });
  const { RuleArn } = await events.send(
    new PutRuleCommand({
      ...rule,
      EventPattern: JSON.stringify({ source: [eventSource], 'detail-type': Object.keys(domainEvents) }),
    }),
  );
  const sourceArn = z.string().parse(RuleArn);
  const queue = await temporaryQueue(verification, 'events', { service: 'events.amazonaws.com', sourceArn, keyId });
  await events.send(new PutTargetsCommand({ ...target, Targets: [{ Id: 'verify', Arn: queue.arn }] }));
  return queue;
}

/** Five attempts, at least 30, 60, 120 and 240 seconds apart, and at most twice that. */
const deadLetterMinutes = 25;
const holdMillis = 60 * 60_000;

/**
 * Sends an event of which every attempt fails, because another one seems to be in progress, and redrives its dead letter. No
 * other upload is affected.
 */
export async function checkDeadLetter(verification: Verification): Promise<Finding> {
  const { stack, undo } = verification;
  const { dynamoDb, sqs } = stack.clients;
  const sent = await upload(verification, 'dead-letter.jpg', knownImage.bytes);
  const record = await decided(verification, sent);
  const MessageBody = repeatedEvent(stack.outputs.UploadBucketName, sent, record.sequencer);
  const event = await parseS3Event(MessageBody, stack.outputs.UploadBucketName);
  const memory = rememberedOutcomes({ client: dynamoDb, tableName: stack.outputs.IdempotencyTableName });
  const isOurs = (letter: DeadLetter) => letter.event?.image.key === sent.key;

  undo.add(`The hold on ${sent.key}`, () => memory.release(event));
  await memory.hold(event, holdMillis);
  await sqs.send(new SendMessageCommand({ QueueUrl: stack.outputs.UploadQueueUrl, MessageBody })).catch(explainRefusal);
  const waiting = { what: `dead letter of ${sent.key}`, minutes: deadLetterMinutes };
  const [found] = await waitFor(verification, waiting, async () => {
    const letters = (await sampleLetters(stack, 'uploads', sampleSize)).filter(isOurs);
    return letters.length > 0 ? letters : undefined;
  });
  await memory.release(event);
  let forwarded = 0;
  for await (const letters of takeLetters(stack, 'uploads', sampleSize, isOurs)) {
    forwarded += (await forwardLetters(stack, 'uploads', letters)).length;
    break;
  }
  if (forwarded !== 1) return { faults: [`The redrive moved ${forwarded} messages instead of one.`], seen: '' };
  const outcome = await waitFor(verification, { what: `outcome of the redriven ${sent.key}`, minutes: 5 }, () =>
    memory.find(event),
  );
  const faults = outcome === 'processed' ? [] : [`The redriven upload ended ${outcome} instead of processed.`];
  return { faults, seen: `message ${found?.messageId}` };
}

/** Of a dead-letter queue, which can only be sampled. */
const sampleSize = 1000;

/** S3's event for the same version, once more and slightly later. */
function repeatedEvent(bucket: string, { key, etag, versionId }: SentUpload, sequencer: string): string {
  const object = { key, etag, 'version-id': versionId, size: knownImage.bytes.length };
  return JSON.stringify({
    id: randomUUID(),
    time: new Date().toISOString(),
    'detail-type': 'Object Created',
    detail: { bucket: { name: bucket }, object: { ...object, sequencer: `${sequencer.slice(0, -1)}1` } },
  });
}
