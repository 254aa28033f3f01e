/** What the page makes of an image's renditions: which to show, which to offer, and what they save. */
import type { components } from '../../api/schema.ts';

export type Rendition = components['schemas']['Rendition'];
type ContentType = Rendition['contentType'];

export interface Source {
  readonly type: ContentType;
  readonly srcset: string;
  /** Only for people who have nothing against motion. */
  readonly animated: boolean;
}

export interface Picture {
  readonly sources: readonly Source[];
  readonly fallback: Rendition;
}

/** The smaller formats first: a browser takes the first that it can show. */
const preference: readonly ContentType[] = ['image/avif', 'image/webp', 'image/jpeg'];

/** Pixels. Below, the widths to choose from save more than the better format of one width. */
const LARGE = 1000;

/**
 * The picture element. Small, in the grid, it needs the format that comes in many widths; large, it takes the best format.
 * Crops are left out: a picture element must show the same picture from each source.
 */
export function pictureOf(renditions: readonly Rendition[], size: 'small' | 'large'): Picture | undefined {
  const whole = wholeRenditions(renditions);
  const stills = whole.filter(({ animated }) => animated !== true);
  const moving = whole.filter(({ animated }) => animated === true);
  const sources = [
    ...sourcesOf(moving, true),
    ...sourcesOf(stills, false).filter(
      ({ type }) => size === 'large' || hasSmall(stills, type) || !hasAnySmall(stills),
    ),
  ];
  const fallback = stills.find(({ contentType }) => contentType === 'image/jpeg') ?? stills[0] ?? moving[0];
  return (
    fallback && { sources: sources.filter(({ type, animated }) => animated || type !== fallback.contentType), fallback }
  );
}

function sourcesOf(renditions: readonly Rendition[], animated: boolean): readonly Source[] {
  return preference.flatMap((type) => {
    const ofType = renditions.filter(({ contentType }) => contentType === type);
    // One of each width: a square picture may have a whole rendition and a crop of the same size.
    const byWidth = new Map(ofType.map((one) => [one.width, one]));
    const candidates = [...byWidth.values()].toSorted((a, b) => a.width - b.width);
    if (candidates.length === 0) return [];
    return [{ type, animated, srcset: candidates.map(({ url, width }) => `${url} ${width}w`).join(', ') }];
  });
}

const hasSmall = (renditions: readonly Rendition[], type: ContentType) =>
  renditions.some(({ contentType, width }) => contentType === type && width < LARGE);
const hasAnySmall = (renditions: readonly Rendition[]) => renditions.some(({ width }) => width < LARGE);

/** Without crops: the shape that most renditions have, allowing for pixels that are rounded. */
function wholeRenditions(renditions: readonly Rendition[]): readonly Rendition[] {
  const largest = renditions.reduce<Rendition | undefined>(
    (found, one) => (found && found.width * found.height >= one.width * one.height ? found : one),
    undefined,
  );
  if (largest === undefined) return [];
  return renditions.filter((one) => sameShape(one, largest));
}

export function isCrop(rendition: Rendition, all: readonly Rendition[]): boolean {
  return !wholeRenditions(all).includes(rendition);
}

function sameShape(one: Rendition, other: Rendition): boolean {
  const expected = (one.width * other.height) / other.width;
  return Math.abs(expected - one.height) <= 1;
}

export interface Saving {
  readonly width: number;
  readonly height: number;
  /** The smallest file first. */
  readonly files: readonly { readonly format: string; readonly bytes: number }[];
  readonly jpeg: number;
  /** Of the bytes of the JPEG. */
  readonly share: number;
}

/** At equal size: the formats that exist with the same pixels as the largest JPEG. */
export function savingOf(renditions: readonly Rendition[]): Saving | undefined {
  const stills = wholeRenditions(renditions).filter(({ animated }) => animated !== true);
  const jpeg = stills
    .filter(({ contentType }) => contentType === 'image/jpeg')
    .toSorted((a, b) => b.width - a.width)[0];
  if (jpeg === undefined) return undefined;
  const files = stills
    .filter(({ width, height }) => width === jpeg.width && height === jpeg.height)
    .map(({ contentType, bytes }) => ({ format: formatName(contentType), bytes }))
    .toSorted((a, b) => a.bytes - b.bytes);
  const smallest = files[0];
  if (smallest === undefined || files.length < 2) return undefined;
  return { width: jpeg.width, height: jpeg.height, files, jpeg: jpeg.bytes, share: 1 - smallest.bytes / jpeg.bytes };
}

export function formatName(contentType: ContentType): string {
  return { 'image/avif': 'AVIF', 'image/webp': 'WebP', 'image/jpeg': 'JPEG' }[contentType];
}

/** For another page, hence with complete addresses. */
export function htmlOf(renditions: readonly Rendition[], name: string, origin: string): string | undefined {
  const picture = pictureOf(renditions, 'large');
  if (picture === undefined) return undefined;
  const absolute = (url: string) => new URL(url, origin).href;
  const lines = picture.sources.map(({ type, srcset, animated }) => {
    const candidates = srcset
      .split(', ')
      .map((candidate) => {
        const [url = '', width = ''] = candidate.split(' ');
        return `${absolute(url)} ${width}`;
      })
      .join(', ');
    const media = animated ? ' media="(prefers-reduced-motion: no-preference)"' : '';
    return `  <source type="${type}"${media} srcset="${escaped(candidates)}" sizes="100vw">`;
  });
  const { url, width, height } = picture.fallback;
  return [
    '<picture>',
    ...lines,
    `  <img src="${escaped(absolute(url))}" width="${width}" height="${height}" alt="${escaped(name)}" loading="lazy">`,
    '</picture>',
  ].join('\n');
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

/** Without the endings of folders and formats that a file system could take amiss. */
export function downloadName(name: string, { preset, contentType }: Rendition): string {
  const stem = name.replace(/\.[^./\\]*$/, '').replaceAll(/[\\/:*?"<>|\p{Cc}]/gu, '_');
  return `${stem || 'photograph'}-${preset}.${contentType === 'image/jpeg' ? 'jpg' : contentType.slice('image/'.length)}`;
}
