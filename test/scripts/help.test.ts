import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import * as z from 'zod';
import { commandRows, summaries } from '../../scripts/help/help.ts';

it('npm run help lists every script in package.json', () => {
  const { scripts } = z
    .object({ scripts: z.record(z.string(), z.string()) })
    .parse(JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')));
  expect(Object.keys(summaries).sort()).toEqual(Object.keys(scripts).sort());
});

it('npm run help does not list the commands of folders that a fork has deleted', () => {
  const project = mkdtempSync(join(tmpdir(), 'project-'));
  onTestFinished(() => rmSync(project, { recursive: true }));
  const shown = () => commandRows(project).map(([typed]) => typed);
  expect(shown()).toContain('npm start');
  for (const [name, folder] of [
    ['lab', 'lab'],
    ['load', 'load-tests'],
  ] as const) {
    expect(shown()).not.toContain(`npm run ${name}`);
    mkdirSync(join(project, folder));
    // Its line may be deleted too.
    expect(shown().includes(`npm run ${name}`)).toBe(name in summaries);
  }
});
