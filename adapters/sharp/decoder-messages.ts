/**
 * What libvips and its decoders say when they lack something that a sound file uses. Only these lines tell "cannot" from
 * "broken", so they are all in this file, each with a test.
 */
const CANNOT: readonly RegExp[] = [
  // libjpeg
  /^VipsJpeg: Unsupported JPEG data precision \d+$/,
  /^VipsJpeg: Unsupported JPEG process: SOF type 0xc[0-9a-f]$/,
  // The first marker of JPEG-LS. Other unknown markers are those of a damaged file.
  /^VipsJpeg: Unsupported marker type 0xf7$/,
  /^VipsJpeg: Unsupported color conversion request$/,
  /^VipsJpeg: Too many color components: \d+, max \d+$/,
  /^VipsJpeg: .*not implemented( yet)?$/,
  // libtiff, and what libvips makes of it
  /^tiff2vips: .*compression support is not configured$/,
  /^tiff2vips: .*(strip|tile|scanline) decoding is not implemented$/,
  /^tiff2vips: samples_per_pixel not a whole number of bytes$/,
  /^tiff2vips: samples out of range$/,
  /^tiff2vips: unsupported tiff image type$/,
  /^tiff2vips: tiled separate planes not supported$/,
  /^tiff2vips: not SGI-compressed LOGLUV$/,
  /^tiff2vips: .*[Uu]nsupported .*$/,
  /^image: bad labq format$/,
  // libheif
  /^heif: Unsupported (feature|file-type|codec|color conversion)\b.*$/,
  // libvips
  /^vips_colourspace: no known route from '\S+' to '\S+'$/,
];

/** Whether the file may well be sound, and only our decoders cannot read it. */
export function isBeyondDecoder(error: unknown): boolean {
  return error instanceof Error && linesOf(error).some((line) => CANNOT.some((words) => words.test(line)));
}

// libtiff's and libvips' own guards against decompression bombs.
const OVERSIZED: readonly RegExp[] = [
  /^tiff2vips: .*cumulated byte limit defined in open options$/,
  /^tiff2vips: Likely invalid (strip|tile) byte count/,
  /^tiff2vips: tile size out of range$/,
];

/** Whether the strips or tiles of a TIFF, which may well be sound, are larger than libtiff or libvips allows. */
export function hasOversizedParts(error: unknown): boolean {
  return error instanceof Error && linesOf(error).some((line) => OVERSIZED.some((words) => words.test(line)));
}

function linesOf({ message }: Error): readonly string[] {
  return message
    .replace(/^Input (buffer|file) has corrupt header: /, '')
    .split('\n')
    .map((line) => line.trim());
}

// ── Errors of the machine ───────────────────────────────────────────────────────────────────────────────────────────────

// Whole lines, as the libraries write them when an allocation fails, because
// decoders use the same words for what a file claims.
const outOfMemory = new RegExp(
  [
    'vips_\\w+: out of memory --+ size == \\d+[kMG]?B',
    'std::bad_alloc',
    'VipsJpeg: Insufficient memory \\(case \\d+\\)',
    'heif: Invalid input: Unspecified: Memory allocation error \\(2\\.0\\)',
    'heif: Memory allocation error: Unspecified: .*Allocating \\d+ bytes failed.*',
    'libheif: out of memory: .*',
    'Array buffer allocation failed',
    '(?:vips_\\w+: )?unable to create thread',
    '(?:system|unix) error: cannot allocate memory',
  ]
    .map((line) => `^(?:Input buffer has corrupt header: )?${line}$`)
    .join('|'),
  'im',
);
const outOfFiles = /^(?:system|unix) error: too many open files$/im;

/** Also when a thread cannot start, because its stack is memory. */
export function isOutOfMemory(error: unknown): boolean {
  return error instanceof Error && outOfMemory.test(error.message);
}

/** A retry may help. */
export function rethrowMachineError(error: unknown): void {
  if (!(error instanceof Error) || isOutOfMemory(error) || outOfFiles.test(error.message)) throw error;
}
