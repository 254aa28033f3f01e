import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import * as z from 'zod';
import { summaries } from '../../scripts/help/help.ts';

it('npm run help lists every script in package.json', () => {
  const { scripts } = z
    .object({ scripts: z.record(z.string(), z.string()) })
    .parse(JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')));
  expect(Object.keys(summaries).sort()).toEqual(Object.keys(scripts).sort());
});
