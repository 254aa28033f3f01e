import type { UploadEvent } from '../../core/image.ts';
import type { PipelineInput } from '../../core/ports.ts';

type Created = Extract<UploadEvent, { change: 'created' }>;

const image: Created['image'] = {
  bucket: 'uploads',
  key: 'cat.jpg',
  imageId: 'c0ffee00c0ffee00c0ffee00c0ffee00',
  sequencer: '0055AED6DCD90281E500000000000000',
  versionId: 'v1',
  etag: 'e1',
  size: 1234,
};

/** An upload of cat.jpg, with changes. */
export function uploadOf(changes: Partial<Created['image']> = {}): Created['image'] {
  return { ...image, ...changes };
}

export function createdEvent(changes: Partial<Created['image']> = {}): Created {
  return {
    correlationId: 'correlation-1',
    occurredAt: '2026-01-02T03:04:05Z',
    change: 'created',
    image: uploadOf(changes),
  };
}

export function pipelineInput(changes: Partial<Created['image']> = {}, lastAttempt = false): PipelineInput {
  return { ...createdEvent(changes), groups: ['web', 'avif'], lastAttempt };
}
