import { describe, expect, it, onTestFinished } from 'vitest';
import { sumOf } from '../../core/erase.ts';
import { nextSequencer } from '../../core/image.ts';
import { eraseCommand } from '../../scripts/erase/erase.ts';
import { type Erasure, eraseImages, lookAgain, planErasure } from '../../scripts/erase/erase-images.ts';
import {
  describeHolds,
  describeResult,
  describeWork,
  remainingAfter,
  totalsOf,
} from '../../scripts/erase/erase-report.ts';
import { bucketOf } from '../../scripts/erase/erase-stack.ts';
import { openErasureNotebook } from '../../scripts/erase/erasure-notebook.ts';
import { parsedOptions } from '../../scripts/terminal/command.ts';
import { InMemoryTraces } from '../support/in-memory-traces.ts';
import { mockedStack } from '../support/mocked-stack.ts';
import { deletedRecord, processedRecord } from '../support/records.ts';

const [cat, dog, bird] = [
  { imageId: 'cat', key: 'ann/cat.jpg' },
  { imageId: 'dog', key: 'ann/dog.jpg' },
  { imageId: 'bird', key: 'bob/bird.jpg' },
];
const { sequencer } = processedRecord();

/** Two images of Ann, each overwritten, with a dead letter, a decision, a rendition and history; one of Bob. */
function stack(): InMemoryTraces {
  const store = new InMemoryTraces();
  for (const image of [cat, dog, bird]) store.add(image);
  return store;
}

function runOf(store: InMemoryTraces, changes: Partial<Erasure> = {}): Erasure {
  const notebook = openErasureNotebook(':memory:');
  onTestFinished(() => notebook.close());
  return { notebook, store, ...changes };
}

async function* all(images: readonly (typeof cat)[]) {
  yield* images;
}

async function eraseAll(run: Erasure, images = [cat, dog]): Promise<void> {
  await planErasure(run, all(images));
  await eraseImages(run);
  await lookAgain(run);
}

/** Everything that is stored, to compare. */
const stateOf = ({ stored, records, files, letters, entries, history }: InMemoryTraces) => ({
  stored: [...stored].map(([key, versions]) => [key, versions.map(({ id }) => id)]),
  records: [...records].map(([id, { outcome, key }]) => [id, outcome, key]),
  ...{ files: [...files], letters, entries: [...entries], history: [...history.keys()].toSorted() },
});

