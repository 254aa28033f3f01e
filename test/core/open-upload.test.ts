import { beforeEach, describe, expect, it } from 'vitest';
import type { Upload } from '../../core/image.ts';
import { defaultLimits } from '../../core/limits.ts';
import { openUpload } from '../../core/open-upload.ts';
import { rejected } from '../../core/outcome.ts';
import { InMemoryUploadStore } from '../support/in-memory-upload-store.ts';
import { StubImageCodec } from '../support/stub-image-codec.ts';
import { uploadOf } from '../support/upload-events.ts';

const bytes = new TextEncoder().encode('a photo');
const image = uploadOf({ size: bytes.length });

describe('openUpload', () => {
  let uploads: InMemoryUploadStore;
  let codec: StubImageCodec;
  const open = (upload: Upload = image) =>
    openUpload({ correlationId: 'c', image: upload }, { uploadReader: uploads, codec, limits: defaultLimits });

  beforeEach(() => {
    uploads = new InMemoryUploadStore();
    uploads.put(image, bytes);
    codec = new StubImageCodec();
  });

  it('returns the bytes and header of an acceptable upload', async () => {
    expect(await open()).toMatchObject({ outcome: 'open', bytes, image: { header: codec.header } });
  });

  it.each([
    [0, 'empty'],
    [50_000_001, 'too-many-bytes'],
  ])('rejects an upload of %i bytes, according to its event, without reading it', async (size, reason) => {
    expect(await open({ ...image, size })).toMatchObject({ outcome: 'rejected', reason });
    expect(uploads.reads).toEqual([]);
  });

  it('reads the version that the event named, not the newest', async () => {
    uploads.put({ ...image, versionId: 'v2', etag: 'e2' }, new TextEncoder().encode('another'));
    expect(await open()).toMatchObject({ outcome: 'open', bytes });
  });

  it('returns superseded for an overwritten upload without versions', async () => {
    const { versionId: _, ...unversioned } = image;
    uploads.put({ ...unversioned, etag: 'e2' }, bytes);
    expect(await open(unversioned)).toEqual({ outcome: 'superseded' });
  });

  it('returns vanished for a removed upload', async () => {
    uploads.remove(image);
    expect(await open()).toEqual({ outcome: 'vanished' });
  });

  it('passes on the codec’s rejection of unreadable bytes', async () => {
    codec.unreadable = rejected('corrupt', 'Its beginning is damaged.');
    expect(await open()).toEqual(codec.unreadable);
  });

  it('rejects a decompression bomb by its header', async () => {
    codec.header = { ...codec.header, width: 60_000, height: 60_000 };
    expect(await open()).toMatchObject({ outcome: 'rejected', reason: 'too-many-pixels' });
  });

  it('applies the limits of core/limits.ts, to the pixel', async () => {
    const width = 50_000;
    codec.header = { ...codec.header, width, height: defaultLimits.pixels.jpeg / width };
    expect(await open()).toMatchObject({ outcome: 'open' });
    codec.header = { ...codec.header, height: codec.header.height + 1 };
    expect(await open()).toMatchObject({ reason: 'too-many-pixels' });
  });

  it('throws store errors, so that the queue retries', async () => {
    uploads.read = async () => {
      throw new Error('503 Slow Down');
    };
    await expect(open()).rejects.toThrow('503');
  });
});
