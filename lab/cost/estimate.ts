/** Estimates renditions that were not measured from those that were, by format, effort and megapixels. */
import { isDeepStrictEqual } from 'node:util';
import type { ImageHeader } from '../../core/metadata.ts';
import type { Preset, RenditionFormat, RenditionGroup } from '../../core/presets.ts';
import { presetsFor, renditionSize } from '../../core/rendition.ts';
import { assumptions } from './assumptions.ts';
import type { Measured } from './measured.ts';

/** The warning shown with a price whose durations belong to other presets. */
export function estimateNotice(groups: readonly RenditionGroup[], { presets }: Pick<Measured, 'presets'>) {
  const unordered = (some: readonly RenditionGroup[]) =>
    some.map(({ name, presets: own }) => ({ name, presets: own.toSorted(byName) })).toSorted(byName);
  if (isDeepStrictEqual(unordered(groups), unordered(presets))) return undefined;
  return (
    'Estimate: durations were measured with other presets; ' +
    'run `npm run lab -- bench durations`, on Linux as root, then `npm run lab -- cost --write`.'
  );
}

const byName = (one: { readonly name: string }, other: { readonly name: string }) => one.name.localeCompare(other.name);

/**
 * One decode and all encodings, in milliseconds of the machine in {@link assumptions}. Use only the ratio of two such sums:
 * measured time × ratio is the estimate.
 */
export function renderingMillis(header: ImageHeader, presets: readonly Preset[]): number {
  const { decodeMillisPerMegapixel, encodeMillisPerMegapixel } = assumptions;
  const decode = decodeMillisPerMegapixel * megapixels(header);
  return presetsFor(header, presets).reduce(
    (sum, preset) =>
      sum + encodeMillisPerMegapixel[preset.format] * effortFactor(preset) * megapixels(renditionSize(header, preset)),
    decode,
  );
}

const megapixels = ({ width, height }: { readonly width: number; readonly height: number }) => (width * height) / 1e6;

/** CPU at this effort relative to that of {@link assumptions.encodeMillisPerMegapixel}; interpolated geometrically. */
function effortFactor({ format, effort }: Preset): number {
  if (effort === undefined) return 1;
  const known = effortsOf(format);
  const [below, above] = [known.findLast(([level]) => level <= effort), known.find(([level]) => level >= effort)];
  const [low, high] = [below ?? above, above ?? below];
  if (low === undefined || high === undefined) return 1;
  if (low[0] === high[0]) return low[1];
  return low[1] * (high[1] / low[1]) ** ((effort - low[0]) / (high[0] - low[0]));
}

/** Lowest first. Efforts above the highest measured one count as that one. */
function effortsOf(format: RenditionFormat): readonly (readonly [effort: number, factor: number])[] {
  return format === 'jpeg' ? [] : assumptions.effortFactors[format];
}
