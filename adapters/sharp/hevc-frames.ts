import type { BoxReader } from './iso-boxes.ts';

/**
 * Frames of the data of a HEVC item (ISO 14496-15, 8.3.2): units with their lengths before them. A frame's first slice says
 * that it is the first (ITU-T H.265, 7.3.6.1).
 */
export function hevcFrames(units: BoxReader): number {
  let frames = 0;
  while (!units.isAtEnd) {
    const length = units.number(4);
    const end = units.at + length;
    const type = (units.number(2) >> 9) & 63;
    const isFirstSlice = units.number(1) >= 128;
    if (type < SLICE_TYPES && isFirstSlice) frames += 1;
    units.at = Math.max(end, units.at);
  }
  return frames;
}

// Types of units from 0 to 31 are slices of frames.
const SLICE_TYPES = 32;
