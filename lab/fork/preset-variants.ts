/** Presets that a fork may want; `npm run lab -- fork` tests each. */
import type { Preset, RenditionGroup } from '../../core/presets.ts';

const webp = (width: number): Preset => ({ name: `webp-${width}`, format: 'webp', width, quality: 80, effort: 2 });
const jpeg = (width: number): Preset => ({ name: `jpeg-${width}`, format: 'jpeg', width, quality: 80 });
const avif = (width: number): Preset => ({ name: `avif-${width}`, format: 'avif', width, quality: 55, effort: 0 });

const web = (...presets: readonly Preset[]): readonly RenditionGroup[] => [{ name: 'web', presets }];

export const presetVariants = {
  'no-avif': web(webp(320), webp(640), webp(1280), webp(1920), jpeg(1280)),
  'one-preset': web(webp(800)),
  'two-groups': [
    { name: 'web', presets: [webp(320), webp(640), webp(1280), webp(1920), jpeg(1280)] },
    { name: 'avif', presets: [avif(1280)] },
  ],
  'eight-presets': web(webp(320), webp(480), webp(640), webp(960), webp(1280), webp(1920), jpeg(1280), avif(1280)),
  'another-width-for-avif': web(webp(320), webp(480), webp(640), webp(1280), webp(1920), jpeg(1280)),
} as const satisfies Readonly<Record<string, readonly RenditionGroup[]>>;
