import {
  GetQueueAttributesCommand,
  ListMessageMoveTasksCommand,
  ReceiveMessageCommand,
  SQSClient,
  SQSServiceException,
  StartMessageMoveTaskCommand,
} from '@aws-sdk/client-sqs';
import { beforeEach, describe, expect, it } from 'vitest';
import type { ImageRecord } from '../../core/record.ts';
import { causesOf, type Found } from '../../scripts/redrive/dead-letter-cause.ts';
import { redriveCommand } from '../../scripts/redrive/redrive.ts';
import { moveLetters } from '../../scripts/redrive/redrive-stack.ts';
import { isGood, type Moved, totalsOf, verdictOf } from '../../scripts/redrive/redrive-verdict.ts';
import { parsedOptions } from '../../scripts/terminal/command.ts';
import { mockClient } from '../support/mock-client.ts';
import { mockedStack } from '../support/mocked-stack.ts';
import { deletedRecord } from '../support/records.ts';
import { createdEvent, uploadOf } from '../support/upload-events.ts';

const event = createdEvent();
const { imageId, bucket, key, sequencer } = uploadOf();
const earlier = '0055AED6DCD90281E400000000000000';
const later = '0055AED6DCD90281E600000000000000';

function failedRecord(changes: Partial<Extract<ImageRecord, { outcome: 'failed' }>> = {}): ImageRecord {
  return {
    ...{ imageId, bucket, key, version: 'v1', sequencer, correlationId: 'correlation-1', announced: true },
    ...{ occurredAt: '2026-01-02T03:04:05Z', recordedAt: '2026-01-02T03:05:00Z' },
    outcome: 'failed',
    message: 'States.Timeout: too late',
    ...changes,
  };
}
function found(
  changes: { event?: Found['letter']['event']; record?: ImageRecord; deliveryError?: string } = {},
): Found {
  return {
    queue: 'uploads',
    letter: {
      ...{ messageId: 'message', receiptHandle: 'receipt', body: '…', deliveryError: changes.deliveryError },
      event: 'event' in changes ? changes.event : event,
    },
    record: changes.record,
  };
}
const causeOf = (one: Found) => causesOf([one]).map(({ text }) => text);

describe('the cause of a dead letter', () => {
  it('is the error message of the worker in its failed record, even if truncated', () => {
    const message = `TaskFailed: {"errorType":"AccessDenied","errorMessage":"no \\"PutObject\\" for you","trace":["at x`;
    expect(causeOf(found({ record: failedRecord({ message }) }))).toEqual(['AccessDenied: no \\"PutObject\\" for you']);
  });

  it('is the same for errors that differ only in names, ids and numbers; the most frequent cause comes first', () => {
    const messageOf = (image: string, id: string, seconds: string) =>
      failedRecord({
        key: image,
        message: `Task timed out after ${seconds} seconds for ${image}, s3://out/${id}/0055AED6DCD90281E5/web.webp`,
      });
    const letters = ['cat.jpg', 'dog.jpg', 'cow.jpg'].map((image, index) =>
      found({
        event: createdEvent({ key: image }),
        record: messageOf(image, `c0ffee00c0ffee00c0ffee00c0ffee0${index}`, `40.0${index}`),
      }),
    );
    const causes = causesOf([found({ event: undefined }), ...letters]);
    expect(causes.map(({ text, found: { length } }) => [length, text])).toEqual([
      [3, 'Task timed out after … seconds for …, s3://out/…'],
      [1, expect.stringContaining('No event of this upload bucket')],
    ]);
  });

  it.each([
    [
      'is EventBridge’s error for an undelivered event',
      { deliveryError: 'NO_PERMISSIONS: denied' },
      'Not delivered: NO_PERMISSIONS: denied',
    ],
    ['says so if EventBridge gave no reason', {}, 'Not delivered: EventBridge gave no reason'],
  ])('%s', (_, changes, cause) => {
    expect(causeOf({ ...found(changes), queue: 'undelivered' })).toEqual([cause]);
  });

  it.each([
    ['there is no record', undefined],
    ['the record is about an earlier version', failedRecord({ sequencer: earlier })],
  ])('is that the workflow itself failed if %s', (_, record) => {
    expect(causeOf(found(record === undefined ? {} : { record }))).toEqual([
      expect.stringContaining('the workflow failed'),
    ]);
  });

  it('is that the image has changed or been decided since', () => {
    expect(causeOf(found({ record: failedRecord({ sequencer: later }) }))).toEqual([
      expect.stringContaining('Superseded'),
    ]);
    expect(causeOf(found({ record: deletedRecord({ imageId, sequencer }) }))).toEqual([
      'Decided since: the outcome on record is deleted.',
    ]);
  });

  it('refers to the logs for a deletion', () => {
    const deletion = { ...event, change: 'deleted', image: { bucket, key, imageId, sequencer } } as const;
    expect(causeOf(found({ event: deletion }))).toEqual([expect.stringContaining('A deletion failed')]);
  });

  it('refers to the logs for a malware verdict, whatever the record of the image says', () => {
    for (const record of [undefined, failedRecord(), deletedRecord({ imageId, sequencer: later })])
      expect(causeOf({ ...found({ event: infection }), record })).toEqual([
        expect.stringContaining('A malware verdict failed'),
      ]);
  });
});

