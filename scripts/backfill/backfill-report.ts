/** What a backfill does and costs, and how it ended. */
import { BATCH_KEYS, callsPerBatch, planBackfill } from '../../core/backfill.ts';
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

export function planCopies({ objects }: SourceSize, { renditions, perSecond }: Work) {
  return planBackfill(objects, { perSecond, usdPerImage: pricePerCopy(renditions) });
}

export function describeCopies(size: SourceSize, { renditions, perSecond }: Work): string {
  const plan = planCopies(size, { renditions, perSecond });
  return (
    `Copying and processing: ${shownPrice(plan.usd)}; the copies: ${shownPrice(monthlyStoragePrice(size.bytes))} a month; ` +
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

type UploadWork = Work & { readonly images: number };

export function planWork({ images, renditions, perSecond }: UploadWork) {
  return planBackfill(images, { perSecond, usdPerImage: pricePerUpload(renditions) });
}

export function describeWork({ images, renditions, perSecond }: UploadWork): string {
  if (images === 0) return 'Every upload has a record.';
  const plan = planWork({ images, renditions, perSecond });
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

// ── In the account ──────────────────────────────────────────────────────────────────────────────────────────────────

export interface WorkflowResult {
  /** Of the execution, as Step Functions says it. */
  readonly status: string;
  /** Keys that were listed. */
  readonly listed: number;
  readonly succeeded: number;
  /** Keys of batches that failed; some of them may have been processed. */
  readonly failed: number;
}

const MILLION = 1_000_000;

/** Of 0.5 GB, for the records and headers of a batch. */
const GIGABYTE_SECONDS_PER_CALL = 1;
// The task, the wait and the choice.
const TRANSITIONS_PER_CALL = 3;
// The start of the batch, and its end.
const TRANSITIONS_PER_BATCH = 2;

/** Per key of the listing. A page has a thousand; a record has up to 8 KB. */
function pricePerListedKey(calls: number): number {
  const transitions = TRANSITIONS_PER_CALL * calls + TRANSITIONS_PER_BATCH;
  const usdPerBatch =
    transitions * requestPrices.stateTransition +
    calls * GIGABYTE_SECONDS_PER_CALL * requestPrices.functionGigabyteSecond;
  return requestPrices.s3Write / 1000 + 2 * requestPrices.dynamoDbRead + usdPerBatch / BATCH_KEYS;
}

/** Per million uploads without a record. */
export function planMillion({ renditions, perSecond }: Work) {
  const unrecorded = pricePerListedKey(callsPerBatch('all', perSecond));
  const usdPerImage = imagePrice(renditions) + requestPrices.s3Read + unrecorded;
  return planBackfill(MILLION, { perSecond, usdPerImage });
}

export function describeWorkflow({ renditions, perSecond }: Work): string {
  const recorded = pricePerListedKey(callsPerBatch('none', perSecond));
  const plan = planMillion({ renditions, perSecond });
  return [
    'The workflow lists the bucket as it goes, so the count is not known in advance. --dry-run without --in-account counts.',
    `Per million uploads without a record: ${shownPrice(plan.usd)}, ${Math.ceil(plan.minutes / 60)} hours at ${perSecond} images per second.`,
    `Per million that have one: ${shownPrice(recorded * MILLION)}.`,
  ].join('\n');
}

export function describeExecution(executionArn: string): string {
  return [
    `Execution: ${executionArn}`,
    'Follow it by running the same command again, or in the console of Step Functions.',
    `Stop it: aws stepfunctions stop-execution --execution-arn ${executionArn}`,
  ].join('\n');
}

export function describeWorkflowResult({ status, listed, succeeded, failed }: WorkflowResult): string {
  return [
    `${status === 'SUCCEEDED' ? 'Done' : `The workflow ended as ${status}`}: ${succeeded} of ${listed} objects were looked at, and what had no record was sent.`,
    ...(failed > 0 || status !== 'SUCCEEDED'
      ? [`${failed} were in batches that failed: docs/runbooks/backfill-images.md. Run this again for the rest.`]
      : []),
  ].join('\n');
}
