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
 * Parses S3's event as EventBridge delivers it, and refuses one that S3 cannot have sent for this bucket.
 *
 * @throws {Error} naming every wrong field, or if the text is not JSON. The message then goes to the dead-letter queue: it is
 * not from S3, so an operator must look at it.
 */
export async function parseS3Event(body: string, uploadBucket: string): Promise<UploadEvent> {
  const parsed = objectEvent.safeParse(JSON.parse(body));
  if (!parsed.success) {
    throw new Error(`This message is not an S3 object event from EventBridge. ${z.prettifyError(parsed.error)}`);
  }
  const { data } = parsed;
  const { bucket, object: found } = data.detail;
  if (bucket.name !== uploadBucket) {
    throw new Error(`This message is forged: it names the bucket ${bucket.name}, and uploads are in ${uploadBucket}.`);
  }
  if (isFromTheFuture(found.sequencer)) {
    throw new Error(
      `This message is forged: its sequencer ${found.sequencer} is later than any that S3 can have assigned so far.`,
    );
  }
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

const DAY_MILLIS = 86_400_000;

/**
 * A sequencer from the future would outrank every later upload of its key, and as a deletion would keep the key empty for as
 * long as its tombstone lasts. S3's sequencers begin with the time in seconds, in hex (617f0829… was assigned in October
 * 2021), some after two zeros. S3 does not document it, so only the upper bound is checked, with a day for clocks that differ.
 */
function isFromTheFuture(sequencer: string): boolean {
  const latestSecond = Math.floor((Date.now() + DAY_MILLIS) / 1000);
  return padSequencer(sequencer).slice(0, 8) > padSequencer(latestSecond.toString(16).padStart(8, '0')).slice(0, 8);
}
