import sharp, { type Sharp, type Metadata as SharpMetadata, type SharpOptions } from 'sharp';
import { defaultLimits, type Limits, maxPixels, rejectFrames, rejectWork, staysAnimated } from '../../core/limits.ts';
import { formatNames, type ImageHeader, type InputFormat, type Orientation } from '../../core/metadata.ts';
import { type Rejection, rejected } from '../../core/outcome.ts';
import type { Bytes, EncodedRendition, ImageCodec, OpenImage } from '../../core/ports.ts';
import type { Preset } from '../../core/presets.ts';
import { type FocusPoint, isAnimated } from '../../core/rendition.ts';
import { renderAnimation } from './animation.ts';
import { largestDecodedSize } from './avif-sizes.ts';
import { avifWork } from './avif-work.ts';
import { exifPortrait } from './exif.ts';
import { profileSteps } from './icc-profile.ts';
import { type OtherFormat, signatureOf } from './image-signatures.ts';
import { hasTooManySegments, reachesFullDetail, scannedPixels } from './jpeg-segments.ts';
import { type Pixels, pixelsOf } from './pixels.ts';
import { unpackedBytesOf } from './png-chunks.ts';
import { PORTRAIT_SIZE, portrayPixels } from './portrait.ts';
import { baseSize, renderPyramid } from './pyramid.ts';
import { isInTiles } from './tiff-directory.ts';
import { tiffWork } from './tiff-work.ts';
import { countFrames } from './webp-frames.ts';

const limitInputChannels = defaultLimits.work.channels;

/**
 * `ImageCodec` by sharp (libvips), whose time and memory only the process that it runs in can bound: `boundedImageCodec`.
 * Throws only for what the image may not have caused: memory, a bug.
 */
export function sharpImageCodec(limits: Limits = defaultLimits): ImageCodec {
  hardenLibvips();
  return { open: (bytes) => open(bytes, limits) };
}

// ── Settings of libvips ──────────────────────────────────────────────────────────────────────────────────────────────────

function hardenLibvips(): void {
  // From now on only these decoders work, whatever a file claims to be: no SVG, PDF or ImageMagick, and no file paths.
  sharp.block({ operation: ['VipsForeignLoad'] });
  sharp.unblock({
    operation: ['Jpeg', 'Png', 'Webp', 'Nsgif', 'Tiff', 'Heif'].map((name) => `VipsForeignLoad${name}Buffer`),
  });
  // No image is decoded twice, so a cache would waste memory; and a worker's memory size gives it one vCPU.
  sharp.cache(false);
  sharp.concurrency(1);
}

// ── The header ──────────────────────────────────────────────────────────────────────────────────────────────────────

async function open(bytes: Bytes, limits: Limits): ReturnType<ImageCodec['open']> {
  const signature = signatureOf(bytes);
  if (signature.kind === 'unknown') return unsupported("We don't recognise this file as an image.");
  if (signature.kind === 'other') return unsupported(otherFormatSentences[signature.name]);

  const { format } = signature;
  const rejection = rejectBeforeDecoding(format, bytes, limits);
  if (rejection) return rejection;
  try {
    const found = await readHeader(bytes);
    const tooComplex = found.icc && rejectProfile(found.icc, limits);
    if (tooComplex) return tooComplex;
    if (format === 'avif' && found.compression !== 'av1') return unsupported(otherFormatSentences.HEIC);
    return openImage({ bytes, found, header: headerOf(format, bytes, found, limits), limits });
  } catch (error) {
    return corruptUnlessMachineError(error, `The ${formatNames[format]} file cannot be opened: its header is damaged.`);
  }
}

interface Source {
  readonly bytes: Bytes;
  readonly found: SharpMetadata;
  readonly header: ImageHeader;
  readonly limits: Limits;
}

function openImage(source: Source): OpenImage {
  const { found, header } = source;
  return {
    outcome: 'open',
    header,

    async portray() {
      const small = await decodeTolerantly(source, (image) =>
        pixelsOf(image.resize(PORTRAIT_SIZE, PORTRAIT_SIZE, { fit: 'inside', withoutEnlargement: true }).ensureAlpha()),
      );
      if (small.outcome === 'rejected') return small;
      const { width, height, data: rgba } = small.decoded;
      return {
        outcome: 'portrayed',
        ...portrayPixels({ width, height, rgba }),
        ...exifPortrait(found.exif),
        damaged: small.damaged,
      };
    },

    async render(presets, focus) {
      const moving = header.animated ? await renderAnimations(source, presets.filter(isAnimated), focus) : [];
      const still = presets.filter((preset) => !moving.some((rendition) => rendition.preset === preset));
      const largest = baseSize(header, still);
      if (!largest) return { outcome: 'rendered', renditions: moving };
      const base = await decodeTolerantly(source, (image) => pixelsOf(image.resize({ ...largest, fit: 'fill' })));
      if (base.outcome === 'rejected') return base;
      const all = [...moving, ...(await renderPyramid(base.decoded, header, still, focus))];
      const inOrder = presets.flatMap((preset) => all.filter((rendition) => rendition.preset === preset));
      return { outcome: 'rendered', renditions: inOrder };
    },
  };
}