describe('an erasure', () => {
  it('leaves only a tombstone without a key, and the second look finds nothing', async () => {
    const store = stack();
    const run = runOf(store);
    await eraseAll(run);

    for (const { imageId, key } of [cat, dog]) {
      expect(sumOf(store.tracesOf(imageId, key))).toBe(0);
      expect(store.records.get(imageId)).toMatchObject({ outcome: 'deleted', sequencer: nextSequencer(sequencer) });
    }
    const totals = totalsOf(run.notebook.targets());
    expect(totals).toMatchObject({ images: 2, erased: 2, refused: 0, uploadedAgain: 0 });
    expect(totals.found).toEqual({
      ...{ versions: 4, 'delete markers': 0, renditions: 2, record: 2 },
      ...{ 'dead letters': 2, decisions: 2, 'history lines': 4 },
    });
    expect(sumOf(totals.left)).toBe(0);
  });

  it('does not touch another image', async () => {
    const store = stack();
    const before = store.tracesOf(bird.imageId, bird.key);
    await eraseAll(runOf(store));
    expect(store.tracesOf(bird.imageId, bird.key)).toEqual(before);
    expect(store.records.get(bird.imageId)).toEqual(processedRecord(bird));
  });

  it('has the tombstone on record before a version is removed', async () => {
    const store = stack();
    const outcomes: string[] = [];
    store.afterEach = (call) => {
      if (call === 'removeVersions')
        outcomes.push(...[cat, dog].map(({ imageId }) => store.records.get(imageId)?.outcome ?? ''));
    };
    await eraseAll(runOf(store));
    expect(new Set(outcomes)).toEqual(new Set(['deleted']));
  });

  it('never lets an older version become current again', async () => {
    const store = stack();
    store.afterEach = () => {
      for (const { key } of [cat, dog])
        if (store.records.get(key.slice(4, 7))?.outcome === 'deleted')
          expect(store.stored.get(key)?.some(({ kind, latest }) => kind === 'version' && latest)).toBe(false);
    };
    await eraseAll(runOf(store));
  });

  it('leaves an image that is uploaded again while it runs', async () => {
    const store = stack();
    const again = processedRecord({ ...cat, sequencer: nextSequencer(nextSequencer(sequencer)), version: 'cat-new' });
    const run = runOf(store);
    await planErasure(run, all([cat, dog]));
    store.afterEach = (call) => {
      if (call !== 'settle') return;
      store.put(cat.key, 'cat-new');
      store.records.set(cat.imageId, again);
      store.files.add(`cat/${again.sequencer}/webp-320.webp`);
      const { imageId, version } = again;
      store.history.set('cat-new', { imageId, event: 'processed', sequencer: again.sequencer, version });
      store.history.set('cat-new-mark', { imageId, event: 'infected', version });
    };
    await eraseImages(run);
    await lookAgain(run);

    expect(store.stored.get(cat.key)?.map(({ id }) => id)).toEqual(['cat-new']);
    expect(store.records.get(cat.imageId)).toEqual(again);
    expect([...store.files]).toContain(`cat/${again.sequencer}/webp-320.webp`);
    expect([...store.history.keys()].filter((id) => !id.startsWith('bird'))).toEqual([
      ...['cat-new', 'cat-new-mark', 'erased-cat', 'erased-dog'],
    ]);
    expect(totalsOf(run.notebook.targets())).toMatchObject({ erased: 2, uploadedAgain: 1 });
  });

  it('leaves an image that is uploaded again before its tombstone is seen, and removes all that is older', async () => {
    const store = stack();
    const again = processedRecord({ ...cat, sequencer: nextSequencer(nextSequencer(sequencer)), version: 'cat-new' });
    const run = runOf(store);
    await planErasure(run, all([cat, dog]));
    store.afterEach = (call) => {
      // Both are deleted.
      if (call !== 'deleteObject' || store.stored.get(dog.key)?.[0]?.kind !== 'marker') return;
      store.put(cat.key, 'cat-new');
      store.records.set(cat.imageId, again);
      store.files.add(`cat/${again.sequencer}/webp-320.webp`);
      const { imageId, version } = again;
      store.history.set('cat-deleted', { imageId, event: 'superseded', sequencer: nextSequencer(sequencer) });
      store.history.set('cat-new', { imageId, event: 'processed', sequencer: again.sequencer, version });
    };
    await eraseImages(run);
    await lookAgain(run);

    expect(store.stored.get(cat.key)?.map(({ id }) => id)).toEqual(['cat-new']);
    expect(store.records.get(cat.imageId)).toEqual(again);
    expect([...store.files].filter((file) => file.startsWith('cat/'))).toEqual([
      `cat/${again.sequencer}/webp-320.webp`,
    ]);
    expect([...store.history.keys()].filter((id) => id.includes('cat'))).toEqual(['cat-new', 'erased-cat']);
    const totals = totalsOf(run.notebook.targets());
    expect(totals).toMatchObject({ erased: 2, uploadedAgain: 1 });
    expect(describeResult(totals)).toContain(
      '1 were uploaded again after the deletion. The new images stay: to erase them too, run this again.',
    );
  });

  it('leaves an image that its owner has deleted before, and uploads again while the erasure looks', async () => {
    const store = stack();
    await store.deleteObject(cat.key);
    await store.settle();
    const again = processedRecord({ ...cat, sequencer: nextSequencer(nextSequencer(sequencer)), version: 'cat-new' });
    const run = runOf(store);
    await planErasure(run, all([cat]));
    store.afterEach = (call) => {
      if (call !== 'versions') return;
      store.afterEach = () => undefined;
      store.put(cat.key, 'cat-new');
      store.records.set(cat.imageId, again);
      store.files.add(`cat/${again.sequencer}/webp-320.webp`);
    };
    await eraseImages(run);
    await lookAgain(run);

    expect(store.stored.get(cat.key)?.map(({ id }) => id)).toEqual(['cat-new']);
    expect(store.records.get(cat.imageId)).toEqual(again);
    expect([...store.files]).toContain(`cat/${again.sequencer}/webp-320.webp`);
    expect(totalsOf(run.notebook.targets())).toMatchObject({ erased: 1, uploadedAgain: 1 });
  });

  it('reads history three times, for however many images', async () => {
    const store = stack();
    await eraseAll(runOf(store), [cat, dog, bird]);
    expect(store.historyReads).toBe(3);
    expect([...store.history.values()].map(({ event }) => event)).toEqual(['erased', 'erased', 'erased']);
  });

  it('also erases the history of an image that was uploaded again, and deleted again, while it runs', async () => {
    const store = stack();
    const run = runOf(store);
    await planErasure(run, all([cat]));
    const later = nextSequencer(nextSequencer(sequencer));
    store.afterEach = (call) => {
      if (call !== 'settle') return;
      store.records.set(cat.imageId, deletedRecord({ ...cat, sequencer: later }));
      store.history.set('deleted-again', { imageId: cat.imageId, event: 'deleted', sequencer: later });
    };
    await eraseImages(run);
    await lookAgain(run);
    expect(store.history.has('deleted-again')).toBe(false);
    expect(totalsOf(run.notebook.targets())).toMatchObject({ erased: 1, uploadedAgain: 0 });
  });

  it('reports lines of history that come after it was erased', async () => {
    const store = stack();
    const run = runOf(store);
    await planErasure(run, all([cat]));
    await eraseImages(run);
    // Whatever its place in the order: there is no new image.
    store.history.set('late', { imageId: cat.imageId, event: 'superseded', sequencer: `F${sequencer.slice(1)}` });
    await lookAgain(run);
    expect(totalsOf(run.notebook.targets())).toMatchObject({ erased: 0, left: { 'history lines': 1 } });
  });

  it('finds nothing to do when it is repeated', async () => {
    const store = stack();
    await eraseAll(runOf(store));
    const [before, again] = [stateOf(store), runOf(store)];
    await planErasure(again, all([cat, dog]));
    expect(totalsOf(again.notebook.targets())).toMatchObject({ images: 0 });
    expect(stateOf(store)).toEqual(before);
  });

  it('also erases what is left of an image that its owner has deleted', async () => {
    const store = stack();
    await store.deleteObject(cat.key);
    await store.settle();
    expect(store.records.get(cat.imageId)).toEqual(
      deletedRecord({ ...cat, sequencer: nextSequencer(sequencer), version: 'none' }),
    );
    await eraseAll(runOf(store), [cat]);
    expect(sumOf(store.tracesOf(cat.imageId, cat.key))).toBe(0);
  });

  it('reports what a second look finds', async () => {
    const store = stack();
    const run = runOf(store);
    await planErasure(run, all([cat]));
    await eraseImages(run);
    store.letters.push({ imageId: cat.imageId, sequencer });
    await lookAgain(run);
    const totals = totalsOf(run.notebook.targets());
    expect(totals).toMatchObject({ erased: 0, left: { 'dead letters': 1 } });
    expect(describeResult(totals)).toContain('A second look still found 1 dead letters: run this again.');
  });
});

