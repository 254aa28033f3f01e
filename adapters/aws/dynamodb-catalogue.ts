import { type DynamoDBDocumentClient, GetCommand } from '@aws-sdk/lib-dynamodb';
import { rejectionReasons } from '../../core/outcome.ts';
import type { ImageRecord } from '../../core/record.ts';
import type { Catalogue } from '../../core/watch/ports.ts';
import { imageDescription } from '../contracts/image-description.ts';
import * as z from '../contracts/zod.ts';

// During a release, old code reads records of new code: unknown properties are ignored.
const { metadata, rendition } = imageDescription(z.object);

const common = z.object({
  imageId: z.string(),
  bucket: z.string(),
  version: z.string(),
  sequencer: z.string(),
  occurredAt: z.iso.datetime(),
  recordedAt: z.iso.datetime(),
  correlationId: z.string(),
  announced: z.boolean(),
});
const key = z.string();

export const imageRecord = z.discriminatedUnion('outcome', [
  z.extend(common, { key, outcome: z.literal('processed'), metadata, renditions: z.array(rendition) }),
  z.extend(common, { key, outcome: z.literal('rejected'), reason: z.enum(rejectionReasons), message: z.string() }),
  z.extend(common, { key: z.optional(key), outcome: z.literal('deleted'), expiresAt: z.int() }),
  z.extend(common, {
    key,
    outcome: z.literal('failed'),
    message: z.string(),
    metadata: z.optional(metadata),
    renditions: z.optional(z.array(rendition)),
  }),
]) satisfies z.ZodMiniType<ImageRecord>;

export function dynamoDbCatalogue({
  client,
  tableName,
}: {
  readonly client: DynamoDBDocumentClient;
  readonly tableName: string;
}): Catalogue {
  return {
    async find(imageId) {
      const { Item } = await client.send(
        new GetCommand({ TableName: tableName, Key: { imageId }, ConsistentRead: true }),
      );
      return Item === undefined ? undefined : imageRecord.parse(Item);
    },
  };
}
