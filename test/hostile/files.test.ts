import sharp from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import { parseS3Event } from '../../adapters/contracts/s3-event.ts';
import { inputFormats } from '../../core/metadata.ts';
import { renditionGroups } from '../../core/presets.ts';
import { renditionKey } from '../../core/rendition.ts';
import { hostileAnimations } from './animations.ts';
import { brokenFiles, truncatedAtParts } from './broken-files.ts';
import { falseHeaders } from './false-headers.ts';
import { hostileHeics } from './heics.ts';
import { canary, type Maker } from './hostile-file.ts';
import { hostileKeys } from './keys.ts';
import { collections, oddFiles } from './odd-files.ts';
import { oddProfiles } from './profiles.ts';
import { type Ingredients, ingredients } from './structured/ingredients.ts';
import { structuredFiles } from './structured-files.ts';
import { judge } from './workers.ts';

/** A sample; `npm run lab -- prove hostile` sends hundreds more and the bombs, and measures their memory. */
describe('a hostile file', () => {
  let made: Ingredients;
  let good: ReadonlyMap<string, Buffer>;
  beforeAll(async () => {
    made = await ingredients();
    good = made.good;
  });

  const expectAllHandled = async (makers: readonly Maker[]) => {
    for (const [name, make] of makers) {
      expect({ name, ...(await judge(await make())) }).toMatchObject({ name, defects: [] });
    }
  };

  it('that is not what it appears to be ends processed or rejected, and nothing hidden in it is published', async () => {
    await expectAllHandled((await oddFiles(good)).filter((_, index) => index % 2 === 0));
  });

  it('with a false header ends processed or rejected', async () => {
    await expectAllHandled(falseHeaders(good).filter((_, index) => index % 4 === 1));
  });

  it('with a colour profile that does not match ends processed or rejected', async () => {
    await expectAllHandled((await oddProfiles()).filter((_, index) => index % 5 === 0));
  });

  it('from a test suite ends processed or rejected', async () => {
    await expectAllHandled(collections().filter((_, index) => index % 15 === 0));
  });

  it('truncated at the start of a part ends processed or rejected', async () => {
    await expectAllHandled(truncatedAtParts(good).filter((_, index) => index % 25 === 0));
  });

  it('that is damaged at random ends processed or rejected', async () => {
    await expectAllHandled(brokenFiles(good, 20261121, 60));
  });

  it('for the decoder of HEIC ends processed or rejected', async () => {
    await expectAllHandled(hostileHeics(20261129, 40));
  });

  it('that is an animation ends processed or rejected', async () => {
    await expectAllHandled(hostileAnimations(20261129, 40));
  });

  it.each(inputFormats)(
    'of sound parts in hostile numbers, orders and places ends processed or rejected: %s',
    async (format) => {
      const files = structuredFiles(format, made, { seed: 7, count: 25 });
      const verdicts = await Promise.all(files.map(async ([name, make]) => ({ name, ...(await judge(await make())) })));
      expect(verdicts.filter(({ defects }) => defects.length > 0)).toEqual([]);
      // Otherwise, they would prove little about decoders.
      expect(verdicts.filter(({ outcome }) => outcome === 'processed').length).toBeGreaterThan(2);
    },
  );

  // Otherwise, finding nothing private in renditions would prove nothing.
  it.each([
    ['baseline.jpg', ['exif', 'xmp']],
    ['plain.png', ['exif', 'xmp']],
    ['lossy.webp', ['exif', 'xmp']],
    ['still.avif', ['exif', 'xmp']],
    ['lzw.tiff', ['xmp']],
    ['private.jpg', ['exif', 'xmp', 'iptc']],
    ['private.tiff', ['iptc']],
  ])('has private data to hide: %s', async (name, kinds) => {
    const bytes = good.get(name) ?? Buffer.alloc(0);
    const { exif, xmp, iptc } = await sharp(bytes).metadata();
    const found = Object.entries({ exif, xmp, iptc }).filter(([, block]) => block?.includes(canary));
    expect(found.map(([kind]) => kind)).toEqual(kinds);
  });

  it('has an author and a position to hide in a TIFF’s directories', () => {
    const bytes = good.get('private.tiff') ?? Buffer.alloc(0);
    const directory = bytes.readUInt32LE(4);
    const tags = Array.from({ length: bytes.readUInt16LE(directory) }, (_, index) =>
      bytes.readUInt16LE(directory + 2 + 12 * index),
    );
    // Copyright, EXIF, GPS.
    expect(tags).toEqual(expect.arrayContaining([33_432, 34_665, 34_853]));
    expect(bytes.toString('latin1').split(canary).length - 1).toBe(3);
  });

  it('is distinguished from a good one', async () => {
    const names = [...good.keys()];
    const verdicts = await Promise.all([...good.values()].map((bytes) => judge(bytes)));
    expect(verdicts.map(({ outcome }, index) => [names[index], outcome])).toEqual(
      names.map((name) => [name, 'processed']),
    );
  });
});

describe('a hostile key', () => {
  const eventOf = (key: string) =>
    parseS3Event(
      JSON.stringify({
        ...{ id: 'e', time: '2026-01-01T00:00:00Z', 'detail-type': 'Object Created' },
        detail: { bucket: { name: 'b' }, object: { key, sequencer: '0055AED6DCD90281E5', size: 1, etag: 'e' } },
      }),
      ['b'],
    );

  it.each(hostileKeys)('%j becomes a plain rendition key and is unchanged in the record', async (key) => {
    const { image } = await eventOf(key);
    const [preset] = renditionGroups.flatMap(({ presets }) => presets);
    if (preset === undefined) throw new Error('There is no preset.');
    expect(image.key).toBe(key);
    expect(renditionKey(image.imageId, image.sequencer, preset)).toMatch(
      /^[0-9a-f]{32}\/[0-9A-F]{32}\/[a-z0-9-]+\.[a-z]+$/,
    );
  });

  it('has its own image id', async () => {
    const ids = await Promise.all(hostileKeys.map(async (key) => (await eventOf(key)).image.imageId));
    expect(new Set(ids).size).toBe(hostileKeys.length);
  });
});
