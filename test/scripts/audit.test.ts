import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { lowestSequencer } from '../../adapters/contracts/queued-event.ts';
import type { ImageFacts } from '../../core/audit.ts';
import type { Preset } from '../../core/presets.ts';
import { CACHE_CONTROL, renditionKey } from '../../core/rendition.ts';
import { settingsOf } from '../../core/settings.ts';
import { auditCommand } from '../../scripts/audit/audit.ts';
import { type Audit, firstLook, lookForRest, secondLook } from '../../scripts/audit/looks.ts';
import { describePrice, priceOf } from '../../scripts/audit/price.ts';
import { describeKinds, describeWork, rowsOf, workOf } from '../../scripts/audit/report.ts';
import { gather } from '../../scripts/stack/gather.ts';
import { everyOf, type Notebook, openNotebook } from '../../scripts/stack/notebook.ts';
import type { Sources } from '../../scripts/stack/sources.ts';
import { parsedOptions } from '../../scripts/terminal/command.ts';
import { SyntheticSources } from '../support/in-memory-audit.ts';
import { processedRecord } from '../support/records.ts';

const preset: Preset = { name: 'small', format: 'webp', width: 320, quality: 80 };
const sequencer = '0055AED6DCD90281E500000000000000';

/** Rising ids, as S3 lists them. */
const idOf = (index: number) => index.toString(16).padStart(32, '0');

function imageOf(index: number) {
  const imageId = idOf(index);
  const rendition = {
    ...{ preset: 'small', key: renditionKey(imageId, sequencer, preset), contentType: 'image/webp' },
    ...{ width: 4, height: 3, bytes: 5, settings: settingsOf(preset) },
  };
  const key = `${index}.jpg`;
  return {
    imageId,
    upload: { bucket: 'uploads', key, versionId: 'v1', etag: 'e1', size: 9, storedAt: '2026-01-02T03:04:05.000Z' },
    record: processedRecord({ imageId, key, sequencer, renditions: [rendition] }),
    renditions: [{ key: rendition.key, bytes: 5, headers: { contentType: 'image/webp', cacheControl: CACHE_CONTROL } }],
  };
}

function withNotebook(path = ':memory:'): Notebook {
  const notebook = openNotebook(path);
  onTestFinished(() => notebook.close());
  return notebook;
}

function auditOf(sources: Sources, notebook = withNotebook(), changes: Partial<Audit> = {}): Audit {
  const sequencerAt = lowestSequencer(false);
  return { notebook, sources, presets: [preset], partial: false, sequencerAt, report: () => undefined, ...changes };
}

async function looks(audit: Audit): Promise<string[]> {
  await gather(audit);
  await firstLook(audit);
  await secondLook(audit);
  return [...everyOf(audit.notebook.confirmed)].flatMap(rowsOf).map((row) => row.join(': '));
}

