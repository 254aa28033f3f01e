/**
 * The table of records, made from its history. All lines are sorted by item in a file first, because an item's changes are spread over
 * all days: SQLite needs a few megabytes of memory for millions of images.
 */
import { ConditionalCheckFailedException, DescribeTableCommand } from '@aws-sdk/client-dynamodb';
import { PutCommand, ScanCommand } from '@aws-sdk/lib-dynamodb';
import pMap from 'p-map';
import pThrottle from 'p-throttle';
import * as z from 'zod';
import { formatLine, parseLine } from '../../adapters/contracts/history-line.ts';
import { type Attributes, type HistoryLine, replayed } from '../../core/history.ts';
import { historyLines } from '../stack/history-store.ts';
import { deleteNotebook, notebookPath } from '../stack/notebook.ts';
import { openNotebookFile } from '../stack/notebook-file.ts';
import type { Stack } from '../stack/stack.ts';
import { Failure } from '../terminal/failure.ts';
import type { Report } from '../terminal/progress.ts';

type TargetStack = Pick<Stack, 'name' | 'clients' | 'outputs'>;
export type RebuildNotebook = ReturnType<typeof openRebuildNotebook>;

/** An item as history leaves it. */
interface RebuiltItem {
  readonly itemId: string;
  /** Undefined if it was removed since. */
  readonly attributes: Attributes | undefined;
}

const PAGE_ITEMS = 500;
const WRITES_AT_ONCE = 16;

/** @param path of the file, or `:memory:` */
export function openRebuildNotebook(path: string) {
  const { database, place, setPlace, transaction } = openNotebookFile(
    path,
    `
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = NORMAL;
    CREATE TABLE IF NOT EXISTS lines
      (item TEXT, place TEXT, id TEXT, line TEXT NOT NULL, PRIMARY KEY (item, place, id)) WITHOUT ROWID;
  `,
  );
  const noteLine = database.prepare('INSERT OR IGNORE INTO lines (item, place, id, line) VALUES (?, ?, ?, ?)');
  const pageOfItems = database.prepare('SELECT DISTINCT item FROM lines WHERE item > ? ORDER BY item LIMIT ?');
  const linesOfItem = database.prepare('SELECT line FROM lines WHERE item = ? ORDER BY place, id');
  // What is written is at most the last line of each item, which has the whole item.
  const count = database.prepare(
    'SELECT count(*) AS items, coalesce(sum(bytes), 0) AS bytes FROM (SELECT max(length(line)) AS bytes FROM lines GROUP BY item)',
  );
  const hasBegun = place('begun') !== undefined;
  setPlace('begun', 'yes');

  return {
    /** An earlier run was stopped. */
    hasBegun,
    place,
    setPlace,
    /** Those that are there already stay. */
    note(lines: readonly HistoryLine[]): void {
      transaction(() => {
        for (const line of lines) noteLine.run(line.itemId, line.order, line.id, formatLine(line));
      });
    },
    items: (after = ''): readonly RebuiltItem[] =>
      z
        .array(z.object({ item: z.string() }))
        .parse(pageOfItems.all(after, PAGE_ITEMS))
        .map(({ item }) => ({ itemId: item, attributes: replay(linesOfItem.all(item)) })),
    counts: () => z.object({ items: z.int(), bytes: z.int() }).parse(count.get()),
    close: () => {
      if (database.isOpen) database.close();
    },
    finish: () => {
      database.close();
      deleteNotebook(path);
    },
  };
}

function replay(rows: readonly unknown[]): Attributes | undefined {
  const lines = z.array(z.object({ line: z.string() })).parse(rows);
  return lines.reduce<Attributes | undefined>((item, { line }) => replayed(item, parseLine(line)), undefined);
}

/** That of a run that was stopped, or a new one. */
export function rebuildNotebook(
  stack: TargetStack,
  {
    into,
    since,
    restart,
  }: { readonly into: string; readonly since: string | undefined; readonly restart: true | undefined },
  say: (line: string) => void,
): RebuildNotebook {
  const path = notebookPath('history', stack, [stack.outputs.HistoryBucketName, into, since]);
  if (restart) deleteNotebook(path);
  const notebook = openRebuildNotebook(path);
  if (notebook.hasBegun) say('Going on with the rebuild that was stopped. To begin again: --restart');
  return notebook;
}

