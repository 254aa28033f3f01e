import { describe, expect, it } from 'vitest';
import type { Upload } from '../../core/image.ts';
import type { Bytes, RenditionStore, UploadReader } from '../../core/ports.ts';

/** Behaviour that core relies on, of in-memory fakes and AWS adapters alike. */

const bytesOf = (text: string): Bytes => new Uint8Array(Buffer.from(text));

export function renditionStoreContract(
  name: string,
  open: () => { store: RenditionStore; read(key: string): Promise<string | undefined> },
): void {
  describe(`${name} keeps the contract of a rendition store`, () => {
    const [image, other] = ['1', '2'].map((digit) => digit.repeat(32));
    const keysOf = async (store: RenditionStore, id = '') => (await Array.fromAsync(store.list(id))).sort();

    it('stores an object, and keeps it when its key is put again', async () => {
      const { store, read } = open();
      await store.put(`${image}/01/a.webp`, bytesOf('one'), 'image/webp');
      await store.put(`${image}/01/a.webp`, bytesOf('two'), 'image/webp');
      expect(await read(`${image}/01/a.webp`)).toBe('one');
    });

    it('lists only the keys of the given image', async () => {
      const { store } = open();
      const keys = [`${image}/01/a.webp`, `${image}/02/a.webp`];
      for (const key of [...keys, `${other}/01/a.webp`]) await store.put(key, bytesOf('x'), 'image/webp');
      expect(await keysOf(store, image)).toEqual(keys);
    });

    it('removes the given keys and ignores missing ones', async () => {
      const { store } = open();
      await store.put(`${other}/01/a.webp`, bytesOf('x'), 'image/webp');
      await store.put(`${other}/02/b.webp`, bytesOf('x'), 'image/webp');
      await store.remove([`${other}/01/a.webp`, `${other}/01/never-there.webp`]);
      expect(await keysOf(store, other)).toEqual([`${other}/02/b.webp`]);
    });
  });
}

export function uploadReaderContract(
  name: string,
  open: () => {
    store: UploadReader;
    put(key: string, text: string): Promise<Upload>;
    /** Removes every version. */
    erase(upload: Upload): Promise<void>;
  },
): void {
  describe(`${name} keeps the contract of an upload reader`, () => {
    const read = async (store: UploadReader, upload: Upload) => {
      const result = await store.read(upload);
      return result.outcome === 'found' ? Buffer.from(result.bytes).toString() : result.outcome;
    };
    const byEtag = ({ versionId: _, ...upload }: Upload): Upload => upload;

    it('reads exactly the given version, even after later ones', async () => {
      const { store, put } = open();
      const first = await put('read.jpg', 'one');
      const second = await put('read.jpg', 'two');
      expect(await read(store, first)).toBe('one');
      expect(await read(store, second)).toBe('two');
    });

    it('without a version id, reads the given etag or returns superseded', async () => {
      const { store, put } = open();
      const first = byEtag(await put('etag.jpg', 'one'));
      expect(await read(store, first)).toBe('one');
      const second = byEtag(await put('etag.jpg', 'two'));
      expect(await read(store, first)).toBe('superseded');
      expect(await read(store, second)).toBe('two');
    });

    it('returns vanished once the upload is gone', async () => {
      const { store, put, erase } = open();
      const upload = await put('gone.jpg', 'one');
      await erase(upload);
      expect(await read(store, upload)).toBe('vanished');
      expect(await read(store, byEtag(upload))).toBe('vanished');
    });
  });
}
