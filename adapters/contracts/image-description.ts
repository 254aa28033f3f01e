import { inputFormats, type Metadata } from '../../core/metadata.ts';
import type { Rendition } from '../../core/rendition.ts';
import * as z from './zod.ts';

type Camera = NonNullable<Metadata['camera']>;
type Location = NonNullable<Metadata['location']>;

/** A property that the type gains is missed here by the compiler, also one that need not be there. */
type SchemasOf<Type> = { readonly [Name in keyof Type]-?: z.ZodMiniType<Type[Name]> };

/** `z.object` passes over what it does not know, `z.strictObject` refuses it. */
type ObjectSchema = <Shape extends z.core.$ZodShape>(shape: Shape) => z.ZodMiniObject<Shape, z.core.$strip>;

const positiveInteger = z.int().check(z.positive());

/** The parts that records and events have in common, every level of them read as `object` does. */
export function imageDescription(object: ObjectSchema) {
  const metadata = object({
    format: z.enum(inputFormats),
    width: positiveInteger.check(z.describe('Pixels, as seen: orientation applied.')),
    height: positiveInteger,
    bytes: positiveInteger,
    sha256: z.string().check(z.regex(/^[0-9a-f]{64}$/)),
    colourSpace: z.string(),
    hasAlpha: z.boolean(),
    orientation: z
      .literal([1, 2, 3, 4, 5, 6, 7, 8])
      .check(z.describe('EXIF’s, of the upload. Renditions are upright.')),
    frames: positiveInteger.check(z.describe('Of an animation; the first became the renditions.')),
    dominantColour: z.string().check(z.regex(/^#[0-9a-f]{6}$/)),
    thumbhash: z.base64().check(z.describe('A placeholder of about 25 bytes: https://evanw.github.io/thumbhash')),
    damaged: z.boolean().check(z.describe('The file broke the rules of its format, and could be read nearly whole.')),
    camera: z.optional(
      object({ make: z.optional(z.string()), model: z.optional(z.string()) } satisfies SchemasOf<Camera>),
    ),
    capturedAt: z.optional(
      z.string().check(z.describe('The camera’s local time, ISO 8601; an offset only where it wrote one.')),
    ),
    location: z.optional(
      object({ latitude: z.number(), longitude: z.number() } satisfies SchemasOf<Location>).check(
        z.describe('Only of a stack deployed with KeepLocation=true.'),
      ),
    ),
  } satisfies SchemasOf<Metadata>);

  const rendition = object({
    preset: z.string(),
    key: z.string().check(z.describe('In the rendition bucket. It never changes its content.')),
    contentType: z.string(),
    width: positiveInteger,
    height: positiveInteger,
    bytes: positiveInteger,
  } satisfies SchemasOf<Rendition>);

  return { metadata, rendition };
}
