import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { marshall } from '@aws-sdk/util-dynamodb';
import { beforeEach, describe, expect, it } from 'vitest';
import { s3HistoryLog } from '../../adapters/aws/s3-history-log.ts';
import { formatLine, historyColumns, parseLine } from '../../adapters/contracts/history-line.ts';
import { parseTableChanges } from '../../adapters/contracts/table-change.ts';
import { tableStream } from '../../adapters/lambda/table-stream.ts';
import { type HistoryLine, linesOf, paddedOrder, type TableChange } from '../../core/history.ts';
import { recordHistory } from '../../core/record-history.ts';
import { templateFor, at as valueAt } from '../../scripts/template/template.ts';
import { captureLog } from '../support/captured-log.ts';
import { lambdaContext } from '../support/lambda-context.ts';
import { mockClient } from '../support/mock-client.ts';
import { deletedRecord, processedRecord } from '../support/records.ts';

const imageId = 'c0ffee';
const processed = processedRecord({ imageId, announced: false });

const streamRecord = (changes: { before?: object; after?: object; itemId?: string; identity?: object | null }) => ({
  ...{ eventID: 'e', eventName: 'MODIFY', eventSource: 'aws:dynamodb', awsRegion: 'eu-west-1' },
  ...(changes.identity !== undefined && { userIdentity: changes.identity }),
  dynamodb: {
    ...{ ApproximateCreationDateTime: 1_796_000_000, SequenceNumber: '111000000000000000007' },
    Keys: { imageId: { S: changes.itemId ?? imageId } },
    ...(changes.before && { OldImage: marshall(changes.before) }),
    ...(changes.after && { NewImage: marshall(changes.after) }),
  },
});
const only = (record: object): TableChange => {
  const [change] = parseTableChanges({ Records: [record] });
  if (change === undefined) throw new Error('no change');
  return change;
};

describe('a change from the stream', () => {
  it('has both images of the item, its place in the order and its time', () => {
    expect(only(streamRecord({ before: processed, after: { ...processed, announced: true } }))).toEqual({
      ...{ order: '111000000000000000007', at: '2026-11-30T00:53:20.000Z', itemId: imageId, expired: false },
      before: { kind: 'record', record: processed },
      after: {
        item: { kind: 'record', record: { ...processed, announced: true } },
        attributes: { ...processed, announced: true },
      },
    });
  });

  it('keeps attributes that this code does not know', () => {
    const { after } = only(streamRecord({ after: { ...processed, fromTheFuture: [1, { a: true }] } }));
    expect(after?.attributes['fromTheFuture']).toEqual([1, { a: true }]);
  });

  it.each<[what: string, itemId: string, attributes: object, item: object]>([
    [
      'a version that was permanently deleted',
      `${imageId}#v1`,
      { expiresAt: 1, occurredAt: processed.occurredAt, recordedAt: processed.recordedAt, correlationId: 'c' },
      {
        kind: 'mark',
        mark: {
          ...{ version: 'v1', infected: false, correlationId: 'c' },
          ...{ occurredAt: processed.occurredAt, recordedAt: processed.recordedAt },
        },
      },
    ],
    [
      'an infected version, marked by older code',
      `${imageId}#v1`,
      { expiresAt: 1, infected: true },
      { kind: 'mark', mark: { version: 'v1', infected: true } },
    ],
    [
      'an attempt that ended superseded',
      `${imageId}#attempt#00AB`,
      {
        ...{ ended: 'superseded', version: 'v1', correlationId: 'c', expiresAt: 1 },
        ...{ occurredAt: processed.occurredAt, recordedAt: processed.recordedAt },
      },
      {
        kind: 'attempt',
        attempt: {
          ...{ ended: 'superseded', version: 'v1', sequencer: '00AB', correlationId: 'c' },
          ...{ occurredAt: processed.occurredAt, recordedAt: processed.recordedAt },
        },
      },
    ],
    ['a record of unknown form', imageId, { outcome: 'painted' }, { kind: 'unknown' }],
    ['a note of unknown form', `${imageId}#attempt#00AB`, {}, { kind: 'unknown' }],
    ['a mark of unknown form', `${imageId}#v1`, {}, { kind: 'unknown' }],
  ])('shows %s', (_, itemId, attributes, item) => {
    expect(only(streamRecord({ itemId, after: { imageId: itemId, ...attributes } })).after?.item).toEqual(item);
  });

  it.each<[what: string, identity: object | null | undefined, expired: boolean]>([
    ['at the end of its time', { type: 'Service', principalId: 'dynamodb.amazonaws.com' }, true],
    ['by hand', undefined, false],
    ['by hand, on the emulator', null, false],
  ])('shows an item that was removed %s', (_, identity, expired) => {
    const change = only(streamRecord({ before: deletedRecord(), ...(identity !== undefined && { identity }) }));
    expect(change).toMatchObject({ expired });
    expect(change.after).toBeUndefined();
  });

  it('from `aws dynamodbstreams get-records`, with its time as a text, is the same change', () => {
    const record = streamRecord({ after: processed });
    const byHand = { ...record.dynamodb, ApproximateCreationDateTime: '2026-11-30T00:53:20+00:00' };
    expect(only({ ...record, dynamodb: byHand })).toEqual(only(record));
  });

  it('of another table is refused, with the names of what is wrong', () => {
    const { Keys: _, ...dynamodb } = streamRecord({}).dynamodb;
    expect(() => parseTableChanges({ Records: [{ dynamodb }] })).toThrow('Keys');
  });
});

