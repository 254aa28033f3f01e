/** What an audit reads, and what that costs. */
import { DescribeTableCommand } from '@aws-sdk/client-dynamodb';
import { requestPrices, shownPrice } from '../stack/prices.ts';
import type { Stack } from '../stack/stack.ts';

export interface Size {
  /** Records; DynamoDB counts them every six hours. */
  readonly images: number;
  readonly tableBytes: number;
  readonly renditionsPerImage: number;
}

export async function sizeOf({ clients, outputs }: Stack, renditionsPerImage: number): Promise<Size> {
  const { Table } = await clients.dynamoDb.send(new DescribeTableCommand({ TableName: outputs.ImageTableName }));
  return { images: Table?.ItemCount ?? 0, tableBytes: Table?.TableSizeBytes ?? 0, renditionsPerImage };
}

// Of a thousand keys; S3's and DynamoDB's limits.
const KEYS_PER_LIST = 1000;
const SCAN_BYTES = 1_000_000;
const READ_UNIT_BYTES = 4096;

export function priceOf({ images, tableBytes, renditionsPerImage }: Size, perSecond: number) {
  const renditions = images * renditionsPerImage;
  const lists = Math.ceil(images / KEYS_PER_LIST) + Math.ceil(renditions / KEYS_PER_LIST);
  const scans = Math.ceil(tableBytes / SCAN_BYTES);
  const usd =
    lists * requestPrices.s3Write +
    renditions * requestPrices.s3Read +
    (tableBytes / READ_UNIT_BYTES / 2) * requestPrices.dynamoDbRead;
  return { lists, heads: renditions, scans, usd, seconds: (lists + renditions + scans) / perSecond };
}

/** One line for the operator. */
export function describePrice(size: Size, perSecond: number): string {
  const { lists, heads, scans, usd, seconds } = priceOf(size, perSecond);
  return (
    `About ${size.images} images: ${lists + scans} listings and ${heads} HEAD requests, ${shownPrice(usd)}, ` +
    `${Math.ceil(seconds / 60)} minutes at ${perSecond} requests per second. Images with findings are read once more.`
  );
}
