/**
 * Who an image is, and which of its states came last.
 *
 * An image is `bucket + key`. Each upload, overwrite or deletion is one state of it, ordered by S3's sequencer.
 */

/** 128 bits of the SHA-256 of bucket and key, in hex: safe in keys, names and paths, whatever the upload's key holds. */
export type ImageId = string;

/** S3's sequencer, upper case, right-padded with zeros to {@link SEQUENCER_WIDTH}: compares as a plain string. */
export type Sequencer = string;

// Wider than any sequencer S3 has been seen to send (16 to 18 digits).
export const SEQUENCER_WIDTH = 32;

/** The upload as one event named it: exactly these bytes, not whatever the key holds by now. */
export interface Upload {
  readonly bucket: string;
  readonly key: string;
  readonly imageId: ImageId;
  readonly sequencer: Sequencer;
  /** Absent where the bucket is not versioned; then {@link etag} names the state. */
  readonly versionId?: string | undefined;
  readonly etag: string;
  /** Bytes. */
  readonly size: number;
}

/** The end of an image: `versionId` says that one version was removed for good, its absence that the key is gone. */
interface Deletion {
  readonly bucket: string;
  readonly key: string;
  readonly imageId: ImageId;
  readonly sequencer: Sequencer;
  readonly versionId?: string | undefined;
}

/** What happened in the upload bucket. */
export type UploadEvent = {
  /** Follows the image through every log line and into the domain event. */
  readonly correlationId: string;
  /** ISO 8601, UTC. */
  readonly occurredAt: string;
} & ({ readonly change: 'created'; readonly image: Upload } | { readonly change: 'deleted'; readonly image: Deletion });

export async function imageIdOf(bucket: string, key: string): Promise<ImageId> {
  // A bucket's name cannot hold a slash, so no two pairs give one text.
  return (await sha256(new TextEncoder().encode(`${bucket}/${key}`))).slice(0, 32);
}

/**
 * S3's rule: "right pad the shorter value with zeros, and then do a lexicographical comparison"
 * (Amazon S3 User Guide, Event message structure).
 */
export function padSequencer(raw: string): Sequencer {
  return raw.toUpperCase().padEnd(SEQUENCER_WIDTH, '0');
}

/** Lower-case hex. */
export async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
