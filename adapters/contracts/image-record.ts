import type { TableItem } from '../../core/history.ts';
import { rejectionReasons } from '../../core/outcome.ts';
import type { EndedAttempt, ImageRecord } from '../../core/record.ts';
import { imageDescription } from './image-description.ts';
import * as z from './zod.ts';

/** The items of the image table, which the workflow writes. */

// During a release, old code reads records of new code: unknown properties are ignored.
const { metadata, rendition } = imageDescription(z.object);

const common = z.object({
  imageId: z.string(),
  bucket: z.string(),
  version: z.string(),
  sequencer: z.string(),
  occurredAt: z.iso.datetime(),
  recordedAt: z.iso.datetime(),
  correlationId: z.string(),
  announced: z.boolean(),
});
const key = z.string();

export const imageRecord = z.discriminatedUnion('outcome', [
  z.extend(common, { key, outcome: z.literal('processed'), metadata, renditions: z.array(rendition) }),
  z.extend(common, { key, outcome: z.literal('rejected'), reason: z.enum(rejectionReasons), message: z.string() }),
  z.extend(common, { key: z.optional(key), outcome: z.literal('deleted'), expiresAt: z.int() }),
  z.extend(common, {
    key,
    outcome: z.literal('failed'),
    message: z.string(),
    metadata: z.optional(metadata),
    renditions: z.optional(z.array(rendition)),
  }),
]) satisfies z.ZodMiniType<ImageRecord>;

const endedAttempt = z.object({
  ended: z.enum(['superseded', 'vanished']),
  version: z.string(),
  sequencer: z.string(),
  occurredAt: z.iso.datetime(),
  recordedAt: z.iso.datetime(),
  correlationId: z.string(),
});

const versionMark = z.object({
  // Marks of older code have only these two.
  infected: z.optional(z.boolean()),
  expiresAt: z.int(),
  occurredAt: z.optional(z.iso.datetime()),
  recordedAt: z.optional(z.iso.datetime()),
  correlationId: z.optional(z.string()),
});

const ATTEMPT = /^[^#]+#attempt#(.+)$/;
const MARK = /^[^#]+#(.+)$/;

/** What an item is, by its key and attributes. One that this code does not know is `unknown`, and never an error. */
export function tableItem(itemId: string, attributes: Readonly<Record<string, unknown>>): TableItem {
  const [, sequencer] = ATTEMPT.exec(itemId) ?? [];
  if (sequencer !== undefined) {
    const { data: attempt } = endedAttempt.safeParse({ ...attributes, sequencer });
    return attempt === undefined ? { kind: 'unknown' } : { kind: 'attempt', attempt: attempt satisfies EndedAttempt };
  }
  const [, version] = MARK.exec(itemId) ?? [];
  if (version !== undefined) {
    const { data } = versionMark.safeParse(attributes);
    if (data === undefined) return { kind: 'unknown' };
    const { infected = false, occurredAt, recordedAt, correlationId } = data;
    return { kind: 'mark', mark: { version, infected, occurredAt, recordedAt, correlationId } };
  }
  const { data: record } = imageRecord.safeParse(attributes);
  return record === undefined ? { kind: 'unknown' } : { kind: 'record', record };
}
