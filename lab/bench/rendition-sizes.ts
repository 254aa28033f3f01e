import type { ImageHeader } from '../../core/metadata.ts';
import type { Preset } from '../../core/presets.ts';
import { isSameSize, renditionSize, type Size } from '../../core/rendition.ts';

/** The distinct sizes of the renditions, widest first: each can be made from an earlier one that is at least as large. */
export function renditionSizes(header: ImageHeader, presets: readonly Preset[]): readonly Size[] {
  return presets
    .map((preset) => renditionSize(header, preset))
    .filter((size, at, all) => all.findIndex((other) => isSameSize(size, other)) === at)
    .sort((one, other) => other.width - one.width || one.height - other.height);
}

export function pixelsOfSize<Pixels extends Size>(rasters: readonly Pixels[], size: Size): Pixels {
  const pixels = rasters.find((candidate) => isSameSize(candidate, size));
  if (!pixels) throw new Error(`No pixels of ${size.width} × ${size.height}.`);
  return pixels;
}
