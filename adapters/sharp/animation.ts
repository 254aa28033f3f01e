import sharp, { type Sharp } from 'sharp';
import type { Limits } from '../../core/limits.ts';
import type { ImageHeader } from '../../core/metadata.ts';
import type { Bytes, EncodedRendition } from '../../core/ports.ts';
import type { Preset } from '../../core/presets.ts';
import { cropOf, type FocusPoint, placementOf } from '../../core/rendition.ts';
import { rethrowMachineError } from './decoder-messages.ts';
import { encoder, padded } from './pyramid.ts';
import { watermarkLayer } from './watermark.ts';
import { countFrames } from './webp-frames.ts';

/** Renders an animation with the delays and repetitions of the upload: all frames in one pass, as libvips streams them. */
export async function renderAnimation(
  bytes: Bytes,
  {
    header,
    preset,
    focus,
  }: {
    readonly header: ImageHeader;
    readonly preset: Preset;
    readonly focus: FocusPoint | undefined;
  },
  limits: Limits,
): Promise<EncodedRendition> {
  const placement = placementOf(header, preset);
  const { picture, rendition } = placement;
  const image = framesOf(bytes, limits)
    .toColourspace('srgb')
    .resize({ ...picture, fit: 'fill' });
  if (preset.fit === 'cover') {
    // What stands out may change from frame to frame, so sharp cannot look for it here.
    const crop = cropOf(placement, 'centre', focus);
    if (crop !== 'attention') image.extract({ ...crop, ...rendition });
  }
  if (preset.fit === 'pad') padded(image, placement, preset);
  if (preset.watermark) image.composite([await watermarkLayer(rendition, preset.watermark)]);
  const encoded = new Uint8Array(await encoder(image, preset).toBuffer());
  const frames = countFrames(encoded, limits.animation.frames);
  return { preset, bytes: encoded, ...rendition, ...(frames > 1 && { frames }) };
}

/** Whether a frame cannot be read. Decodes all, which takes 13 ms for each of their megapixels. */
export async function hasDamagedFrame(bytes: Bytes, limits: Limits): Promise<boolean> {
  try {
    await framesOf(bytes, limits).resize({ width: 1 }).raw().toBuffer();
    return false;
  } catch (error) {
    rethrowMachineError(error);
    return true;
  }
}

function framesOf(bytes: Bytes, { animation, work }: Limits): Sharp {
  const bounds = { limitInputPixels: animation.pixels, limitInputChannels: work.channels };
  return sharp(bytes, { animated: true, failOn: 'error', ...bounds });
}
