import { beforeEach, describe, expect, it } from 'vitest';
import type { RenditionTask } from '../../core/image-task.ts';
import { defaultLimits } from '../../core/limits.ts';
import { rejected } from '../../core/outcome.ts';
import type { RenditionGroup, RetiredGroup } from '../../core/presets.ts';
import { resizeImage } from '../../core/resize-image.ts';
import { InMemoryRenditionStore } from '../support/in-memory-rendition-store.ts';
import { InMemoryUploadStore } from '../support/in-memory-upload-store.ts';
import { StubImageCodec } from '../support/stub-image-codec.ts';
import { uploadOf } from '../support/upload-events.ts';

const bytes = new TextEncoder().encode('a photo');
const task: RenditionTask = {
  correlationId: 'c',
  group: 'small',
  image: uploadOf({ size: bytes.length }),
};
const prefix = `${task.image.imageId}/${task.image.sequencer}`;
const groups: readonly RenditionGroup[] = [
  {
    name: 'small',
    presets: [
      { name: 'webp-100', format: 'webp', width: 100, quality: 80 },
      { name: 'jpeg-200', format: 'jpeg', width: 200, quality: 80 },
      { name: 'webp-9000', format: 'webp', width: 9000, quality: 80 },
      { name: 'webp-9999', format: 'webp', width: 9999, quality: 80 },
    ],
  },
  { name: 'avif', presets: [{ name: 'avif-100', format: 'avif', width: 100, quality: 50 }] },
];

describe('resizeImage', () => {
  let uploads: InMemoryUploadStore;
  let renditions: InMemoryRenditionStore;
  let codec: StubImageCodec;
  const resize = (group = 'small', retired: readonly RetiredGroup[] = []) =>
    resizeImage(
      { ...task, group },
      { uploadReader: uploads, codec, limits: defaultLimits, renditionStore: renditions },
      groups,
      retired,
    );

  beforeEach(() => {
    uploads = new InMemoryUploadStore();
    uploads.put(task.image, bytes);
    renditions = new InMemoryRenditionStore();
    codec = new StubImageCodec();
  });

  it('stores one group’s renditions and returns the key and properties of each', async () => {
    expect(await resize()).toEqual({
      outcome: 'processed',
      renditions: [
        {
          preset: 'webp-100',
          key: `${prefix}/webp-100.webp`,
          contentType: 'image/webp',
          width: 100,
          height: 133,
          bytes: 8,
          settings: 'webp 100 q80',
        },
        {
          preset: 'jpeg-200',
          key: `${prefix}/jpeg-200.jpg`,
          contentType: 'image/jpeg',
          width: 200,
          height: 267,
          bytes: 8,
          settings: 'jpeg 200 q80',
        },
        {
          preset: 'webp-9000',
          key: `${prefix}/webp-9000.webp`,
          contentType: 'image/webp',
          width: 3000,
          height: 4000,
          bytes: 9,
          settings: 'webp 9000 q80',
        },
      ],
    });
    expect(renditions.objects.get(`${prefix}/jpeg-200.jpg`)).toEqual({
      bytes: new TextEncoder().encode('jpeg-200'),
      contentType: 'image/jpeg',
    });
  });

  it('passes on the focus that the uploader chose', async () => {
    uploads.remove(task.image);
    uploads.put(task.image, bytes, { x: 0.25, y: 0.75 });
    await resize();
    expect(codec.focus).toEqual({ x: 0.25, y: 0.75 });
  });

  it('says how many frames a rendition has that moves, and makes no other rendition that would be shown instead', async () => {
    codec.header = { ...codec.header, format: 'gif', frames: 7, animated: true };
    const moving: RenditionGroup = {
      name: 'moving',
      presets: [{ name: 'moving-100', format: 'webp', width: 100, quality: 80, animated: true }],
    };
    const of = (group: string) =>
      resizeImage(
        { ...task, group },
        { uploadReader: uploads, codec, limits: defaultLimits, renditionStore: renditions },
        [...groups, moving],
      );
    expect(await of('moving')).toMatchObject({ renditions: [{ preset: 'moving-100', frames: 7 }] });
    expect(await of('avif')).toEqual({ outcome: 'processed', renditions: [] });
    const { renditions: posters } = { renditions: [], ...(await of('small')) };
    expect(posters).toMatchObject([{ preset: 'jpeg-200' }]);
    expect(posters[0]).not.toHaveProperty('frames');
  });

  it('omits presets that would repeat a size', async () => {
    await resize();
    expect(renditions.keys).not.toContain(`${prefix}/webp-9999.webp`);
  });

  it('decodes once for all presets of the group and renders none of another group', async () => {
    await resize('avif');
    expect(codec.rendered).toHaveLength(1);
    expect(renditions.keys).toEqual([`${prefix}/avif-100.avif`]);
  });

  it('repeated, writes the same keys and no others', async () => {
    const once = await resize();
    const keys = renditions.keys;
    expect(await resize()).toEqual(once);
    expect(renditions.keys).toEqual(keys);
  });

  it.each(['readable', 'decodable'])('stores nothing of an upload that is not %s', async (quality) => {
    const refusal = rejected('corrupt', 'It is truncated.');
    if (quality === 'readable') codec.unreadable = refusal;
    else codec.undecodable = refusal;
    expect(await resize()).toEqual(refusal);
    expect(renditions.keys).toEqual([]);
  });

  it('returns vanished for a removed upload and stores nothing', async () => {
    uploads.remove(task.image);
    expect(await resize()).toEqual({ outcome: 'vanished' });
    expect(renditions.keys).toEqual([]);
  });

  it('given a name that the last release used, renders the groups that have its presets now', async () => {
    const result = await resize('all', [{ name: 'all', replacedBy: ['small', 'avif'] }]);
    const each = [await resize('small'), await resize('avif')].flatMap((one) =>
      one.outcome === 'processed' ? one.renditions : [],
    );
    expect(each).toHaveLength(4);
    expect(result).toEqual({ outcome: 'processed', renditions: each });
  });

  it('given the name of a removed group, renders nothing and does not fail, so that its release passes', async () => {
    expect(await resize('tiny', [{ name: 'tiny', replacedBy: [] }])).toEqual({ outcome: 'processed', renditions: [] });
    expect(uploads.reads).toEqual([]);
  });

  it('throws for an unknown group, and the error says what to do', async () => {
    await expect(resize('huge')).rejects.toThrow(
      /Unknown rendition group "huge" \(known: small, avif\).*core\/presets\.ts/,
    );
    expect(uploads.reads).toEqual([]);
  });

  it('throws store errors, so that the queue retries', async () => {
    renditions.put = async () => {
      throw new Error('503 Slow Down');
    };
    await expect(resize()).rejects.toThrow('503');
  });
});
