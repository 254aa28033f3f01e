import { imageIdOf, padSequencer, SEQUENCER_WIDTH, type UploadEvent } from '../../core/image.ts';
import * as z from './zod.ts';

// EventBridge delivers keys verbatim, not URL-encoded: decoding would break `+` and `%`.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html
const object = z.object({
  key: z.text,
  sequencer: z.string().check(z.regex(/^[0-9a-f]+$/i), z.maxLength(SEQUENCER_WIDTH)),
  'version-id': z.optional(z.text),
});

const envelope = z.object({ id: z.text, time: z.iso.datetime() });

const objectEvent = z.discriminatedUnion('detail-type', [
  z.extend(envelope, {
    'detail-type': z.literal('Object Created'),
    detail: z.object({
      bucket: z.object({ name: z.text }),
      object: z.extend(object, { size: z.int().check(z.nonnegative()), etag: z.text }),
    }),
  }),
  z.extend(envelope, {
    'detail-type': z.literal('Object Deleted'),
    detail: z.object({
      bucket: z.object({ name: z.text }),
      object,
      'deletion-type': z.enum(['Permanently Deleted', 'Delete Marker Created']),
    }),
  }),
]);

/**
 * Parses S3's event as EventBridge delivers it.
 *
 * @throws {Error} naming every wrong field, or if the text is not JSON. The message then goes to the dead-letter queue: it is
 * not from S3, so someone must look at it.
 */
export async function parseS3Event(body: string): Promise<UploadEvent> {
  const parsed = objectEvent.safeParse(JSON.parse(body));
  if (!parsed.success) {
    throw new Error(`This message is not an S3 object event from EventBridge. ${z.prettifyError(parsed.error)}`);
  }
  const { data } = parsed;
  const { bucket, object: found } = data.detail;
  const identity = {
    bucket: bucket.name,
    key: found.key,
    imageId: await imageIdOf(bucket.name, found.key),
    sequencer: padSequencer(found.sequencer),
  };
  const common = { correlationId: data.id, occurredAt: data.time };
  switch (data['detail-type']) {
    case 'Object Created': {
      const { size, etag } = data.detail.object;
      return { ...common, change: 'created', image: { ...identity, versionId: found['version-id'], etag, size } };
    }
    case 'Object Deleted': {
      // A delete marker has its own version id, which is not that of the image.
      const permanent = data.detail['deletion-type'] === 'Permanently Deleted';
      const versionId = permanent ? found['version-id'] : undefined;
      return { ...common, change: 'deleted', image: { ...identity, versionId } };
    }
  }
}
