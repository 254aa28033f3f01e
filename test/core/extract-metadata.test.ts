import { beforeEach, describe, expect, it } from 'vitest';
import { extractMetadata } from '../../core/extract-metadata.ts';
import type { ImageTask } from '../../core/image-task.ts';
import { defaultLimits } from '../../core/limits.ts';
import { rejected } from '../../core/outcome.ts';
import { InMemoryUploadStore } from '../support/in-memory-upload-store.ts';
import { photoPortrait, StubImageCodec } from '../support/stub-image-codec.ts';
import { uploadOf } from '../support/upload-events.ts';

const bytes = new TextEncoder().encode('abc');
const task: ImageTask = {
  correlationId: 'c',
  image: uploadOf({ size: bytes.length }),
};

describe('extractMetadata', () => {
  let uploads: InMemoryUploadStore;
  let codec: StubImageCodec;
  const extract = (keepLocation = false) =>
    extractMetadata(task, { uploadReader: uploads, codec, limits: defaultLimits }, { keepLocation });

  beforeEach(() => {
    uploads = new InMemoryUploadStore();
    uploads.put(task.image, bytes);
    codec = new StubImageCodec();
  });

  it('describes the upload as displayed: a portrait photo is taller than wide', async () => {
    expect(await extract()).toEqual({
      outcome: 'processed',
      metadata: {
        format: 'jpeg',
        width: 3000,
        height: 4000,
        bytes: 3,
        // NIST's test vector for "abc".
        sha256: 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
        colourSpace: 'srgb',
        hasAlpha: false,
        orientation: 6,
        frames: 1,
        dominantColour: '#336699',
        thumbhash: photoPortrait.thumbhash,
        damaged: false,
        camera: { make: 'Apple', model: 'iPhone 5' },
        capturedAt: '2012-09-29T16:11:25',
      },
    });
  });

  it('includes the location only on request', async () => {
    expect(JSON.stringify(await extract())).not.toContain('47.6');
    expect(await extract(true)).toMatchObject({ metadata: { location: { latitude: 47.6, longitude: -122.3 } } });
  });

  it.each([true, false])('says whether renditions of an animation move: %s', async (animated) => {
    codec.header = { ...codec.header, format: 'gif', frames: 3, animated };
    expect(await extract()).toMatchObject({ metadata: { frames: 3, animated } });
  });

  it('omits what the image does not contain', async () => {
    codec.portrait = { dominantColour: '#000000', thumbhash: '', damaged: true };
    const { metadata } = { metadata: undefined, ...(await extract(true)) };
    expect(metadata).toMatchObject({ damaged: true });
    expect(Object.keys(metadata ?? {})).not.toEqual(expect.arrayContaining(['camera']));
    expect(metadata).not.toHaveProperty('location');
    expect(metadata).not.toHaveProperty('capturedAt');
  });

  it.each(['preview', 'approximateColours'] as const)('says %s only of an upload of which it is true', async (name) => {
    const { metadata } = { metadata: undefined, ...(await extract()) };
    expect(metadata).not.toHaveProperty(name);
    codec.header = { ...codec.header, [name]: true };
    expect(await extract()).toMatchObject({ metadata: { [name]: true } });
  });

  it('stops if the upload cannot be opened', async () => {
    uploads.remove(task.image);
    expect(await extract()).toEqual({ outcome: 'vanished' });
  });

  it('rejects an upload that cannot be decoded', async () => {
    codec.undecodable = rejected('corrupt', 'Half of it is missing.');
    expect(await extract()).toEqual(codec.undecodable);
  });
});
