import { rgbaToThumbHash } from 'thumbhash';
import type { Portrait } from '../../core/metadata.ts';

/** Upright, sRGB, four channels of eight bits, at most {@link PORTRAIT_SIZE} pixels wide and high. */
export interface SmallRaster {
  readonly width: number;
  readonly height: number;
  readonly rgba: Uint8Array;
}

// The maximum of ThumbHash.
export const PORTRAIT_SIZE = 100;

// The colour of transparent pixels is invisible.
const VISIBLE_ALPHA = 128;

export function portrayPixels({ width, height, rgba }: SmallRaster): Pick<Portrait, 'dominantColour' | 'thumbhash'> {
  return {
    dominantColour: dominantColour(rgba),
    thumbhash: Buffer.from(rgbaToThumbHash(width, height, rgba)).toString('base64'),
  };
}

interface Bin {
  pixels: number;
  red: number;
  green: number;
  blue: number;
}

/** Divides the colour cube into 512 equal boxes and averages the fullest; white if nothing is visible. */
function dominantColour(rgba: Uint8Array): string {
  const bins = new Map<number, Bin>();
  for (let at = 0; at + 3 < rgba.length; at += 4) {
    const [red = 0, green = 0, blue = 0, alpha = 0] = rgba.subarray(at, at + 4);
    if (alpha < VISIBLE_ALPHA) continue;
    const box = ((red >> 5) << 6) | ((green >> 5) << 3) | (blue >> 5);
    const bin = bins.get(box) ?? { pixels: 0, red: 0, green: 0, blue: 0 };
    bins.set(box, bin);
    bin.pixels += 1;
    bin.red += red;
    bin.green += green;
    bin.blue += blue;
  }
  const fullest = [...bins.values()].reduce<Bin | undefined>(
    (best, bin) => (best && best.pixels >= bin.pixels ? best : bin),
    undefined,
  );
  if (!fullest) return '#ffffff';
  return `#${[fullest.red, fullest.green, fullest.blue].map((sum) => hex(sum / fullest.pixels)).join('')}`;
}

function hex(channel: number): string {
  return Math.round(channel).toString(16).padStart(2, '0');
}
