import { beforeEach, describe, expect, it } from 'vitest';
import { historyKey } from '../../adapters/contracts/history-keys.ts';
import { formatLine, parseLine } from '../../adapters/contracts/history-line.ts';
import { isErasedLine } from '../../core/erase.ts';
import { type HistoryLine, paddedOrder } from '../../core/history.ts';
import { imageIdOf } from '../../core/image.ts';
import { eraseHistory, noteErasure, storedLines } from '../../scripts/stack/erase-history.ts';
import { mockedStack } from '../support/mocked-stack.ts';
import { VersionedBucket } from '../support/versioned-bucket.ts';

const stack = mockedStack();
const bucket = new VersionedBucket({ pageSize: 2 });
const catId = await imageIdOf(stack.outputs.UploadBucketName, 'cat.jpg');
const dogId = await imageIdOf(stack.outputs.UploadBucketName, 'dog.jpg');

const lineOf = (imageId: string, key: string, order: number): HistoryLine => ({
  ...{ id: `${paddedOrder(String(order))}-0`, order: paddedOrder(String(order)), at: '2026-11-29T12:00:00.000Z' },
  ...{ event: 'processed', imageId, itemId: imageId, bucket: 'uploads', key, attributes: { imageId, key } },
});
const cat = (order: number) => lineOf(catId, 'cat.jpg', order);
const dog = (order: number) => lineOf(dogId, 'dog.jpg', order);
const keyOf = (first: number, last: number) =>
  historyKey({ day: '2026-11-29', first: paddedOrder(String(first)), last: paddedOrder(String(last)) });
const bodyOf = (...lines: readonly HistoryLine[]) => lines.map((line) => `${formatLine(line)}\n`).join('');

const isOf =
  (...ids: readonly string[]) =>
  (line: HistoryLine) =>
    ids.includes(line.imageId) && isErasedLine(line, {});
const eraseCat = async () => {
  const erased = await eraseHistory(stack, isOf(catId));
  await noteErasure(stack, catId);
  return erased;
};

/** Everything that can still be read, in current and old versions. */
const everything = () => bucket.versions.map(({ body }) => body).join('');
const linesLeft = () =>
  everything()
    .split('\n')
    .filter((line) => line !== '')
    .map(parseLine);

beforeEach(() => {
  bucket.versions = [];
  bucket.beforeWrite = () => undefined;
  bucket.put(keyOf(1, 2), bodyOf(cat(1), dog(2)));
  bucket.put(keyOf(3, 3), bodyOf(dog(3)));
  // A repeated batch: the same lines in an old and in the current version.
  for (const _ of [1, 2]) bucket.put(keyOf(4, 5), bodyOf(cat(4), dog(5)));
  bucket.put(keyOf(6, 6), bodyOf(cat(6)));
});

describe('erasing an image from history', () => {
  it('removes its lines from current and old versions, and no others', async () => {
    expect(await eraseCat()).toEqual({ read: 5, lines: 4, versions: 4 });
    const left = linesLeft();
    expect(
      left
        .filter(({ imageId }) => imageId === dogId)
        .map(({ id }) => id)
        .toSorted(),
    ).toEqual([dog(2), dog(3), dog(5)].map(({ id }) => id));
    expect(left.filter(({ imageId }) => imageId === catId).map(({ event }) => event)).toEqual(['erased']);
  });

  it('leaves one line that has the hash of the key, and nothing else of the image', async () => {
    await eraseCat();
    expect(everything()).not.toContain('cat.jpg');
    const [note] = linesLeft().filter(({ imageId }) => imageId === catId);
    expect(note).toEqual({
      ...{ id: `erased-${catId}`, event: 'erased', imageId: catId, itemId: catId, order: paddedOrder('0') },
      at: expect.any(String),
    });
  });

  it('reads every line first, also in old versions, and changes nothing', async () => {
    const before = bucket.versions;
    const lines = await Array.fromAsync(storedLines(stack));
    expect(lines.map(({ imageId, order }) => [imageId, Number(order)])).toEqual(
      [cat(1), dog(2), dog(3), cat(4), dog(5), cat(4), dog(5), cat(6)].map(({ imageId, order }) => [
        imageId,
        Number(order),
      ]),
    );
    expect(bucket.versions).toBe(before);
  });

  it('removes any number of images in one pass', async () => {
    expect(await eraseHistory(stack, isOf(catId, dogId))).toEqual({ read: 5, lines: 8, versions: 5 });
    expect(linesLeft()).toEqual([]);
  });

  it('goes on from the place where it was stopped, and reads few objects twice', async () => {
    for (let order = 100; order < 400; order += 1) bucket.put(keyOf(order, order), bodyOf(cat(order), dog(order)));
    let place: string | undefined;
    const stopped = new AbortController();
    const run = eraseHistory(stack, isOf(catId), {
      signal: stopped.signal,
      done: (found) => {
        place = found;
        stopped.abort(new Error('the terminal is gone'));
      },
    });
    await expect(run).rejects.toThrow('the terminal is gone');
    const { read } = await eraseHistory(stack, isOf(catId), { from: place });
    expect(read).toBeLessThan(300);
    expect(everything()).not.toContain('cat.jpg');
    expect(new Set(linesLeft().map(({ id }) => id)).size).toBe(303);
  });

  it('given it was done before, finds nothing and keeps the one line', async () => {
    await eraseCat();
    expect(await eraseCat()).toMatchObject({ lines: 0, versions: 0 });
    expect(
      new Set(
        linesLeft()
          .filter(({ event }) => event === 'erased')
          .map(({ id }) => id),
      ).size,
    ).toBe(1);
  });

  it.each([1, 2, 3, 4, 5, 6])(
    'stopped at write %i, it has lost no line of another image, and a second run does the rest',
    async (write) => {
      let writes = 0;
      bucket.beforeWrite = () => {
        writes += 1;
        if (writes >= write) throw new Error('the terminal is gone');
      };
      await expect(eraseCat()).rejects.toThrow('the terminal is gone');
      const dogs = () =>
        new Set(
          linesLeft()
            .filter(({ imageId }) => imageId === dogId)
            .map(({ id }) => id),
        );
      expect(dogs()).toEqual(new Set([dog(2), dog(3), dog(5)].map(({ id }) => id)));
      bucket.beforeWrite = () => undefined;
      await eraseCat();
      expect(everything()).not.toContain('cat.jpg');
      expect(dogs().size).toBe(3);
    },
  );
});
