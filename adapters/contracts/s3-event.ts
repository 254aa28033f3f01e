import { imageIdOf, padSequencer, SEQUENCER_WIDTH, type UploadEvent } from '../../core/image.ts';
import * as z from './zod.ts';

const text = z.string().check(z.minLength(1));

// Keys come verbatim here (S3 → EventBridge does not URL-encode them): decoding would break `+` and `%`.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html
const object = z.object({
  key: text,
  sequencer: z.string().check(z.regex(/^[0-9a-f]+$/i), z.maxLength(SEQUENCER_WIDTH)),
  'version-id': z.optional(text),
});

const envelope = z.object({ id: text, time: z.iso.datetime() });

const objectEvent = z.discriminatedUnion('detail-type', [
  z.extend(envelope, {
    'detail-type': z.literal('Object Created'),
    detail: z.object({
      bucket: z.object({ name: text }),
      object: z.extend(object, { size: z.int().check(z.nonnegative()), etag: text }),
    }),
  }),
  z.extend(envelope, {
    'detail-type': z.literal('Object Deleted'),
    detail: z.object({
      bucket: z.object({ name: text }),
      object,
      'deletion-type': z.enum(['Permanently Deleted', 'Delete Marker Created']),
    }),
  }),
]);

/**
 * Reads S3's event as EventBridge delivers it.
 *
 * @throws {Error} naming every field that is wrong, or where the text is no JSON. The message then ends in the dead-letter queue: nothing that S3
 * sends is of that kind, so somebody has to look at it.
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
      // A delete marker carries a version id of its own: it ends the key, not one version.
      const permanent = data.detail['deletion-type'] === 'Permanently Deleted';
      const versionId = permanent ? found['version-id'] : undefined;
      return { ...common, change: 'deleted', image: { ...identity, versionId } };
    }
  }
}
