import type { Bytes, ImageCodec, OpenImage } from '../../core/ports.ts';

/** @throws {Error} with the rejection's sentence: for images that are known to be good. */
export async function openImage(codec: ImageCodec, bytes: Bytes): Promise<OpenImage> {
  const image = await codec.open(bytes);
  if (image.outcome === 'rejected') throw new Error(image.message);
  return image;
}