const infection = {
  ...event,
  change: 'infected',
  image: { bucket, key, imageId, versionId: 'v1', etag: 'e1' },
} as const;

describe('the outcome of a moved message', () => {
  const moved: Moved = { event, newMessageId: 'new', failedAt: '2026-01-02T03:05:00Z' };
  const nothing = { decided: undefined, record: failedRecord(), dead: new Set<string>() };

  it.each(['processed', 'rejected', 'superseded', 'vanished', 'deleted'] as const)(
    'is %s once the idempotency table says so, regardless of the record',
    (decided) => {
      expect(verdictOf(moved, { ...nothing, decided })).toBe(decided);
    },
  );

  it('is not the failure that was on record before the move', () => {
    expect(verdictOf(moved, nothing)).toBeUndefined();
  });

  it('of a malware verdict is no failure of an upload', () => {
    const record = failedRecord({ recordedAt: '2026-01-02T04:00:00Z' });
    expect(verdictOf({ ...moved, event: infection }, { ...nothing, record })).toBeUndefined();
  });

  it.each([
    ['a new failure is recorded', { record: failedRecord({ recordedAt: '2026-01-02T04:00:00Z' }) }],
    ['it is in the dead-letter queue under its new id', { dead: new Set(['new']) }],
  ])('is that it failed again if %s', (_, evidence) => {
    expect(verdictOf(moved, { ...nothing, ...evidence })).toBe('failed again');
  });

  it('is found by correlation id if SQS moved the message and did not report its new id', () => {
    const byQueue = { ...moved, newMessageId: undefined };
    expect(verdictOf(byQueue, { ...nothing, dead: new Set(['other', event.correlationId]) })).toBe('failed again');
    expect(verdictOf(byQueue, { ...nothing, dead: new Set(['other']) })).toBeUndefined();
  });

  it('is not the failure of another version of the image', () => {
    const record = failedRecord({ sequencer: later, recordedAt: '2026-01-02T04:00:00Z' });
    expect(verdictOf(moved, { ...nothing, record })).toBeUndefined();
  });

  it('is counted, and only decided outcomes are good', () => {
    expect(totalsOf(['undecided', 'failed again', 'processed', 'processed'])).toBe(
      '2 processed, 1 failed again, 1 undecided',
    );
    expect((['processed', 'vanished', 'failed again', 'undecided'] as const).map(isGood)).toEqual([
      true,
      true,
      false,
      false,
    ]);
  });
});

