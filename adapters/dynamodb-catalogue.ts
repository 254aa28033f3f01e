import { type DynamoDBDocumentClient, GetCommand } from '@aws-sdk/lib-dynamodb';
import * as z from 'zod';
import type { ImageId } from '../core/image.ts';
import { inputFormats } from '../core/metadata.ts';
import { rejectionReasons } from '../core/outcome.ts';
import type { ImageRecord } from '../core/record.ts';

const metadata = z.object({
  format: z.enum(inputFormats),
  width: z.int().positive(),
  height: z.int().positive(),
  bytes: z.int().positive(),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  colourSpace: z.string(),
  hasAlpha: z.boolean(),
  orientation: z.literal([1, 2, 3, 4, 5, 6, 7, 8]),
  frames: z.int().positive(),
  dominantColour: z.string().regex(/^#[0-9a-f]{6}$/),
  thumbhash: z.base64(),
  damaged: z.boolean(),
  camera: z.object({ make: z.string().optional(), model: z.string().optional() }).optional(),
  capturedAt: z.string().optional(),
  location: z.object({ latitude: z.number(), longitude: z.number() }).optional(),
});

const rendition = z.object({
  preset: z.string(),
  key: z.string(),
  contentType: z.string(),
  width: z.int().positive(),
  height: z.int().positive(),
  bytes: z.int().positive(),
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
  common.extend({ outcome: z.literal('processed'), metadata, renditions: z.array(rendition) }),
  common.extend({ outcome: z.literal('rejected'), reason: z.enum(rejectionReasons), message: z.string() }),
  common.extend({ outcome: z.literal('deleted'), expiresAt: z.int() }),
  common.extend({ outcome: z.literal('failed'), message: z.string() }),
]) satisfies z.ZodType<ImageRecord>;

/** Reads records; the workflow alone writes them. */
export function dynamoDbCatalogue({
  client,
  tableName,
}: {
  readonly client: DynamoDBDocumentClient;
  readonly tableName: string;
}) {
  return {
    async find(imageId: ImageId): Promise<ImageRecord | undefined> {
      const { Item } = await client.send(new GetCommand({ TableName: tableName, Key: { imageId }, ConsistentRead: true }));
      return Item === undefined ? undefined : imageRecord.parse(Item);
    },
  };
}
