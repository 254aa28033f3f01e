import * as z from '../../../adapters/contracts/zod.ts';
import { contentTypes } from '../../../core/rendition.ts';
import type { GalleryImage } from '../../core/gallery-image.ts';

const placed = { position: z.string(), occurredAt: z.string() };
const metadata = z.object({
  format: z.string(),
  width: z.number(),
  height: z.number(),
  bytes: z.number(),
  dominantColour: z.string(),
  thumbhash: z.string(),
  frames: z.exactOptional(z.number()),
  camera: z.exactOptional(z.string()),
  capturedAt: z.exactOptional(z.string()),
  damaged: z.exactOptional(z.boolean()),
  location: z.exactOptional(z.object({ latitude: z.number(), longitude: z.number() })),
});
const processed = z.object({
  ...placed,
  kind: z.literal('processed'),
  metadata,
  renditions: z.array(
    z.object({
      preset: z.string(),
      key: z.string(),
      contentType: z.enum(Object.values(contentTypes)),
      width: z.number(),
      height: z.number(),
      bytes: z.number(),
      animated: z.optional(z.boolean()),
    }),
  ),
});
const rejected = z.object({ ...placed, kind: z.literal('rejected'), reason: z.string(), message: z.string() });
const deleted = z.object({ ...placed, kind: z.literal('deleted') });

/** As it is stored. During a release, old code reads what new code has written: unknown properties are ignored. */
export const galleryImage = z.object({
  owner: z.string(),
  imageId: z.string(),
  key: z.string(),
  name: z.string(),
  cursor: z.number(),
  news: z.discriminatedUnion('kind', [
    z.object({ ...placed, kind: z.literal('uploaded'), bytes: z.number() }),
    z.object({ ...placed, kind: z.literal('described'), metadata }),
    z.object({ ...placed, kind: z.literal('failed') }),
    processed,
    rejected,
    deleted,
  ]),
  result: z.optional(z.discriminatedUnion('kind', [processed, rejected, deleted])),
}) satisfies z.ZodMiniType<GalleryImage>;
