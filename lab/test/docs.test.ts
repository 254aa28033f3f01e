import { expect, it } from 'vitest';
import { currentContent } from '../../scripts/docs/write-documents.ts';
import { deploymentOf } from '../cost/deployment.ts';
import { keptMeasurements } from '../cost/measured.ts';
import { readmePrices } from '../cost/report.ts';
import { labDocuments } from '../docs.ts';

it.each([...(await labDocuments())])('%s matches the code and the stored measurements', (path, content) => {
  // Not compared by toBe: the difference between two charts fills the screen and explains nothing.
  expect(currentContent(path) === content, `${path} is out of date: run npm run docs and commit the result.`).toBe(
    true,
  );
});

it("README's prices are called an estimate unless the configured presets are the measured ones", () => {
  const measured = keptMeasurements();
  const withGroups = (groups: typeof measured.presets) =>
    readmePrices(measured, { dev: { ...deploymentOf('dev'), groups }, prod: { ...deploymentOf('prod'), groups } });
  expect(withGroups(measured.presets)).not.toContain('estimate');
  const [one, ...others] = measured.presets.flatMap(({ presets }) => presets);
  if (one === undefined) throw new Error('no preset was measured');
  const priced = withGroups([{ name: 'web', presets: [...others, { ...one, width: one.width + 160 }] }]);
  expect(priced).toContain('| US$ (estimate: other presets were measured) |');
  expect(withGroups([{ name: 'web', presets: [one] }])).toContain(', 1 rendition each');
});
