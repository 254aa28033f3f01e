import { Logger } from '@aws-lambda-powertools/logger';
import { ChangeMessageVisibilityCommand, SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import type { SQSEvent, SQSRecord } from 'aws-lambda';
import { beforeEach, describe, expect, it } from 'vitest';
import { type HandleUpload, REDRIVEN_AFTER_SECONDS, sqsUploads } from '../../adapters/lambda/sqs-uploads.ts';
import type { UploadEvent } from '../../core/image.ts';
import { releaseCheckPrefix } from '../../core/names.ts';
import { captureLog } from '../support/captured-log.ts';
import { lambdaContext } from '../support/lambda-context.ts';
import { mockClient } from '../support/mock-client.ts';
import { publishedMetrics } from '../support/published-metrics.ts';

const logged = captureLog();
const refusals = () =>
  publishedMetrics(logged('log'))
    .filter(({ metric }) => metric === 'EventsRefused')
    .map(({ value }) => value);

const body = (key: string) =>
  JSON.stringify({
    id: `event-of-${key}`,
    time: '2026-01-02T03:04:05Z',
    'detail-type': 'Object Created',
    detail: { bucket: { name: 'uploads' }, object: { key, size: 1, etag: 'e', sequencer: '0055AED6DCD90281E5' } },
  });

function message(messageId: string, text: string, receives = 1, queue = 'uploads'): SQSRecord {
  return {
    messageId,
    receiptHandle: `receipt of ${messageId}`,
    body: text,
    attributes: {
      ApproximateReceiveCount: String(receives),
      SentTimestamp: '0',
      SenderId: 'sender',
      ApproximateFirstReceiveTimestamp: '0',
    },
    messageAttributes: {},
    md5OfBody: '',
    eventSource: 'aws:sqs',
    eventSourceARN: `arn:aws:sqs:us-east-1:123456789012:${queue}`,
    awsRegion: 'us-east-1',
  };
}

const sqs = mockClient(SQSClient);
beforeEach(() => {
  sqs.reset();
  sqs.on(ChangeMessageVisibilityCommand).resolves({});
});
const delayed = () => sqs.commandCalls(ChangeMessageVisibilityCommand).map(({ args: [{ input }] }) => input);

const handleAll = (Records: SQSRecord[], handle: HandleUpload) => {
  const client = new SQSClient({ region: 'us-east-1' });
  const options = {
    ...{
      client,
      queueUrl: 'https://sqs.us-east-1.amazonaws.com/123456789012/uploads',
      uploadBuckets: ['uploads'],
      maxReceiveCount: 5,
      retryBaseSeconds: 60,
    },
    overflowUrl: 'https://sqs.us-east-1.amazonaws.com/123456789012/overflow',
    logger: new Logger(),
  };
  return sqsUploads(handle, options)({ Records } satisfies SQSEvent, lambdaContext());
};

describe('a batch', () => {
  it('given all succeed, leaves nothing in the queue', async () => {
    const seen: UploadEvent[] = [];
    const answer = await handleAll([message('1', body('a.jpg')), message('2', body('b.jpg'))], async (event) => {
      seen.push(event);
    });
    expect(answer).toEqual({ batchItemFailures: [] });
    expect(seen.map(({ image }) => image.key).sort()).toEqual(['a.jpg', 'b.jpg']);
  });

  it('given one message fails, returns only that one to the queue', async () => {
    const answer = await handleAll(
      [message('1', body('a.jpg')), message('2', body('b.jpg')), message('3', body('c.jpg'))],
      async ({ image }) => {
        if (image.key === 'b.jpg') throw new Error('throttled');
      },
    );
    expect(answer).toEqual({ batchItemFailures: [{ itemIdentifier: '2' }] });
  });

  it('given one message cannot be parsed, handles the others', async () => {
    const seen: string[] = [];
    const answer = await handleAll([message('1', 'poison'), message('2', body('b.jpg'))], async ({ image }) => {
      seen.push(image.key);
    });
    expect(answer).toEqual({ batchItemFailures: [{ itemIdentifier: '1' }] });
    expect(seen).toEqual(['b.jpg']);
    expect(logged('error')).toEqual([
      expect.objectContaining({ messageId: '1', message: expect.stringContaining('dead-letter queue') }),
    ]);
    expect(refusals()).toEqual([1]);
  });

  it('given an event of another bucket, refuses it, counts it for the alarm, and handles the others', async () => {
    const forged = body('victim.jpg').replace('"uploads"', '"elsewhere"');
    const seen: string[] = [];
    const answer = await handleAll([message('1', forged), message('2', body('b.jpg'))], async ({ image }) => {
      seen.push(image.key);
    });
    expect(answer).toEqual({ batchItemFailures: [{ itemIdentifier: '1' }] });
    expect(seen).toEqual(['b.jpg']);
    expect(refusals()).toEqual([1]);
  });

  it('given all fail, fails the invocation, so that the function’s alarm fires', async () => {
    const fail: HandleUpload = () => Promise.reject(new Error('no permission'));
    await expect(handleAll([message('1', body('a.jpg')), message('2', body('b.jpg'))], fail)).rejects.toThrow();
  });

  it('is handled in parallel: the second message starts before the first has ended', async () => {
    const second = Promise.withResolvers<void>();
    await handleAll([message('1', body('a.jpg')), message('2', body('b.jpg'))], async ({ image }) => {
      if (image.key === 'b.jpg') second.resolve();
      await second.promise;
    });
  });
});

describe('the last attempt', () => {
  it.each([
    [1, false],
    [4, false],
    [5, true],
    [6, true],
  ])('given the queue allows 5 receives, receive %i: %s', async (receives, expected) => {
    let last: boolean | undefined;
    await handleAll([message('1', body('a.jpg'), receives)], async (_, { lastAttempt }) => {
      last = lastAttempt;
    });
    expect(last).toBe(expected);
  });
});

describe('a message that failed', () => {
  const fail: HandleUpload = () => Promise.reject(new Error('throttled'));

  it('is retried later, and those that succeeded are not touched', async () => {
    await handleAll([message('1', body('a.jpg'), 2), message('2', body('b.jpg'))], async ({ image }) => {
      if (image.key === 'a.jpg') throw new Error('throttled');
    });
    expect(delayed()).toEqual([
      {
        QueueUrl: 'https://sqs.us-east-1.amazonaws.com/123456789012/uploads',
        ReceiptHandle: 'receipt of 1',
        VisibilityTimeout: expect.any(Number),
      },
    ]);
    expect(delayed()[0]?.VisibilityTimeout).toBeGreaterThanOrEqual(60);
  });

  it('for the last time goes to the dead-letter queue at once', async () => {
    await expect(handleAll([message('1', body('a.jpg'), 5)], fail)).rejects.toThrow();
    expect(delayed()).toMatchObject([{ VisibilityTimeout: 0 }]);
  });

  it('given its delay cannot be set, is retried after the queue’s own timeout', async () => {
    sqs.on(ChangeMessageVisibilityCommand).rejects(new Error('denied'));
    const answer = await handleAll([message('1', 'poison'), message('2', body('b.jpg'))], async () => undefined);
    expect(answer).toEqual({ batchItemFailures: [{ itemIdentifier: '1' }] });
    expect(logged('warn')).toEqual([expect.objectContaining({ messageId: '1', reason: 'denied' })]);
  });
});

describe('an upload whose sender has too many in progress', () => {
  const overflow = 'https://sqs.us-east-1.amazonaws.com/123456789012/overflow';
  const sent = () => sqs.commandCalls(SendMessageCommand).map(({ args: [{ input }] }) => input);
  const setAside: HandleUpload = (_, delivery) => delivery.setAside?.('Änne Müller') ?? Promise.resolve();

  it('is moved to the overflow queue as it is, in the group of its sender, and leaves the upload queue', async () => {
    sqs.on(SendMessageCommand).resolves({});
    const answer = await handleAll([message('1', body('a/1.jpg')), message('2', body('a/2.jpg'))], setAside);
    expect(answer).toEqual({ batchItemFailures: [] });
    const moved = sent().map(({ QueueUrl, MessageBody }) => [QueueUrl, MessageBody]);
    expect(moved.sort()).toEqual([
      [overflow, body('a/1.jpg')],
      [overflow, body('a/2.jpg')],
    ]);
    const [group, ...others] = new Set(sent().map(({ MessageGroupId }) => MessageGroupId));
    expect(others).toEqual([]);
    // What SQS allows: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html
    expect(group).toMatch(/^[\w!"#$%&'()*+,\-./:;<=>?@[\\\]^`{|}~]{1,128}$/);
  });

  it('stays in the upload queue if it cannot be moved', async () => {
    sqs.on(SendMessageCommand).rejects(new Error('AccessDenied'));
    const answer = await handleAll([message('1', body('a/1.jpg')), message('2', body('b.jpg'))], (event, delivery) =>
      event.image.key === 'b.jpg' ? Promise.resolve() : setAside(event, delivery),
    );
    expect(answer).toEqual({ batchItemFailures: [{ itemIdentifier: '1' }] });
  });

  it('is not moved if it comes from no queue, as in a release check, which waits for the decision', async () => {
    const offered: unknown[] = [];
    await handleAll(
      [message('1', body(`${releaseCheckPrefix}1.jpg`), 1, 'release-check')],
      async (_, { setAside: move }) => {
        offered.push(move);
      },
    );
    expect(offered).toEqual([undefined]);
  });

  it('is not moved again once it comes from the overflow queue, and waits there for its next attempt', async () => {
    const offered: unknown[] = [];
    await handleAll([message('1', body('a/1.jpg'), 1, 'overflow')], async (_, delivery) => {
      offered.push(delivery.setAside);
      throw new Error('throttled');
    }).catch(() => undefined);
    expect(offered).toEqual([undefined]);
    expect(delayed().map(({ QueueUrl }) => QueueUrl)).toEqual([overflow]);
  });
});

it.each([
  ['that the queue got with its event is not redriven', 2, false],
  ['that was sent to the queue long after its event is redriven', REDRIVEN_AFTER_SECONDS + 1, true],
])('a message %s', async (_, seconds, redriven) => {
  const seen: unknown[] = [];
  const sent = message('1', body('a.jpg'));
  const SentTimestamp = String(Date.parse('2026-01-02T03:04:05Z') + 1000 * seconds);
  await handleAll([{ ...sent, attributes: { ...sent.attributes, SentTimestamp } }], async (_event, delivery) => {
    seen.push(delivery.redriven);
  });
  expect(seen).toEqual([redriven]);
});
