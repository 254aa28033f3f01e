/** What a worker and its image process say to each other (bounded-image-codec.ts, serve-images.ts). */
import { type ImageHeader, inputFormats, type Portrait } from '../../core/metadata.ts';
import { type Rejection, rejectionReasons } from '../../core/outcome.ts';
import type { Bytes } from '../../core/ports.ts';
import type { FocusPoint } from '../../core/rendition.ts';
import { preset } from '../contracts/preset.ts';
import * as z from '../contracts/zod.ts';

const bytes = z.custom<Bytes>((value) => value instanceof Uint8Array && value.buffer instanceof ArrayBuffer);
const positiveInteger = z.int().check(z.positive());

const focusPoint = z.object({ x: z.number(), y: z.number() }) satisfies z.ZodMiniType<FocusPoint>;

/** `portray` and `render` refer to the image that was opened last. */
const asked = z.discriminatedUnion('ask', [
  // Of a file: a pipe would copy the image twice as often.
  z.object({ ask: z.literal('open'), path: z.string() }),
  z.object({ ask: z.literal('portray') }),
  z.object({ ask: z.literal('render'), presets: z.array(preset), focus: z.exactOptional(focusPoint) }),
]);
export type Asked = z.infer<typeof asked>;

/** One line of JSON. The answer has the same id. */
export const request = z.object({ id: z.string(), request: asked });

// ── Replies ─────────────────────────────────────────────────────────────────────────────────────────────────────────

// Nothing in a reply is trusted: a file may have taken over the process that sent it.
const rejection = z.object({
  outcome: z.literal('rejected'),
  reason: z.enum(rejectionReasons),
  message: z.string().check(z.maxLength(1_000)),
}) satisfies z.ZodMiniType<Rejection>;

const header = z.object({
  format: z.enum(inputFormats),
  width: positiveInteger,
  height: positiveInteger,
  orientation: z.literal([1, 2, 3, 4, 5, 6, 7, 8]),
  decodedSize: z.optional(z.object({ width: z.int(), height: z.int() })),
  frames: positiveInteger,
  animated: z.optional(z.boolean()),
  progressive: z.boolean(),
  hasAlpha: z.boolean(),
  colourSpace: z.string().check(z.maxLength(100)),
  preview: z.optional(z.boolean()),
  approximateColours: z.optional(z.boolean()),
}) satisfies z.ZodMiniType<ImageHeader>;

const portrait = z.object({
  dominantColour: z.string().check(z.regex(/^#[0-9a-f]{6}$/)),
  thumbhash: z.base64().check(z.maxLength(100)),
  camera: z.optional(
    z.object({
      make: z.optional(z.string().check(z.maxLength(100))),
      model: z.optional(z.string().check(z.maxLength(100))),
    }),
  ),
  capturedAt: z.optional(z.string().check(z.maxLength(100))),
  location: z.optional(z.object({ latitude: z.number(), longitude: z.number() })),
  damaged: z.boolean(),
}) satisfies z.ZodMiniType<Portrait>;

const rendition = z.object({
  bytes,
  width: positiveInteger,
  height: positiveInteger,
  frames: z.optional(positiveInteger),
});

export const opened = z.discriminatedUnion('outcome', [z.object({ outcome: z.literal('open'), header }), rejection]);
export const portrayed = z.discriminatedUnion('outcome', [
  z.extend(portrait, { outcome: z.literal('portrayed') }),
  rejection,
]);
/** In the order of the presets. */
export const rendered = z.discriminatedUnion('outcome', [
  z.object({ outcome: z.literal('rendered'), renditions: z.array(rendition) }),
  rejection,
]);

export const ready = z.object({ ready: z.literal(true) });

/** `failed`: the request threw. */
export const reply = z.object({
  id: z.string(),
  answer: z.optional(z.unknown()),
  failed: z.optional(z.object({ message: z.string().check(z.maxLength(2_000)), outOfMemory: z.boolean() })),
  peakMegabytes: z.number(),
});
export type Reply = z.infer<typeof reply>;
