/** Why a message died, as far as the message itself and the image's record tell, in words that many share. */
import type { ImageRecord } from '../../core/record.ts';
import type { DeadLetter, DeadLetterQueueName, ReadableLetter } from '../stack/dead-letter-queue.ts';

export interface Found {
  readonly queue: DeadLetterQueueName;
  readonly letter: DeadLetter;
  /** What is known of the image; nothing of one that nobody ever decided. */
  readonly record: ImageRecord | undefined;
}

export interface Cause {
  readonly text: string;
  readonly found: readonly Found[];
}

/** The most frequent first. */
export function causesOf(found: readonly Found[]): readonly Cause[] {
  return [...Map.groupBy(found, causeOf)]
    .map(([text, together]) => ({ text, found: together }))
    .sort((a, b) => b.found.length - a.found.length);
}

function causeOf({ queue, letter, record }: Found): string {
  if (letter.event === undefined) return 'No S3 event: nobody can read it, and it stays where it is.';
  if (queue === 'undelivered') return `Not delivered: ${letter.deliveryError ?? 'EventBridge does not say why'}`;
  return causeOnRecord(letter, record);
}

function causeOnRecord({ event: { change, image } }: ReadableLetter, record: ImageRecord | undefined): string {
  if (record === undefined || record.sequencer < image.sequencer) {
    return change === 'deleted'
      ? 'A deletion failed. No record tells why: the logs do, by the correlation id.'
      : 'Nothing is on record: the workflow itself died, or never began. The logs may tell, by the correlation id.';
  }
  if (record.sequencer > image.sequencer) return 'Superseded meanwhile: a newer state of the image is on record.';
  return record.outcome === 'failed'
    ? alike(said(record.message), [image.key, image.bucket, record.version])
    : `Decided meanwhile: the record says ${record.outcome}.`;
}

/** A worker's error is in the workflow's as JSON, which the record cuts short. */
function said(message: string): string {
  const field = (name: string) => new RegExp(`"${name}"\\s*:\\s*"((?:[^"\\\\]|\\\\.)*)`).exec(message)?.[1];
  const [type, sentence] = [field('errorType'), field('errorMessage')];
  return sentence === undefined ? message : [type, sentence].filter((part) => part !== undefined).join(': ');
}

/** What differs from image to image becomes an ellipsis. */
function alike(message: string, names: readonly string[]): string {
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
