import type { ImageId, Sequencer, Upload } from './image.ts';
import type { Metadata } from './metadata.ts';
import type { Missing, Rejection } from './outcome.ts';
import type { Rendition } from './rendition.ts';

/** What the workflow passes to a worker. */
export interface ImageTask {
  readonly correlationId: string;
  readonly image: Upload;
}
export interface RenditionTask extends ImageTask {
  /** Name of a rendition group. */
  readonly group: string;
}

/**
 * Which renditions of an image to remove. Sequencers only grow, so a rendition to be removed is never wanted again: a
 * repeated or late removal does no harm.
 */
export interface RemovalTask {
  readonly correlationId: string;
  readonly image: { readonly imageId: ImageId; readonly sequencer: Sequencer };
  /**
   * `older`: those of versions before this one, which is now current. `through`: also those of this version, because it
   * has none to show (rejected, deleted). `own`: only those of this version, because a newer one replaced it.
   */
  readonly scope: 'older' | 'through' | 'own';
}

/** What a worker returns: data in every expected case. */
export type MetadataResult = { readonly outcome: 'processed'; readonly metadata: Metadata } | Rejection | Missing;
export type RenditionResult =
  | { readonly outcome: 'processed'; readonly renditions: readonly Rendition[] }
  | Rejection
  | Missing;
export interface RemovalResult {
  readonly outcome: 'removed';
  readonly count: number;
}
