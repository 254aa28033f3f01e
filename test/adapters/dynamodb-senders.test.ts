import { ConditionalCheckFailedException, DynamoDBClient, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { dynamoDbSenders, WINDOW_SECONDS } from '../../adapters/aws/dynamodb-senders.ts';
import { mockClient } from '../support/mock-client.ts';

const dynamoDb = mockClient(DynamoDBClient);
const senders = dynamoDbSenders({ client: new DynamoDBClient({ region: 'us-east-1' }), tableName: 'memory', most: 3 });
const updates = () => dynamoDb.commandCalls(UpdateItemCommand).map(({ args: [{ input }] }) => input);

beforeEach(() => {
  vi.useFakeTimers({ now: new Date('2026-01-02T03:04:05Z') });
  dynamoDb.reset();
  dynamoDb.on(UpdateItemCommand).resolves({});
});
afterEach(() => {
  vi.useRealTimers();
});

it('adds one for the sender under the limit, and subtracts it from the same item, however long that took', async () => {
  const begun = await senders.begin('ann');
  vi.advanceTimersByTime(WINDOW_SECONDS * 1000);
  await begun?.end();
  const [add, subtract, ...others] = updates();
  expect(others).toEqual([]);
  expect(add).toMatchObject({
    TableName: 'memory',
    ExpressionAttributeValues: { ':one': { N: '1' }, ':most': { N: '3' } },
  });
  expect(add?.ConditionExpression).toContain('running < :most');
  expect(subtract).toMatchObject({ Key: add?.Key, ExpressionAttributeValues: { ':less': { N: '-1' } } });
});

it('forgets after a window what a killed dispatcher did not subtract, and lets the table expire it', async () => {
  await senders.begin('ann');
  vi.advanceTimersByTime(WINDOW_SECONDS * 1000);
  await senders.begin('ann');
  const [first, second] = updates();
  expect(first?.Key).not.toEqual(second?.Key);
  expect(Number(first?.ExpressionAttributeValues?.[':end']?.N)).toBeGreaterThanOrEqual(Date.now() / 1000);
});

it('counts senders apart, and writes no name of a sender', async () => {
  await senders.begin('ann');
  await senders.begin('bob');
  const [ann, bob] = updates();
  expect(ann?.Key).not.toEqual(bob?.Key);
  expect(JSON.stringify(updates())).not.toMatch(/ann|bob/);
});

it.each([
  new ConditionalCheckFailedException({ $metadata: {}, message: 'The conditional request failed' }),
  Object.assign(new Error('too fast'), { name: 'ProvisionedThroughputExceededException' }),
  Object.assign(new Error('too fast'), { name: 'ThrottlingException' }),
])('takes $name for too many in progress', async (error) => {
  dynamoDb.on(UpdateItemCommand).rejects(error);
  expect(await senders.begin('ann')).toBeUndefined();
});

it('throws any other error, so that the upload is retried', async () => {
  dynamoDb.on(UpdateItemCommand).rejects(new Error('AccessDenied'));
  await expect(senders.begin('ann')).rejects.toThrow('AccessDenied');
});

it('does not fail an upload that is decided because it could not subtract', async () => {
  const begun = await senders.begin('ann');
  dynamoDb.on(UpdateItemCommand).rejects(new Error('AccessDenied'));
  await expect(begun?.end()).resolves.toBeUndefined();
});
