import type { Upload } from './image.ts';
import type { Metadata } from './metadata.ts';
import type { Missing, Rejection } from './outcome.ts';
import type { Rendition } from './rendition.ts';

/** What the workflow hands to a worker. */
export interface ImageTask {
  readonly correlationId: string;
  readonly image: Upload;
}
export interface RenditionTask extends ImageTask {
  /** Name of a rendition group. */
  readonly group: string;
}

/** What a worker hands back: data in every expected case. */
export type MetadataResult = { readonly outcome: 'processed'; readonly metadata: Metadata } | Rejection | Missing;
export type RenditionResult =
  | { readonly outcome: 'processed'; readonly renditions: readonly Rendition[] }
  | Rejection
  | Missing;
