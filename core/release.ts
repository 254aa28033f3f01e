/** What a release is to its check, and all that the check needs of the world. */
import type { Upload, UploadEvent } from './image.ts';
import type { ImageTask, MetadataResult, RenditionResult, RenditionTask } from './image-task.ts';
import type { ImageHeader } from './metadata.ts';
import type { Bytes } from './ports.ts';
import type { RemovalTask } from './remove-renditions.ts';

export const releasedSteps = ['DispatchImages', 'ExtractMetadata', 'ResizeImage', 'RemoveRenditions'] as const;
export type ReleasedStep = (typeof releasedSteps)[number];

/** CodeDeploy waits for a verdict on this, for an hour at the most. */
export interface ReleaseHook {
  readonly deploymentId: string;
  readonly executionId: string;
}

/** The version that is to get traffic, and has none yet. */
export interface NewVersion {
  readonly step: ReleasedStep;
  readonly functionName: string;
  readonly version: string;
}

export type Verdict = { readonly verdict: 'passed' } | { readonly verdict: 'refused'; readonly reason: string };

/** A real picture of which everything is known. */
export interface KnownImage {
  readonly bytes: Bytes;
  readonly header: ImageHeader;
}

export interface ReleaseStore {
  newVersion(deploymentId: string): Promise<NewVersion>;
  report(hook: ReleaseHook, verdict: Verdict): Promise<void>;
}

/** Where the known image is put for a while, for the new version to find. */
export interface LentImages {
  readonly bucket: string;
  put(key: string, bytes: Bytes): Promise<Pick<Upload, 'versionId' | 'etag'>>;
  remove(key: string): Promise<void>;
}

/** The functions, each called by its name with a version or alias, past all queues and workflows. Throws what they throw. */
export interface Steps {
  dispatch(
    functionName: string,
    upload: UploadEvent & { readonly change: 'created' },
  ): Promise<{ readonly undecided: number }>;
  extractMetadata(functionName: string, task: ImageTask): Promise<MetadataResult>;
  resizeImage(functionName: string, task: RenditionTask): Promise<RenditionResult>;
  removeRenditions(functionName: string, task: RemovalTask): Promise<{ readonly count: number }>;
}

export interface RenditionShelf {
  put(key: string, bytes: Bytes, contentType: string): Promise<void>;
  /** `undefined` where there is none. */
  find(key: string): Promise<{ readonly contentType: string | undefined; readonly bytes: number } | undefined>;
}