describe('an image that Object Lock protects', () => {
  it.each([
    [{ hold: 'legal hold', versionId: 'cat-1' }, 'ann/cat.jpg: version cat-1 has a legal hold'],
    [
      { hold: 'retention', versionId: 'cat-1', mode: 'GOVERNANCE', until: '2027-01-02T00:00:00.000Z' },
      'ann/cat.jpg: version cat-1 has retention (GOVERNANCE) until 2027-01-02T00:00:00.000Z',
    ],
  ] as const)(
    'is refused whole with the reason, also for an old version, and nothing of it changes: %s',
    async (hold, reason) => {
      const store = stack();
      store.locks.set('cat-1', hold);
      const before = store.tracesOf(cat.imageId, cat.key);
      const run = runOf(store);
      await eraseAll(run);

      expect(store.tracesOf(cat.imageId, cat.key)).toEqual(before);
      expect(store.records.get(cat.imageId)).toEqual(processedRecord(cat));
      expect(run.notebook.targets().flatMap(describeHolds)).toEqual([reason]);
      // The other one is erased.
      expect(sumOf(store.tracesOf(dog.imageId, dog.key))).toBe(0);
      expect(totalsOf(run.notebook.targets())).toMatchObject({ images: 1, erased: 1, refused: 1 });
    },
  );
});

describe('a killed erasure', () => {
  class Killed extends Error {}

  async function interrupted(after: number) {
    const store = stack();
    const run = runOf(store);
    let calls = 0;
    store.afterEach = () => {
      calls += 1;
      if (calls === after) throw new Killed();
    };
    const isKilled = await eraseAll(run).then(
      () => false,
      (error: unknown) => {
        if (!(error instanceof Killed)) throw error;
        return true;
      },
    );
    return { store, run, isKilled };
  }

  it('ends in the same state and with the same report when it is run again, after whichever call it was killed', async () => {
    const whole = await interrupted(Number.POSITIVE_INFINITY);
    const expected = [stateOf(whole.store), totalsOf(whole.run.notebook.targets())];
    let after = 1;
    for (let isKilled = true; isKilled; after += 1) {
      const { store, run, isKilled: wasKilled } = await interrupted(after);
      isKilled = wasKilled;
      if (!isKilled) break;
      store.afterEach = () => undefined;
      await eraseAll(run);
      expect([stateOf(store), totalsOf(run.notebook.targets())], `killed after call ${after}`).toEqual(expected);
    }
    expect(after).toBeGreaterThan(50);
  });

  it('also ends in the same state if its notebook is lost', async () => {
    const whole = await interrupted(Number.POSITIVE_INFINITY);
    for (let after = 1; ; after += 1) {
      const { store, isKilled } = await interrupted(after);
      if (!isKilled) break;
      store.afterEach = () => undefined;
      const fresh = runOf(store);
      await eraseAll(fresh);
      expect(sumOf(totalsOf(fresh.notebook.targets()).left), `killed after call ${after}`).toBe(0);
      expect(stateOf(store), `killed after call ${after}`).toEqual(stateOf(whole.store));
    }
  });
});

