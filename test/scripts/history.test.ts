import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConditionalCheckFailedException, DescribeTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient, PutCommand, ScanCommand } from '@aws-sdk/lib-dynamodb';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { historyKey } from '../../adapters/contracts/history-keys.ts';
import { formatLine } from '../../adapters/contracts/history-line.ts';
import { tableItem } from '../../adapters/contracts/image-record.ts';
import { type Attributes, linesOf, paddedOrder, type TableChange } from '../../core/history.ts';
import { imageIdOf } from '../../core/image.ts';
import { historyCommand } from '../../scripts/history/history.ts';
import { describeReading, describeWriting, rebuild, showImage } from '../../scripts/history/history-stack.ts';
import { openRebuildNotebook, readAll, refuseUnfit, writeAll } from '../../scripts/history/rebuild.ts';
import { parse, parsedOptions } from '../../scripts/terminal/command.ts';
import { InMemoryTable } from '../model/in-memory-table.ts';
import { mockClient } from '../support/mock-client.ts';
import { mockedStack } from '../support/mocked-stack.ts';
import { deletedRecord, processedRecord } from '../support/records.ts';
import { VersionedBucket } from '../support/versioned-bucket.ts';

const stack = mockedStack();
const bucket = new VersionedBucket({ pageSize: 2 });
const table = mockClient(DynamoDBDocumentClient);
const dynamoDb = mockClient(DynamoDBClient);
const signal = new AbortController().signal;
const catId = await imageIdOf(stack.outputs.UploadBucketName, 'cat.jpg');
const dogId = await imageIdOf(stack.outputs.UploadBucketName, 'dog.jpg');
let target: InMemoryTable;
let order: number;

/** One write of the table, as it becomes an object of history. */
function write(
  before: object | undefined,
  after: (Attributes & { readonly imageId: string }) | undefined,
  day = '2026-11-29',
): void {
  order += 1;
  const itemId = after?.imageId ?? String(before && Reflect.get(before, 'imageId'));
  const of = (item: object) => tableItem(itemId, { ...item });
  const change: TableChange = {
    ...{ order: String(order), at: `${day}T12:00:${String(order).padStart(2, '0')}.000Z`, itemId, expired: false },
    before: before && of(before),
    after: after && { item: of(after), attributes: { ...after } },
  };
  const place = paddedOrder(String(order));
  const lines = linesOf(change).map((line) => `${formatLine(line)}\n`);
  bucket.put(historyKey({ day, first: place, last: place }), lines.join(''));
}

const cat = processedRecord({ imageId: catId, key: 'cat.jpg', announced: false });
const announced = { ...cat, announced: true };
const newerCat = processedRecord({
  ...{ imageId: catId, key: 'cat.jpg', version: 'v2', correlationId: 'correlation-2', announced: false },
  sequencer: '0055AED6DCD90281E600000000000000',
});
const dog = processedRecord({ imageId: dogId, key: 'dog.jpg' });
const goneDog = deletedRecord({ imageId: dogId, key: 'dog.jpg', sequencer: newerCat.sequencer, announced: false });
const mark = { imageId: `${catId}#v1`, expiresAt: 1 };

/** The table of records that this history leads to. */
const expected = new Map<string, Attributes>([
  [catId, { ...newerCat, announced: true }],
  [dogId, { ...goneDog }],
  [mark.imageId, mark],
]);

function aHistory(): void {
  write(undefined, cat);
  write(cat, announced);
  write(undefined, dog);
  write(announced, newerCat);
  write(undefined, mark);
  write(dog, goneDog, '2026-11-30');
  write(newerCat, { ...newerCat, announced: true }, '2026-11-30');
  // A note whose time is over.
  write(undefined, { ...mark, imageId: `${dogId}#v1` });
  write({ ...mark, imageId: `${dogId}#v1` }, undefined, '2026-11-30');
}

const itemsOf = ({ items }: InMemoryTable) =>
  new Map([...items].map(([id, item]): [string, Attributes] => [id, unmarshall(item)]));

