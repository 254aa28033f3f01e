import { inputFormats, type Metadata } from '../../core/metadata.ts';
import type { Rendition } from '../../core/rendition.ts';
import * as z from './zod.ts';

type Camera = NonNullable<Metadata['camera']>;
type Location = NonNullable<Metadata['location']>;

/** Makes the compiler report every property of the type, even an optional one, that has no schema. */
type SchemasOf<Type> = { readonly [Name in keyof Type]-?: z.ZodMiniType<Type[Name]> };

/** `z.object` ignores unknown properties, `z.strictObject` rejects them. */
type ObjectSchema = <Shape extends z.core.$ZodShape>(shape: Shape) => z.ZodMiniObject<Shape, z.core.$strip>;

const positiveInteger = z.int().check(z.positive());

/** The parts common to records and events, with `object` applied at every level. */
export function imageDescription(object: ObjectSchema) {
  const metadata = object({
    format: z.enum(inputFormats),
    width: positiveInteger.check(z.describe('Pixels, as displayed: orientation applied.')),
    height: positiveInteger,
    bytes: positiveInteger,
    sha256: z.string().check(z.regex(/^[0-9a-f]{64}$/)),
    colourSpace: z.string(),
    hasAlpha: z.boolean(),
    orientation: z
      .literal([1, 2, 3, 4, 5, 6, 7, 8])
      .check(z.describe('EXIF orientation of the upload. Renditions are upright.')),
    frames: positiveInteger.check(z.describe('Frames of an animation, or pages of a document.')),
    animated: z.optional(
      z
        .boolean()
        .check(
          z.describe(
            'Only of an animation (GIF, WebP): true if renditions may move; false if it exceeds a limit, so that they show its first frame.',
          ),
        ),
    ),
    dominantColour: z.string().check(z.regex(/^#[0-9a-f]{6}$/)),
    thumbhash: z.base64().check(z.describe('A placeholder of about 25 bytes: https://evanw.github.io/thumbhash')),
    damaged: z
      .boolean()
      .check(z.describe('The file violates its format, but all or nearly all of the image could be read.')),
    camera: z.optional(
      object({ make: z.optional(z.string()), model: z.optional(z.string()) } satisfies SchemasOf<Camera>),
    ),
    capturedAt: z.optional(
      z.string().check(z.describe('The camera’s local time, ISO 8601; with an offset only if the camera wrote one.')),
    ),
    location: z.optional(
      object({ latitude: z.number(), longitude: z.number() } satisfies SchemasOf<Location>).check(
        z.describe('Only if the stack was deployed with KeepLocation=true.'),
      ),
    ),
    preview: z.optional(
      z
        .boolean()
        .check(z.describe('The upload is a camera raw; the image is the JPEG that the camera embedded in it.')),
    ),
    approximateColours: z.optional(
      z
        .boolean()
        .check(z.describe('The upload is made for brighter screens (PQ or HLG), which is not taken into account.')),
    ),
  } satisfies SchemasOf<Metadata>);

  const rendition = object({
    preset: z.string(),
    key: z.string().check(z.describe('In the rendition bucket. Its content never changes.')),
    contentType: z.string(),
    width: positiveInteger,
    height: positiveInteger,
    bytes: positiveInteger,
    settings: z.optional(
      z.string().check(z.describe('What it was made with, such as webp 1920 q80 e2. Changes with the preset.')),
    ),
    frames: z.optional(positiveInteger.check(z.describe('Only of a rendition that moves.'))),
  } satisfies SchemasOf<Rendition>);

  return { metadata, rendition };
}
