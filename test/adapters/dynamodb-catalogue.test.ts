import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient, GetCommand } from '@aws-sdk/lib-dynamodb';
import { beforeEach, describe, expect, it } from 'vitest';
import { dynamoDbCatalogue } from '../../adapters/aws/dynamodb-catalogue.ts';
import type { ImageRecord } from '../../core/record.ts';
import { mockClient } from '../support/mock-client.ts';
import { photoHeader, photoPortrait } from '../support/stub-image-codec.ts';
import { withExtraProperty } from '../support/with-extra-property.ts';

const dynamoDb = mockClient(DynamoDBDocumentClient);
const catalogue = dynamoDbCatalogue({
  client: DynamoDBDocumentClient.from(new DynamoDBClient({ region: 'us-east-1' })),
  tableName: 'images',
});
beforeEach(() => {
  dynamoDb.reset();
});

const { progressive: _, ...header } = photoHeader;
const record: ImageRecord = {
  imageId: 'c0ffee00c0ffee00c0ffee00c0ffee00',
  bucket: 'uploads',
  key: 'cat.jpg',
  version: 'v1',
  sequencer: '0055AED6DCD90281E500000000000000',
  occurredAt: '2026-01-02T03:04:05Z',
  recordedAt: '2026-01-02T03:04:08Z',
  correlationId: 'correlation-1',
  announced: true,
  outcome: 'processed',
  metadata: { ...header, ...photoPortrait, bytes: 1234, sha256: 'a'.repeat(64) },
  renditions: [{ preset: 'webp-320', key: 'k', contentType: 'image/webp', width: 320, height: 240, bytes: 5 }],
};

it('reads a record with every optional property, strongly consistently', async () => {
  dynamoDb
    .on(GetCommand, { TableName: 'images', Key: { imageId: record.imageId }, ConsistentRead: true })
    .resolves({ Item: record });
  expect(await catalogue.find(record.imageId)).toEqual(record);
});

describe('a record that newer code wrote, during a release', () => {
  it.each(withExtraProperty(record))('with an additional property in %j is read as before', async (_, Item) => {
    dynamoDb.on(GetCommand).resolves({ Item: Object(Item) });
    expect(await catalogue.find(record.imageId)).toEqual(record);
  });
});

it('returns undefined if there is no record', async () => {
  dynamoDb.on(GetCommand).resolves({});
  expect(await catalogue.find(record.imageId)).toBeUndefined();
});

it('given an invalid record, throws', async () => {
  dynamoDb.on(GetCommand).resolves({ Item: { ...record, outcome: 'fine' } });
  await expect(catalogue.find(record.imageId)).rejects.toThrow('outcome');
});
