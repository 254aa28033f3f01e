import { Logger } from '@aws-lambda-powertools/logger';
import { describe, expect, it } from 'vitest';
import { decisionLog } from '../../adapters/lambda/decision-log.ts';
import type { Delivery } from '../../adapters/lambda/sqs-uploads.ts';
import { metricNamespace, probePrefix, releaseCheckPrefix } from '../../core/names.ts';
import { rejectionReasons } from '../../core/outcome.ts';
import type { Decision, FolderDecision, RepeatedDecision, SetAside } from '../../core/ports.ts';
import { captureLog } from '../support/captured-log.ts';
import { lambdaContext } from '../support/lambda-context.ts';
import { publishedMetrics } from '../support/published-metrics.ts';
import { createdEvent } from '../support/upload-events.ts';

const logged = captureLog();
const published = () => publishedMetrics(logged('log'));
const counted = () => published().map(({ metric }) => metric);
const measured = (metric: string) => published().find((found) => found.metric === metric)?.value;

const objective = { readyWithinSeconds: 60 };
/** Of a message that was set aside before, unless the changes say otherwise. */
const delivery = (changes: Partial<Delivery> = {}): Delivery => ({
  lastAttempt: false,
  context: lambdaContext(),
  ...changes,
});
const decided = (
  decision: Decision | RepeatedDecision | FolderDecision | SetAside,
  event = createdEvent(),
  changes: Partial<Delivery> = {},
) => decisionLog(new Logger(), objective, async () => decision)(event, delivery(changes));
const undecided = (lastAttempt: boolean, event = createdEvent(), changes: Partial<Delivery> = {}) =>
  decisionLog(new Logger(), objective, () => Promise.reject(new Error('throttled')))(
    event,
    delivery({ lastAttempt, ...changes }),
  );

describe('an image that was decided', () => {
  it('is logged in one line with the image, the decision and the time since the upload', async () => {
    await decided({ outcome: 'rejected', reason: 'corrupt' });
    expect(logged('info')).toEqual([
      expect.objectContaining({
        correlation_id: 'correlation-1',
        image: expect.objectContaining({ key: 'cat.jpg' }),
        change: 'created',
        outcome: 'rejected',
        reason: 'corrupt',
        millis: expect.any(Number),
      }),
    ]);
  });

  it.each([
    ['superseded', 'ImagesSuperseded'],
    ['vanished', 'ImagesVanished'],
    ['deleted', 'ImagesDeleted'],
  ] as const)('as %s is counted as %s, and nothing else', async (outcome, metric) => {
    await decided({ outcome });
    expect(published()).toEqual([
      expect.objectContaining({ namespace: metricNamespace, metric, unit: 'Count', value: 1 }),
    ]);
  });

  it('as processed is counted with its bytes in, bytes out and duration', async () => {
    await decided({ outcome: 'processed', bytesOut: 567 }, createdEvent({ size: 1234 }));
    expect(published().map(({ metric, unit }) => [metric, unit])).toEqual([
      ['ImagesProcessed', 'Count'],
      ['UploadToReady', 'Milliseconds'],
      ['BytesIn', 'Bytes'],
      ['BytesOut', 'Bytes'],
    ]);
    expect([measured('BytesIn'), measured('BytesOut')]).toEqual([1234, 567]);
    expect(measured('UploadToReady')).toBe(logged('info')[0]?.['millis']);
  });

  it.each(rejectionReasons)('and rejected as %s is counted once in total and once under its reason', async (reason) => {
    await decided({ outcome: 'rejected', reason });
    const counter = { namespace: metricNamespace, metric: 'ImagesRejected', unit: 'Count', value: 1 };
    expect(published()).toEqual([expect.objectContaining(counter), expect.objectContaining(counter)]);
    expect(published().map(({ dimensions }) => Object.keys(dimensions))).toEqual([['service'], ['service', 'reason']]);
    expect(published()[1]?.dimensions['reason']).toBe(reason);
  });

  it.each(['processed', 'rejected'] as const)(
    'and repeated is counted as a repeat, not as %s again',
    async (outcome) => {
      await decided({ outcome, repeated: true });
      expect(published()).toEqual([expect.objectContaining({ metric: 'ImagesRepeated', value: 1 })]);
      expect(logged('info')).toEqual([expect.objectContaining({ outcome, repeated: true })]);
    },
  );

  it('that is only a folder is logged, but not as an image', async () => {
    await decided({ outcome: 'folder' });
    expect(logged('info')).toEqual([expect.objectContaining({ message: 'Folder, not an upload', outcome: 'folder' })]);
    expect(published()).toEqual([]);
  });

  it('given S3’s clock is ahead, has no negative duration', async () => {
    await decided(
      { outcome: 'processed', bytesOut: 567 },
      { ...createdEvent(), occurredAt: new Date(Date.now() + 60_000).toISOString() },
    );
    expect(measured('UploadToReady')).toBe(0);
  });

  it('does not pass its reason on to the next image', async () => {
    const decisions: Decision[] = [{ outcome: 'rejected', reason: 'empty' }, { outcome: 'vanished' }];
    const handle = decisionLog(
      new Logger(),
      objective,
      async () => decisions.shift() ?? Promise.reject(new Error('no more')),
    );
    await handle(createdEvent(), delivery());
    await handle(createdEvent(), delivery());
    expect(published().at(-1)).toMatchObject({ metric: 'ImagesVanished', dimensions: { service: expect.any(String) } });
    expect(counted()).toEqual(['ImagesRejected', 'ImagesRejected', 'ImagesVanished']);
  });
});

