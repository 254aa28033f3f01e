import { describe, expect, it } from 'vitest';
import { hasOversizedParts, isBeyondDecoder } from '../../adapters/sharp/decoder-messages.ts';

// As libvips 8.18 wrote them for the files of test/fixtures/picture-table, and for others like them.
describe('libvips’ own words tell what it cannot read from what is broken', () => {
  it.each([
    'VipsJpeg: Unsupported JPEG data precision 12',
    'VipsJpeg: Unsupported JPEG process: SOF type 0xc3',
    'Input buffer has corrupt header: VipsJpeg: Unsupported marker type 0xf7\nVipsJpeg: Unsupported marker type 0xf7',
    'VipsJpeg: Unsupported color conversion request',
    'VipsJpeg: Too many color components: 12, max 10',
    'VipsJpeg: Fractional sampling not implemented yet',
    'tiff2vips: ZSTD compression support is not configured\ntiff2vips: read error',
    'tiff2vips: Compression scheme 34712 strip decoding is not implemented',
    'tiff2vips: Compression scheme 50002 tile decoding is not implemented',
    'tiff2vips: SGILog compression scheme scanline decoding is not implemented',
    'Input buffer has corrupt header: tiff2vips: samples_per_pixel not a whole number of bytes',
    'Input buffer has corrupt header: tiff2vips: samples out of range',
    'Input buffer has corrupt header: tiff2vips: unsupported tiff image type',
    'tiff2vips: tiled separate planes not supported',
    'Input buffer has corrupt header: tiff2vips: Unknown pseudo-tag 65560\ntiff2vips: not SGI-compressed LOGLUV',
    'tiff2vips: unsupported photometric interpretation',
    'Input buffer has corrupt header: image: bad labq format',
    'heif: Unsupported feature: Unsupported codec (4.3000)',
    "vips_colourspace: no known route from 'multiband' to 'srgb'",
  ])('cannot: %s', (message) => {
    expect(isBeyondDecoder(new Error(message))).toBe(true);
  });

  it.each([
    'VipsJpeg: premature end of JPEG image',
    'VipsJpeg: Unsupported marker type 0x5e',
    'VipsJpeg: Corrupt JPEG data: found marker 0xd4 instead of RST0',
    'VipsJpeg: Bogus Huffman table definition',
    'tiff2vips: Read error at scanline 112; got 3444 bytes, expected 5760',
    'tiff2vips: ZIPDecode: Decoding error at scanline 0, unknown compression method',
    'vipspng: libpng read error',
    'Input buffer has corrupt header: webp: unable to parse image',
    'Input buffer has corrupt header: gifload_buffer: Unexpected end of GIF source data',
    'source: bad seek to 1123\nheif: Invalid input: End of file (2.100)',
    'vips_tracked: out of memory -- size == 114MB',
  ])('broken, or something else: %s', (message) => {
    expect(isBeyondDecoder(new Error(message))).toBe(false);
  });
});

it.each([
  'tiff2vips: Likely invalid strip byte count for strip 5. Uncompressed strip size is 134215680, compressed one is 126597\ntiff2vips: read error',
  'Input buffer has corrupt header: tiff2vips: tile size out of range',
  'tiff2vips: ZIPDecode: Memory allocation of 104857600 bytes is beyond the 52428800 cumulated byte limit defined in open options',
])('strips or tiles too large for libtiff: %s', (message) => {
  expect(hasOversizedParts(new Error(message))).toBe(true);
});
