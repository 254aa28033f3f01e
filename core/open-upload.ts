import type { ImageTask } from './image-task.ts';
import { admitBytes, admitHeader, defaultLimits } from './limits.ts';
import type { ImageHeader } from './metadata.ts';
import type { Missing, Rejection } from './outcome.ts';
import type { Bytes, ImageCodec, UploadStore } from './ports.ts';

export interface OpenUploadPorts {
  readonly uploads: UploadStore;
  readonly codec: ImageCodec;
}

export type OpenedUpload =
  | { readonly outcome: 'open'; readonly bytes: Bytes; readonly header: ImageHeader }
  | Rejection
  | Missing;

/** Cheapest check first: what the event says of the size, then the header; no pixel is decoded here. */
export async function openUpload({ image }: ImageTask, { uploads, codec }: OpenUploadPorts): Promise<OpenedUpload> {
  const refused = admitBytes(image.size, defaultLimits);
  if (refused) return refused;

  const read = await uploads.read(image);
  if (read.outcome !== 'found') return read;

  const inspected = await codec.inspect(read.bytes);
  if (inspected.outcome === 'rejected') return inspected;

  const { header } = inspected;
  return admitHeader(header, defaultLimits) ?? { outcome: 'open', bytes: read.bytes, header };
}