describe('in an account', () => {
  const sqs = mockClient(SQSClient);
  const task = (Status: string, changes = {}) => ({ Results: [{ Status, ...changes }] });
  const stack = mockedStack();
  const move = (letters: readonly Found[], max = 100) =>
    moveLetters(stack, ['uploads'], letters, { max, perSecond: 50 }, () => undefined);

  beforeEach(() => {
    sqs.reset();
    sqs.on(GetQueueAttributesCommand).resolves({
      Attributes: {
        QueueArn: 'arn:aws:sqs:us-east-1:1:dead',
        ApproximateNumberOfMessages: '1',
        ApproximateNumberOfMessagesNotVisible: '0',
        MessageRetentionPeriod: '1209600',
      },
    });
    sqs.on(StartMessageMoveTaskCommand).resolves({});
    sqs.on(ReceiveMessageCommand).resolves({});
  });

  it('SQS moves the uploads itself at the given rate, and the command waits until it is done', async () => {
    sqs.on(ListMessageMoveTasksCommand).resolvesOnce(task('RUNNING')).resolves(task('COMPLETED'));
    expect(await move([found()])).toMatchObject([{ event, newMessageId: undefined }]);
    expect(sqs.commandCalls(StartMessageMoveTaskCommand).map((call) => call.args[0].input)).toEqual([
      { SourceArn: 'arn:aws:sqs:us-east-1:1:dead', MaxNumberOfMessagesPerSecond: 50 },
    ]);
    expect(sqs.commandCalls(ListMessageMoveTasksCommand)).toHaveLength(2);
  });

  it('given the queue accepts no messages from this role, says what to set', async () => {
    const denied = { name: 'AccessDenied', $fault: 'client', $metadata: {}, message: 'Access is denied.' } as const;
    sqs.on(StartMessageMoveTaskCommand).rejects(new SQSServiceException(denied));
    await expect(move([found()])).rejects.toThrow(/accepts no messages from you \(Access is denied\).*OperatorRoleArn/);
  });

  it('the error includes SQS’s reason for giving up', async () => {
    sqs.on(ListMessageMoveTasksCommand).resolves(task('FAILED', { FailureReason: 'AccessDenied' }));
    await expect(move([found()])).rejects.toThrow('SQS stopped moving messages (AccessDenied)');
  });

  it.each([
    ['one of them is unreadable', [found(), found({ event: undefined })], 100],
    ['--max is lower than their number', [found()], 0],
  ])('messages are moved one by one when %s', async (_, letters, max) => {
    await move(letters, max);
    expect(sqs.commandCalls(StartMessageMoveTaskCommand)).toEqual([]);
  });
});

describe('npm run redrive', () => {
  it('by default, moves all messages of both queues at the fastest rate of SQS, and waits 20 minutes', () => {
    expect(parsedOptions(redriveCommand, [])).toEqual({ arguments: [], rate: 500, wait: 20 });
  });

  it('accepts its options', () => {
    const args = '--queue undelivered --max 3 --rate 7 --wait 0 --stack x --yes --list'.split(' ');
    expect(parsedOptions(redriveCommand, args)).toEqual({
      arguments: [],
      ...{ queue: 'undelivered', max: 3, rate: 7, wait: 0, stack: 'x', yes: true, list: true },
    });
  });

  it.each([
    [['--queue', 'upload'], 'Did you mean uploads?'],
    [['--max', '0'], 'Use a whole number from 1 to 1000000.'],
    [['--rate', '501'], 'Use a whole number from 1 to 500.'],
    [['--wait', 'long'], 'Use a whole number from 0 to 1440.'],
    [['now'], 'Too many arguments'],
    [['--wrong'], "Unknown option '--wrong'"],
  ])('rejects %j: %s', (args, sentence) => {
    expect(() => parsedOptions(redriveCommand, args)).toThrow(sentence);
  });
});
