import type { ImageRecord, NamedRecord } from '../../core/record.ts';

type Deleted = Extract<NamedRecord, { outcome: 'deleted' }>;
type Processed = Extract<ImageRecord, { outcome: 'processed' }>;

const common = {
  ...{ imageId: 'image', bucket: 'uploads', key: 'cat.jpg', version: 'v1', correlationId: 'correlation-1' },
  ...{ sequencer: '0055AED6DCD90281E500000000000000', announced: true },
  ...{ occurredAt: '2026-01-02T03:04:05Z', recordedAt: '2026-01-02T03:05:00Z' },
};

export function deletedRecord(changes: Partial<Deleted> = {}): Deleted {
  return { ...common, outcome: 'deleted', expiresAt: 1, ...changes };
}

export function processedRecord(changes: Partial<Processed> = {}): Processed {
  return {
    ...common,
    outcome: 'processed',
    metadata: {
      ...{ format: 'jpeg', width: 4, height: 3, bytes: 9, sha256: '0'.repeat(64), colourSpace: 'srgb', frames: 1 },
      ...{ hasAlpha: false, damaged: false, orientation: 1, dominantColour: '#000000', thumbhash: 'AAAA' },
    },
    renditions: [
      { preset: 'webp-320', key: 'image/1/webp-320.webp', contentType: 'image/webp', width: 4, height: 3, bytes: 5 },
    ],
    ...changes,
  };
}
