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
  const open = (upload: Upload = image) => openUpload({ correlationId: 'c', image: upload }, { uploads, codec });

  beforeEach(() => {
    uploads = new InMemoryUploadStore();
    uploads.put(image, bytes);
    codec = new StubImageCodec();
  });

  it('an admissible upload is open with its bytes and header', async () => {
    expect(await open()).toEqual({ outcome: 'open', bytes, header: codec.header });
  });

  it.each([
    [0, 'empty'],
    [50_000_001, 'too-many-bytes'],
  ])('of %i bytes by its event, it is refused without a byte read', async (size, reason) => {
    expect(await open({ ...image, size })).toMatchObject({ outcome: 'rejected', reason });
    expect(uploads.reads).toEqual([]);
  });

  it('reads the version that the event named, not the newest', async () => {
    uploads.put({ ...image, versionId: 'v2', etag: 'e2' }, new TextEncoder().encode('another'));
    expect(await open()).toMatchObject({ outcome: 'open', bytes });
  });

  it('without versions, an overwritten upload is superseded', async () => {
    const { versionId: _, ...unversioned } = image;
    uploads.put({ ...unversioned, etag: 'e2' }, bytes);
    expect(await open(unversioned)).toEqual({ outcome: 'superseded' });
  });

  it('a removed upload has vanished', async () => {
    uploads.remove(image);
    expect(await open()).toEqual({ outcome: 'vanished' });
  });

  it('what the codec cannot read is refused in the codec’s words', async () => {
    codec.unreadable = rejected('corrupt', 'Its beginning is damaged.');
    expect(await open()).toEqual(codec.unreadable);
  });

  it('a bomb is refused by its header', async () => {
    codec.header = { ...codec.header, width: 60_000, height: 60_000 };
    expect(await open()).toMatchObject({ outcome: 'rejected', reason: 'too-many-pixels' });
  });

  it('the limits are those of core/limits.ts, to the pixel', async () => {
    codec.header = { ...codec.header, width: defaultLimits.pixels.jpeg, height: 1 };
    expect(await open()).toMatchObject({ outcome: 'open' });
    codec.header = { ...codec.header, width: defaultLimits.pixels.jpeg + 1 };
    expect(await open()).toMatchObject({ reason: 'too-many-pixels' });
  });

  it('trouble with the store is thrown: another try may help', async () => {
    uploads.read = async () => {
      throw new Error('503 Slow Down');
    };
    await expect(open()).rejects.toThrow('503');
  });
});
