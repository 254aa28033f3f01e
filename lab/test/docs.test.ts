import { expect, it } from 'vitest';
import { currentContent } from '../../scripts/docs/write-documents.ts';
import { labDocuments } from '../docs.ts';

it.each([...(await labDocuments())])('%s matches the code and the stored measurements', (path, content) => {
  // Not compared by toBe: the difference between two charts fills the screen and explains nothing.
  expect(currentContent(path) === content, `${path} is out of date: run npm run docs and commit the result.`).toBe(
    true,
  );
});
