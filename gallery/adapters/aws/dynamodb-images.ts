import { TransactionCanceledException } from '@aws-sdk/client-dynamodb';
import { type DynamoDBDocumentClient, GetCommand, QueryCommand, TransactWriteCommand } from '@aws-sdk/lib-dynamodb';
import * as z from '../../../adapters/contracts/zod.ts';
import { type GalleryImage, isDeleted, placeOf } from '../../core/gallery-image.ts';
import type { ImageStore } from '../../core/ports.ts';
import { galleryImage } from '../contracts/gallery-image.ts';

/** Next to the images in a person's partition. */
const CURSOR_ITEM = 'cursor';
/** As long as the pipeline keeps its own tombstones: no event that arrives later can be older. */
const TOMBSTONE_SECONDS = 60 * 86_400;

const cursorItem = z.optional(z.object({ newest: z.int() }));
const images = z.array(galleryImage);

export function dynamoDbImages({
  client,
  tableName: TableName,
}: {
  readonly client: DynamoDBDocumentClient;
  readonly tableName: string;
}): ImageStore {
  const get = async (owner: string, item: string): Promise<unknown> => {
    const { Item } = await client.send(new GetCommand({ TableName, Key: { owner, item }, ConsistentRead: true }));
    return Item;
  };
  return {
    async find(owner, imageId) {
      return z.optional(galleryImage).parse(await get(owner, itemOf(imageId)));
    },

    async newestCursor(owner) {
      return cursorItem.parse(await get(owner, CURSOR_ITEM))?.newest;
    },

    async list(owner, { limit, page }) {
      const { Items = [], LastEvaluatedKey } = await client.send(
        new QueryCommand({
          TableName,
          IndexName: 'byTime',
          // A place is compared only, within the person's own partition: a made-up one starts somewhere else.
          KeyConditionExpression: `#owner = :owner${page === undefined ? '' : ' AND listedAt < :page'}`,
          ExpressionAttributeNames: { '#owner': 'owner' },
          ExpressionAttributeValues: { ':owner': owner, ...(page !== undefined && { ':page': page }) },
          ScanIndexForward: false,
          Limit: limit,
          ConsistentRead: true,
        }),
      );
      const found = images.parse(Items);
      const last = LastEvaluatedKey === undefined ? undefined : found.at(-1);
      return { images: found, ...(last && { next: placeOf(last) }) };
    },

    async changedSince(owner, cursor, limit) {
      const { Items, LastEvaluatedKey } = await client.send(
        new QueryCommand({
          TableName,
          IndexName: 'byCursor',
          KeyConditionExpression: '#owner = :owner AND #cursor > :cursor',
          ExpressionAttributeNames: { '#owner': 'owner', '#cursor': 'cursor' },
          ExpressionAttributeValues: { ':owner': owner, ':cursor': cursor },
          Limit: limit,
          ConsistentRead: true,
        }),
      );
      return { images: images.parse(Items), hasMore: LastEvaluatedKey !== undefined };
    },

    async save(image, newest) {
      const { owner, imageId, cursor } = image;
      const unchanged =
        newest === undefined
          ? { ConditionExpression: 'attribute_not_exists(newest)' }
          : { ConditionExpression: 'newest = :newest', ExpressionAttributeValues: { ':newest': newest } };
      try {
        await client.send(
          new TransactWriteCommand({
            TransactItems: [
              { Put: { TableName, Item: { ...image, item: itemOf(imageId), ...placeInList(image) } } },
              { Put: { TableName, Item: { owner, item: CURSOR_ITEM, newest: cursor }, ...unchanged } },
            ],
          }),
        );
        return true;
      } catch (error) {
        if (isConflict(error)) return false;
        throw error;
      }
    },
  };
}

function itemOf(imageId: string): string {
  return `image#${imageId}`;
}

/** An image without `listedAt` is not in the index. */
function placeInList(image: GalleryImage) {
  return isDeleted(image)
    ? { expiresAt: Math.floor(Date.now() / 1000) + TOMBSTONE_SECONDS }
    : { listedAt: placeOf(image) };
}

/** Someone else has changed an image of the same person, or is about to. */
function isConflict(error: unknown): boolean {
  if (!(error instanceof TransactionCanceledException)) return false;
  const expected = ['None', 'ConditionalCheckFailed', 'TransactionConflict'];
  return (error.CancellationReasons ?? []).every(({ Code = 'None' }) => expected.includes(Code));
}
