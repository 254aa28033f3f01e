/** What the synthetic probe and the release check need from the outside world, in addition to core/ports.ts. */
import type { ImageId, UploadEvent } from '../image.ts';
import type {
  ImageTask,
  MetadataResult,
  RemovalResult,
  RemovalTask,
  RenditionResult,
  RenditionTask,
} from '../image-task.ts';
import type { ImageHeader } from '../metadata.ts';
import type { Bytes } from '../ports.ts';
import type { ImageRecord } from '../record.ts';
import type { NewVersion, ReleaseHook, Verdict } from './release.ts';

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
