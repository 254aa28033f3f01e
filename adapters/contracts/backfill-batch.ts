import type { BackfillBatch, BackfillItem, BackfillStep } from '../../core/backfill-images.ts';
import * as z from './zod.ts';

const item = z.object({
  bucket: z.text,
  key: z.text,
  perSecond: z.int().check(z.positive()),
  storedBefore: z.iso.datetime(),
}) satisfies z.ZodMiniType<BackfillItem>;

const count = z.int().check(z.nonnegative());

/**
 * What the Map of statemachine/backfill.asl.json passes on: a batch of the keys that it lists, or what the last step of the batch
 * has left. The emulator makes no batches, and passes one key.
 */
export const backfillBatch = z.union([
  z.pipe(
    z.object({
      // The name is Step Functions'.
      Items: z.array(item),
      counts: z._default(z.object({ sent: count, skipped: count }), { sent: 0, skipped: 0 }),
    }),
    z.transform(({ Items: items, counts }): BackfillBatch => ({ items, counts })),
  ),
  z.pipe(
    item,
    z.transform((single): BackfillBatch => ({ items: [single], counts: { sent: 0, skipped: 0 } })),
  ),
]);

/** In the form in which it comes back if anything is left. */
export function stepOutput({ items: Items, ...step }: BackfillStep) {
  return { Items, ...step };
}
