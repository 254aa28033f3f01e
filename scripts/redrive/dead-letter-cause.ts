/** Why a message failed, according to the message and the image's record. Similar failures get the same text. */
import type { ImageRecord } from '../../core/record.ts';
import type { DeadLetter, ReadableLetter } from '../stack/dead-letter-queue.ts';
import type { DeadLetterQueueName } from '../stack/dead-letter-queue-names.ts';

export interface Found {
  readonly queue: DeadLetterQueueName;
  readonly letter: DeadLetter;
  /** The image's record; undefined if none of its uploads ever had an outcome. */
  readonly record: ImageRecord | undefined;
}

export interface Cause {
  readonly text: string;
  readonly found: readonly Found[];
}

/** Sorted by frequency, most frequent first. */
export function causesOf(found: readonly Found[]): readonly Cause[] {
  return [...Map.groupBy(found, causeOf)]
    .map(([text, together]) => ({ text, found: together }))
    .sort((a, b) => b.found.length - a.found.length);
}

function causeOf({ queue, letter, record }: Found): string {
  if (letter.event === undefined)
    return 'No event of this upload bucket: it cannot be processed, and stays in the queue.';
  if (queue === 'undelivered') return `Not delivered: ${letter.deliveryError ?? 'EventBridge gave no reason'}`;
  return causeOnRecord(letter, record);
}

function causeOnRecord({ event: { change, image } }: ReadableLetter, record: ImageRecord | undefined): string {
  if (change === 'infected')
    return 'A malware verdict failed, and no record explains why. Search the logs for the correlation id.';
  if (record === undefined || record.sequencer < image.sequencer) {
    return change === 'deleted'
      ? 'A deletion failed, and no record explains why. Search the logs for the correlation id.'
      : 'No record: the workflow failed or never started. Search the logs for the correlation id.';
  }
  if (record.sequencer > image.sequencer) return 'Superseded since: the record holds a newer version of the image.';
  return record.outcome === 'failed'
    ? withoutSpecifics(extractReason(record.message), [image.key, image.bucket, record.version])
    : `Decided since: the outcome on record is ${record.outcome}.`;
}

/** The workflow's error contains the worker's error as JSON, which may be truncated in the record. */
function extractReason(message: string): string {
  const field = (name: string) => new RegExp(`"${name}"\\s*:\\s*"((?:[^"\\\\]|\\\\.)*)`).exec(message)?.[1];
  const [type, sentence] = [field('errorType'), field('errorMessage')];
  return sentence === undefined ? message : [type, sentence].filter((part) => part !== undefined).join(': ');
}

/** Replaces everything that differs between images with an ellipsis. */
function withoutSpecifics(message: string, names: readonly string[]): string {
  const nameless = names.reduce((text, name) => text.replaceAll(name, '…'), message);
  const text = nameless
    .replaceAll(/\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/gi, '…')
    .replaceAll(/\b[0-9a-f]{16,}\b/gi, '…')
    .replaceAll(/\b\d+\.\d+\b/g, '…')
    .replaceAll(/…(\/[^\s"']+)/g, '…')
    .replaceAll(/\s+/g, ' ');
  return text.length > longest ? `${text.slice(0, longest)}…` : text;
}

const longest = 400;
