/** Everything core needs from the outside world. Adapters are named by technology, fakes `InMemory…`. */
import type { ImageId, Upload, UploadEvent } from './image.ts';
import type { ImageHeader, Portrait } from './metadata.ts';
import type { DecidedOutcome, Missing, Rejection, RejectionReason } from './outcome.ts';
import type { Preset } from './presets.ts';

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
