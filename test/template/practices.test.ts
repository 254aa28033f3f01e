import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { describePractices } from '../support/documented-practices.ts';
import { readPractices } from '../support/practices.ts';

describePractices('docs/practices.md');

it('README.md states the number of practices in docs/practices.md', () => {
  const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
  expect(/\*\*(\d+) practices/.exec(readme)?.[1]).toBe(String(readPractices().length));
});
