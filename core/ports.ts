/** All that the core needs of the world. Adapters are named by technology, fakes `InMemory…`. */
import type { ImageId, Upload, UploadEvent } from './image.ts';
import type {
  ImageTask,
  MetadataResult,
  RemovalResult,
  RemovalTask,
  RenditionResult,
  RenditionTask,
} from './image-task.ts';
import type { ImageHeader, Portrait } from './metadata.ts';
import type { DecidedOutcome, Missing, Rejection, RejectionReason } from './outcome.ts';
import type { Preset } from './presets.ts';
import type { ImageRecord } from './record.ts';
import type { NewVersion, ReleaseHook, Verdict } from './release.ts';

export type Bytes = Uint8Array<ArrayBuffer>;

/** Where originals are read. */
export interface UploadStore {
  /** Exactly the state that the event named; replaced or gone by now is an answer, not an error. */
  read(upload: Upload): Promise<{ readonly outcome: 'found'; readonly bytes: Bytes } | Missing>;
}

/** Where renditions are written and removed. */
export interface RenditionStore {
  /** Repeatable: the same key gets the same bytes. */
  put(key: string, bytes: Bytes, contentType: string): Promise<void>;
  /** Every key of the image, in no particular order. */
  list(imageId: ImageId): AsyncIterable<string>;
  /** Removing what is not there succeeds. */
  remove(keys: readonly string[]): Promise<void>;
}

/** The picture work. Bytes that cannot be read are an answer, not an error. */
export interface ImageCodec {
  /** Reads the header only: fast and safe for any bytes. The format is found by content. */
  inspect(bytes: Bytes): Promise<{ readonly outcome: 'readable'; readonly header: ImageHeader } | Rejection>;
  /** Decodes small. */
  portray(bytes: Bytes, header: ImageHeader): Promise<({ readonly outcome: 'portrayed' } & Portrait) | Rejection>;
  /** One decode for all presets; upright, sRGB, no metadata, first frame, never enlarged. In the order of the presets. */
  render(
    bytes: Bytes,
    header: ImageHeader,
    presets: readonly Preset[],
  ): Promise<{ readonly outcome: 'rendered'; readonly pictures: readonly Picture[] } | Rejection>;
}

export interface Picture {
  readonly preset: Preset;
  readonly bytes: Bytes;
  readonly width: number;
  readonly height: number;
}

/** What the workflow answers when it came to a decision; a failure is none. */
export type Decision =
  /** Bytes of all renditions together. */
  | { readonly outcome: 'processed'; readonly bytesOut: number }
  | { readonly outcome: 'rejected'; readonly reason: RejectionReason }
  | { readonly outcome: Exclude<DecidedOutcome, 'processed' | 'rejected'> };

/** Answered from memory: this event was decided before, and that decision is already counted. */
export interface RepeatedDecision {
  readonly outcome: DecidedOutcome;
  readonly repeated: true;
}

/** The workflow. */
export interface Pipeline {
  /** Waits for the decision. Throws where there is none (failed, timed out, throttled): the event must come again. */
  run(event: PipelineInput): Promise<Decision | RepeatedDecision>;
}

export type PipelineInput = UploadEvent & {
  /** The names of the rendition groups to fan out over. */
  readonly groups: readonly string[];
  /** No further try follows: a failure is to be recorded and announced. */
  readonly lastTry: boolean;
};

/** Where records are read; the workflow alone writes them. */
export interface Catalogue {
  /** What was written a moment ago is seen. */
  find(imageId: ImageId): Promise<ImageRecord | undefined>;
}

/** What a user of the pipeline does with its upload bucket. */
export interface Uploader {
  readonly bucket: string;
  put(key: string, bytes: Bytes, contentType: string): Promise<SentUpload>;
  /** The key is gone; its versions stay until the bucket's lifecycle removes them. */
  remove(key: string): Promise<void>;
}

/** The state that an upload made. */
export interface SentUpload {
  readonly etag: string;
  readonly versionId?: string | undefined;
}

/** What a user of the pipeline sees of its renditions. */
export interface RenditionReader {
  /** Missing or denied is an answer. To a caller that may not list the bucket, S3 answers `denied` for both. */
  read(
    key: string,
  ): Promise<
    | { readonly outcome: 'found'; readonly bytes: Bytes; readonly contentType: string | undefined }
    | { readonly outcome: 'missing' | 'denied'; readonly message: string }
  >;
}

/** A real picture, and what there is to know of it. */
export interface KnownImage {
  readonly bytes: Bytes;
  readonly contentType: string;
  readonly header: ImageHeader;
}

export interface Clock {
  /** Milliseconds; only differences mean something. */
  now(): number;
  sleep(millis: number): Promise<void>;
}

/** Releases under way. */
export interface ReleaseStore {
  newVersion(deploymentId: string): Promise<NewVersion>;
  report(hook: ReleaseHook, verdict: Verdict): Promise<void>;
}

/** The functions, each called by its name with a version or alias, past all queues and workflows. Throws what they throw. */
export interface Steps {
  dispatch(
    functionName: string,
    upload: UploadEvent & { readonly change: 'created' },
  ): Promise<{ readonly undecided: number }>;
  extractMetadata(functionName: string, task: ImageTask): Promise<MetadataResult>;
  resizeImage(functionName: string, task: RenditionTask): Promise<RenditionResult>;
  removeRenditions(functionName: string, task: RemovalTask): Promise<RemovalResult>;
}
