import {
  type AttributeValue,
  DeleteTableCommand,
  GetItemCommand,
  PutItemCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { InMemoryTable, type Item, type Write } from '../model/in-memory-table.ts';
import { consumerCondition } from '../support/example-consumer.ts';
import { providedStack } from '../support/provided-stack.ts';
import { createTableOfImages } from '../support/table-of-images.ts';
import { workflow } from '../support/workflow.ts';

/** The in-memory table of test/model evaluates the workflow's expressions as DynamoDB does. */

const stack = providedStack();
const client = stack.clients.dynamoDb;
// Of its own, because most of these items are no records.
const TableName = `${stack.name}-conditions`;
beforeAll(() => createTableOfImages(stack, TableName));
afterAll(async () => {
  await client.send(new DeleteTableCommand({ TableName }));
  stack.close();
});

const text = (S: string): AttributeValue => ({ S });
const outcomes = ['processed', 'failed', 'deleted'];
const items: (Item | undefined)[] = [undefined, { expiresAt: { N: '1' } }];
for (const outcome of outcomes) {
  for (const sequencer of ['1', '2', '3']) {
    for (const announced of [true, false]) {
      const state = { outcome: text(outcome), sequencer: text(sequencer), announced: { BOOL: announced } };
      items.push({ ...state, version: text(sequencer === '2' ? 'v' : 'w'), reason: text('r'), renditions: { L: [] } });
    }
  }
}

// The event is for version v at sequencer 2.
const values: Readonly<Record<string, AttributeValue>> = {
  ...{ ':sequencer': text('2'), ':version': text('v'), ':outcome': text('processed'), ':expiresAt': { N: '2' } },
  ...{ ':yes': { BOOL: true }, ':no': { BOOL: false }, ':failed': text('failed'), ':deleted': text('deleted') },
};
const given = (name: string) => values[name] ?? text(name);

const writes = workflow.tasks.flatMap(({ state, definition: { Arguments } }) => {
  const { ConditionExpression, UpdateExpression, ExpressionAttributeNames, ExpressionAttributeValues } = Arguments;
  if (typeof ConditionExpression !== 'string') return [];
  const names = Object.keys(Object(ExpressionAttributeValues));
  const write = {
    ConditionExpression,
    ...(ExpressionAttributeNames !== undefined && { ExpressionAttributeNames: { '#bucket': 'bucket', '#key': 'key' } }),
    // DynamoDB refuses an empty object.
    ...(names.length > 0 && {
      ExpressionAttributeValues: Object.fromEntries(names.map((name) => [name, given(name)])),
    }),
  };
  return [{ state, write, update: typeof UpdateExpression === 'string' ? UpdateExpression : undefined }];
});

describe.each(writes)('$state', ({ state, write, update }) => {
  it.each(items.map((item, index) => ({ item, index })))('on $item', async ({ item, index }) => {
    const key: Item = { imageId: text(`${state}-${index}`) };
    const before = item && { ...item, ...key };
    const [inMemory, inDynamoDb] = [
      await onFake(key, before, write, update),
      await onDynamoDb(key, before, write, update),
    ];
    expect(inMemory).toEqual(inDynamoDb);
  });
});

/** As test/support/example-consumer.ts, with the condition of docs/events/README.md. */
describe('a consumer of events', () => {
  const positions = ['1', '2', '3'].flatMap((sequencer) => ['0', '1', '2', '10'].map((rank) => ({ sequencer, rank })));
  const known = positions.map(({ sequencer, rank }): Item => ({ sequencer: text(sequencer), rank: { N: rank } }));
  const write: Write = {
    ConditionExpression: consumerCondition,
    ExpressionAttributeNames: { '#rank': 'rank' },
    ExpressionAttributeValues: { ':sequencer': text('2'), ':rank': { N: '2' } },
  };

  it.each([undefined, ...known].map((item, index) => ({ item, index })))('who knows $item', async ({ item, index }) => {
    const key: Item = { imageId: text(`consumer-${index}`) };
    const before = item && { ...item, ...key };
    const inDynamoDb = await onDynamoDb(key, before, write, undefined);
    expect(await onFake(key, before, write, undefined)).toEqual(inDynamoDb);
  });
});

const newItem = (key: Item): Item => ({ ...key, outcome: text('new') });

async function onFake(key: Item, before: Item | undefined, write: Write, UpdateExpression: string | undefined) {
  const table = new InMemoryTable();
  if (before !== undefined) table.put(before);
  const act = async () =>
    UpdateExpression === undefined ? table.put(newItem(key), write) : table.update(key, { ...write, UpdateExpression });
  const refused = await act().then(
    () => undefined,
    (error: { error: string }) => error.error,
  );
  return { refused: refused?.replace('DynamoDB.', ''), after: table.get(key) };
}

async function onDynamoDb(
  Key: Record<string, AttributeValue>,
  before: Item | undefined,
  write: Write,
  UpdateExpression: string | undefined,
) {
  if (before !== undefined) await client.send(new PutItemCommand({ TableName, Item: before }));
  const act = () =>
    UpdateExpression === undefined
      ? client.send(new PutItemCommand({ TableName, Item: newItem(Key), ...write }))
      : client.send(new UpdateItemCommand({ TableName, Key, ...write, UpdateExpression }));
  const refused = await act().then(
    () => undefined,
    (error: Error) => error.name,
  );
  return { refused, after: (await client.send(new GetItemCommand({ TableName, Key, ConsistentRead: true }))).Item };
}
