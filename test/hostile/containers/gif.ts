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

/**
 * Extensions without data, before a frame.
 *
 * @lab
 */
export function gifOfExtensions(count: number): Buffer {
  const [head, frame] = [gifOfFrames(0).subarray(0, 19), gifOfFrames(1).subarray(19)];
  return Buffer.concat([head, repeated(Buffer.from([0x21, 0xfe, 0]), count), frame]);
}

/**
 * A square of one colour in the fewest bytes: each code of LZW stands for one pixel more than the one before.
 *
 * @lab
 */
export function gifOfRuns(side: number): Buffer {
  const codes = new CodeWriter();
  const [clear, end] = [4, 5];
  for (let pixels = 0; pixels < side ** 2; ) {
    codes.write(clear, codes.width);
    codes.width = 3;
    codes.write(0, codes.width);
    pixels += 1;
    for (let [code, run] = [6, 2]; code < 4_096 && pixels < side ** 2; code += 1, run += 1) {
      codes.write(code, codes.width);
      pixels += run;
      if (code + 1 === 2 ** codes.width && codes.width < 12) codes.width += 1;
    }
  }
  codes.write(end, codes.width);
  const bytes = codes.end();
  const blocks = Array.from({ length: Math.ceil(bytes.length / 255) }, (_, index) => {
    const block = bytes.subarray(index * 255, (index + 1) * 255);
    return Buffer.concat([Buffer.from([block.length]), block]);
  });
  const size = [u16le(side), u16le(side)];
  return Buffer.concat([
    ...[Buffer.from('GIF89a'), ...size, Buffer.from('800000000000ffffff', 'hex')],
    ...[Buffer.from('2c00000000', 'hex'), ...size, Buffer.from([0, 2]), ...blocks, Buffer.from([0, 0x3b])],
  ]);
}

/** Codes of any width, the lowest bits first. */
class CodeWriter {
  width = 3;
  #bits = 0;
  #count = 0;
  readonly #bytes: number[] = [];

  write(code: number, width: number): void {
    this.#bits |= code << this.#count;
    this.#count += width;
    for (; this.#count >= 8; this.#count -= 8) {
      this.#bytes.push(this.#bits & 255);
      this.#bits >>>= 8;
    }
  }

  end(): Buffer {
    return Buffer.from([...this.#bytes, this.#bits & 255]);
  }
}
