import sharp, { type ResizeOptions, type Sharp, type SharpOptions } from 'sharp';
import {
  defaultLimits,
  type Limits,
  maxPixels,
  rejectFrames,
  rejectHeader,
  rejectWork,
  staysAnimated,
} from '../../core/limits.ts';
import { formatNames, type ImageHeader, type InputFormat, type Orientation } from '../../core/metadata.ts';
import { type Rejection, rejected } from '../../core/outcome.ts';
import type { Bytes, EncodedRendition, ImageCodec, OpenImage } from '../../core/ports.ts';
import type { Preset } from '../../core/presets.ts';
import { type FocusPoint, isAnimated, keepsGainMap } from '../../core/rendition.ts';
import { hasDamagedFrame, renderAnimation } from './animation.ts';
import { type ColourSpace, isInEffect } from './colour-profile.ts';
import { hasOversizedParts, isBeyondDecoder, rethrowMachineError } from './decoder-messages.ts';
import { exifPortrait } from './exif.ts';
import { gainMapOf, withGainMap } from './gain-map.ts';
import { type HeicDecoder, type HeicNeed, heicDecoder } from './heic.ts';
import { formatByCodec, otherCodecIn } from './heif-codecs.ts';
import { largestDecodedSize } from './heif-sizes.ts';
import { heifWork } from './heif-work.ts';
import { profileWork } from './icc-profile.ts';
import { signatureOf } from './image-signatures.ts';
import { withOrientation } from './jpeg-frame.ts';
import { hasTooManySegments, scannedPixels } from './jpeg-segments.ts';
import { rgbProfileOfGrey } from './made-profile.ts';
import { type Pixels, pixelsOf } from './pixels.ts';
import { pngWork } from './png-chunks.ts';
import { PORTRAIT_SIZE, portrayPixels } from './portrait.ts';
import { type Embedded, type Found, type Prepared, preparedUpload, type Raw } from './prepared-upload.ts';
import { decodeWithProfile, isGrey, type SharpInput, unmultiplied, withAlpha } from './profiled-pixels.ts';
import { baseSize, renderPyramid } from './pyramid.ts';
import { tiffWork } from './tiff-work.ts';
import { otherFormat, oversizedParts, unsupported, unsupportedVariant } from './unsupported.ts';
import { countFrames } from './webp-frames.ts';

/**
 * `ImageCodec` by sharp (libvips), whose time and memory only the process that it runs in can bound: `boundedImageCodec`.
 * Throws only for what the image may not have caused: memory, a bug.
 */
