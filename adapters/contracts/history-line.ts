import { type HistoryLine, historyEvents } from '../../core/history.ts';
import * as z from './zod.ts';

/**
 * A line of history as it is stored: JSON, with names in the form that Athena has for columns. HistoryTable in template.yaml
 * declares the same names; a test compares the two. Code that reads ignores names that it does not know.
 */
const optionalText = z.optional(z.string());
const storedLine = z.object({
  id: z.string(),
  at: z.string(),
  event: z.enum(historyEvents),
  image_id: z.string(),
  bucket: optionalText,
  key: optionalText,
  version: optionalText,
  sequencer: optionalText,
  occurred_at: optionalText,
  recorded_at: optionalText,
  correlation_id: optionalText,
  reason: optionalText,
  message: optionalText,
  item_id: z.string(),
  change_order: z.string(),
  // JSON in a text: to Athena, a column of one type for items of any form.
  item: optionalText,
});
type StoredLine = z.infer<typeof storedLine>;

export const historyColumns: readonly string[] = Object.keys(storedLine.shape);

const attributes = z.record(z.string(), z.unknown());

/** Without a line break. */
export function formatLine(line: HistoryLine): string {
  const { id, at, event, bucket, key, version, sequencer, reason, message } = line;
  const stored: StoredLine = {
    ...{ id, at, event, image_id: line.imageId, bucket, key, version, sequencer },
    ...{ occurred_at: line.occurredAt, recorded_at: line.recordedAt, correlation_id: line.correlationId },
    ...{ reason, message, item_id: line.itemId, change_order: line.order },
    item: line.attributes && JSON.stringify(line.attributes),
  };
  return JSON.stringify(stored);
}

/** @throws {Error} naming every wrong field, or if the text is not JSON */
export function parseLine(text: string): HistoryLine {
  const stored = storedLine.parse(JSON.parse(text));
  const { id, at, event, bucket, key, version, sequencer, reason, message, item } = stored;
  return {
    ...{ id, at, event, imageId: stored.image_id, bucket, key, version, sequencer },
    ...{ occurredAt: stored.occurred_at, recordedAt: stored.recorded_at, correlationId: stored.correlation_id },
    ...{ reason, message, itemId: stored.item_id, order: stored.change_order },
    attributes: item === undefined ? undefined : attributes.parse(JSON.parse(item)),
  };
}
