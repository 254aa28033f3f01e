import type { ImageTask } from './image-task.ts';
import { type Limits, rejectBytes, rejectHeader } from './limits.ts';
import type { Missing, Rejection } from './outcome.ts';
import type { FoundUpload, ImageCodec, OpenImage, UploadReader } from './ports.ts';

export interface OpenUploadPorts {
  readonly uploadReader: UploadReader;
  readonly codec: ImageCodec;
  readonly limits: Limits;
}

export type OpenedUpload =
  | (Omit<FoundUpload, 'outcome'> & { readonly outcome: 'open'; readonly image: OpenImage })
  | Rejection
  | Missing;

/** Cheapest check first: the size from the event, then the header. Decodes no pixels. */
export async function openUpload(
  { image }: ImageTask,
  { uploadReader, codec, limits }: OpenUploadPorts,
): Promise<OpenedUpload> {
  const rejection = rejectBytes(image.size, limits);
  if (rejection) return rejection;

  const read = await uploadReader.read(image);
  if (read.outcome !== 'found') return read;

  const opened = await codec.open(read.bytes);
  if (opened.outcome === 'rejected') return opened;

  return rejectHeader(opened.header, limits) ?? { ...read, outcome: 'open', image: opened };
}
