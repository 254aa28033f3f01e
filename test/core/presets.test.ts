import { describe, expect, it } from 'vitest';
import { renditionGroups, retiredGroups } from '../../core/presets.ts';

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

/** The names of the rendition groups in the last release. Edit it after a release, together with retiredGroups. */
const releasedGroups = ['web'];

describe('the rendition groups', () => {
  const current = renditionGroups.map(({ name }) => name);

  it('can be released: workers know every name that the dispatcher of the last release asks for', () => {
    const known = [...current, ...retiredGroups.map(({ name }) => name)];
    const forgotten = releasedGroups.filter((name) => !known.includes(name));
    expect(
      forgotten.map(
        (name) =>
          `The last release has the rendition group ${name}, and its dispatcher asks for it until the release ends: add { name: '${name}', replacedBy: [] } to retiredGroups in core/presets.ts, with the groups that now have its presets.`,
      ),
    ).toEqual([]);
  });

  it('have no retired name that the last release did not use, or that is in use', () => {
    const obsolete = retiredGroups.filter(({ name }) => current.includes(name) || !releasedGroups.includes(name));
    expect(
      obsolete.map(({ name }) => `Remove ${name} from retiredGroups in core/presets.ts: no dispatcher asks for it.`),
    ).toEqual([]);
  });

  it('replace retired ones only if they exist', () => {
    expect(retiredGroups.flatMap(({ replacedBy }) => replacedBy).filter((name) => !current.includes(name))).toEqual([]);
  });
});
