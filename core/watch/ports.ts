/** What the synthetic probe and the release check need from the outside world, in addition to core/ports.ts. */
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
import type { ContentType } from '../rendition.ts';
import type { NewVersion, ReleasedStep, ReleaseHook, Verdict } from './release.ts';

/** What users do with the upload bucket. */
export interface Uploader {
  readonly bucket: string;
  put(key: string, bytes: Bytes, contentType: string): Promise<SentUpload>;
  /** Deletes the key; its versions stay until the bucket's lifecycle rule removes them. */
  remove(key: string): Promise<void>;
}

/** The version that an upload created. */
export interface SentUpload {
  readonly etag: string;
  readonly versionId?: string | undefined;
}

/** What users see of the renditions. */
export interface RenditionReader {
  /** Missing and denied are results, not errors. If the caller may not list the bucket, S3 returns `denied` for both. */
  read(
    key: string,
  ): Promise<
    | { readonly outcome: 'found'; readonly bytes: Bytes; readonly contentType: string | undefined }
    | { readonly outcome: 'missing' | 'denied'; readonly message: string }
  >;
}

/** A real image and its properties. */
export interface KnownImage {
  readonly bytes: Bytes;
  readonly contentType: ContentType;
  readonly header: ImageHeader;
}

export interface Clock {
  /** Milliseconds; only differences are meaningful. */
  now(): number;
  sleep(millis: number): Promise<void>;
}

/** Releases in progress. */
export interface ReleaseStore<Step extends string = ReleasedStep> {
  newVersion(deploymentId: string): Promise<NewVersion<Step>>;
  report(hook: ReleaseHook, verdict: Verdict): Promise<void>;
}

/** Invokes a function by its name and version, without the queue or the workflow. Throws what the function throws. */
export interface Steps {
  /** As if the upload had just arrived. */
  dispatch(functionName: string, task: ImageTask): Promise<{ readonly undecided: number }>;
  extractMetadata(functionName: string, task: ImageTask): Promise<MetadataResult>;
  resizeImage(functionName: string, task: RenditionTask): Promise<RenditionResult>;
  removeRenditions(functionName: string, task: RemovalTask): Promise<RemovalResult>;
}
