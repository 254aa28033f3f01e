import {
  imageIdOf,
  padSequencer,
  SEQUENCER_WIDTH,
  type Sequencer,
  sequencerOfExpiry,
  type UploadEvent,
} from '../../core/image.ts';
import { requireUploadBucket } from './upload-buckets.ts';
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
      // `DeleteObject` or `Lifecycle Expiration`: https://docs.aws.amazon.com/AmazonS3/latest/userguide/EventBridge.html
      reason: z.optional(z.text),
    }),
  }),
]);

/**
 * Parses S3's event as EventBridge delivers it, and refuses one that S3 cannot have sent for these buckets.
 *
 * @throws {Error} naming every wrong field, or if the text is not JSON. The message then goes to the dead-letter queue: it is
 * not from S3, so an operator must look at it.
 */
export async function parseS3Event(
  body: string,
  uploadBuckets: readonly string[],
): Promise<Exclude<UploadEvent, { readonly change: 'infected' }>> {
  const parsed = objectEvent.safeParse(JSON.parse(body));
  if (!parsed.success) {
    throw new Error(`This message is not an S3 object event from EventBridge. ${z.prettifyError(parsed.error)}`);
  }
  const { data } = parsed;
  const { bucket, object: found } = data.detail;
  requireUploadBucket(bucket.name, uploadBuckets);
  const sequencer = readSequencer(found.sequencer);
  if (sequencer === undefined) {
    throw new Error(`This message is forged: S3 cannot have assigned its sequencer ${found.sequencer} until now.`);
  }
  if (Date.parse(data.time) / 1000 > latestSecond()) {
    throw new Error(`This message is forged: S3 cannot have sent it at ${data.time}.`);
  }
  const identity = {
    bucket: bucket.name,
    key: found.key,
    imageId: await imageIdOf(bucket.name, found.key),
    sequencer,
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
      const expired = data.detail.reason === 'Lifecycle Expiration' && versionId === undefined;
      const order = expired ? sequencerOfExpiry(sequencer, data.time) : sequencer;
      return { ...common, change: 'deleted', image: { ...identity, sequencer: order, versionId } };
    }
  }
}

const DAY_SECONDS = 86_400;
/** A day from now, because clocks differ. */
const latestSecond = () => Date.now() / 1000 + DAY_SECONDS;
/** S3 opened on 14 March 2006. */
const S3_OPENED = Date.UTC(2006, 2, 14) / 1000;

/**
 * A sequencer from the future would outrank every later upload of its key, and as a deletion would keep the key empty for as
 * long as its tombstone lasts.
 *
 * S3 documents how to compare sequencers, and not what they contain. Those that it sends begin with two zeros and the time in
 * seconds, in hex: 0055AED6DCD90281E5 (July 2015). AWS's guide to EventBridge shows one without the zeros: 617f08299329d189
 * (October 2021). Compared as they are, any of the second form would outrank all of the first, so the second is read as if it
 * had the zeros. Anything else is refused: a new form would be seen at once and lose nothing.
 *
 * @returns undefined if S3 cannot have assigned it by tomorrow.
 */
function readSequencer(raw: string): Sequencer | undefined {
  const hasZeros = raw.startsWith('00');
  const sequencer = padSequencer(hasZeros ? raw : `00${raw}`);
  const second = Number.parseInt(sequencer.slice(2, 10), 16);
  // With the zeros, any time in the past: it outranks nothing. The emulator counts in another unit.
  const earliest = hasZeros ? 0 : S3_OPENED;
  const isPossible = second >= earliest && second <= latestSecond();
  return isPossible && sequencer.length === SEQUENCER_WIDTH ? sequencer : undefined;
}
