import { expect, it } from 'vitest';
import { dispatchImage } from '../../core/dispatch-images.ts';
import type { UploadEvent } from '../../core/image.ts';
import type { Pipeline, PipelineInput } from '../../core/ports.ts';
import { exampleGroups } from '../support/example-presets.ts';

const event: UploadEvent = {
  change: 'created',
  correlationId: 'c',
  occurredAt: '2026-01-01T00:00:00Z',
  image: { bucket: 'b', key: 'k', imageId: 'i', sequencer: 's', etag: 'e', size: 1 },
};

it('passes the event and the rendition groups to the workflow, and returns its decision', async () => {
  const seen: PipelineInput[] = [];
  const pipeline: Pipeline = {
    run: async (input) => {
      seen.push(input);
      return { outcome: 'processed', bytesOut: 5 };
    },
  };
  expect(await dispatchImage(event, { pipeline }, { lastAttempt: true, groups: exampleGroups })).toEqual({
    outcome: 'processed',
    bytesOut: 5,
  });
  expect(seen).toEqual([{ ...event, lastAttempt: true, groups: ['web', 'avif'] }]);
});

it.each([
  ['an empty object whose key ends in a slash', 'holiday/', 0, 'folder'],
  ['an object with content, whatever its key', 'holiday/', 1, 'processed'],
  ['an empty file', 'holiday/photo.jpg', 0, 'processed'],
] as const)('only %s is a folder, which the workflow never sees', async (_, key, size, outcome) => {
  const seen: PipelineInput[] = [];
  const pipeline: Pipeline = {
    run: async (input) => {
      seen.push(input);
      return { outcome: 'processed', bytesOut: 5 };
    },
  };
  const created: UploadEvent = { ...event, image: { ...event.image, key, size } };
  const decision = await dispatchImage(created, { pipeline }, { lastAttempt: false, groups: exampleGroups });
  expect([decision.outcome, seen.length]).toEqual([outcome, outcome === 'folder' ? 0 : 1]);
});

it('throws when the workflow fails, so that the queue retries', async () => {
  const pipeline: Pipeline = { run: () => Promise.reject(new Error('timed out')) };
  await expect(dispatchImage(event, { pipeline }, { lastAttempt: false, groups: exampleGroups })).rejects.toThrow(
    'timed out',
  );
});
