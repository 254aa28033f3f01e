import { beforeAll, describe, expect, it } from 'vitest';
import { parseS3Event } from '../../adapters/s3-event.ts';
import { renditionGroups } from '../../core/presets.ts';
import { renditionKey } from '../../core/rendition.ts';
import { brokenFiles } from './broken-files.ts';
import { goodFiles } from './good-files.ts';
import type { Maker } from './hostile-file.ts';
import { hostileKeys } from './keys.ts';
import { lies } from './lies.ts';
import { oddFiles } from './odd-files.ts';
import { oddProfiles } from './profiles.ts';
import { judge } from './workers.ts';

/** A sample; `npm run prove -- hostile` sends hundreds more and the bombs, and measures the memory they take. */
describe('a hostile file', () => {
  let good: ReadonlyMap<string, Buffer>;
  beforeAll(async () => {
    good = await goodFiles();
  });

  const allEndWell = async (makers: readonly Maker[]) => {
    for (const [name, make] of makers) {
      expect({ name, ...(await judge(await make())) }).toMatchObject({ name, defects: [] });
    }
  };

  it('that is not what it seems ends processed or rejected, and nothing hidden in it comes out', async () => {
    await allEndWell((await oddFiles(good)).filter((_, index) => index % 2 === 0));
  });

  it('whose header lies ends processed or rejected', async () => {
    await allEndWell(lies(good).filter((_, index) => index % 4 === 1));
  });

  it('with a profile that does not fit ends processed or rejected', async () => {
    await allEndWell((await oddProfiles()).filter((_, index) => index % 6 === 0));
  });

  it('that is broken ends processed or rejected', async () => {
    await allEndWell(brokenFiles(good, 20261121, 60));
  });

  it('is told from a good one', async () => {
    const names = [...good.keys()];
    const verdicts = await Promise.all([...good.values()].map(judge));
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
        detail: { bucket: { name: 'b' }, object: { key, sequencer: '0A', size: 1, etag: 'e' } },
      }),
    );

  it.each(hostileKeys)('%j becomes a plain path, and stays itself in the record', async (key) => {
    const { image } = await eventOf(key);
    const [preset] = renditionGroups.flatMap(({ presets }) => presets);
    if (preset === undefined) throw new Error('There is no preset.');
    expect(image.key).toBe(key);
    expect(renditionKey(image.imageId, image.sequencer, preset)).toMatch(
      /^[0-9a-f]{32}\/[0-9A-F]{32}\/[a-z0-9-]+\.[a-z]+$/,
    );
  });

  it('is nobody else’s', async () => {
    const ids = await Promise.all(hostileKeys.map(async (key) => (await eventOf(key)).image.imageId));
    expect(new Set(ids).size).toBe(hostileKeys.length);
  });
});
