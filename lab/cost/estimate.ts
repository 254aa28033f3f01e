/** What renditions take that were not measured: read off those that were, by format, effort and megapixels. */
import { isDeepStrictEqual } from 'node:util';
import type { ImageHeader } from '../../core/metadata.ts';
import type { Preset, RenditionFormat, RenditionGroup } from '../../core/presets.ts';
import { presetsFor, renditionSize } from '../../core/rendition.ts';
import { assumptions } from './assumptions.ts';
import type { Measured } from './measured.ts';

/** A sentence for whoever reads the price, where its durations are those of other presets. */
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
 * One decode and each encoding, in milliseconds of the machine in {@link assumptions}. Only ratios of two such sums mean
 * something: what was measured, times the ratio, is the estimate.
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

/** CPU at this effort over that at the effort of {@link assumptions.encodeMillisPerMegapixel}; between two that were measured, geometric. */
function effortFactor({ format, effort }: Preset): number {
  if (effort === undefined) return 1;
  const known = effortsOf(format);
  const [below, above] = [known.findLast(([level]) => level <= effort), known.find(([level]) => level >= effort)];
  const [low, high] = [below ?? above, above ?? below];
  if (low === undefined || high === undefined) return 1;
  if (low[0] === high[0]) return low[1];
  return low[1] * (high[1] / low[1]) ** ((effort - low[0]) / (high[0] - low[0]));
}

/** Lowest first; beyond the highest that was measured, that one. */
function effortsOf(format: RenditionFormat): readonly (readonly [effort: number, factor: number])[] {
  return format === 'jpeg' ? [] : assumptions.effortFactors[format];
}
