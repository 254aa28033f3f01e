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
  removeRenditions({ correlationId: 'c', image: { imageId, sequencer }, scope }, { renditions });
const left = () => renditions.keys.map((key) => key.split('/')[1]);

describe('given three states of an image, and a task that speaks of the second', () => {
  it('older: what came before it goes, it and what came after stay', async () => {
    expect(await remove('older')).toEqual({ outcome: 'removed', count: 1 });
    expect(left()).toEqual([second, second, third]);
  });

  it('through: it goes too', async () => {
    expect(await remove('through')).toEqual({ outcome: 'removed', count: 3 });
    expect(left()).toEqual([third]);
  });

  it('own: it alone goes', async () => {
    expect(await remove('own')).toEqual({ outcome: 'removed', count: 2 });
    expect(left()).toEqual([first, third]);
  });

  it('a second time there is nothing left to remove, and that is fine', async () => {
    await remove('through');
    expect(await remove('through')).toEqual({ outcome: 'removed', count: 0 });
  });
});

it('leaves the renditions of other images, and keys of another shape, alone', async () => {
  const odd = ['readme.txt', `${first}`, `${first}/deeper/w.webp`].map((key) => `${imageId}/${key}`);
  const others = [`${'b'.repeat(32)}/${first}/w.webp`, ...odd];
  for (const key of others) await renditions.put(key, new Uint8Array(), 'text/plain');
  await remove('through', padSequencer('FF'));
  expect(renditions.keys).toEqual([...others].sort());
});