export function sharpImageCodec(limits: Limits = defaultLimits): ImageCodec {
  hardenLibvips();
  const settings = { limits, heic: heicDecoder(limits) };
  return { open: (bytes) => open(bytes, settings) };
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

interface Settings {
  readonly limits: Limits;
  /** Undefined in a stack without it. */
  readonly heic: HeicDecoder | undefined;
}

async function open(upload: Bytes, settings: Settings): ReturnType<ImageCodec['open']> {
  const { limits, heic } = settings;
  const withHeic = heic !== undefined;
  const signature = signatureOf(upload);
  if (signature.kind === 'unknown') return unsupported("We don't recognise this file as an image.", withHeic);
  if (signature.kind === 'other') return otherFormat(signature.name, withHeic);

  const format = formatByCodec(signature.format, upload);
  if (format === 'heic' && !withHeic) return otherFormat('HEIC', withHeic);
  const prepared = preparedUpload(format, upload);
  if (prepared === undefined) return unsupportedVariant(format);
  if (prepared.outcome === 'damaged') return corrupt(damagedHeader(format));
  if (prepared.outcome === 'embedded') return openEmbedded(prepared, settings);
  const rejection = rejectBeforeDecoding(prepared, upload, limits);
  if (rejection) return rejection;
  const otherCodec = format === 'heic' ? otherCodecIn(upload) : undefined;
  if (otherCodec) return unsupported(`The HEIC file contains an image in ${otherCodec}, not in HEVC.`, withHeic);
  return prepared.outcome === 'raw'
    ? openPreview(upload, prepared, settings)
    : openPrepared(upload, prepared, settings);
}

async function openPrepared(upload: Bytes, prepared: Prepared, { limits, heic }: Settings) {
  const { format } = prepared;
  try {
    const read = prepared.replacement?.found ?? (await readHeader(prepared, limits));
    const tooComplex = read.icc && rejectProfile(read.icc, limits);
    if (tooComplex) return tooComplex;
    return openImage({
      ...prepared,
      found: read,
      // Cameras and scanners write it into the TIFF's own directory.
      exif: format === 'tiff' ? upload : read.exif,
      header: headerOf(prepared, upload, read, limits),
      limits,
      heic,
    });
  } catch (error) {
    return unreadable(error, format, damagedHeader(format));
  }
}

/** A camera raw, by its preview. Camera, time and place are those of the raw. */
async function openPreview(upload: Bytes, { preview, orientation }: Raw, settings: Settings) {
  const opened = preview && (await open(preview, settings));
  if (opened?.outcome !== 'open') return otherFormat('camera raw', settings.heic !== undefined);
  const turned = opened.header.orientation === 1 && preview && orientationOf(orientation) > 1;
  const image = turned ? await open(withOrientation(preview, orientation), settings) : opened;
  if (image.outcome !== 'open') return image;
  return {
    ...image,
    header: { ...image.header, format: 'tiff' as const, preview: true },
    async portray() {
      const portrait = await image.portray();
      return portrait.outcome === 'rejected' ? portrait : { ...portrait, ...exifPortrait(upload) };
    },
  };
}

/** A JPEG or PNG within a BMP or ICO, with the limits of its own format. */
async function openEmbedded({ format, bytes }: Embedded, settings: Settings) {
  const inner = signatureOf(bytes);
  if (inner.kind !== 'image' || (inner.format !== 'jpeg' && inner.format !== 'png')) return unsupportedVariant(format);
  const image = await open(bytes, settings);
  if (image.outcome !== 'open') return image;
  return rejectHeader(image.header, settings.limits) ?? { ...image, header: { ...image.header, format } };
}

interface Source extends Prepared {
  readonly found: Found;
  readonly exif: Uint8Array | undefined;
  readonly header: ImageHeader;
  readonly limits: Limits;
  readonly heic: HeicDecoder | undefined;
}

/** Of the presets, those that have sRGB and those that keep the upload's Display P3. */
async function bySpace(
  source: Source,
  presets: readonly Preset[],
): Promise<ReadonlyMap<ColourSpace, readonly Preset[]>> {
  const wide = presets.filter(({ gamut }) => gamut === 'keep-p3');
  const profile = wide.length > 0 ? (source.colours ?? source.found.icc) : undefined;
  const isRgb = ['srgb', 'rgb16', 'rgb', 'scrgb'].includes(source.header.colourSpace);
  if (profile === undefined || !isRgb || !(await isInEffect(profile, 'p3'))) return new Map([['srgb', presets]]);
  return new Map([
    ['srgb', presets.filter((preset) => !wide.includes(preset))],
    ['p3', wide],
  ]);
}

// The map is smooth: phones write a quarter of the picture's width.
const MAP_SHARE = 0.5;
const MAP_QUALITY = 80;

/**
 * A map that cannot be read is no reason to reject the picture, which is right without it. No program writes a map that is
 * larger than its picture: decoding it would take more than the limits allow for the picture.
 */
async function withGainMaps(source: Source, renditions: readonly EncodedRendition[]): Promise<EncodedRendition[]> {
  const wanted = source.format === 'jpeg' && renditions.some(({ preset }) => keepsGainMap(preset));
  const found = wanted ? gainMapOf(source.bytes) : undefined;
  if (found === undefined) return [...renditions];
  const { orientation } = source.header;
  const map = await open(orientation > 1 ? withOrientation(found.image, orientation) : found.image, source);
  if (map.outcome !== 'open' || pixelsIn(map.header) > pixelsIn(source.header)) return [...renditions];
  // In one decode for all.
  const sizes = renditions
    .filter(({ preset }) => keepsGainMap(preset))
    .map(({ preset, width }) => ({
      ...{ name: preset.name, format: 'jpeg' as const, quality: MAP_QUALITY },
      width: Math.ceil(width * MAP_SHARE),
    }));
  const scaled = await map.render(sizes);
  if (scaled.outcome === 'rejected') return [...renditions];
  const maps = new Map(scaled.renditions.map(({ preset, bytes }) => [preset.name, bytes]));
  return renditions.map((rendition) => {
    const bytes = maps.get(rendition.preset.name);
    return bytes === undefined
      ? rendition
      : { ...rendition, bytes: withGainMap(rendition.bytes, bytes, found.description) };
  });
}

function pixelsIn({ width, height }: ImageHeader): number {
  return width * height;
}

/** An image, and the colours in which it is decoded. */
interface Decoding extends Source {
  readonly space: ColourSpace;
}

function openImage(source: Source): OpenImage {
  const { exif, header } = source;
  return {
    outcome: 'open',
    header,

    async portray() {
      const small = await decodeUpload({ ...source, space: 'srgb' }, 'small', {
        ...{ width: PORTRAIT_SIZE, height: PORTRAIT_SIZE },
        ...{ fit: 'inside', withoutEnlargement: true },
      });
      if (small.outcome === 'rejected') return small;
      return {
        outcome: 'portrayed',
        ...portrayPixels(withAlpha(small.decoded)),
        ...exifPortrait(exif),
        damaged: small.damaged || (header.animated === true && (await hasDamagedFrame(source.bytes, source.limits))),
      };
    },

    async render(presets, focus) {
      const moving = header.animated ? await renderAnimations(source, presets.filter(isAnimated), focus) : [];
      const still = presets.filter((preset) => !moving.some((rendition) => rendition.preset === preset));
      const all = [...moving];
      for (const [space, group] of await bySpace(source, still)) {
        const largest = baseSize(header, group);
        if (!largest) continue;
        const base = await decodeUpload({ ...source, space }, 'whole', { ...largest, fit: 'fill' });
        if (base.outcome === 'rejected') return base;
        const renditions = await renderPyramid({ ...base.decoded, space }, header, group, focus);
        all.push(...(await withGainMaps(source, renditions)));
      }
      const inOrder = presets.flatMap((preset) => all.filter((rendition) => rendition.preset === preset));
      return { outcome: 'rendered', renditions: inOrder };
    },
  };
}

/** Rejects what would exhaust a worker's time or memory as soon as libvips opens it. */
function rejectBeforeDecoding(
  { format, directory }: Prepared | Raw,
  bytes: Bytes,
  limits: Limits,
): Rejection | undefined {
  switch (format) {
    case 'jpeg':
      return hasTooManySegments(bytes)
        ? corrupt('The JPEG file contains an implausible number of segments.')
        : rejectWork({ scannedPixels: scannedPixels(bytes) }, limits);
    case 'webp':
      return rejectFrames(countFrames(bytes, limits.frames), limits);
    case 'png':
      return rejectWork(pngWork(bytes, limits.work), limits);
    case 'avif':
    case 'heic': {
      const { isAmbiguous, ...work } = heifWork(bytes);
      return isAmbiguous
        ? corrupt(`The ${formatNames[format]} file is damaged: it describes its images in more than one way.`)
        : rejectWork(work, limits);
    }
    case 'tiff': {
      const { pages, ...work } = tiffWork(bytes, directory);
      return rejectFrames(pages, limits) ?? rejectWork(work, limits);
    }
    case 'gif':
    case 'bmp':
    case 'ico':
      return undefined;
  }
}

function rejectProfile(profile: Uint8Array, limits: Limits): Rejection | undefined {
  return rejectWork(profileWork(profile, limits.work), limits);
}

function readHeader({ bytes, place }: Prepared, { work }: Limits): Promise<Found> {
  // No pixel limit here: core rejects oversized images in a sentence.
  const bounds = { limitInputPixels: false, limitInputChannels: work.channels };
  return sharp(bytes, { ...place, ...bounds, failOn: 'none' }).metadata();
}

function headerOf(
  { format, addedFrames, header: known }: Prepared,
  upload: Bytes,
  found: Found,
  limits: Limits,
): ImageHeader {
  const header: ImageHeader = {
    format,
    width: found.width,
    height: found.height,
    ...((format === 'avif' || format === 'heic') && { decodedSize: largestDecodedSize(upload) }),
    orientation: orientationOf(found.orientation),
    frames: (found.pages ?? 1) - addedFrames,
    progressive: found.isProgressive,
    hasAlpha: found.hasAlpha,
    colourSpace: found.space,
    ...known,
  };
  const animated = staysAnimated(header, limits);
  return animated === undefined ? header : { ...header, animated };
}

const orientations: readonly Orientation[] = [1, 2, 3, 4, 5, 6, 7, 8];

function orientationOf(stored: number | undefined): Orientation {
  return orientations.find((orientation) => orientation === stored) ?? 1;
}

// ── Decoding ────────────────────────────────────────────────────────────────────────────────────────────────────────

type Decoded = { readonly outcome: 'decoded'; readonly decoded: Pixels; readonly damaged: boolean } | Rejection;

/** Of a HEIC, sharp reads the TIFF that our decoder makes of it. */
async function decodeUpload(source: Decoding, need: HeicNeed, size: ResizeOptions): Promise<Decoded> {
  const { format, heic, colours, limits, header } = source;
  // Its pixels would take memory before sharp counts them.
  if (source.replacement && header.width * header.height > maxPixels(limits)) {
    return corrupt(`The ${formatNames[format]} file is too large.`);
  }
  if (format !== 'heic' || heic === undefined) return decodeTolerantly(source, size);
  const tiff = heic.decode(source, need);
  if (tiff.outcome === 'rejected') return tiff;
  const found = await readHeader(tiff, limits);
  return decodeTolerantly(
    { ...source, ...tiff, colours, found, header: headerOf(tiff, tiff.bytes, found, limits) },
    size,
  );
}

// With more of it missing, people see a broken image; a phone upload that lost its last packet lacks far less.
const MAX_LOST_SHARE = 0.1;

/**
 * Decodes strictly first. A damaged file is still accepted if the decoder can continue, and a file that ends early if at most
 * {@link MAX_LOST_SHARE} of the image is missing: by where its data end, so that both workers agree.
 */
async function decodeTolerantly(source: Decoding, size: ResizeOptions): Promise<Decoded> {
  const { format, loss } = source;
  const name = formatNames[format];
  const broken = (error: unknown) => unreadable(error, format, `The ${name} file is damaged or incomplete.`);
  const isCut = loss.isKnown && (await loss.share()) > 0;
  try {
    if (!isCut) {
      const decoded = await decode(source, size, 'warning');
      return { outcome: 'decoded', decoded, damaged: loss.isKnown };
    }
  } catch (error) {
    rethrowMachineError(error);
    if (isBeyondDecoder(error) || hasOversizedParts(error)) return broken(error);
  }
  const lost = (await loss.share()) ?? 0;
  if (lost > MAX_LOST_SHARE) {
    return corrupt(`The ${name} file is truncated: ${missingPart(lost)} of the image is missing.`);
  }
  try {
    return { outcome: 'decoded', decoded: await decode(source, size, loss.failOn), damaged: true };
  } catch (error) {
    return broken(error);
  }
}

/** Where the share cannot be measured, it counts as all: of a progressive JPEG, details are missing everywhere. */
function missingPart(lost: number): string {
  const percent = Math.round(lost * 100);
  return percent === 100 ? 'too much' : `about ${percent}%`;
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

async function decode(source: Decoding, size: ResizeOptions, failOn: SharpOptions['failOn']): Promise<Pixels> {
  const { found, header, isFloat, isPremultiplied } = source;
  const profile =
    source.colours ?? (isFloat || isPremultiplied || header.colourSpace === 'grey16' ? found.icc : undefined);
  const late = profile && (isGrey(header.colourSpace) ? rgbProfileOfGrey(profile) : profile);
  if (late) return decodeWithProfile(inputOf(source, failOn), size, late, { ...found, isPremultiplied }, source.space);
  const conversion = await colourConversion(source);
  const pixels = await pixelsOf(upright(source, conversion, failOn).resize(size));
  return isPremultiplied ? unmultiplied(pixels) : pixels;
}

function inputOf(
  { bytes: upload, replacement, place, format, limits }: Source,
  failOn: SharpOptions['failOn'],
): SharpInput {
  const bytes = replacement?.bytes() ?? upload;
  // libjpeg otherwise gives up at its hundredth warning. The limits bound the work before it starts.
  const unlimited = format === 'jpeg';
  const bounds = { limitInputPixels: maxPixels(limits), limitInputChannels: limits.work.channels };
  return { bytes, options: { ...place, ...bounds, failOn, unlimited, autoOrient: true } };
}

/** When sharp applies the colour profile: to the upload, to the scaled image, or never. */
type ColourConversion = 'before scaling' | 'after scaling' | 'none';

/**
 * After scaling there are fewer pixels to convert, with no visible difference for RGB with eight bits
 * (docs/decisions/0013-colour-profiles-last.md).
 */
async function colourConversion({ found, header, space }: Decoding): Promise<ColourConversion> {
  if (header.colourSpace !== 'srgb' || found.depth !== 'uchar' || found.icc === undefined) return 'before scaling';
  return (await isInEffect(found.icc, space)) ? 'none' : 'after scaling';
}

/** sharp converts to sRGB with eight bits per channel by itself, with the exceptions below. */
function upright(source: Decoding, conversion: ColourConversion, failOn: SharpOptions['failOn']): Sharp {
  const { found, header, space } = source;
  const { bytes, options } = inputOf(source, failOn);
  const image = sharp(bytes, { ...options, ignoreIcc: conversion !== 'before scaling' }).toColourspace('srgb');
  // Converts from the upload's profile, as the last step, although that is ignored as the first.
  if (conversion === 'after scaling' || (conversion === 'before scaling' && space === 'p3'))
    image.withIccProfile(space);
  if (header.format !== 'tiff' && header.colourSpace !== 'rgb16') return image;
  // Only one channel besides the colours can be transparency: masks and spot colours are ignored.
  if (found.hasAlpha && !header.hasAlpha) image.removeAlpha();
  // sharp converts a 16-bit image with a profile to Display P3, unless given an output profile.
  return header.colourSpace === 'rgb16' && found.icc !== undefined ? image.withIccProfile(space) : image;
}

// ── Errors ──────────────────────────────────────────────────────────────────────────────────────────────────────────

/** Of a file that may well be sound, what to do instead; otherwise that it is broken. */
function unreadable(error: unknown, format: InputFormat, sentence: string): Rejection {
  rethrowMachineError(error);
  if (isBeyondDecoder(error)) return unsupportedVariant(format);
  if (hasOversizedParts(error)) return oversizedParts;
  return corrupt(sentence);
}

function damagedHeader(format: InputFormat): string {
  return `The ${formatNames[format]} file cannot be opened: its header is damaged.`;
}

function corrupt(sentence: string): Rejection {
  return rejected('corrupt', `${sentence} Please upload the original again.`);
}
