import type { RenditionGroup } from '../../core/presets.ts';

/**
 * Presets of every format, in more than one group. Tests use them instead of core/presets.ts, so that a fork can change its
 * presets without changing tests.
 */
export const exampleGroups: readonly RenditionGroup[] = [
  {
    name: 'web',
    presets: [
      { name: 'webp-320', format: 'webp', width: 320, quality: 80, effort: 2 },
      { name: 'webp-640', format: 'webp', width: 640, quality: 80, effort: 2 },
      { name: 'webp-1280', format: 'webp', width: 1280, quality: 80, effort: 2 },
      { name: 'webp-1920', format: 'webp', width: 1920, quality: 80, effort: 2 },
      { name: 'jpeg-1280', format: 'jpeg', width: 1280, quality: 80 },
    ],
  },
  { name: 'avif', presets: [{ name: 'avif-1280', format: 'avif', width: 1280, quality: 55, effort: 0 }] },
];

export const examplePresets = exampleGroups.flatMap(({ presets }) => presets);
