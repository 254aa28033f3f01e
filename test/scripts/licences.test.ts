import { existsSync, globSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';

/** What is installed from npm may be used in a fork that is sold: no licence asks for more than its own text. */

const anywhere = new Set(
  '0BSD Apache-2.0 BlueOak-1.0.0 BSD-2-Clause BSD-3-Clause CC0-1.0 ISC MIT MIT-0 Unlicense Zlib'.split(' '),
);
// Not so free, or written by no lawyer: each for packages by name, with the reason why it binds nobody here.
const forSome: readonly (readonly [licence: string, packages: RegExp, reason: string])[] = [
  [
    'LGPL-3.0-or-later',
    /^@img\/sharp-(libvips-|wasm32|win32-)/,
    'libvips: a library of its own in the layer, linked and replaceable',
  ],
  ['MPL-2.0', /^lightningcss(-|$)/, 'of Vite, for tests: unchanged, not deployed'],
  [
    'Artistic-2.0',
    /^(binaryextensions|editions|istextorbinary|textextensions|version-range)$/,
    'of secretlint: not deployed',
  ],
  ['WTFPL', /^(@azu\/style-format|yaml-js)$/, 'of secretlint and Artillery: not deployed'],
  ['MPL-2.0', /^artillery(-|$)/, 'load tests: unchanged, not deployed'],
  ['no licence', /^xmlhttprequest-ssl$/, 'MIT, in a field of its package.json that npm no longer knows; of Artillery'],
  ['no licence', /^exif-parser$/, 'MIT, in its LICENSE.md alone; of jimp, which benchmarks compare with'],
  ['Python-2.0', /^argparse$/, 'of secretlint: not deployed'],
  ['CC-BY-3.0', /^spdx-exceptions$/, 'a list of names, of secretlint: not deployed'],
  ['CC-BY-4.0', /^caniuse-lite$/, 'a table of browsers, of Stryker: not deployed'],
];

const lock = z.object({ packages: z.record(z.string(), z.object({ license: z.string().optional() })) });

const allowed = (name: string, licence: string): boolean => {
  if (licence.includes(' OR ')) {
    return licence
      .replace(/^\(|\)$/g, '')
      .split(' OR ')
      .some((one) => allowed(name, one));
  }
  return licence
    .replace(/^\(|\)$/g, '')
    .split(' AND ')
    .every((one) => anywhere.has(one) || forSome.some(([some, packages]) => some === one && packages.test(name)));
};

const lockFiles = globSync(
  ['package-lock.json', '*/package-lock.json', '*/*/package-lock.json', '*/*/*/package-lock.json'],
  { exclude: (path) => /^\.|(^|\/)node_modules(\/|$)/.test(path) },
);
const installed = lockFiles.flatMap((file) =>
  Object.entries(lock.parse(JSON.parse(readFileSync(file, 'utf8'))).packages).map(([path, { license }]) => ({
    name: path.replace(/^.*node_modules\//, ''),
    licence: license ?? 'no licence',
  })),
);

describe('licences', () => {
  it('reads the lock file beside every package.json', () => {
    expect(lockFiles.length).toBeGreaterThan(1);
    for (const file of lockFiles) expect(existsSync(file.replace('-lock', ''))).toBe(true);
  });

  it('has none among its packages that asks a fork for anything', () => {
    const offenders = installed.filter(({ name, licence }) => !allowed(name, licence));
    expect(offenders.map(({ name, licence }) => `${name}: ${licence}`)).toEqual([]);
  });

  it.each(forSome)('%s is still needed by a package like %s', (licence, packages) => {
    expect(installed.some((one) => packages.test(one.name) && one.licence.includes(licence))).toBe(true);
  });

  it.each(['GPL-3.0-only', 'AGPL-3.0', 'MIT AND GPL-2.0-only', 'LGPL-3.0-or-later', 'no licence'])(
    'would not let in a package under %s',
    (licence) => {
      expect(allowed('left-pad', licence)).toBe(false);
    },
  );
});
