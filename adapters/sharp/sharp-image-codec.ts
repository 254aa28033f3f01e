import sharp, { type Sharp, type Metadata as SharpMetadata, type SharpOptions } from 'sharp';
import { defaultLimits, type Limits, maxPixels, rejectFrames, rejectHeader } from '../../core/limits.ts';
import { formatNames, type ImageHeader, type InputFormat, type Orientation } from '../../core/metadata.ts';
import { type Rejection, rejected } from '../../core/outcome.ts';
import type { Bytes, ImageCodec } from '../../core/ports.ts';
import { largestDecodedSize } from './avif-sizes.ts';
import { exifPortrait } from './exif.ts';
import { type OtherFormat, signatureOf } from './image-signatures.ts';
import { hasTooManySegments, reachesFullDetail } from './jpeg-segments.ts';
import { PORTRAIT_SIZE, portrayPixels } from './portrait.ts';
import { type Pixels, pixelsOf, renderPyramid, sizesDownwards, TIMEOUT } from './pyramid.ts';
import { isInTiles } from './tiff-directory.ts';
import { countFrames } from './webp-frames.ts';

// Ink and one for what is clear.
const limitInputChannels = 5;

hardenLibvips();

/** `ImageCodec` by sharp (libvips). Throws only for what is no fault of the picture: memory, time, a bug. */
export function sharpImageCodec(limits: Limits = defaultLimits): ImageCodec {
  const limitInputPixels = maxPixels(limits);
  return {
    inspect: (bytes) => inspect(bytes, limits),

    async portray(bytes, header) {
      const small = await decodeTolerantly(bytes, header, limitInputPixels, (picture) =>
        pixelsOf(
          picture.resize(PORTRAIT_SIZE, PORTRAIT_SIZE, { fit: 'inside', withoutEnlargement: true }).ensureAlpha(),
        ),
      );
      if (small.outcome === 'rejected') return small;
      const { exif } = await readHeader(bytes);
      const { width, height, data: rgba } = small.decoded;
      return {
        outcome: 'portrayed',
        ...portrayPixels({ width, height, rgba }),
        ...exifPortrait(exif),
        damaged: small.damaged,
      };
    },

    async render(bytes, header, presets) {
      const largest = sizesDownwards(header, presets)[0];
      if (!largest) return { outcome: 'rendered', renditions: [] };
      const base = await decodeTolerantly(bytes, header, limitInputPixels, (picture) =>
        pixelsOf(picture.resize({ ...largest, fit: 'fill' })),
      );
      if (base.outcome === 'rejected') return base;
      return { outcome: 'rendered', renditions: await renderPyramid(base.decoded, header, presets) };
    },
  };
}

// ── libvips itself ──────────────────────────────────────────────────────────────────────────────────────────────────

function hardenLibvips(): void {
  // Only these decoders exist from here on, whatever a file pretends to be: no SVG, PDF, ImageMagick, and no files.
  sharp.block({ operation: ['VipsForeignLoad'] });
  sharp.unblock({
    operation: ['Jpeg', 'Png', 'Webp', 'Nsgif', 'Tiff', 'Heif'].map((name) => `VipsForeignLoad${name}Buffer`),
  });
  // No picture comes twice, so a cache only holds memory; and a worker's memory buys it one vCPU.
  sharp.cache(false);
  sharp.concurrency(1);
}

// ── The header ──────────────────────────────────────────────────────────────────────────────────────────────────────