describe('an image that was not decided', () => {
  it('throws to the queue, logs the error with the image, and counts a failed attempt', async () => {
    await expect(undecided(false)).rejects.toThrow('throttled');
    expect(logged('error')).toEqual([
      expect.objectContaining({
        correlation_id: 'correlation-1',
        image: expect.objectContaining({ key: 'cat.jpg' }),
        lastAttempt: false,
        error: expect.objectContaining({ message: 'throttled' }),
      }),
    ]);
    expect(counted()).toEqual(['AttemptsFailed']);
  });

  it('on the last attempt is counted as failed', async () => {
    await expect(undecided(true)).rejects.toThrow('throttled');
    expect(counted()).toEqual(['AttemptsFailed', 'ImagesFailed']);
  });
});

it('every set of metrics carries the correlation id', async () => {
  await decided({ outcome: 'processed', bytesOut: 567 });
  await expect(undecided(false)).rejects.toThrow();
  expect(logged('log').map((line) => [line['correlation_id'], line['imageId']])).toEqual([
    ['correlation-1', createdEvent().image.imageId],
    ['correlation-1', createdEvent().image.imageId],
  ]);
});

it('an upload that was set aside is logged with its sender, and counts neither as decided nor as failed', async () => {
  await decided({ setAside: true, sender: 'ann' });
  expect(logged('info')).toEqual([
    expect.objectContaining({ correlation_id: 'correlation-1', change: 'created', sender: 'ann' }),
  ]);
  expect(published()).toEqual([]);
});

describe('the objective, ready within 60 seconds,', () => {
  const ofUploadQueue: Partial<Delivery> = { setAside: async () => undefined };
  const uploadedAgo = (seconds: number) => ({
    ...createdEvent(),
    occurredAt: new Date(Date.now() - 1000 * seconds).toISOString(),
  });
  const misses = () => published().flatMap(({ metric, value }) => (metric === 'ObjectiveMissed' ? [value] : []));

  it.each([
    ['is met by an upload that is processed in time', 1, 0],
    ['is missed by one that is processed later', 3600, 1],
  ])('%s', async (_, seconds, missed) => {
    await decided({ outcome: 'processed', bytesOut: 567 }, uploadedAgo(seconds), ofUploadQueue);
    expect(misses()).toEqual([missed]);
  });

  it('is missed by an upload whose last attempt failed, and by no earlier attempt', async () => {
    await expect(undecided(false, uploadedAgo(3600), ofUploadQueue)).rejects.toThrow();
    expect(misses()).toEqual([]);
    await expect(undecided(true, uploadedAgo(1), ofUploadQueue)).rejects.toThrow();
    expect(misses()).toEqual([1]);
  });

  it.each<[what: string, changes: Partial<Delivery>]>([
    ['an upload that was set aside: its sender has too many in progress', {}],
    ['a dead letter that was moved back: it was counted when it failed', { ...ofUploadQueue, redriven: true }],
  ])('does not count %s', async (_, changes) => {
    await decided({ outcome: 'processed', bytesOut: 567 }, uploadedAgo(3600), changes);
    await expect(undecided(true, uploadedAgo(3600), changes)).rejects.toThrow();
    expect(misses()).toEqual([]);
  });

  it.each<[what: string, decision: Decision | RepeatedDecision]>([
    ['a rejected upload', { outcome: 'rejected', reason: 'corrupt' }],
    ['a superseded one', { outcome: 'superseded' }],
    ['one that is processed already', { outcome: 'processed', repeated: true }],
  ])('does not count %s', async (_, decision) => {
    await decided(decision, uploadedAgo(3600), ofUploadQueue);
    expect(misses()).toEqual([]);
  });
});

it.each([probePrefix, releaseCheckPrefix])(
  'an image below %s is logged and is in no metric: the metrics are those of users',
  async (prefix) => {
    const event = createdEvent({ key: `${prefix}1.jpg` });
    const changes: Partial<Delivery> = { setAside: async () => undefined };
    await decided({ outcome: 'processed', bytesOut: 567 }, event, changes);
    await decided({ outcome: 'rejected', reason: 'corrupt' }, event, changes);
    await expect(undecided(true, event, changes)).rejects.toThrow();
    expect(logged('info')).toHaveLength(2);
    expect(logged('error')).toHaveLength(1);
    expect(published()).toEqual([]);
  },
);