const line: HistoryLine = {
  ...{ id: `${paddedOrder('7')}-0`, order: paddedOrder('7'), at: '2026-11-29T12:00:00.000Z', event: 'rejected' },
  ...{ imageId, itemId: imageId, bucket: 'uploads', key: 'a\nb "c" \u202e.jpg', version: 'v1', sequencer: '00AB' },
  ...{ occurredAt: processed.occurredAt, recordedAt: processed.recordedAt, correlationId: 'c' },
  ...{ reason: 'corrupt', message: 'It is damaged.', attributes: { imageId, nested: { list: [1, 0.1, true, null] } } },
};

describe('a stored line', () => {
  it('is one line of JSON that can be read back, whatever the key contains', () => {
    expect(formatLine(line)).not.toContain('\n');
    expect(parseLine(formatLine(line))).toEqual(line);
  });

  it('that newer code wrote can be read', () => {
    expect(parseLine(JSON.stringify({ ...JSON.parse(formatLine(line)), from_the_future: 1 }))).toEqual(line);
  });

  it('has the names that HistoryTable declares as columns, all of them texts', () => {
    const input = templateFor('prod').resources.get('HistoryTable')?.Properties['TableInput'];
    const columns = [valueAt(input, 'StorageDescriptor', 'Columns') ?? []].flat();
    expect(columns.map((column) => valueAt(column, 'Name'))).toEqual(historyColumns);
    expect(new Set(columns.map((column) => valueAt(column, 'Type')))).toEqual(new Set(['string']));
    const stored: Record<string, unknown> = JSON.parse(formatLine(line));
    expect(Object.keys(stored).toSorted()).toEqual(historyColumns.toSorted());
    expect(Object.values(stored).map((value) => typeof value)).toEqual(historyColumns.map(() => 'string'));
  });
});

describe('record-history', () => {
  const s3 = mockClient(S3Client);
  const logged = captureLog();
  const historyLog = s3HistoryLog({ client: new S3Client({ region: 'us-east-1' }), bucket: 'history' });
  // Powertools reads its settings when a logger is created.
  const handle = (record: object) =>
    tableStream((changes) => recordHistory(changes, { historyLog }))({ Records: [record] }, lambdaContext());
  beforeEach(() => void s3.reset());

  it('writes the lines of a batch as one object below its day', async () => {
    const record = streamRecord({ after: processed });
    await handle(record);
    const order = paddedOrder('111000000000000000007');
    expect(s3.commandCalls(PutObjectCommand).map(({ args: [{ input }] }) => input)).toEqual([
      {
        Bucket: 'history',
        Key: `history/day=2026-11-30/${order}-${order}.jsonl`,
        Body: linesOf(only(record))
          .map((each) => `${formatLine(each)}\n`)
          .join(''),
        ContentType: 'application/jsonl',
      },
    ]);
    expect(logged('info')).toMatchObject([{ message: 'History recorded', changes: 1, lines: 2 }]);
  });

  it('given S3 fails, throws and logs why, so that the stream delivers the batch again', async () => {
    s3.on(PutObjectCommand).rejects(new Error('SlowDown'));
    await expect(handle(streamRecord({ after: processed }))).rejects.toThrow('SlowDown');
    expect(logged('error')).toMatchObject([
      { message: expect.stringContaining('again'), error: { message: 'SlowDown' } },
    ]);
  });
});
