/** What a backfill does and costs, and how it ended. */
import { planBackfill } from '../../core/backfill.ts';
import { imagePrice, monthlyStoragePrice, requestPrices, shownPrice } from '../stack/prices.ts';
import type { Copied, SourceSize } from './copy-objects.ts';

export interface Backfilled {
  readonly processed: number;
  readonly rejected: number;
  /** Deleted meanwhile. */
  readonly gone: number;
  /** In the dead-letter queue. */
  readonly failed: number;
  /** Still without a record. */
  readonly left: number;
}

interface Work {
  readonly renditions: number;
  /** Images. */
  readonly perSecond: number;
}

/** Each image is processed, and read twice: before it, and for the summary. */
function pricePerUpload(renditions: number): number {
  return imagePrice(renditions) + 2 * (requestPrices.dynamoDbRead + requestPrices.s3Read);
}

/** And looked for, and copied. */
function pricePerCopy(renditions: number): number {
  return pricePerUpload(renditions) + requestPrices.s3Read + requestPrices.s3Write;
}

export function describeSource(
  { bucket, prefix = '' }: { readonly bucket: string; readonly prefix: string | undefined },
  { objects, bytes, unfit }: SourceSize,
): string {
  const skipped = unfit === 0 ? '' : ` ${unfit} more are empty or too large for the pipeline, and stay where they are.`;
  return `${bucket}/${prefix}: ${objects} objects to copy, ${shownBytes(bytes)}.${skipped}`;
}

export function describeCopies({ objects, bytes }: SourceSize, { renditions, perSecond }: Work): string {
  const plan = planBackfill(objects, { perSecond, usdPerImage: pricePerCopy(renditions) });
  return (
    `Copying and processing: ${shownPrice(plan.usd)}; the copies: ${shownPrice(monthlyStoragePrice(bytes))} a month; ` +
    `${plan.minutes} minutes at ${perSecond} images per second.`
  );
}

export function describeCopied({ copied, there, taken }: Copied): string {
  return [
    `${copied} copied.`,
    ...(there > 0 ? [`${there} were there already.`] : []),
    ...(taken > 0 ? [`${taken} have places that hold other files, which stay: choose another --into.`] : []),
  ].join('\n');
}

export function describeWork({ images, renditions, perSecond }: Work & { readonly images: number }): string {
  if (images === 0) return 'Every upload has a record.';
  const plan = planBackfill(images, { perSecond, usdPerImage: pricePerUpload(renditions) });
  return `${images} uploads without a record, ${shownPrice(plan.usd)}, ${plan.minutes} minutes at ${perSecond} images per second.`;
}

export function describeResult({ processed, rejected, gone, failed, left }: Backfilled): string {
  return [
    `${processed} processed.`,
    ...(rejected > 0 ? [`${rejected} rejected: their records say why.`] : []),
    ...(gone > 0 ? [`${gone} deleted meanwhile.`] : []),
    ...(failed > 0 ? [`${failed} failed: npm run redrive -- --list`] : []),
    ...(left > 0
      ? [`${left} still have no record: run this again; if that does not help, npm run audit says why.`]
      : []),
  ].join('\n');
}

function shownBytes(bytes: number): string {
  return bytes < 1_000_000_000 ? `${Math.ceil(bytes / 1_000_000)} MB` : `${(bytes / 1_000_000_000).toFixed(1)} GB`;
}