/** @throws {Failure} if the table has another key, or items that an earlier run did not write */
export async function refuseUnfit(
  { clients }: TargetStack,
  into: string,
  { begun }: { readonly begun: boolean },
): Promise<void> {
  const { Table } = await clients.dynamoDb.send(new DescribeTableCommand({ TableName: into }));
  const keys = (Table?.KeySchema ?? []).map(({ AttributeName }) => AttributeName).join();
  if (keys !== 'imageId')
    throw new Failure(
      `${into} has the key ${keys || 'none'}: create a table with the key imageId, a string (docs/history.md).`,
    );
  if (begun) return;
  const { Items = [] } = await clients.table.send(new ScanCommand({ TableName: into, Limit: 1, ConsistentRead: true }));
  if (Items.length > 0)
    throw new Failure(
      `${into} is not empty: name an empty table. If an earlier rebuild wrote what is there, add --restart: newer items stay as they are.`,
    );
}

/** After a stop, begins with the day where it was: a day can get more objects as long as it lasts. */
export async function readAll(
  stack: TargetStack,
  notebook: RebuildNotebook,
  {
    since,
    read,
    signal,
  }: { readonly since: string | undefined; readonly read: () => void; readonly signal?: AbortSignal | undefined },
): Promise<void> {
  for await (const lines of historyLines(stack, { since: notebook.place('day') ?? since, read, signal })) {
    notebook.note(lines);
    const day = dayOf(lines);
    if (day !== undefined) notebook.setPlace('day', day);
  }
}

/** Of the partition: an upload can have happened on the day before. */
function dayOf(lines: readonly HistoryLine[]): string | undefined {
  return lines
    .filter(({ event }) => event !== 'uploaded')
    .map(({ at }) => at.slice(0, 10))
    .toSorted()[0];
}

export interface Rebuilt {
  readonly written: number;
  /** The table has the same or a newer state. */
  readonly kept: number;
}

/** Repeatable: a write never replaces the same or a newer state. */
export async function writeAll(
  { clients }: TargetStack,
  notebook: RebuildNotebook,
  {
    into,
    perSecond,
    report,
    signal,
  }: {
    readonly into: string;
    readonly perSecond: number;
    readonly report: Report;
    readonly signal?: AbortSignal | undefined;
  },
): Promise<Rebuilt> {
  const turn = pThrottle({ limit: perSecond, interval: 1000 })(() => undefined);
  let [written, kept] = [0, 0];
  const write = async ({ attributes }: RebuiltItem) => {
    if (attributes === undefined) return;
    await turn();
    signal?.throwIfAborted();
    if (await put(clients.table, into, attributes)) written += 1;
    else kept += 1;
  };
  for (let items = notebook.items(notebook.place('written')); items.length > 0; ) {
    await pMap(items, write, { concurrency: WRITES_AT_ONCE });
    const last = items.at(-1)?.itemId ?? '';
    notebook.setPlace('written', last);
    report(`${written + kept} items`);
    items = notebook.items(last);
  }
  return { written, kept };
}

/** The highest sequencer wins, and an announcement stays, as in the workflow. Marks of versions and notes of attempts have none. */
async function put(table: Stack['clients']['table'], TableName: string, item: Attributes): Promise<boolean> {
  const { sequencer, recordedAt } = item;
  const isNew = 'attribute_not_exists(imageId)';
  const condition =
    typeof sequencer === 'string' && typeof recordedAt === 'string'
      ? {
          ConditionExpression: `${isNew} OR sequencer < :sequencer OR (sequencer = :sequencer AND (recordedAt < :recordedAt OR (recordedAt = :recordedAt AND announced = :no)))`,
          ExpressionAttributeValues: { ':sequencer': sequencer, ':recordedAt': recordedAt, ':no': false },
        }
      : { ConditionExpression: isNew };
  try {
    await table.send(new PutCommand({ TableName, Item: item, ...condition }));
    return true;
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) return false;
    throw error;
  }
}
