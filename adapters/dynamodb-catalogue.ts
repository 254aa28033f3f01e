import { type DynamoDBDocumentClient, GetCommand } from '@aws-sdk/lib-dynamodb';
import * as z from 'zod/mini';
import { inputFormats } from '../core/metadata.ts';
import { rejectionReasons } from '../core/outcome.ts';
import type { Catalogue } from '../core/ports.ts';
import type { ImageRecord } from '../core/record.ts';

const positiveInteger = z.int().check(z.positive());

const metadata = z.object({
  format: z.enum(inputFormats),
  width: positiveInteger,
  height: positiveInteger,
  bytes: positiveInteger,
  sha256: z.string().check(z.regex(/^[0-9a-f]{64}$/)),
  colourSpace: z.string(),
  hasAlpha: z.boolean(),
  orientation: z.literal([1, 2, 3, 4, 5, 6, 7, 8]),
  frames: positiveInteger,
  dominantColour: z.string().check(z.regex(/^#[0-9a-f]{6}$/)),
  thumbhash: z.base64(),
  damaged: z.boolean(),
  camera: z.optional(z.object({ make: z.optional(z.string()), model: z.optional(z.string()) })),
  capturedAt: z.optional(z.string()),
  location: z.optional(z.object({ latitude: z.number(), longitude: z.number() })),
});

const rendition = z.object({
  preset: z.string(),
  key: z.string(),
  contentType: z.string(),
  width: positiveInteger,
  height: positiveInteger,
  bytes: positiveInteger,
});

const common = z.object({
  imageId: z.string(),
  bucket: z.string(),
  key: z.string(),
  version: z.string(),
  sequencer: z.string(),
  occurredAt: z.iso.datetime(),
  recordedAt: z.iso.datetime(),
  correlationId: z.string(),
  announced: z.boolean(),
});

const imageRecord = z.discriminatedUnion('outcome', [
  z.extend(common, { outcome: z.literal('processed'), metadata, renditions: z.array(rendition) }),
  z.extend(common, { outcome: z.literal('rejected'), reason: z.enum(rejectionReasons), message: z.string() }),
  z.extend(common, { outcome: z.literal('deleted'), expiresAt: z.int() }),
  z.extend(common, {
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
