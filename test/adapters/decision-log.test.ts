import { Logger } from '@aws-lambda-powertools/logger';
import { describe, expect, it } from 'vitest';
import { decisionLog } from '../../adapters/decision-log.ts';
import { captureLog } from '../support/captured-log.ts';
import { createdEvent } from '../support/upload-events.ts';

const logged = captureLog();
const metric = (name: string) => logged('log').flatMap((line) => line[name] ?? []);

describe('an image that was decided', () => {
  it('leaves one line with the image, the decision and the time since the upload', async () => {
    await decisionLog(new Logger())(createdEvent(), async () => ({ outcome: 'rejected', reason: 'corrupt' }));
    expect(logged('info')).toEqual([
      expect.objectContaining({
        image: expect.objectContaining({ key: 'cat.jpg' }),
        change: 'created',
        outcome: 'rejected',
        reason: 'corrupt',
        millis: expect.any(Number),
      }),
    ]);
    expect(JSON.stringify(logged('info'))).toContain('correlation-1');
  });

  it.each([
    ['processed', 'ImagesProcessed'],
    ['rejected', 'ImagesRejected'],
    ['superseded', 'ImagesSuperseded'],
    ['vanished', 'ImagesVanished'],
    ['deleted', 'ImagesDeleted'],
  ] as const)('as %s is counted as %s', async (outcome, name) => {
    await decisionLog(new Logger())(createdEvent(), async () => ({ outcome }));
    expect(metric(name)).toEqual([1]);
    expect(metric('UploadToDecision')).toHaveLength(1);
  });

  it('given S3’s clock is ahead of ours, took no negative time', async () => {
    const event = { ...createdEvent(), occurredAt: new Date(Date.now() + 60_000).toISOString() };
    await decisionLog(new Logger())(event, async () => ({ outcome: 'processed' }));
    expect(metric('UploadToDecision')).toEqual([0]);
  });
});

describe('an image that was not decided', () => {
  it('lets the error through to the queue, logs it with the image, and counts nothing', async () => {
    const decide = () => Promise.reject(new Error('throttled'));
    await expect(decisionLog(new Logger())(createdEvent(), decide)).rejects.toThrow('throttled');
    const [line] = logged('error');
    expect(JSON.stringify(line)).toContain('correlation-1');
    expect(line).toMatchObject({ image: { key: 'cat.jpg' }, error: { message: 'throttled' } });
    expect(logged('log')).toEqual([]);
  });
});