/** Rejects what would exhaust a worker's time or memory as soon as libvips opens it. */
function rejectBeforeDecoding(format: InputFormat, bytes: Bytes, limits: Limits): Rejection | undefined {
  switch (format) {
    case 'jpeg':
      return hasTooManySegments(bytes)
        ? corrupt('The JPEG file contains an implausible number of segments.')
        : rejectWork({ scannedPixels: scannedPixels(bytes) }, limits);
    case 'webp':
      return rejectFrames(countFrames(bytes, limits.frames), limits);
    case 'png':
      return rejectWork({ unpackedBytes: unpackedBytesOf(bytes, limits.work.unpackedBytes) }, limits);
    case 'avif':
      return rejectWork(avifWork(bytes), limits);
    case 'tiff': {
      const { pages, ...work } = tiffWork(bytes);
      return rejectFrames(pages, limits) ?? rejectWork(work, limits);
    }
    case 'gif':
      return undefined;
  }
}

function rejectProfile(profile: Uint8Array, limits: Limits): Rejection | undefined {
  return rejectWork({ profileSteps: profileSteps(profile, limits.work.profileSteps) }, limits);
}

function readHeader(bytes: Bytes): Promise<SharpMetadata> {
  // No pixel limit here: core rejects oversized images in a sentence.
  return sharp(bytes, { failOn: 'none', limitInputPixels: false, limitInputChannels }).metadata();
}

function headerOf(format: InputFormat, bytes: Bytes, found: SharpMetadata, limits: Limits): ImageHeader {
  const header: ImageHeader = {
    format,
    width: found.width,
    height: found.height,
    ...(format === 'avif' && { decodedSize: largestDecodedSize(bytes) }),
    orientation: orientationOf(found.orientation),
    frames: found.pages ?? 1,
    progressive: found.isProgressive || (format === 'tiff' && isInTiles(bytes)),
    hasAlpha: found.hasAlpha,
    colourSpace: found.space,
  };
  const animated = staysAnimated(header, limits);
  return animated === undefined ? header : { ...header, animated };
}

const orientations: readonly Orientation[] = [1, 2, 3, 4, 5, 6, 7, 8];

function orientationOf(stored: number | undefined): Orientation {
  return orientations.find((orientation) => orientation === stored) ?? 1;
}

const otherFormatSentences: Readonly<Record<OtherFormat, string>> = {
  HEIC: 'HEIC images, the default of iPhones, are not supported: set the camera to "Most Compatible", or share the image as JPEG.',
  SVG: 'The file is an SVG drawing, not a photo.',
  BMP: 'The file is a BMP image.',
  PDF: 'The file is a PDF document, not an image.',
  'JPEG XL': 'The file is a JPEG XL image.',
  'JPEG 2000': 'The file is a JPEG 2000 image.',
  PSD: 'The file is a Photoshop document.',
  ICO: 'The file is an icon.',
  'camera raw': 'The file is a camera raw image.',
  video: 'The file is a video or audio file, not an image.',
  ZIP: 'The file is an archive or an office document, not an image.',
  HTML: 'The file is a web page, not an image.',
};

function unsupported(sentence: string): Rejection {
  return rejected('unsupported-format', `${sentence} Supported formats: JPEG, PNG, WebP, AVIF, GIF and TIFF.`);
}

// ── Decoding ────────────────────────────────────────────────────────────────────────────────────────────────────────

type Decoded = { readonly outcome: 'decoded'; readonly decoded: Pixels; readonly damaged: boolean } | Rejection;

// With more grey rows than this, people see a broken image; a phone upload that lost its last packet has far fewer.
const MAX_LOST_ROWS = 0.1;

/**
 * Decodes strictly first. A damaged file is still accepted if the decoder can continue, and a JPEG if it lost at most
 * {@link MAX_LOST_ROWS} of its rows: always measured at the same size, so that both workers agree.
 */
