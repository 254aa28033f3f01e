import { expect, it } from 'vitest';
import { dispatchImage } from '../../core/dispatch-images.ts';
import type { UploadEvent } from '../../core/image.ts';
import type { Pipeline, PipelineInput } from '../../core/ports.ts';
import { renditionGroups } from '../../core/presets.ts';

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
      return { outcome: 'processed' };
    },
  };
  expect(await dispatchImage(event, { pipeline }, { lastTry: true })).toEqual({ outcome: 'processed' });
  expect(seen).toEqual([{ ...event, lastTry: true, groups: renditionGroups.map(({ name }) => name) }]);
});

it('lets the workflow’s failure through, so that the queue tries again', async () => {
  const pipeline: Pipeline = { run: () => Promise.reject(new Error('timed out')) };
  await expect(dispatchImage(event, { pipeline }, { lastTry: false })).rejects.toThrow('timed out');
});
