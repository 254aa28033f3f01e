import { BatchGetCommand, DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { beforeEach, expect, it } from 'vitest';
import type { ImageRecord } from '../../core/record.ts';
import { type Followed, follow, readRecords } from '../../scripts/stack/follow.ts';
import { mockClient } from '../support/mock-client.ts';
import { mockedStack } from '../support/mocked-stack.ts';
import { deletedRecord } from '../support/records.ts';

const table = mockClient(DynamoDBDocumentClient);
const stack = mockedStack();
const never = { giveUp: () => false, pauseMillis: 1 };

const upload = (imageId: string): Followed<string> & { readonly imageId: string } => ({
  imageId,
  outcomeIn: (record) => record?.outcome,
});
const imageIds = (count: number) => Array.from({ length: count }, (_, index) => `image-${index}`);

/** The keys of each request so far. */
const requests = () =>
  table.commandCalls(BatchGetCommand).map(({ args: [{ input }] }) => {
    const [{ Keys = [] } = {}] = Object.values(input.RequestItems ?? {});
    return Keys.map(({ imageId }) => imageId);
  });

/** Every image has a record, starting with the given request. */
function recordsFrom(request: number): void {
  table.on(BatchGetCommand).callsFake(({ RequestItems }) => {
    const items: ImageRecord[] = RequestItems.ImageTableName.Keys.map((key: { imageId: string }) => deletedRecord(key));
    return { Responses: { ImageTableName: requests().length >= request ? items : [] } };
  });
}

beforeEach(() => table.reset());

it('yields each upload once, with its record, as soon as it has an outcome', async () => {
  recordsFrom(3);
  const endings = await Array.fromAsync(follow(imageIds(2).map(upload), stack, never));
  expect(endings.map(({ upload: { imageId }, outcome, record }) => [imageId, outcome, record?.imageId])).toEqual([
    ['image-0', 'deleted', 'image-0'],
    ['image-1', 'deleted', 'image-1'],
  ]);
  expect(requests()).toHaveLength(3);
});

it('reads a hundred records with one request', async () => {
  recordsFrom(1);
  await Array.fromAsync(follow(imageIds(150).map(upload), stack, never));
  expect(requests().map(({ length }) => length)).toEqual([100, 50]);
});

it('yields an upload without an outcome if the caller gives up on it', async () => {
  recordsFrom(Number.POSITIVE_INFINITY);
  const endings = await Array.fromAsync(follow(imageIds(2).map(upload), stack, { ...never, giveUp: () => true }));
  expect(endings.map(({ outcome }) => outcome)).toEqual([undefined, undefined]);
});

it('follows uploads that arrive while others are being followed', async () => {
  recordsFrom(1);
  const { promise, resolve } = Promise.withResolvers<void>();
  async function* arriving() {
    yield upload('first');
    await promise;
    yield upload('second');
  }
  const seen: string[] = [];
  for await (const ending of follow(arriving(), stack, never)) {
    seen.push(ending.upload.imageId);
    resolve();
  }
  expect(seen).toEqual(['first', 'second']);
});

it('throws an error of the source of uploads, after the outcomes of those that arrived', async () => {
  recordsFrom(1);
  async function* broken() {
    yield upload('first');
    throw new Error('no more');
  }
  const seen: string[] = [];
  const following = (async () => {
    for await (const ending of follow(broken(), stack, never)) seen.push(ending.upload.imageId);
  })();
  await expect(following).rejects.toThrow('no more');
  expect(seen).toEqual(['first']);
});

it('retries keys that DynamoDB returned unprocessed', async () => {
  const keys = [{ imageId: 'b' }];
  table
    .on(BatchGetCommand)
    .resolvesOnce({
      Responses: { ImageTableName: [deletedRecord({ imageId: 'a' })] },
      UnprocessedKeys: { ImageTableName: { Keys: keys } },
    })
    .resolves({ Responses: { ImageTableName: [deletedRecord({ imageId: 'b' })] } });
  expect([...(await readRecords(stack, ['a', 'b', 'a'])).keys()]).toEqual(['a', 'b']);
  expect(requests()).toEqual([['a', 'b'], ['b']]);
});
