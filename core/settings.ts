/** Which settings made a rendition, and which renditions of an image the presets of today would make differently. */
import type { Metadata } from './metadata.ts';
import type { Preset, Watermark } from './presets.ts';
import type { ImageRecord } from './record.ts';
import { presetsFor, type Rendition } from './rendition.ts';

/**
 * All that a preset says of a rendition, except its name: `webp 1920 q80 e2`, `jpeg 800x600 pad q82 on #ffffff`. Equal texts mean
 * equal settings. Short, because each record contains it once per rendition.
 *
 * Effort counts: encoders choose other bytes, and slightly other pixels, at another effort. The version of the encoder does
 * not, or every update of sharp would make all renditions outdated.
 */
export function settingsOf(preset: Preset): string {
  const { format, width, height, fit, quality, effort, background, watermark, gamut } = preset;
  // In the order of the text. The compiler reports an option of presets that is missing here.
  const parts: Readonly<Record<Exclude<OptionOf<Preset>, 'name'>, string | undefined>> = {
    format,
    width: height === undefined ? `${width}` : `${width}x${height}`,
    // Part of the size.
    height: undefined,
    fit: fit === 'inside' ? undefined : fit,
    focus: preset.fit === 'cover' ? preset.focus : undefined,
    quality: `q${quality}`,
    effort: effort === undefined ? undefined : `e${effort}`,
    animated: preset.format === 'webp' && preset.animated === true ? 'animated' : undefined,
    keepGainMap: preset.format === 'jpeg' && preset.keepGainMap === true ? 'gain-map' : undefined,
    gamut: gamut === 'srgb' ? undefined : gamut,
    background: background === undefined ? undefined : `on ${background.toLowerCase()}`,
    watermark: watermark && settingsOfWatermark(watermark),
  };
  return Object.values(parts)
    .filter((part) => part !== undefined)
    .join(' ');
}

/** The names of the properties of all members of a union. */
type OptionOf<Type> = Type extends unknown ? keyof Type : never;

function settingsOfWatermark({ png, corner, share, opacity }: Watermark): string {
  return `mark ${checksum(png)} ${corner} ${share} ${opacity}`;
}

/** FNV-1a with 32 bits, to tell a watermark from its replacement. http://www.isthe.com/chongo/tech/comp/fnv */
function checksum(text: string): string {
  let hash = 0x81_1c_9d_c5;
  for (const character of text) hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 0x01_00_01_93);
  return (hash >>> 0).toString(16).padStart(8, '0');
}

/** By name of preset, each list sorted as the presets or the record are. */
export interface Outdated {
  /** Wanted, and not on record. */
  readonly missing: readonly string[];
  /** On record, and made with other settings, or before records contained settings. */
  readonly changed: readonly string[];
  /** On record, and no longer wanted. */
  readonly unwanted: readonly string[];
}

/** Which renditions the presets would make differently today. Of an image that has none to show, nothing is outdated. */
export function outdated(record: ImageRecord, presets: readonly Preset[]): Outdated {
  const shown = shownBy(record);
  if (shown === undefined) return { missing: [], changed: [], unwanted: [] };
  const { metadata, renditions } = shown;
  // The record has the size as displayed.
  const wanted = presetsFor({ ...metadata, orientation: 1 }, presets);
  const made = new Map(renditions.map((rendition) => [rendition.preset, rendition]));
  const names = new Set(wanted.map(({ name }) => name));
  return {
    missing: wanted.filter(({ name }) => !made.has(name)).map(({ name }) => name),
    changed: wanted
      .filter((preset) => made.has(preset.name) && made.get(preset.name)?.settings !== settingsOf(preset))
      .map(({ name }) => name),
    unwanted: renditions.filter(({ preset }) => !names.has(preset)).map(({ preset }) => preset),
  };
}

export function isOutdated({ missing, changed, unwanted }: Outdated): boolean {
  return missing.length + changed.length + unwanted.length > 0;
}

/** The renditions that an image shows: of a failed one, those of the version before. */
export function shownBy(
  record: ImageRecord,
): { readonly metadata: Metadata; readonly renditions: readonly Rendition[] } | undefined {
  switch (record.outcome) {
    case 'processed':
      return record;
    case 'failed':
      return record.metadata && record.renditions && { metadata: record.metadata, renditions: record.renditions };
    case 'rejected':
    case 'deleted':
      return undefined;
    default:
      return record satisfies never;
  }
}
