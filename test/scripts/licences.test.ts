import { existsSync, globSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';

/** A fork may be sold, so licences of npm packages must require no more than including their text. */

const anywhere = new Set(
  '0BSD Apache-2.0 BlueOak-1.0.0 BSD-2-Clause BSD-3-Clause CC0-1.0 ISC MIT MIT-0 Unlicense Zlib'.split(' '),
);
// Other licences are allowed only for the packages listed, with a reason, under `licenceExceptions` in package.json.
const exception = z.object({
  licence: z.string(),
  packages: z.string().transform((pattern) => new RegExp(pattern)),
  reason: z.string(),
});
type Exception = z.infer<typeof exception>;
const manifest = z.object({ licenceExceptions: z.array(exception).default([]) });

const lock = z.object({ packages: z.record(z.string(), z.object({ license: z.string().optional() })) });

const allowed = (name: string, licence: string, exceptions: readonly Exception[]): boolean => {
  const bare = licence.replace(/^\(|\)$/g, '');
  if (licence.includes(' OR ')) return bare.split(' OR ').some((one) => allowed(name, one, exceptions));
  return bare
    .split(' AND ')
    .every((one) => anywhere.has(one) || exceptions.some((some) => some.licence === one && some.packages.test(name)));
};

const lockFiles = globSync(
  ['package-lock.json', '*/package-lock.json', '*/*/package-lock.json', '*/*/*/package-lock.json'],
  { exclude: (path) => /^\.|(^|\/)node_modules(\/|$)/.test(path) },
);

it('every lock file is next to its package.json', () => {
  expect(lockFiles.length).toBeGreaterThan(1);
  for (const file of lockFiles) expect(existsSync(file.replace('-lock', ''))).toBe(true);
});

describe.each(lockFiles)('the packages of %s', (file) => {
  const installed = Object.entries(lock.parse(JSON.parse(readFileSync(file, 'utf8'))).packages).map(
    ([path, { license }]) => ({ name: path.replace(/^.*node_modules\//, ''), licence: license ?? 'no licence' }),
  );
  const { licenceExceptions } = manifest.parse(JSON.parse(readFileSync(file.replace('-lock', ''), 'utf8')));

  it('include none whose licence imposes obligations on a fork', () => {
    const offenders = installed.filter(({ name, licence }) => !allowed(name, licence, licenceExceptions));
    expect(offenders.map(({ name, licence }) => `${name}: ${licence}`)).toEqual([]);
  });

  it('need every exception', () => {
    const unneeded = licenceExceptions.filter(
      ({ licence, packages }) => !installed.some((one) => packages.test(one.name) && one.licence.includes(licence)),
    );
    expect(unneeded).toEqual([]);
  });
});

it.each(['GPL-3.0-only', 'AGPL-3.0', 'MIT AND GPL-2.0-only', 'LGPL-3.0-or-later', 'no licence'])(
  'a package under %s is rejected',
  (licence) => {
    expect(allowed('left-pad', licence, [])).toBe(false);
  },
);