describe('the report', () => {
  const found = {
    ...{ versions: 3, 'delete markers': 1, renditions: 14, record: 2 },
    ...{ 'dead letters': 1, decisions: 5, 'history lines': 6 },
  };
  const left = {
    versions: 0,
    'delete markers': 0,
    renditions: 0,
    record: 0,
    'dead letters': 0,
    decisions: 0,
    'history lines': 0,
  };
  const totals = { ...{ images: 2, erased: 2, uploadedAgain: 0, refused: 0, tombstoneUntil: 86_400 }, found, left };

  it('has the number, the price and the duration before anything is removed', () => {
    expect(
      describeWork(totals, { perSecond: 10, invalidates: true, tableBytes: 0, historyObjects: 10, waitMinutes: 17 }),
    ).toBe(
      '2 images to erase (3 versions, 1 delete markers, 14 renditions, 2 records with the key, 1 dead letters, 5 decisions, 6 history lines), ' +
        'about US$ 0.01, 1 minutes at 10 images per second, and 17 to wait for what is in progress and for the history.',
    );
    expect(
      describeWork(
        { ...totals, images: 0 },
        { perSecond: 10, invalidates: false, tableBytes: 0, historyObjects: 0, waitMinutes: 0 },
      ),
    ).toBe('Nothing to erase.');
  });

  it('says what was removed, and that a second look found nothing', () => {
    expect(describeResult(totals)).toEqual([
      'Erased 2 of 2 images: 3 versions, 1 delete markers, 14 renditions, 2 records with the key, 1 dead letters, 5 decisions, 6 history lines.',
      'A second look found nothing.',
    ]);
  });

  it('says what remains, where, and until which day', () => {
    const remaining = remainingAfter(new Date('2026-01-01T12:00:00Z'), totals, true);
    expect(remaining).toContainEqual({
      ...{ where: 'ImageTable', until: '1970-01-04' },
      what: 'a tombstone and marks: a hash of bucket and key, version ids, times and ids of events',
    });
    expect(remaining.map(({ where, until }) => [where, until])).toContainEqual([
      'point-in-time recovery of ImageTable',
      '2026-02-05',
    ]);
    expect(remaining.some(({ where }) => where.startsWith('CloudFront'))).toBe(false);
    expect(remainingAfter(new Date(), totals, false).some(({ where }) => where.startsWith('CloudFront'))).toBe(true);
  });
});

it('npm run erase takes one key or a prefix', () => {
  expect(parsedOptions(eraseCommand, ['ann/cat.jpg', '--dry-run'])).toEqual({
    arguments: ['ann/cat.jpg'],
    dryRun: true,
  });
  expect(parsedOptions(eraseCommand, ['--prefix', 'ann/'])).toEqual({ arguments: [undefined], prefix: 'ann/' });
  expect(parsedOptions(eraseCommand, ['cat.jpg', '--bucket', 'old'])).toEqual({
    arguments: ['cat.jpg'],
    bucket: 'old',
  });
});

describe('npm run erase', () => {
  const two = mockedStack();
  const { AdoptedBucketName: _, ...outputs } = two.outputs;

  it('is about the upload bucket, or the adopted one if that is named', () => {
    expect(bucketOf(two, {})).toBe('UploadBucketName');
    expect(bucketOf(two, { bucket: 'UploadBucketName' })).toBe('UploadBucketName');
    expect(bucketOf(two, { bucket: 'AdoptedBucketName' })).toBe('AdoptedBucketName');
  });

  it('refuses any other bucket: nothing would write tombstones for its images', () => {
    expect(() => bucketOf(two, { bucket: 'RenditionBucketName' })).toThrow(
      'images-dev does not process the images of RenditionBucketName: it processes those of UploadBucketName and AdoptedBucketName.',
    );
    expect(() => bucketOf({ ...two, outputs }, { bucket: 'old' })).toThrow(
      'deploy the stack with AdoptedBucketName=old',
    );
  });
});
