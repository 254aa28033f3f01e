import { parseS3Event } from '../../../adapters/contracts/s3-event.ts';
import * as z from '../../../adapters/contracts/zod.ts';
import { eventSource } from '../../../core/names.ts';
import { contentTypes } from '../../../core/rendition.ts';
import { type Change, renditionKeyPattern } from '../../core/gallery-image.ts';
import { readUploadKey } from '../../core/upload-key.ts';

// Only what the gallery shows, and no closed list of the pipeline's that it only displays: docs/events allows new properties at any time,
// and new formats and reasons with a new schemaVersion.
const image = z.object({
  id: z.string().check(z.regex(/^[0-9a-f]{32}$/)),
  bucket: z.text,
  key: z.text,
  sequencer: z.string().check(z.regex(/^[0-9A-F]{32}$/)),
});
const common = { occurredAt: z.iso.datetime(), image };
const size = {
  width: z.int().check(z.positive()),
  height: z.int().check(z.positive()),
  bytes: z.int().check(z.positive()),
};
const metadata = z.object({
  ...size,
  format: z.text,
  dominantColour: z.string().check(z.regex(/^#[0-9a-f]{6}$/)),
  thumbhash: z.base64(),
  frames: z.int(),
  damaged: z.boolean(),
  camera: z.optional(z.object({ make: z.optional(z.string()), model: z.optional(z.string()) })),
  capturedAt: z.optional(z.string()),
  location: z.optional(z.object({ latitude: z.number(), longitude: z.number() })),
});
const rendition = z.object({
  ...size,
  preset: z.text,
  key: z.string().check(z.regex(renditionKeyPattern)),
  contentType: z.enum(Object.values(contentTypes)),
  frames: z.optional(z.int()),
});

const domainEvent = z.discriminatedUnion('detail-type', [
  z.object({
    'detail-type': z.literal('ImageProcessed'),
    detail: z.object({ ...common, metadata, renditions: z.array(rendition) }),
  }),
  z.object({
    'detail-type': z.literal('ImageRejected'),
    detail: z.object({ ...common, reason: z.text, message: z.text }),
  }),
  z.object({ 'detail-type': z.literal('ImageDescribed'), detail: z.object({ ...common, metadata }) }),
  z.object({ 'detail-type': z.literal('ImageDeleted'), detail: z.object(common) }),
  z.object({ 'detail-type': z.literal('ImageFailed'), detail: z.object(common) }),
]);

const fromPipeline = z.object({ source: z.literal(eventSource) });

/**
 * Parses a message of ChangeQueue: a domain event, or S3's event of an upload.
 *
 * @returns undefined if the image is none of the gallery's
 * @throws {Error} naming what is wrong, if it is neither. The message then goes to the dead-letter queue.
 */
export async function parseImageChange(body: string, uploadBucket: string): Promise<Change | undefined> {
  const message: unknown = JSON.parse(body);
  if (!fromPipeline.safeParse(message).success) return uploadedChange(body, uploadBucket);
  const parsed = domainEvent.safeParse(message);
  if (!parsed.success) throw new Error(`This message is not a domain event. ${z.prettifyError(parsed.error)}`);
  const event = parsed.data;
  const { bucket, key, id: imageId, sequencer } = event.detail.image;
  const found = readUploadKey(key);
  if (found === undefined || bucket !== uploadBucket) return undefined;
  const about = { ...found, imageId, key, sequencer, occurredAt: normalTime(event.detail.occurredAt) };
  switch (event['detail-type']) {
    case 'ImageProcessed': {
      const { renditions } = event.detail;
      const shown = renditions.map(({ frames = 1, ...rest }) => ({ ...rest, animated: frames > 1 || undefined }));
      return { ...about, kind: 'processed', metadata: metadataOf(event.detail.metadata), renditions: shown };
    }
    case 'ImageDescribed':
      return { ...about, kind: 'described', metadata: metadataOf(event.detail.metadata) };
    case 'ImageRejected':
      return { ...about, kind: 'rejected', reason: event.detail.reason, message: event.detail.message };
    case 'ImageDeleted':
      return { ...about, kind: 'deleted' };
    case 'ImageFailed':
      return { ...about, kind: 'failed' };
  }
}

async function uploadedChange(body: string, uploadBucket: string): Promise<Change | undefined> {
  const { change, image: uploaded, occurredAt } = await parseS3Event(body, [uploadBucket]);
  const found = readUploadKey(uploaded.key);
  // The rule selects uploads only. What the pipeline makes of a deletion is a domain event.
  if (change !== 'created' || found === undefined) return undefined;
  const { imageId, key, sequencer, size: bytes } = uploaded;
  return { ...found, imageId, key, sequencer, occurredAt: normalTime(occurredAt), kind: 'uploaded', bytes };
}

function metadataOf({ camera, frames, capturedAt, damaged, location, ...rest }: z.infer<typeof metadata>) {
  const cameraName = cameraNameOf(camera);
  return {
    ...rest,
    ...(frames > 1 && { frames }),
    ...(cameraName !== '' && { camera: cameraName }),
    ...(capturedAt !== undefined && { capturedAt }),
    ...(damaged && { damaged }),
    ...(location !== undefined && { location }),
  };
}

/** Many models begin with the first word of their make: Canon EOS 5D, and NIKON D90 of NIKON CORPORATION. */
function cameraNameOf({ make = '', model = '' }: NonNullable<z.infer<typeof metadata>['camera']> = {}): string {
  const [maker] = make.trim().toLowerCase().split(' ');
  const isNamed = model.trim().toLowerCase().split(' ')[0] === maker;
  return (isNamed ? model : `${make} ${model}`).trim();
}

/** One form for all, because images are sorted by it. */
function normalTime(occurredAt: string): string {
  return new Date(occurredAt).toISOString();
}