beforeEach(() => {
  order = 0;
  bucket.versions = [];
  target = new InMemoryTable();
  table.reset();
  dynamoDb.reset();
  dynamoDb.on(DescribeTableCommand).resolves({ Table: { KeySchema: [{ AttributeName: 'imageId', KeyType: 'HASH' }] } });
  table.on(ScanCommand).callsFake(() => ({ Items: [...itemsOf(target).values()].slice(0, 1) }));
  table.on(PutCommand).callsFake(({ Item, ConditionExpression, ExpressionAttributeValues }) => {
    try {
      target.put(marshall(Item), {
        ConditionExpression,
        ...(ExpressionAttributeValues && { ExpressionAttributeValues: marshall(ExpressionAttributeValues) }),
      });
      return {};
    } catch {
      throw new ConditionalCheckFailedException({ message: 'refused', $metadata: {} });
    }
  });
});

function printed(): () => string {
  const spies = [process.stdout, process.stderr].map((stream) => vi.spyOn(stream, 'write').mockReturnValue(true));
  onTestFinished(() => {
    vi.restoreAllMocks();
  });
  return () => spies.flatMap((spy) => spy.mock.calls.map(([text]) => String(text))).join('');
}

describe('the timeline of an image', () => {
  it('has every decision in order, with reason, version and correlation id, and nothing of other images', async () => {
    aHistory();
    const output = printed();
    expect(await showImage(stack, { key: 'cat.jpg' }, signal)).toBe(0);
    const text = output();
    const found = text.split('\n').flatMap((line) => /^\S+Z +([a-z-]+) .*?(v\d)/.exec(line)?.slice(1).join(' ') ?? []);
    expect(found).toEqual([
      ...['uploaded v1', 'uploaded v2', 'processed v1', 'announced v1', 'superseded v1', 'processed v2'],
      ...['version-deleted v1', 'announced v2'],
    ]);
    expect(text).toContain('correlation-2');
    expect(text).not.toContain('dog');
  });

  it('says what it reads and what that costs before it reads', async () => {
    aHistory();
    const output = printed();
    expect(await showImage(stack, { key: 'cat.jpg', dryRun: true }, signal)).toBe(0);
    expect(output()).toMatch(/reads 9 objects, .* less than US\$ 0\.01/);
    expect(describeReading({ objects: 1_000_000, bytes: 3e9 })).toBe('reads 1000000 objects, 3 GB, about US$ 0.40');
  });

  it('shows a line once that a repeated batch has left twice', async () => {
    write(undefined, cat);
    const [first] = bucket.keys;
    bucket.put(
      historyKey({ day: '2026-11-29', first: paddedOrder('0'), last: paddedOrder('1') }),
      bucket.read(first ?? '') ?? '',
    );
    const output = printed();
    await showImage(stack, { key: 'cat.jpg', json: true }, signal);
    const lines = output()
      .split('\n')
      .filter((line) => line.startsWith('{'));
    expect(lines.map((line) => JSON.parse(line).event)).toEqual(['uploaded', 'processed']);
  });

  it('reads only the days that were asked for', async () => {
    aHistory();
    const output = printed();
    await showImage(stack, { key: 'cat.jpg', since: '2026-11-30', json: true }, signal);
    expect(output()).toContain('reads 3 objects');
    expect(
      output()
        .split('\n')
        .filter((line) => line.startsWith('{')),
    ).toHaveLength(1);
  });

  it('is of the image in the bucket that is named, and not of the same key in the upload bucket', async () => {
    aHistory();
    const adopted = { ...cat, imageId: await imageIdOf('holiday-photos', 'cat.jpg'), bucket: 'holiday-photos' };
    write(undefined, { ...adopted, outcome: 'rejected', reason: 'corrupt', message: 'It is truncated.' });
    const shown = printed();
    expect(await showImage(stack, { key: 'cat.jpg', bucket: 'holiday-photos', json: true }, signal)).toBe(0);
    const lines = shown()
      .split('\n')
      .filter((line) => line.startsWith('{'));
    expect(lines.map((line) => JSON.parse(line).event)).toEqual(['uploaded', 'rejected']);
  });

  it('of an unknown key says so, and fails', async () => {
    const output = printed();
    expect(await showImage(stack, { key: 'bird.jpg' }, signal)).toBe(1);
    expect(output()).toContain(`There is no history of bird.jpg in ${stack.outputs.UploadBucketName}.`);
  });

  it('escapes characters that control a terminal', async () => {
    const hostile = { ...cat, outcome: 'failed' as const, message: '\u001B[2J\u202Eevil' };
    write(undefined, hostile);
    const output = printed();
    await showImage(stack, { key: 'cat.jpg' }, signal);
    expect(output()).toContain('\\u001b[2J\\u202eevil');
    for (const harmful of ['\u001B', '\u202E']) expect(output()).not.toContain(harmful);
  });
});

