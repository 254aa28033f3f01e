import type { ImageId, Sequencer, Upload } from './image.ts';
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

/**
 * Which renditions of an image nobody may see any more. A sequencer only ever grows, so what is to go never becomes
 * wanted again: the removal may be repeated, or come late, without harm.
 */
export interface RemovalTask {
  readonly correlationId: string;
  readonly image: { readonly imageId: ImageId; readonly sequencer: Sequencer };
  /**
   * `older`: this state is shown, those before it are not. `through`: this state has nothing to show either (rejected,
   * deleted). `own`: this state lost; what it rendered goes, the others are not its business.
   */
  readonly scope: 'older' | 'through' | 'own';
}

/** What a worker hands back: data in every expected case. */
export type MetadataResult = { readonly outcome: 'processed'; readonly metadata: Metadata } | Rejection | Missing;
export type RenditionResult =
  | { readonly outcome: 'processed'; readonly renditions: readonly Rendition[] }
  | Rejection
  | Missing;
export interface RemovalResult {
  readonly outcome: 'removed';
  readonly count: number;
}
