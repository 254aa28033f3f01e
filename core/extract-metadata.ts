import { sha256 } from './image.ts';
import type { ImageTask, MetadataResult } from './image-task.ts';
import type { ImageHeader, Metadata, Portrait } from './metadata.ts';
import { type OpenUploadPorts, openUpload } from './open-upload.ts';
import type { Bytes } from './ports.ts';
import { uprightSize } from './rendition.ts';

export interface MetadataPolicy {
  /** Where a photo was taken is private: it is recorded only if the stack's owner asks for it. */
  readonly keepLocation: boolean;
}

/** Describes one upload. Throws only if a retry may help. */
export async function extractMetadata(
  task: ImageTask,
  ports: OpenUploadPorts,
  policy: MetadataPolicy,
): Promise<MetadataResult> {
  const upload = await openUpload(task, ports);
  if (upload.outcome !== 'open') return upload;

  const portrait = await upload.image.portray();
  if (portrait.outcome === 'rejected') return portrait;

  return { outcome: 'processed', metadata: await describe(upload.bytes, upload.image.header, portrait, policy) };
}

async function describe(
  bytes: Bytes,
  header: ImageHeader,
  { dominantColour, thumbhash, damaged, camera, capturedAt, location }: Portrait,
  { keepLocation }: MetadataPolicy,
): Promise<Metadata> {
  const { format, colourSpace, hasAlpha, orientation, frames, animated, preview, approximateColours } = header;
  return {
    format,
    ...uprightSize(header),
    bytes: bytes.byteLength,
    sha256: await sha256(bytes),
    colourSpace,
    hasAlpha,
    orientation,
    frames,
    ...(animated !== undefined && { animated }),
    dominantColour,
    thumbhash,
    damaged,
    ...(camera && { camera }),
    ...(capturedAt !== undefined && { capturedAt }),
    ...(keepLocation && location && { location }),
    ...(preview === true && { preview }),
    ...(approximateColours === true && { approximateColours }),
  };
}
