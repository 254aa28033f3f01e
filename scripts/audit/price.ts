/** What an audit reads, and what that costs. */
import { requestPrices, scanPrice, shownPrice } from '../stack/prices.ts';

export interface Size {
  /** Records; DynamoDB counts them every six hours. */
  readonly images: number;
  readonly tableBytes: number;
  readonly renditionsPerImage: number;
}

// Of a thousand keys; S3's and DynamoDB's limits.
const KEYS_PER_LIST = 1000;
const SCAN_BYTES = 1_000_000;

export function priceOf({ images, tableBytes, renditionsPerImage }: Size, perSecond: number) {
  const renditions = images * renditionsPerImage;
  const lists = Math.ceil(images / KEYS_PER_LIST) + Math.ceil(renditions / KEYS_PER_LIST);
  const scans = Math.ceil(tableBytes / SCAN_BYTES);
  const usd = lists * requestPrices.s3Write + renditions * requestPrices.s3Read + scanPrice(tableBytes);
  return { lists, heads: renditions, scans, usd, seconds: (lists + renditions + scans) / perSecond };
}

/** What a dry run prints for programs. */
export function planOf(size: Size, perSecond: number) {
  const { usd, seconds } = priceOf(size, perSecond);
  return { images: size.images, usd, minutes: Math.ceil(seconds / 60) };
}

/** One line for the operator. */
export function describePrice(size: Size, perSecond: number): string {
  const { lists, heads, scans, usd, seconds } = priceOf(size, perSecond);
  return (
    `About ${size.images} images: ${lists + scans} listings and ${heads} HEAD requests, ${shownPrice(usd)}, ` +
    `${Math.ceil(seconds / 60)} minutes at ${perSecond} requests per second. Images with findings are read once more.`
  );
}
