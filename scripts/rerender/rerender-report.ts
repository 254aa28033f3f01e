/** What a re-render reads, does and costs, and how it ended. */
import { imagePrice, requestPrices, scanPrice, shownPrice } from '../stack/prices.ts';

export interface Rerendered {
  /** They have the renditions of the presets, from this run or from another change. */
  readonly rendered: number;
  /** Deleted, or rejected, meanwhile. */
  readonly gone: number;
  /** In the dead-letter queue. The old renditions are still served. */
  readonly failed: number;
  readonly left: number;
}

export function describeScan({ images, tableBytes }: { readonly images: number; readonly tableBytes: number }): string {
  return `reads about ${images} records, ${shownPrice(scanPrice(tableBytes))}.`;
}

interface RerenderWork {
  readonly images: number;
  readonly renditions: number;
  readonly perSecond: number;
}

export function planWork({ images, renditions, perSecond }: RerenderWork) {
  return { images, usd: priceOf(images, renditions), minutes: Math.ceil(images / perSecond / 60) };
}

export function describeWork(work: RerenderWork): string {
  const { images, usd, minutes } = planWork(work);
  if (images === 0) return 'No image is outdated.';
  return `${images} images to render again, ${shownPrice(usd)}, ${minutes} minutes at ${work.perSecond} images per second.`;
}

/** Each image is rendered, and read three times: before it, and twice for the summary. */
function priceOf(images: number, renditions: number): number {
  return images * (imagePrice(renditions) + 3 * (requestPrices.dynamoDbRead + requestPrices.s3Read));
}

export function describeResult({ rendered, gone, failed, left }: Rerendered): string {
  return [
    `${rendered} images have the renditions of the presets.`,
    ...(gone > 0 ? [`${gone} were deleted or rejected meanwhile.`] : []),
    ...(failed > 0 ? [`${failed} failed, and still show their old renditions: npm run redrive -- --list`] : []),
    ...(left > 0 ? [`${left} are still outdated: run this again; if that does not help, npm run audit says why.`] : []),
  ].join('\n');
}
