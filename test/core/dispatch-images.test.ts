import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { dispatchImage, retryDelaySeconds } from '../../core/dispatch-images.ts';
import type { UploadEvent } from '../../core/image.ts';
import type { Pipeline, PipelineInput } from '../../core/ports.ts';
import { exampleGroups } from '../support/example-presets.ts';

const event: UploadEvent = {
  change: 'created',
  correlationId: 'c',
  occurredAt: '2026-01-01T00:00:00Z',
  image: { bucket: 'b', key: 'k', imageId: 'i', sequencer: 's', etag: 'e', size: 1 },
};

it('hands the event to the workflow with the groups to fan out over, and answers with its decision', async () => {
  const seen: PipelineInput[] = [];
  const pipeline: Pipeline = {
    run: async (input) => {
      seen.push(input);
      return { outcome: 'processed', bytesOut: 5 };
    },
  };
  expect(await dispatchImage(event, { pipeline }, { lastTry: true, groups: exampleGroups })).toEqual({
    outcome: 'processed',
    bytesOut: 5,
  });
  expect(seen).toEqual([{ ...event, lastTry: true, groups: ['web', 'avif'] }]);
});

it('lets the workflow’s failure through, so that the queue tries again', async () => {
  const pipeline: Pipeline = { run: () => Promise.reject(new Error('timed out')) };
  await expect(dispatchImage(event, { pipeline }, { lastTry: false, groups: exampleGroups })).rejects.toThrow(
    'timed out',
  );
});

describe('the wait before the next try', () => {
  const delay = (receives: number, random: number, lastTry = false) =>
    retryDelaySeconds(receives, { baseSeconds: 60, lastTry, random });

  it('doubles each time', () => {
    expect([1, 2, 3, 4].map((receives) => delay(receives, 1))).toEqual([60, 120, 240, 480]);
  });

  it('is by half at random, so that those that failed together do not come back together', () => {
    expect([0, 0.5, 1].map((random) => delay(2, random))).toEqual([60, 90, 120]);
  });

  it('is never longer than an hour', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1000 }), fc.double({ min: 0, max: 1, noNaN: true }), (receives, random) => {
        const seconds = delay(receives, random);
        return Number.isInteger(seconds) && seconds >= 30 && seconds <= 3600;
      }),
    );
  });

  it('is nothing after the last try: the dead-letter queue is next', () => {
    expect(delay(5, 1, true)).toBe(0);
  });
});