async function inspect(bytes: Bytes, limits: Limits): ReturnType<ImageCodec['inspect']> {
  const signature = signatureOf(bytes);
  if (signature.kind === 'unknown') return unsupported('The file is not a picture that we know.');
  if (signature.kind === 'other') return unsupported(otherFormatSentences[signature.name]);

  const { format } = signature;
  const refused = rejectBeforeDecoding(format, bytes, limits);
  if (refused) return refused;
  try {
    const found = await readHeader(bytes);
    if (format === 'avif' && found.compression !== 'av1') return unsupported(otherFormatSentences.HEIC);
    const header = headerOf(format, bytes, found);
    const within = format === 'avif' ? rejectHeader({ ...header, ...largestDecodedSize(bytes) }, limits) : undefined;
    return within ?? { outcome: 'readable', header };
  } catch (error) {
    return corruptUnlessMachineError(
      error,
      `The ${formatNames[format]} file cannot be opened: its beginning is damaged.`,
    );
  }
}

/** What costs a worker its time or its memory as soon as libvips looks at it. */
function rejectBeforeDecoding(format: InputFormat, bytes: Bytes, limits: Limits): Rejection | undefined {
  switch (format) {
    case 'jpeg':
      return hasTooManySegments(bytes)
        ? corrupt('The JPEG file is made of more parts than any picture needs.')
        : undefined;
    case 'webp':
      return rejectFrames(countFrames(bytes, limits.frames), limits);
    case 'png':
    case 'avif':
    case 'gif':
    case 'tiff':
      return undefined;
  }
}

function readHeader(bytes: Bytes): Promise<SharpMetadata> {
  // However large the picture says it is: core answers that with a sentence.
  return sharp(bytes, { failOn: 'none', limitInputPixels: false, limitInputChannels }).metadata();
}

function headerOf(format: InputFormat, bytes: Bytes, found: SharpMetadata): ImageHeader {
  return {
    format,
    width: found.width,
    height: found.height,
    orientation: orientationOf(found.orientation),
    frames: found.pages ?? 1,
    progressive: found.isProgressive || (format === 'tiff' && isInTiles(bytes)),
    hasAlpha: found.hasAlpha,
    colourSpace: found.space,
  };
}

const orientations: readonly Orientation[] = [1, 2, 3, 4, 5, 6, 7, 8];

function orientationOf(stored: number | undefined): Orientation {
  return orientations.find((orientation) => orientation === stored) ?? 1;
}

const otherFormatSentences: Readonly<Record<OtherFormat, string>> = {
  HEIC: 'The file is a HEIC picture, as iPhones take them, which we cannot decode: set the camera to "Most Compatible", or share the picture as JPEG.',
  SVG: 'The file is an SVG drawing, not a photograph.',
  BMP: 'The file is a BMP picture.',
  PDF: 'The file is a PDF document, not a picture.',
  'JPEG XL': 'The file is a JPEG XL picture.',
  'JPEG 2000': 'The file is a JPEG 2000 picture.',
  PSD: 'The file is a Photoshop document.',
  ICO: 'The file is an icon.',
  'camera raw': "The file is a camera's raw picture, not yet developed.",
  video: 'The file is a video or a sound, not a picture.',
  ZIP: 'The file is an archive or an office document, not a picture.',
  HTML: 'The file is a web page, not a picture.',
};

function unsupported(sentence: string): Rejection {
  return rejected('unsupported-format', `${sentence} JPEG, PNG, WebP, AVIF, GIF and TIFF work.`);
}

// ── Decoding ────────────────────────────────────────────────────────────────────────────────────────────────────────

type Decoded = { readonly outcome: 'decoded'; readonly decoded: Pixels; readonly damaged: boolean } | Rejection;

// Above this share of grey rows a person calls the picture broken; a lost corner of a phone's last packet is far below.
const MAX_LOST_ROWS = 0.1;

/**
 * A file without any fault takes the first way. A faulty one is still worth having if the decoder can go on, and a JPEG
 * if it lost at most {@link MAX_LOST_ROWS} of its rows: measured at one size, so that both workers come to one answer.
 */
