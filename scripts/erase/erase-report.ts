/** What an erasure finds, costs and leaves, for people and for programs. */
import { type Count, remainders, sumOf, type TraceKind, traceKinds } from '../../core/erase.ts';
import { historyPrice } from '../stack/history-store.ts';
import { imagePrice, requestPrices, scanPrice, shownPrice } from '../stack/prices.ts';
import { isToErase } from './erase-images.ts';
import type { Target } from './erasure-notebook.ts';

const DAY_MILLIS = 86_400_000;
/** DynamoDB removes an expired item within two days. */
const TTL_DAYS = 2;
// Before and after the work: versions, renditions; once to remove versions, and once before history. And the line that is left there.
const LISTS_PER_IMAGE = 8;
const READS_PER_IMAGE = 8;

export interface Totals {
  readonly images: number;
  readonly found: Count;
  /** By the last look. */
  readonly left: Count;
  readonly erased: number;
  readonly uploadedAgain: number;
  /** By Object Lock. */
  readonly refused: number;
  /** The last tombstone's (epoch seconds). */
  readonly tombstoneUntil: number | undefined;
}

export function totalsOf(targets: Iterable<Target>): Totals {
  const all = [...targets];
  const erasable = all.filter(isToErase);
  const verdicts = erasable.flatMap(({ verdict }) => verdict ?? []);
  const untils = verdicts.flatMap(({ tombstoneUntil }) => tombstoneUntil ?? []);
  return {
    images: erasable.length,
    found: addedUp(erasable.map(({ found }) => found)),
    left: addedUp(verdicts.map(({ left }) => left)),
    erased: verdicts.filter(({ left }) => sumOf(left) === 0).length,
    uploadedAgain: verdicts.filter(({ uploadedAgain }) => uploadedAgain).length,
    refused: all.filter(({ holds }) => holds.length > 0).length,
    tombstoneUntil: untils.length === 0 ? undefined : Math.max(...untils),
  };
}

function addedUp(counts: readonly Count[]): Count {
  const sum = (kind: TraceKind) => counts.reduce((total, count) => total + count[kind], 0);
  return {
    versions: sum('versions'),
    'delete markers': sum('delete markers'),
    renditions: sum('renditions'),
    record: sum('record'),
    'dead letters': sum('dead letters'),
    decisions: sum('decisions'),
    'history lines': sum('history lines'),
  };
}

/** Before the first look. Its listings are part of the price of the work. */
export function describeScan(tableBytes: number): string {
  return `reads what is stored of the images, ${shownPrice(scanPrice(tableBytes))} for the tables.`;
}

interface Conditions {
  readonly perSecond: number;
  readonly invalidates: boolean;
  readonly tableBytes: number;
  /** Once to erase and once to look, for all images together. */
  readonly historyObjects: number;
  /** Once for all images. */
  readonly waitMinutes: number;
}

/** The wait is not in the minutes. */
export function planWork(
  { images, found }: Totals,
  { perSecond, invalidates, tableBytes, historyObjects }: Conditions,
) {
  if (images === 0) return { usd: 0, minutes: 0 };
  const events = images + found.versions + found['delete markers'];
  const usd =
    events * imagePrice(0) +
    images * (LISTS_PER_IMAGE * requestPrices.s3Write + READS_PER_IMAGE * requestPrices.dynamoDbRead) +
    2 * scanPrice(tableBytes) +
    2 * historyPrice({ objects: historyObjects }) +
    (invalidates ? images * requestPrices.invalidationPath : 0);
  return { usd, minutes: Math.ceil((2 * images) / perSecond / 60) };
}

export function describeWork(totals: Totals, conditions: Conditions): string {
  const { images, found } = totals;
  if (images === 0) return 'Nothing to erase.';
  const { usd, minutes } = planWork(totals, conditions);
  const { perSecond, waitMinutes } = conditions;
  return `${images} images to erase (${listOf(found)}), ${shownPrice(usd)}, ${minutes} minutes at ${perSecond} images per second, and ${waitMinutes} to wait for what is in progress and for the history.`;
}

export function describeResult(totals: Totals): string[] {
  const { images, erased, found, left, uploadedAgain } = totals;
  return [
    `Erased ${erased} of ${images} images: ${listOf(found)}.`,
    sumOf(left) === 0 ? 'A second look found nothing.' : `A second look still found ${listOf(left)}: run this again.`,
    ...(uploadedAgain > 0
      ? [
          `${uploadedAgain} were uploaded again after the deletion. The new images stay: to erase them too, run this again.`,
        ]
      : []),
  ];
}

function listOf(count: Count): string {
  const parts = traceKinds
    .filter((kind) => count[kind] > 0)
    .map((kind) => `${count[kind]} ${kind === 'record' ? 'records with the key' : kind}`);
  return parts.length === 0 ? 'nothing' : parts.join(', ');
}

/** One for each image that S3 must keep. */
export function describeHolds({ key, holds }: Target): string[] {
  return holds.map((hold) =>
    hold.hold === 'legal hold'
      ? `${key}: version ${hold.versionId} has a legal hold`
      : `${key}: version ${hold.versionId} has retention (${hold.mode}) until ${hold.until}`,
  );
}

export interface Remaining {
  readonly where: string;
  readonly what: string;
  /** ISO 8601 date. */
  readonly until: string;
}

export function remainingAfter(
  now: Date,
  { tombstoneUntil }: Pick<Totals, 'tombstoneUntil'>,
  invalidated: boolean,
): readonly Remaining[] {
  const dateAfter = (days: number, from = now.getTime()) =>
    new Date(from + days * DAY_MILLIS).toISOString().slice(0, 10);
  return [
    ...(tombstoneUntil === undefined
      ? []
      : [
          {
            where: 'ImageTable',
            what: 'a tombstone and marks: a hash of bucket and key, version ids, times and ids of events',
            until: dateAfter(TTL_DAYS, tombstoneUntil * 1000),
          },
        ]),
    ...(invalidated ? [] : [{ where: 'CloudFront, if you use it', what: 'renditions', until: dateAfter(365) }]),
    { where: 'browsers', what: 'renditions', until: dateAfter(365) },
    ...remainders.map(({ where, what, days }) => ({ where, what, until: dateAfter(days) })),
  ];
}