describe('the rebuild', () => {
  const notebookIn = (path = ':memory:') => {
    const notebook = openRebuildNotebook(path);
    onTestFinished(() => notebook.close());
    return notebook;
  };
  const pace = { into: 'rebuilt', perSecond: 1000, report: () => undefined };
  const reading = { since: undefined, read: () => undefined };

  it('leads to the table of records, item by item', async () => {
    aHistory();
    const notebook = notebookIn();
    await readAll(stack, notebook, reading);
    expect(notebook.counts().items).toBe(4);
    expect(await writeAll(stack, notebook, pace)).toEqual({ written: 3, kept: 0 });
    expect(itemsOf(target)).toEqual(expected);
  });

  it('never replaces the same or a newer state', async () => {
    aHistory();
    const notebook = notebookIn();
    await readAll(stack, notebook, reading);
    const live = { ...newerCat, sequencer: '0055AED6DCD90281E700000000000000' };
    const announcedDog = { ...goneDog, announced: true };
    for (const item of [live, announcedDog, mark]) target.put(marshall(item));
    expect(await writeAll(stack, notebook, pace)).toEqual({ written: 0, kept: 3 });
    expect([catId, dogId].map((id) => itemsOf(target).get(id))).toEqual([live, announcedDog]);
  });

  it('given it was stopped, goes on where it was, and reads the last day again, which may have grown', async () => {
    aHistory();
    const folder = mkdtempSync(join(tmpdir(), 'rebuild-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const path = join(folder, 'a.sqlite');
    const first = openRebuildNotebook(path);
    await readAll(stack, first, reading);
    first.close();
    const extra = { ...mark, imageId: `${dogId}#v9` };
    write(undefined, extra, '2026-11-30');
    const second = notebookIn(path);
    const read = vi.fn();
    await readAll(stack, second, { ...reading, read });
    expect(read).toHaveBeenCalledTimes(4);
    await writeAll(stack, second, pace);
    expect(itemsOf(target)).toEqual(new Map([...expected, [extra.imageId, extra]]));
  });

  it('refuses a table with another key, and one with items that no rebuild wrote', async () => {
    target.put(marshall(mark));
    await expect(refuseUnfit(stack, 'rebuilt', { begun: false })).rejects.toThrow('rebuilt is not empty');
    await expect(refuseUnfit(stack, 'rebuilt', { begun: true })).resolves.toBeUndefined();
    dynamoDb.on(DescribeTableCommand).resolves({ Table: { KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }] } });
    await expect(refuseUnfit(stack, 'rebuilt', { begun: false })).rejects.toThrow('has the key id');
  });

  it('says first what it reads and writes and what that costs, and with --dry-run does neither', async () => {
    aHistory();
    const output = printed();
    const options = { into: 'rebuilt', perSecond: 100, dryRun: true } as const;
    expect(await rebuild(stack, options, signal)).toBe(0);
    expect(output()).toMatch(/reads 9 objects, .* writes at most .* into rebuilt, less than US\$ 0\.01/);
    expect(table.commandCalls(PutCommand)).toEqual([]);
    expect(describeWriting(1_000_000, 3e9, 100)).toBe(
      '1000000 items, about US$ 2.46, 167 minutes at 100 items per second.',
    );
  });
});

describe('the command line', () => {
  it('has a key, or a rebuild with its table', () => {
    expect(parsedOptions(historyCommand, ['cat.jpg', '--since', '2026-11-01'])).toMatchObject({ since: '2026-11-01' });
    expect(parsedOptions(historyCommand, ['--rebuild', '--into', 't'])).toMatchObject({ into: 't', rate: 100 });
    expect(parsedOptions(historyCommand, ['cat.jpg', '--bucket', 'b'])).toMatchObject({ bucket: 'b' });
  });

  it.each(['yesterday', '2026-02-30', '2026-11-29T00:00Z'])('refuses %s as a day', (since) => {
    expect(() => parsedOptions(historyCommand, ['cat.jpg', '--since', since])).toThrow('Use a day such as 2026-11-29.');
  });

  it('has no bucket for a rebuild, which is of all buckets', async () => {
    const task = parse(historyCommand, ['--rebuild', '--into', 't', '--bucket', 'b'], { out() {}, error() {} });
    if (typeof task === 'number') throw new Error(`The command line is invalid: ${task}.`);
    await expect(async () => await task.run(signal)).rejects.toThrow('leave --bucket out');
  });
});
