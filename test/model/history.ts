import { isDeepStrictEqual } from 'node:util';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import { formatLine, parseLine } from '../../adapters/contracts/history-line.ts';
import { parseTableChanges } from '../../adapters/contracts/table-change.ts';
import {
  type Attributes,
  compareChanges,
  type HistoryLine,
  linesOf,
  replayed,
  type TableChange,
} from '../../core/history.ts';
import type { InMemoryTable } from './in-memory-table.ts';
import type { ImageState } from './reference.ts';

/** How changes of the table become history. */
export type RecordHistory = (changes: readonly TableChange[]) => readonly HistoryLine[];

export const recordHistory: RecordHistory = (changes) => changes.flatMap(linesOf);

/** Everything that the table's stream delivered: does history lead back to the table, and does it know every upload? */
export function* historyDefects(
  table: InMemoryTable,
  images: ReadonlyMap<string, readonly ImageState[]>,
  record: RecordHistory = recordHistory,
): Generator<string> {
  const lines = stored(record(changesOf(table)));
  const rebuilt = replay(lines);
  for (const itemId of new Set([...table.items.keys(), ...rebuilt.keys()])) {
    const item = table.items.get(itemId);
    if (!isDeepStrictEqual(rebuilt.get(itemId), item && unmarshall(item)))
      yield `History does not lead back to ${itemId}: ${JSON.stringify(rebuilt.get(itemId))}.`;
  }
  const known = new Set(lines.map(({ version }) => version));
  for (const states of images.values())
    for (const { type, key, versionId, etag } of states)
      if (type === 'Created' && !known.has(versionId ?? etag))
        yield `History does not know the upload ${versionId ?? etag} of ${key}.`;
}

/** As the stream delivers them to the function. DynamoDB reports no write that changes nothing. */
function changesOf({ writes }: InMemoryTable): readonly TableChange[] {
  const Records = writes
    .filter(({ before, after }) => !isDeepStrictEqual(before, after))
    .map(({ before, after }, index) => ({
      dynamodb: {
        ...{ ApproximateCreationDateTime: 1_767_225_600 + index, SequenceNumber: String(index + 1) },
        ...{ Keys: { imageId: after['imageId'] }, OldImage: before, NewImage: after },
      },
    }));
  return parseTableChanges({ Records });
}

/** As they are read again: in no order, and some of them twice. */
function stored(lines: readonly HistoryLine[]): readonly HistoryLine[] {
  const read = lines.map((line) => parseLine(formatLine(line))).toReversed();
  return [...read, ...read.filter((_, index) => index % 3 === 0)];
}

function replay(lines: readonly HistoryLine[]): ReadonlyMap<string, Attributes> {
  const items = new Map<string, Attributes>();
  for (const line of lines.toSorted(compareChanges)) {
    const item = replayed(items.get(line.itemId), line);
    if (item === undefined) items.delete(line.itemId);
    else items.set(line.itemId, item);
  }
  return items;
}
