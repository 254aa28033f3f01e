import { describe, expect, it } from 'vitest';
import { renditionGroups } from '../../core/presets.ts';

describe('the presets', () => {
  it('are those that sites rely on: renaming or removing one breaks their pages', () => {
    const shown = renditionGroups.map(({ name, presets }) => [
      name,
      presets.map((preset) => [preset.name, preset.format, preset.width]),
    ]);
    expect(shown, 'Edit this list on purpose: sites rely on these names.').toEqual([
      [
        'web',
        [
          ['webp-square-320', 'webp', 320],
          ['webp-320', 'webp', 320],
          ['webp-640', 'webp', 640],
          ['webp-1280', 'webp', 1280],
          ['webp-1920', 'webp', 1920],
          ['jpeg-1280', 'jpeg', 1280],
          ['avif-1280', 'avif', 1280],
        ],
      ],
    ]);
  });
});
