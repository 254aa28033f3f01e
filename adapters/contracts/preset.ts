import { corners, gamuts, type Preset, type Watermark } from '../../core/presets.ts';
import * as z from './zod.ts';

const watermark = z.object({
  png: z.string(),
  corner: z.enum(corners),
  share: z.number(),
  opacity: z.number(),
}) satisfies z.ZodMiniType<Watermark>;

const common = {
  name: z.string(),
  width: z.number(),
  quality: z.number(),
  effort: z.exactOptional(z.number()),
  background: z.exactOptional(z.string()),
  watermark: z.exactOptional(watermark),
  gamut: z.exactOptional(z.enum(gamuts)),
};

const encoding = z.discriminatedUnion('format', [
  z.object({ ...common, format: z.literal('webp'), animated: z.exactOptional(z.boolean()) }),
  z.object({ ...common, format: z.literal('avif') }),
  z.object({ ...common, format: z.literal('jpeg'), keepGainMap: z.exactOptional(z.boolean()) }),
]);

const fit = z.union([
  z.object({ fit: z.exactOptional(z.literal('inside')), height: z.exactOptional(z.number()) }),
  z.object({
    fit: z.literal('cover'),
    height: z.number(),
    focus: z.exactOptional(z.enum(['centre', 'attention'])),
  }),
  z.object({ fit: z.literal('pad'), height: z.number() }),
]);

/** A preset that comes from another process or a file. */
export const preset = z.intersection(encoding, fit) satisfies z.ZodMiniType<Preset>;
