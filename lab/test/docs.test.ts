import { expect, it } from 'vitest';
import { currentContent } from '../../scripts/docs/write-documents.ts';
import { labDocuments } from '../docs.ts';

it.each([...(await labDocuments())])(
  '%s follows from the code and the kept measurements: else run npm run docs',
  (path, content) => {
    expect(currentContent(path)).toBe(content);
  },
);
