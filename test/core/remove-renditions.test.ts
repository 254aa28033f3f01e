import { beforeEach, describe, expect, it } from 'vitest';
import { padSequencer } from '../../core/image.ts';
import type { RemovalTask } from '../../core/image-task.ts';
import { removeRenditions } from '../../core/remove-renditions.ts';
import { InMemoryRenditionStore } from '../support/in-memory-rendition-store.ts';

const [first, second, third] = ['01', '02', '03'].map(padSequencer);
const imageId = 'a'.repeat(32);
let renditions: InMemoryRenditionStore;

beforeEach(async () => {
  renditions = new InMemoryRenditionStore();
  for (const key of [
    `${imageId}/${first}/w.webp`,
    `${imageId}/${second}/w.webp`,
    `${imageId}/${second}/j.jpg`,
    `${imageId}/${third}/w.webp`,
  ]) {
    await renditions.put(key, new Uint8Array(), 'image/webp');
  }
});

const remove = (scope: RemovalTask['scope'], sequencer = second ?? '') =>
  removeRenditions({ correlationId: 'c', image: { imageId, sequencer }, scope }, { renditionStore: renditions });
const left = () => renditions.keys.map((key) => key.split('/')[1]);

describe('given three versions of an image and a task for the second', () => {
  it('older: removes only the version before', async () => {
    expect(await remove('older')).toEqual({ outcome: 'removed', count: 1 });
    expect(left()).toEqual([second, second, third]);
  });

  it('through: also removes the version itself', async () => {
    expect(await remove('through')).toEqual({ outcome: 'removed', count: 3 });
    expect(left()).toEqual([third]);
  });

  it('own: removes only the version itself', async () => {
    expect(await remove('own')).toEqual({ outcome: 'removed', count: 2 });
    expect(left()).toEqual([first, third]);
  });

  it('repeated, removes nothing and succeeds', async () => {
    await remove('through');
    expect(await remove('through')).toEqual({ outcome: 'removed', count: 0 });
  });
});

it('keeps the renditions of other images and keys of any other shape', async () => {
  const odd = ['readme.txt', `${first}`, `${first}/deeper/w.webp`].map((key) => `${imageId}/${key}`);
  const others = [`${'b'.repeat(32)}/${first}/w.webp`, ...odd];
  for (const key of others) await renditions.put(key, new Uint8Array(), 'image/webp');
  await remove('through', padSequencer('FF'));
  expect(renditions.keys).toEqual([...others].sort());
});