async function decodeTolerantly(
  bytes: Bytes,
  header: ImageHeader,
  limitInputPixels: number,
  decode: (picture: Sharp) => Promise<Pixels>,
): Promise<Decoded> {
  const attempt = async (failOn: SharpOptions['failOn']) =>
    decode(await uprightInSrgb(bytes, header, { failOn, limitInputPixels }));
  try {
    return { outcome: 'decoded', decoded: await attempt('warning'), damaged: false };
  } catch (error) {
    rethrowMachineError(error);
  }
  try {
    if (header.format !== 'jpeg') return { outcome: 'decoded', decoded: await attempt('error'), damaged: true };
    const broken = await truncationOf(bytes, header, limitInputPixels);
    return broken ?? { outcome: 'decoded', decoded: await attempt('none'), damaged: true };
  } catch (error) {
    return corruptUnlessMachineError(error, `The ${formatNames[header.format]} file is damaged or incomplete.`);
  }
}

/** sRGB with eight bits a channel is what sharp comes down to by itself; nearly always. */
async function uprightInSrgb(
  bytes: Bytes,
  header: ImageHeader,
  options: Pick<SharpOptions, 'failOn' | 'limitInputPixels'>,
): Promise<Sharp> {
  const picture = sharp(bytes, { ...options, limitInputChannels, autoOrient: true })
    .toColourspace('srgb')
    .timeout(TIMEOUT);
  // sharp takes a 16-bit picture with a profile to Display P3 and leaves it there unless told where to end.
  const wide = header.colourSpace === 'rgb16' && (await readHeader(bytes)).icc !== undefined;
  return wide ? picture.withIccProfile('srgb') : picture;
}

async function truncationOf(
  bytes: Bytes,
  header: ImageHeader,
  limitInputPixels: number,
): Promise<Rejection | undefined> {
  if (header.progressive && !reachesFullDetail(bytes)) {
    return corrupt('The JPEG file breaks off: most of the detail is missing.');
  }
  const lost = await lostRows(bytes, header, limitInputPixels);
  if (lost <= MAX_LOST_ROWS) return undefined;
  return corrupt(`The JPEG file breaks off: about ${Math.round(lost * 100)} % of the picture is missing.`);
}

/** The share of rows that are nothing but mid-grey: what libjpeg fills in for data that never came. */
async function lostRows(bytes: Bytes, { colourSpace }: ImageHeader, limitInputPixels: number): Promise<number> {
  const stored = sharp(bytes, { failOn: 'none', limitInputPixels, limitInputChannels, ignoreIcc: true }).timeout(
    TIMEOUT,
  );
  const { width, height, channels, data } = await pixelsOf(
    // Ink is grey only before it is converted.
    (colourSpace === 'cmyk' ? stored.pipelineColourspace('cmyk').toColourspace('cmyk') : stored).resize({
      width: 256,
      height: 256,
      fit: 'fill',
    }),
  );
  const row = width * channels;
  const isLost = (_: unknown, y: number) =>
    data.subarray(y * row, (y + 1) * row).every((value) => Math.abs(value - 128) <= 1);
  return Array.from({ length: height }, isLost).filter(Boolean).length / height;
}

// ── Errors ──────────────────────────────────────────────────────────────────────────────────────────────────────────

// Not a word of these comes from a picture; another try, perhaps elsewhere, may well succeed.
const machineError =
  /out of memory|cannot allocate|unable to (?:m?alloc|create thread)|bad_alloc|timeout|too many open/i;

function rethrowMachineError(error: unknown): void {
  if (!(error instanceof Error) || machineError.test(error.message)) throw error;
}

function corruptUnlessMachineError(error: unknown, sentence: string): Rejection {
  rethrowMachineError(error);
  return corrupt(
    isOversizedTiffStrip(error) ? 'The TIFF file holds too much in one strip: save it in smaller ones.' : sentence,
  );
}

/** libtiff decodes no strip or tile above 50 MB: its own guard against bombs. */
function isOversizedTiffStrip(error: unknown): boolean {
  return error instanceof Error && error.message.includes('cumulated byte limit');
}

function corrupt(sentence: string): Rejection {
  return rejected('corrupt', `${sentence} Please upload it again from the original.`);
}
