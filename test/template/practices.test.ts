import { expect, it } from 'vitest';
import { readPractices } from '../../scripts/template/practices.ts';
import { describePractices } from '../support/documented-practices.ts';

describePractices('docs/practices.md');

it('every practice of the page is read', () => {
  expect(readPractices().length).toBeGreaterThan(60);
});
