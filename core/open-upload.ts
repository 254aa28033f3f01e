import type { ImageTask } from './image-task.ts';
import { defaultLimits, rejectBytes, rejectHeader } from './limits.ts';
import type { ImageHeader } from './metadata.ts';
import type { Missing, Rejection } from './outcome.ts';
import type { Bytes, ImageCodec, UploadReader } from './ports.ts';

export interface OpenUploadPorts {
  readonly uploadReader: UploadReader;
  readonly codec: ImageCodec;
}

export type OpenedUpload =
  | { readonly outcome: 'open'; readonly bytes: Bytes; readonly header: ImageHeader }
  | Rejection
  | Missing;

/** Cheapest check first: the size from the event, then the header. Decodes no pixels. */
export async function openUpload(
  { image }: ImageTask,
  { uploadReader, codec }: OpenUploadPorts,
): Promise<OpenedUpload> {
  const rejection = rejectBytes(image.size, defaultLimits);
  if (rejection) return rejection;

  const read = await uploadReader.read(image);
  if (read.outcome !== 'found') return read;

  const inspected = await codec.inspect(read.bytes);
  if (inspected.outcome === 'rejected') return inspected;

  const { header } = inspected;
  return rejectHeader(header, defaultLimits) ?? { outcome: 'open', bytes: read.bytes, header };
}
