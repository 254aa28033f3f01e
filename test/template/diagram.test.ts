import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { withDiagram } from '../../scripts/docs/diagram.ts';

it('the README shows the pipeline as template.yaml has it (npm run diagram draws it anew)', () => {
  const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
  expect(readme).toBe(withDiagram(readme));
});
