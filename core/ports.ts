/** Everything core needs from the outside world. Adapters are named by technology, fakes `InMemory…`. */
import type { CurrentUpload, QueuedRepair } from './audit.ts';
import type { ImageId, Upload, UploadAddress, UploadEvent } from './image.ts';
import type { ImageHeader, Portrait } from './metadata.ts';
import type { DecidedOutcome, Missing, Rejection, RejectionReason } from './outcome.ts';
import type { Preset } from './presets.ts';
import type { ImageRecord } from './record.ts';
import type { ContentType, FocusPoint } from './rendition.ts';

export type Bytes = Uint8Array<ArrayBuffer>;

/** Reads originals. */
export interface UploadReader {
  /**
   * Reads exactly the version that the event named. If it was replaced or removed since, or its
   * uploader stored it in a way that makes it unreadable to others, that is returned as a result, not thrown.
   */
  read(upload: Upload): Promise<FoundUpload | Missing | Rejection>;
}

export interface FoundUpload {
  readonly outcome: 'found';
  readonly bytes: Bytes;
  /** From the upload's metadata. */
  readonly focus?: FocusPoint;
}

/** Writes, lists and removes renditions. */
export interface RenditionStore {
  /** Repeatable: a key names one preset of one upload, so what is already there is kept, and the call succeeds. */
  put(key: string, bytes: Bytes, contentType: ContentType): Promise<void>;
  /** Every key of the image, in no particular order. */
  list(imageId: ImageId): AsyncIterable<string>;
  /** Succeeds for keys that do not exist. */
  remove(keys: readonly string[]): Promise<void>;
}

/** Reads and encodes images. That bytes are unreadable is a result, not an error. */
export interface ImageCodec {
  /** Reads only the header: fast, and safe for any bytes. Detects the format by content. */
  open(bytes: Bytes): Promise<OpenImage | Rejection>;
}

export interface OpenImage {
  readonly outcome: 'open';
  readonly header: ImageHeader;
  /** Decodes at a small size. */
  portray(): Promise<({ readonly outcome: 'portrayed' } & Portrait) | Rejection>;
  /**
   * Decodes once for all presets, and once more for each animated one and for those that keep Display P3, if others do not.
   * Renditions are upright, in sRGB or Display P3, without metadata, never enlarged, and in the order of the presets. Only animated ones show more than the first frame.
   *
   * @param focus what cropped renditions keep
   */
  render(
    presets: readonly Preset[],
    focus?: FocusPoint,
  ): Promise<{ readonly outcome: 'rendered'; readonly renditions: readonly EncodedRendition[] } | Rejection>;
}

export interface EncodedRendition {
  readonly preset: Preset;
  readonly bytes: Bytes;
  readonly width: number;
  readonly height: number;
  /** Only of an animated rendition. */
  readonly frames?: number | undefined;
}

/** The workflow's result once it has decided. A failure is not a decision. */
export type Decision =
  /** `bytesOut` is the size of all renditions together. */
  | { readonly outcome: 'processed'; readonly bytesOut: number }
  | { readonly outcome: 'rejected'; readonly reason: RejectionReason }
  | { readonly outcome: Exclude<DecidedOutcome, 'processed' | 'rejected'> };

/** The stored result of an event that was decided before and is already counted. */
export interface RepeatedDecision {
  readonly outcome: DecidedOutcome;
  readonly repeated: true;
}

/** Not an upload: no record, no event, and nothing to do. */
export interface FolderDecision {
  readonly outcome: 'folder';
}

/** The upload waits in another queue, because its sender has as many in progress as one sender may. */
export interface SetAside {
  readonly setAside: true;
  readonly sender: string;
}

/** Counts the uploads that each sender has in progress. */
export interface SendersInProgress {
  /** Returns how to end it, or nothing if the sender has as many in progress as one sender may. */
  begin(sender: string): Promise<{ end(): Promise<void> } | undefined>;
}

/** The workflow. */
export interface Pipeline {
  /** Waits for the decision. Throws when there is none (failed, timed out, throttled): the event must be retried. */
  run(event: PipelineInput): Promise<Decision | RepeatedDecision>;
}

export type PipelineInput = UploadEvent & {
  /** The names of the rendition groups to fan out over. */
  readonly groups: readonly string[];
  /** No attempt follows: record and announce a failure. */
  readonly lastAttempt: boolean;
};

/** Where images go that no event of S3 has announced. */
export interface OverflowQueue {
  /** How many images are in it. Approximate. */
  waiting(): Promise<number>;
  /** Repeatable: an event that is sent twice has the same sequencer. */
  send(repairs: readonly QueuedRepair[]): Promise<void>;
}

/** What each key of the upload buckets holds now. */
export interface CurrentUploads {
  /** Undefined if it was deleted, or is a folder. */
  find(address: UploadAddress): Promise<CurrentUpload | undefined>;
}

/** Reads records; only the workflow writes them. */
export interface Catalogue {
  /** Strongly consistent. Undefined also if only the mark of an erased version is left. */
  find(imageId: ImageId): Promise<ImageRecord | undefined>;
}
