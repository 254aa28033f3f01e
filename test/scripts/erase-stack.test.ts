import { CloudFormationClient, DescribeStackResourceCommand } from '@aws-sdk/client-cloudformation';
import { CloudFrontClient, CreateInvalidationCommand, GetInvalidationCommand } from '@aws-sdk/client-cloudfront';
import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import {
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetBucketVersioningCommand,
  GetObjectCommand,
  GetObjectLegalHoldCommand,
  GetObjectLockConfigurationCommand,
  GetObjectRetentionCommand,
  ListObjectsV2Command,
  ListObjectVersionsCommand,
  S3Client,
  S3ServiceException,
} from '@aws-sdk/client-s3';
import {
  ChangeMessageVisibilityBatchCommand,
  DeleteMessageBatchCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { BatchWriteCommand, DynamoDBDocumentClient, ScanCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { beforeEach, describe, expect, it } from 'vitest';
import { formatLine } from '../../adapters/contracts/history-line.ts';
import type { StoredVersion } from '../../core/erase.ts';
import { imageIdOf } from '../../core/image.ts';
import { historyDelaySeconds } from '../../scripts/erase/history-delay.ts';
import { invalidate } from '../../scripts/erase/invalidation.ts';
import { imagesBelow, requireRemovable, stackTraces } from '../../scripts/erase/stack-traces.ts';
import { sweepLetters } from '../../scripts/stack/dead-letter-queue.ts';
import { numberAt, templateFor } from '../../scripts/template/template.ts';
import { mockClient } from '../support/mock-client.ts';
import { mockedStack } from '../support/mocked-stack.ts';
import { deletedRecord, processedRecord } from '../support/records.ts';

/** The single steps of `npm run erase`, as AWS answers them. */

const [s3, sqs, table] = [mockClient(S3Client), mockClient(SQSClient), mockClient(DynamoDBDocumentClient)];
const [cloudFormation, cloudFront] = [mockClient(CloudFormationClient), mockClient(CloudFrontClient)];
const stack = mockedStack();
const storedAt = '2026-01-02T03:04:05.000Z';
const version = (id: string, changes: Partial<StoredVersion> = {}): StoredVersion => ({
  ...{ id, kind: 'version', latest: false, storedAt },
  ...changes,
});
const unlocked = (name: string) =>
  new S3ServiceException({ name, $fault: 'client', $metadata: { httpStatusCode: 404 }, message: name });

beforeEach(() => {
  for (const mock of [s3, sqs, table, cloudFormation, cloudFront]) mock.reset();
  s3.on(GetObjectLockConfigurationCommand).rejects(unlocked('ObjectLockConfigurationNotFoundError'));
});
const bucket = 'UploadBucketName';
const traces = () => stackTraces(stack, { bucket, perSecond: 10_000 });

describe('Object Lock', () => {
  it('costs no request for a version if the bucket has none', async () => {
    expect(await (await traces()).holds('cat.jpg', [version('v1')])).toEqual([]);
    expect(s3.commandCalls(GetObjectLegalHoldCommand)).toEqual([]);
  });

  it('is asked for every version: a legal hold, or retention that has not ended, is a hold', async () => {
    const until = new Date(Date.now() + 1000_000);
    s3.on(GetObjectLockConfigurationCommand).resolves({ ObjectLockConfiguration: { ObjectLockEnabled: 'Enabled' } });
    s3.on(GetObjectLegalHoldCommand).rejects(unlocked('NoSuchObjectLockConfiguration'));
    s3.on(GetObjectRetentionCommand).rejects(unlocked('NoSuchObjectLockConfiguration'));
    s3.on(GetObjectLegalHoldCommand, { VersionId: 'held' }).resolves({ LegalHold: { Status: 'ON' } });
    s3.on(GetObjectLegalHoldCommand, { VersionId: 'released' }).resolves({ LegalHold: { Status: 'OFF' } });
    const retention = (RetainUntilDate: Date) => ({ Retention: { Mode: 'COMPLIANCE' as const, RetainUntilDate } });
    s3.on(GetObjectRetentionCommand, { VersionId: 'retained' }).resolves(retention(until));
    s3.on(GetObjectRetentionCommand, { VersionId: 'over' }).resolves(retention(new Date(0)));
    const versions = ['held', 'released', 'retained', 'over', 'free'].map((id) => version(id));
    expect(await (await traces()).holds('cat.jpg', [...versions, version('m', { kind: 'marker' })])).toEqual([
      { hold: 'legal hold', versionId: 'held' },
      { hold: 'retention', versionId: 'retained', mode: 'COMPLIANCE', until: until.toISOString() },
    ]);
  });

  it('that cannot be read stops the command: an unknown hold is no permission', async () => {
    s3.on(GetObjectLockConfigurationCommand).rejects(unlocked('AccessDenied'));
    await expect(traces()).rejects.toThrow('AccessDenied');
  });

  it('a bucket with MFA delete is refused as a whole', async () => {
    s3.on(GetBucketVersioningCommand).resolves({ Status: 'Enabled', MFADelete: 'Enabled' });
    await expect(requireRemovable(stack, bucket)).rejects.toThrow('only the root user, with its MFA device');
    s3.on(GetBucketVersioningCommand).resolves({ Status: 'Enabled' });
    await expect(requireRemovable(stack, bucket)).resolves.toBeUndefined();
  });
});

describe('versions', () => {
  it('are those of the key, on all pages, and not those of keys that begin with it', async () => {
    const entry = (Key: string, VersionId: string) => ({
      Key,
      VersionId,
      IsLatest: false,
      LastModified: new Date(storedAt),
    });
    s3.on(ListObjectVersionsCommand)
      .resolvesOnce({
        Versions: [entry('cat.jpg', 'v2')],
        IsTruncated: true,
        NextKeyMarker: 'cat.jpg',
        NextVersionIdMarker: 'v2',
      })
      .resolvesOnce({
        Versions: [entry('cat.jpg', 'v1'), entry('cat.jpg.bak', 'other')],
        DeleteMarkers: [{ ...entry('cat.jpg', 'm'), IsLatest: true }],
      });
    expect(await (await traces()).versions('cat.jpg')).toEqual([
      version('v2'),
      version('v1'),
      version('m', { kind: 'marker', latest: true }),
    ]);
  });

  it('go before the delete marker that hides them, in requests of their own', async () => {
    s3.on(DeleteObjectsCommand).resolves({});
    const versions = [
      version('m2', { kind: 'marker', latest: true }),
      version('v1'),
      version('m1', { kind: 'marker' }),
    ];
    await (await traces()).removeVersions('cat.jpg', versions);
    const requests = s3.commandCalls(DeleteObjectsCommand).map(({ args: [{ input }] }) => input.Delete?.Objects);
    expect(requests).toEqual(
      [['v1'], ['m1'], ['m2']].map((ids) => ids.map((VersionId) => ({ Key: 'cat.jpg', VersionId }))),
    );
  });

  it('that S3 does not remove stop the command, and the marker stays', async () => {
    s3.on(DeleteObjectsCommand).resolves({
      Errors: [{ Key: 'cat.jpg', VersionId: 'v1', Code: 'AccessDenied', Message: 'No.' }],
    });
    const versions = [version('v1'), version('m', { kind: 'marker', latest: true })];
    await expect((await traces()).removeVersions('cat.jpg', versions)).rejects.toThrow(
      'S3 did not remove version v1 of cat.jpg (AccessDenied: No). If access is denied, you need s3:DeleteObjectVersion',
    );
    expect(s3.commandCalls(DeleteObjectsCommand)).toHaveLength(1);
  });
});

describe('tables', () => {
  const imageId = 'c0ffee00c0ffee00c0ffee00c0ffee00';

  it('has decisions of images, and counts of senders, which are none', async () => {
    const ids = [`image-pipeline#${imageId}#abc`, 'image-pipeline#olderform', 'sender#abc#1'];
    table.on(ScanCommand).resolves({ Items: ids.map((id) => ({ id })) });
    expect(await Array.fromAsync((await traces()).decisions())).toEqual([{ id: ids[0], imageId }]);
  });

  it('forgets decisions, also those that DynamoDB throttles at first', async () => {
    const request = (id: string) => ({ DeleteRequest: { Key: { id } } });
    const ids = Array.from({ length: 30 }, (_, index) => String(index));
    table
      .on(BatchWriteCommand)
      .resolvesOnce({ UnprocessedItems: { IdempotencyTableName: [request('3')] } })
      .resolves({});
    await (await traces()).removeDecisions(ids);
    const asked = table
      .commandCalls(BatchWriteCommand)
      .map(({ args: [{ input }] }) => input.RequestItems?.['IdempotencyTableName']);
    expect(asked).toEqual([ids.slice(0, 25).map(request), [request('3')], ids.slice(25).map(request)]);
  });

  it('clears a tombstone only if it is still the one that was read', async () => {
    const tombstone = { imageId, sequencer: '01' };
    table
      .on(UpdateCommand)
      .rejects(new ConditionalCheckFailedException({ $metadata: {}, message: 'The conditional request failed' }));
    await (await traces()).clearTombstone(tombstone);
    const [call] = table.commandCalls(UpdateCommand);
    expect(call?.args[0].input).toMatchObject({
      Key: { imageId },
      UpdateExpression: 'SET correlationId = :erased REMOVE #key',
      ConditionExpression: 'sequencer = :sequencer AND outcome = :deleted AND announced = :yes',
    });
  });
});

describe('the adopted bucket', () => {
  const adopted = 'AdoptedBucketName';
  const inAdopted = () => stackTraces(stack, { bucket: adopted, perSecond: 10_000 });

  it('is the only one whose versions, locks and events are touched', async () => {
    s3.on(GetObjectLockConfigurationCommand).resolves({ ObjectLockConfiguration: { ObjectLockEnabled: 'Enabled' } });
    s3.on(GetObjectLegalHoldCommand).resolves({});
    s3.on(GetObjectRetentionCommand).resolves({});
    s3.on(GetBucketVersioningCommand).resolves({});
    const marker = { Key: 'cat.jpg', VersionId: 'm', LastModified: new Date(storedAt) };
    s3.on(ListObjectVersionsCommand).resolves({ DeleteMarkers: [marker] });
    s3.on(DeleteObjectCommand).resolves({ VersionId: 'm' });
    s3.on(DeleteObjectsCommand).resolves({});
    sqs.on(SendMessageBatchCommand).resolves({});

    await requireRemovable(stack, adopted);
    const store = await inAdopted();
    await store.holds('cat.jpg', [version('v1')]);
    await store.deleteObject('cat.jpg');
    await store.removeVersions('cat.jpg', [version('v1')]);
    await store.queueDeletion('cat.jpg', '01');

    expect(new Set(s3.calls().map(({ args: [{ input }] }) => JSON.parse(JSON.stringify(input)).Bucket))).toEqual(
      new Set([adopted]),
    );
    const [sent] = sqs.commandCalls(SendMessageBatchCommand).map(({ args: [{ input }] }) => input.Entries?.[0]);
    expect(JSON.parse(sent?.MessageBody ?? '{}')).toMatchObject({ detail: { bucket: { name: adopted } } });
  });

  it('has images of its own, even if the upload bucket has the same keys', async () => {
    s3.on(ListObjectVersionsCommand).callsFake(({ Bucket }: { Bucket: string }) => ({
      Versions: [{ Key: `ann/only-in-${Bucket}.jpg`, VersionId: 'v' }],
    }));
    const records = [
      processedRecord({ imageId: 'of-uploads', bucket, key: 'ann/cat.jpg' }),
      processedRecord({ imageId: 'of-adopted', bucket: adopted, key: 'ann/cat.jpg' }),
      deletedRecord({ imageId: 'deleted', bucket: adopted, key: 'ann/dog.jpg' }),
    ];
    table.on(ScanCommand).resolves({ Items: records.map((record) => ({ ...record })) });
    const found = await Array.fromAsync(imagesBelow(stack, adopted, 'ann/'));
    const listed = `ann/only-in-${adopted}.jpg`;
    expect(found.map(({ imageId }) => imageId)).toEqual([await imageIdOf(adopted, listed), 'of-adopted', 'deleted']);
  });
});

describe('history', () => {
  it('is read only when the last change has had the time to arrive, whatever the stage', async () => {
    const cleared = formatLine({
      ...{
        id: '1',
        order: '1',
        at: storedAt,
        event: 'repeated',
        imageId: 'cat',
        itemId: 'cat',
        correlationId: 'erased',
      },
    });
    s3.on(ListObjectsV2Command).resolves({ Contents: [{ Key: 'history/day=2026-11-29/1-1.jsonl' }] });
    s3.on(GetObjectCommand).callsFake(() => ({ Body: { transformToString: async () => `${cleared}\n` } }));
    const order: string[] = [];
    const store = await stackTraces(stack, {
      ...{ bucket, perSecond: 10_000 },
      wait: async (millis) => {
        expect(s3.commandCalls(GetObjectCommand)).toEqual([]);
        order.push(`${millis}`);
      },
    });
    await store.settleHistory('cat');
    expect(order).toEqual([`${historyDelaySeconds(stack) * 1000}`]);
    expect(s3.commandCalls(GetObjectCommand)).toHaveLength(1);
  });

  it.each(['dev', 'prod'] as const)(
    'in stage %s arrives within the wait: the window of a batch, and two calls',
    (stage) => {
      const { Events = null, Timeout = null } =
        templateFor(stage).resources.get('RecordHistoryFunction')?.Properties ?? {};
      const window = numberAt(Events, 'Changes', 'Properties', 'MaximumBatchingWindowInSeconds');
      expect(window).toBeGreaterThan(0);
      expect(historyDelaySeconds({ emulated: false })).toBeGreaterThanOrEqual(window + 2 * numberAt(Timeout));
    },
  );

  it('on the emulator needs no wait', () => {
    expect(historyDelaySeconds({ emulated: true })).toBe(0);
  });
});

describe('dead letters', () => {
  const attributes = (hidden: number) => ({
    Attributes: {
      ...{ QueueArn: 'arn', ApproximateNumberOfMessages: '3', MessageRetentionPeriod: '60' },
      ApproximateNumberOfMessagesNotVisible: String(hidden),
    },
  });
  beforeEach(() => {
    sqs.on(GetQueueAttributesCommand).resolves(attributes(0));
  });

  it('hidden by a killed run are waited for, because no one can see them before', async () => {
    cloudFormation.on(DescribeStackResourceCommand).resolves({ StackResourceDetail: detail('DomainQueue') });
    const calls: string[] = [];
    let hidden = 1;
    sqs.on(GetQueueAttributesCommand).callsFake(({ QueueUrl }: { QueueUrl: string }) => {
      calls.push(`${hidden} hidden in ${QueueUrl}`);
      return attributes(hidden--);
    });
    sqs.on(ReceiveMessageCommand).callsFake(({ QueueUrl }: { QueueUrl: string }) => {
      calls.push(`read ${QueueUrl}`);
      sqs.on(GetQueueAttributesCommand).resolves(attributes(0));
      return {};
    });
    await sweepLetters(stack, async () => false);
    expect(calls.slice(0, 3)).toEqual([
      '1 hidden in UploadDeadLetterQueueUrl',
      '0 hidden in UploadDeadLetterQueueUrl',
      'read UploadDeadLetterQueueUrl',
    ]);
  });

  const letter = (id: string, body: object) => ({
    MessageId: id,
    ReceiptHandle: `r-${id}`,
    Body: JSON.stringify(body),
  });
  const created = (key: string) => ({
    ...{ id: key, time: '2026-01-02T03:04:05Z', 'detail-type': 'Object Created' },
    detail: {
      bucket: { name: 'UploadBucketName' },
      object: { key, size: 1, etag: 'e', sequencer: '0055AED6DCD90281E5', 'version-id': 'v1' },
    },
  });
  const domainEvent = (type: string) => ({
    'detail-type': type,
    detail: { image: { id: 'gone', sequencer: '0055AED6DCD90281E500000000000000' } },
  });

  it('are all read, the right ones deleted, and the others visible again, in every queue', async () => {
    cloudFormation.on(DescribeStackResourceCommand).resolves({ StackResourceDetail: detail('DomainQueue') });
    sqs.on(ReceiveMessageCommand).resolves({});
    sqs
      .on(ReceiveMessageCommand, { QueueUrl: 'UploadDeadLetterQueueUrl' })
      .resolvesOnce({
        Messages: [letter('1', created('cat.jpg')), letter('2', created('dog.jpg')), letter('3', { Records: [] })],
      })
      // It was hidden for so long that it appears again: all have been seen.
      .resolves({ Messages: [letter('2', created('dog.jpg'))] });
    sqs
      .on(ReceiveMessageCommand, { QueueUrl: 'DomainQueue' })
      .resolvesOnce({
        Messages: [letter('4', domainEvent('ImageProcessed')), letter('5', domainEvent('ImageDeleted'))],
      })
      .resolves({});
    sqs.on(DeleteMessageBatchCommand).resolves({});
    sqs.on(ChangeMessageVisibilityBatchCommand).resolves({});
    const seen: (string | undefined)[] = [];

    await sweepLetters(stack, async ({ imageId, versionId }) => {
      seen.push(versionId ?? imageId);
      return imageId === 'gone' || seen.length === 1;
    });

    expect(seen).toEqual(['v1', 'v1', 'v1', 'gone']);
    const handles = (entries: readonly { ReceiptHandle?: string | undefined }[] = []) =>
      entries.map(({ ReceiptHandle }) => ReceiptHandle);
    expect(
      sqs
        .commandCalls(DeleteMessageBatchCommand)
        .map(({ args: [{ input }] }) => [input.QueueUrl, handles(input.Entries)]),
    ).toEqual([
      ['UploadDeadLetterQueueUrl', ['r-1']],
      ['DomainQueue', ['r-4']],
    ]);
    expect(
      sqs
        .commandCalls(ChangeMessageVisibilityBatchCommand)
        .map(({ args: [{ input }] }) => [input.QueueUrl, handles(input.Entries)]),
    ).toEqual([
      ['UploadDeadLetterQueueUrl', ['r-2', 'r-3']],
      // Consumers still have to learn of the deletion.
      ['DomainQueue', ['r-5']],
    ]);
  });

  function detail(PhysicalResourceId: string) {
    return {
      ...{ PhysicalResourceId, LogicalResourceId: 'UndeliveredDomainEventQueue', ResourceType: 'AWS::SQS::Queue' },
      ...{ LastUpdatedTimestamp: new Date(0), ResourceStatus: 'CREATE_COMPLETE' as const },
    };
  }
});

describe('an invalidation', () => {
  const wanted = { distribution: 'E1ABC', images: ['one', 'two'], since: storedAt };

  it('covers every rendition of the images, is waited for, and a repeat is the same one', async () => {
    const Invalidation = { Id: 'I1', Status: 'InProgress', CreateTime: new Date(0), InvalidationBatch: undefined };
    cloudFront.on(CreateInvalidationCommand).resolves({ Invalidation });
    cloudFront.on(GetInvalidationCommand).resolves({ Invalidation: { ...Invalidation, Status: 'Completed' } });
    expect(await invalidate(stack, wanted)).toBe('I1');
    await invalidate(stack, wanted);
    await invalidate(stack, { ...wanted, since: '2026-01-03T03:04:05.000Z' });
    const batches = cloudFront
      .commandCalls(CreateInvalidationCommand)
      .map(({ args: [{ input }] }) => input.InvalidationBatch);
    expect(batches[0]?.Paths?.Items).toEqual(['/one/*', '/two/*']);
    const references = batches.map((batch) => batch?.CallerReference);
    expect(references[1]).toBe(references[0]);
    expect(references[2]).not.toBe(references[0]);
    expect(cloudFront.commandCalls(GetInvalidationCommand)[0]?.args[0].input).toEqual({
      DistributionId: 'E1ABC',
      Id: 'I1',
    });
  });
});