async function decodeTolerantly(source: Source, decode: (image: Sharp) => Promise<Pixels>): Promise<Decoded> {
  const { format } = source.header;
  const attempt = (failOn: SharpOptions['failOn']) => decode(uprightInSrgb(source, failOn));
  try {
    return { outcome: 'decoded', decoded: await attempt('warning'), damaged: false };
  } catch (error) {
    rethrowMachineError(error);
  }
  try {
    if (format !== 'jpeg') return { outcome: 'decoded', decoded: await attempt('error'), damaged: true };
    const truncated = await truncationOf(source);
    return truncated ?? { outcome: 'decoded', decoded: await attempt('none'), damaged: true };
  } catch (error) {
    return corruptUnlessMachineError(error, `The ${formatNames[format]} file is damaged or incomplete.`);
  }
}

/** All that can be rendered. Of a damaged animation whose first frame is sound, that frame is rendered instead. */
async function renderAnimations(
  { bytes, header, limits }: Source,
  presets: readonly Preset[],
  focus: FocusPoint | undefined,
): Promise<readonly EncodedRendition[]> {
  try {
    const renditions: EncodedRendition[] = [];
    for (const preset of presets) renditions.push(await renderAnimation(bytes, { header, preset, focus }, limits));
    return renditions;
  } catch (error) {
    rethrowMachineError(error);
    return [];
  }
}

/** sharp converts to sRGB with eight bits per channel by itself, with the exceptions below. */
function uprightInSrgb({ bytes, found, header, limits }: Source, failOn: SharpOptions['failOn']): Sharp {
  const limitInputPixels = maxPixels(limits);
  const image = sharp(bytes, { failOn, limitInputPixels, limitInputChannels, autoOrient: true }).toColourspace('srgb');
  if (header.format !== 'tiff' && header.colourSpace !== 'rgb16') return image;
  // Only one channel besides the colours can be transparency: masks and spot colours are ignored.
  if (found.channels > (colourChannels[header.colourSpace] ?? 3) + 1) image.removeAlpha();
  // sharp converts a 16-bit image with a profile to Display P3, unless given an output profile.
  return header.colourSpace === 'rgb16' && found.icc !== undefined ? image.withIccProfile('srgb') : image;
}

const colourChannels: Readonly<Record<string, number>> = { 'b-w': 1, grey16: 1, cmyk: 4 };

async function truncationOf(source: Source): Promise<Rejection | undefined> {
  if (source.header.progressive && !reachesFullDetail(source.bytes)) {
    return corrupt('The JPEG file is truncated: most of the detail is missing.');
  }
  const lost = await lostRows(source);
  if (lost <= MAX_LOST_ROWS) return undefined;
  return corrupt(`The JPEG file is truncated: about ${Math.round(lost * 100)}% of the image is missing.`);
}

/** The share of rows that are entirely mid-grey, which libjpeg fills in for missing data. */
async function lostRows({ bytes, header, limits }: Source): Promise<number> {
  const limitInputPixels = maxPixels(limits);
  const stored = sharp(bytes, { failOn: 'none', limitInputPixels, limitInputChannels, ignoreIcc: true });
  const { width, height, channels, data } = await pixelsOf(
    // In CMYK, missing rows are grey only before conversion.
    (header.colourSpace === 'cmyk' ? stored.pipelineColourspace('cmyk').toColourspace('cmyk') : stored).resize({
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

// Errors of the machine, not of the image. Whole lines, as the libraries write them when an allocation fails, because
// decoders use the same words for what a file claims.
const outOfMemory = new RegExp(
  [
    'vips_\\w+: out of memory --+ size == \\d+[kMG]?B',
    'std::bad_alloc',
    'VipsJpeg: Insufficient memory \\(case \\d+\\)',
    'heif: Invalid input: Unspecified: Memory allocation error \\(2\\.0\\)',
    'heif: Memory allocation error: Unspecified: .*Allocating \\d+ bytes failed.*',
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

function rethrowMachineError(error: unknown): void {
  if (!(error instanceof Error) || isOutOfMemory(error) || outOfFiles.test(error.message)) throw error;
}

function corruptUnlessMachineError(error: unknown, sentence: string): Rejection {
  rethrowMachineError(error);
  return corrupt(
    isOversizedTiffStrip(error) ? 'A strip of the TIFF file is too large: save it with smaller strips.' : sentence,
  );
}

/** libtiff refuses strips and tiles of more than 50 MB: its own guard against decompression bombs. */
function isOversizedTiffStrip(error: unknown): boolean {
  return error instanceof Error && error.message.includes('cumulated byte limit');
}

function corrupt(sentence: string): Rejection {
  return rejected('corrupt', `${sentence} Please upload the original again.`);
}
