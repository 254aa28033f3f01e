import { expect, it } from 'vitest';
import { folderOf, workers } from '../../core/steps.ts';

it('the workflow calls every step but the one that takes messages from the queue', () => {
  expect(workers.map(({ name }) => name)).toEqual(['ExtractMetadata', 'ResizeImage', 'RemoveRenditions']);
});

it('a folder has the name of its function in small letters, with hyphens between words', () => {
  expect(['ResizeImage', 'Retry', 'ListOldImages'].map(folderOf)).toEqual(['resize-image', 'retry', 'list-old-images']);
});
