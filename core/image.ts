/**
 * Image identity, and the order of an image's versions.
 *
 * An image is `bucket + key`. Each upload, overwrite or deletion is one version of it, ordered by S3's sequencer.
 */

/** 128 bits of the SHA-256 of bucket and key, in hex: safe in keys, names and paths, whatever the upload's key contains. */
export type ImageId = string;

/** S3's sequencer, upper case, right-padded with zeros to {@link SEQUENCER_WIDTH}: compares as a plain string. */
export type Sequencer = string;

// Wider than any sequencer observed from S3 (16 to 18 digits).
export const SEQUENCER_WIDTH = 32;

/** Where an upload is. */
export interface UploadAddress {
  readonly bucket: string;
  readonly key: string;
}

/** The upload that one event named: exactly that version, not whatever the key holds now. */
export interface Upload {
  readonly bucket: string;
  readonly key: string;
  readonly imageId: ImageId;
  readonly sequencer: Sequencer;
  /** Absent if the bucket is not versioned; then {@link etag} identifies the version. */
  readonly versionId?: string | undefined;
  readonly etag: string;
  /** Bytes. */
  readonly size: number;
}

/** With a `versionId`, that version was permanently removed; without one, the key was deleted. */
interface Deletion {
  readonly bucket: string;
  readonly key: string;
  readonly imageId: ImageId;
  readonly sequencer: Sequencer;
  readonly versionId?: string | undefined;
}

/** A version in which malware was found. The verdict names it, and not its place in the order. */
interface Infection {
  readonly bucket: string;
  readonly key: string;
  readonly imageId: ImageId;
  readonly versionId?: string | undefined;
  readonly etag: string;
}

/** A change in the upload bucket, or a verdict about what is in it. */
export type UploadEvent = {
  /** Follows the image through every log line and into the domain event. */
  readonly correlationId: string;
  /** ISO 8601, UTC. */
  readonly occurredAt: string;
} & (
  | { readonly change: 'created'; readonly image: Upload }
  | { readonly change: 'deleted'; readonly image: Deletion }
  | { readonly change: 'infected'; readonly image: Infection }
);

/** What "Create folder" in the S3 console makes, and what many tools make by themselves: an empty object, and no upload. */
export function isFolder(event: UploadEvent): boolean {
  return event.change === 'created' && event.image.size === 0 && event.image.key.endsWith('/');
}

export async function imageIdOf(bucket: string, key: string): Promise<ImageId> {
  // A bucket name cannot contain a slash, so no two pairs produce the same text.
  return (await sha256(new TextEncoder().encode(`${bucket}/${key}`))).slice(0, 32);
}

/**
 * S3's rule: "right pad the shorter value with zeros, and then do a lexicographical comparison"
 * (Amazon S3 User Guide, Event message structure).
 */
export function padSequencer(raw: string): Sequencer {
  return raw.toUpperCase().padEnd(SEQUENCER_WIDTH, '0');
}

/** The lowest sequencer of a second: S3's begin with two zeros and the time in seconds, in hex. */
export function sequencerAt(occurredAt: string): Sequencer {
  const second = Math.floor(Date.parse(occurredAt) / 1000);
  return padSequencer(`00${second.toString(16).padStart(8, '0')}`);
}

/**
 * The order of a deletion by a lifecycle rule. S3 dates it to a midnight, which can be before the upload that it deletes: an
 * upload that a rule with a past date removes on the same day. It cannot have happened later than its event says.
 */
export function sequencerOfExpiry(assigned: Sequencer, occurredAt: string): Sequencer {
  const happened = sequencerAt(occurredAt);
  return assigned < happened ? happened : assigned;
}

/**
 * The next one, for a repair of the version that has this one: it wins against that version, and loses against any later change,
 * because S3's own sequencers differ before their padding.
 */
export function nextSequencer(sequencer: Sequencer): Sequencer {
  return (BigInt(`0x${sequencer}`) + 1n).toString(16).toUpperCase().padStart(SEQUENCER_WIDTH, '0');
}

/** The highest below. */
export function previousSequencer(sequencer: Sequencer): Sequencer {
  return (BigInt(`0x${sequencer}`) - 1n).toString(16).toUpperCase().padStart(SEQUENCER_WIDTH, '0');
}

/** Lower-case hex. */
export async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
