import { repeated, u16le } from './numbers.ts';

/** Many frames of one pixel; each may claim to be larger. */
export function gifOfFrames(count: number, side = 1): Buffer {
  const head = Buffer.from('47494638396101000100800000000000ffffff', 'hex');
  const frame = Buffer.concat([
    Buffer.from('21f904000a0000002c00000000', 'hex'),
    u16le(side),
    u16le(side),
    Buffer.from('0002024401', 'hex'),
    Buffer.from([0]),
  ]);
  return Buffer.concat([head, repeated(frame, count), Buffer.from([0x3b])]);
}