describe('an audit', () => {
  it('of 100,000 images holds a page of each listing and a few images, whatever their number', async () => {
    const sources = new SyntheticSources(100_000, imageOf);

    expect(await looks(auditOf(sources))).toEqual([]);

    // Uploads and records, a page of each; then one page of renditions.
    expect(sources.mostHeld).toBeLessThanOrEqual(2 * 1000);
    expect(sources.looks).toBe(0);
  });

  it('finds what only one of the listings has, at the beginning, in the middle and at the end', async () => {
    const without = (index: number, names: readonly (keyof ImageFacts)[]) => {
      const { imageId, ...rest } = imageOf(index);
      const left = Object.fromEntries(Object.entries(rest).filter(([name]) => !names.some((other) => other === name)));
      return { imageId, renditions: [], ...left };
    };
    const sources = new SyntheticSources(10, (index) => {
      if (index === 0 || index === 9) return without(index, ['upload', 'record']);
      if (index === 4) return without(index, ['record', 'renditions']);
      if (index === 5) return without(index, ['upload']);
      if (index === 6) return without(index, ['renditions']);
      return imageOf(index);
    });

    expect(await looks(auditOf(sources))).toEqual([
      `${idOf(0)}: ${renditionKey(idOf(0), sequencer, preset)} is on no record`,
      '4.jpg: the upload has no record, or that of an earlier version',
      '5.jpg: the record shows an upload that is gone',
      `6.jpg: ${renditionKey(idOf(6), sequencer, preset)} is missing`,
      `${idOf(9)}: ${renditionKey(idOf(9), sequencer, preset)} is on no record`,
    ]);
  });

  it('reports files of another kind in the rendition bucket, wherever they are in its order', async () => {
    const strays = ['!.txt', `${idOf(2)}.txt`, 'zebra/notes.txt'];
    const stray = (key: string): ImageFacts => ({ imageId: key, renditions: [{ key, bytes: 1 }] });
    const all = [stray('!.txt'), imageOf(1), stray(`${idOf(2)}.txt`), imageOf(2), imageOf(3), stray('zebra/notes.txt')];
    const sources = new SyntheticSources(all.length, (index) => all[index] ?? stray('none'));

    expect((await looks(auditOf(sources))).sort()).toEqual(
      strays.map((key) => `${key}: ${key} is on no record`).sort(),
    );
  });

  it('reports nothing that the second look does not see, and nothing of an image that changed between the looks', async () => {
    const torn = (index: number): ImageFacts => ({ ...imageOf(index), renditions: [] });
    const sources = new SyntheticSources(3, torn);
    const late = imageOf(0);
    const changed: ImageFacts = { ...torn(1), record: { ...imageOf(1).record, recordedAt: '2026-02-02T03:05:00Z' } };
    // The third image has the same fault as before, and a new one, which only the second look sees.
    const fresh = { key: renditionKey(idOf(2), `${'0'.repeat(31)}1`, preset), bytes: 1 };
    const later = [late, changed, { ...torn(2), renditions: [fresh] }];
    sources.look = async (imageId) => later.find((image) => image.imageId === imageId) ?? { imageId, renditions: [] };

    expect(await looks(auditOf(sources))).toEqual([`2.jpg: ${renditionKey(idOf(2), sequencer, preset)} is missing`]);
  });

  it('leaves images alone whose bucket was adopted and given up, with their renditions', async () => {
    const { upload: _, record, ...rest } = imageOf(0);
    const sources = new SyntheticSources(1, () => ({ ...rest, record: { ...record, bucket: 'given-up' } }));
    expect(await looks(auditOf(sources))).toEqual([]);
  });

  it('with a prefix ignores renditions of other images', async () => {
    const sources = new SyntheticSources(4, (index) =>
      index === 3 ? { ...imageOf(3), upload: undefined, record: undefined } : imageOf(index),
    );
    expect(await looks(auditOf(sources, withNotebook(), { partial: true }))).toEqual([]);
  });

  it.each(['gather', 'look'] as const)(
    'stopped while it %ss goes on where it was, and finds the same',
    async (phase) => {
      const folder = mkdtempSync(join(tmpdir(), 'audit-'));
      onTestFinished(() => rmSync(folder, { recursive: true }));
      const path = join(folder, 'notebook.sqlite');
      const images = 3000;
      const make = (index: number) => (index % 1000 === 7 ? { ...imageOf(index), renditions: [] } : imageOf(index));
      const first = new SyntheticSources(images, make, { pageSize: 100 });
      const stopping = new AbortController();
      let reports = 0;
      const report = (progress: string) => {
        const isPhase = progress.includes(phase === 'gather' ? 'listed' : 'compared');
        if (isPhase) reports += 1;
        if (reports === 3) stopping.abort(new Error('stopped'));
      };
      const stopped = openNotebook(path);
      await expect(looks(auditOf(first, stopped, { report, signal: stopping.signal }))).rejects.toThrow('stopped');
      const before = stopped.counts();
      stopped.close();
      expect(before.images).toBeGreaterThan(0);

      const second = new SyntheticSources(images, make, { pageSize: 100 });
      const notebook = withNotebook(path);
      const seenBefore = Number(notebook.place('seen') ?? 0);
      const found = await looks(auditOf(second, notebook));

      expect(found).toEqual(
        [7, 1007, 2007].map((index) => `${index}.jpg: ${renditionKey(idOf(index), sequencer, preset)} is missing`),
      );
      if (phase === 'look') expect(seenBefore).toBeGreaterThan(0);
      expect(Number(notebook.place('seen'))).toBe(images);
    },
  );

  it('after a repair forgets what is repaired, and keeps the rest', async () => {
    const sources = new SyntheticSources(2, (index) => ({ ...imageOf(index), renditions: [] }));
    const audit = auditOf(sources);
    expect(await looks(audit)).toHaveLength(2);
    const read = sources.look.bind(sources);
    sources.look = async (imageId) => (imageId === idOf(0) ? imageOf(0) : await read(imageId));

    await lookForRest(audit);

    expect(audit.notebook.confirmed().map(({ address }) => address?.key)).toEqual(['1.jpg']);
  });
});

describe('the report', () => {
  it('counts findings by kind, and what a repair does and costs', async () => {
    const sources = new SyntheticSources(3, (index) => ({ ...imageOf(index), renditions: [] }));
    const audit = auditOf(sources);
    await looks(audit);
    expect(describeKinds(audit.notebook.byKind())).toEqual(['       3  renditions that are missing']);
    expect(describeWork(workOf(everyOf(audit.notebook.confirmed)), 7, 5)).toBe(
      'To repair: process 3 uploads again, delete 0 images, remove the renditions of 0 versions. ' +
        'Less than US$ 0.01, 1 minutes at 5 images per second.',
    );
  });
});

describe('the price', () => {
  it('counts every listing, every rendition and the table', () => {
    const size = { images: 1_000_000, tableBytes: 2_000_000_000, renditionsPerImage: 7 };
    expect(priceOf(size, 500)).toEqual({
      lists: 8000,
      heads: 7_000_000,
      scans: 2000,
      // Listings, HEAD requests, and half a read unit for 4 KB.
      usd: expect.closeTo(0.04 + 2.8 + 0.0305, 3),
      seconds: 7_010_000 / 500,
    });
    expect(describePrice(size, 500)).toContain('about US$ 2.87, 234 minutes at 500 requests per second');
  });
});

describe('the sequencer of a repair', () => {
  it('begins with the second in which the upload was stored, as S3’s own do', () => {
    // 0055AED6DCD90281E5 is a sequencer of S3 from this second.
    const at = lowestSequencer(false)('2015-07-21T23:33:48.000Z');
    expect(at).toBe('0055AED6DC0000000000000000000000');
    expect([at < '0055AED6DCD90281E500000000000000', at > '0055AED6DBFFFFFFFF00000000000000']).toEqual([true, true]);
  });

  it('is the lowest of all on the emulator, whose own count from its start', () => {
    expect(lowestSequencer(true)('2026-11-21T09:35:12.707Z')).toBe('0'.repeat(32));
  });
});

it('npm run audit has these defaults', () => {
  expect(parsedOptions(auditCommand, [])).toEqual({ arguments: [], rate: 500, repairRate: 5 });
});
