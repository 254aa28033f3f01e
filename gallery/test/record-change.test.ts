import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { imageIdOf } from '../../core/image.ts';
import type { NamedRecord } from '../../core/record.ts';
import { runHistories } from '../../test/model/histories.ts';
import { consume } from '../../test/model/reference.ts';
import type { DomainEvent } from '../../test/model/world.ts';
import { deletedRecord, processedRecord } from '../../test/support/records.ts';
import { parseImageChange } from '../adapters/contracts/image-change.ts';
import { applyChange, type Change, type GalleryImage, viewOf } from '../core/gallery-image.ts';
import { recordChange } from '../core/record-change.ts';
import { announcement, bucket, description, domainMessage, keyOf, uploadMessage } from './support/events.ts';
import { InMemoryImages } from './support/in-memory-gallery.ts';

const key = keyOf('ann', 'cat.jpg');
const imageId = await imageIdOf(bucket, key);
const sequencerOf = (version: number) => `00${(0x55aed6dc + version).toString(16).toUpperCase()}`.padEnd(32, '0');

function recordOf(outcome: NamedRecord['outcome'], version: number): NamedRecord {
  const names = { imageId, bucket, key, sequencer: sequencerOf(version) };
  const rendition = { preset: 'webp-320', contentType: 'image/webp', width: 4, height: 3, bytes: 5 };
  const renditions = [{ ...rendition, key: `${imageId}/${sequencerOf(version)}/webp-320.webp` }];
  const { metadata: _, renditions: __, ...common } = processedRecord({ ...names, renditions });
  switch (outcome) {
    case 'processed':
      return processedRecord({ ...names, renditions });
    case 'deleted':
      return deletedRecord(names);
    case 'rejected':
      return { ...common, outcome, reason: 'corrupt', message: 'It is damaged.' };
    case 'failed':
      return { ...common, outcome, message: 'States.Timeout: too late' };
  }
}

const processed = (version: number) => {
  const record = recordOf('processed', version);
  if (record.outcome !== 'processed') throw new Error('Asked for a processed record.');
  return record;
};

const upload = (version: number) => uploadMessage({ key, sequencer: sequencerOf(version).replace(/0+$/, '') });

async function changesOf(messages: readonly string[]): Promise<Change[]> {
  const changes = await Promise.all(messages.map((message) => parseImageChange(message, bucket)));
  return changes.filter((change) => change !== undefined);
}

const ports = (images: InMemoryImages) => ({ images, now: () => 1_000, pause: async () => undefined });

async function stateAfter(messages: readonly string[]) {
  const images = new InMemoryImages();
  for (const change of await changesOf(messages)) await recordChange(change, ports(images));
  const found = await images.find('ann', imageId);
  // The number of changes depends on the order.
  return found && { ...viewOf(found), cursor: undefined };
}

/** What the pipeline and S3 say of one image, in the order of its versions. */
const history = fc
  .array(fc.constantFrom<NamedRecord['outcome']>('processed', 'rejected', 'failed', 'deleted'), {
    minLength: 1,
    maxLength: 6,
  })
  .map((outcomes) =>
    outcomes.flatMap((outcome, index) => [
      ...(outcome === 'deleted' ? [] : [upload(index + 1)]),
      ...(outcome === 'deleted' || outcome === 'rejected' ? [] : [description(processed(index + 1))]),
      announcement(recordOf(outcome, index + 1)),
      // A redrive processes it, or malware is found in it.
      ...(outcome === 'failed' ? [announcement(recordOf('processed', index + 1))] : []),
      ...(outcome === 'processed' ? [announcement(recordOf('rejected', index + 1))] : []),
    ]),
  );

describe('what the gallery knows of an image', () => {
  it('is the same, however its events are repeated and ordered', async () => {
    await fc.assert(
      fc.asyncProperty(
        history.chain((messages) => {
          // At any moment, only some of the events have been published.
          const published = fc.integer({ min: 1, max: messages.length }).map((count) => messages.slice(0, count));
          return published.chain((some) =>
            fc.record({
              some: fc.constant(some),
              order: fc
                .array(fc.constantFrom(...some), { maxLength: 12 })
                .chain((repeats) =>
                  fc.shuffledSubarray([...some, ...repeats], { minLength: some.length + repeats.length }),
                ),
            }),
          );
        }),
        async ({ some, order }) => {
          expect(await stateAfter(order)).toEqual(await stateAfter(some));
        },
      ),
    );
  });

  it('follows an image from the upload to its renditions', async () => {
    const steps = [upload(1), description(processed(1)), announcement(recordOf('processed', 1))];
    expect(await stateAfter(steps.slice(0, 1))).toMatchObject({ state: 'uploaded', bytes: 9, renditions: [] });
    expect(await stateAfter(steps.slice(0, 2))).toMatchObject({
      ...{ state: 'described', bytes: 9, metadata: { thumbhash: 'AAAA' }, renditions: [] },
    });
    expect(await stateAfter(steps)).toMatchObject({
      ...{ state: 'ready', name: 'cat.jpg', metadata: { thumbhash: 'AAAA' } },
      renditions: [{ preset: 'webp-320', url: `/renditions/${imageId}/${sequencerOf(1)}/webp-320.webp` }],
    });
  });

  const other = { ...processed(2), metadata: { ...processed(2).metadata, width: 999, bytes: 77 } };
  const replacement = uploadMessage({ key, sequencer: sequencerOf(2).replace(/0+$/, ''), size: 77 });
  it.each([
    ['waits', []],
    ['is described', [description(other)]],
    ['has failed', [description(other), announcement(recordOf('failed', 2))]],
  ])('is about the version before, which it shows, while a new version %s', async (_, then) => {
    const first = await stateAfter([upload(1), announcement(recordOf('processed', 1))]);
    const shown = await stateAfter([upload(1), announcement(recordOf('processed', 1)), replacement, ...then]);
    expect(['uploaded', 'described', 'failed']).toContain(shown?.state);
    expect(shown).toEqual({ ...first, state: shown?.state, changedAt: shown?.changedAt });
  });

  it('is about the new version as soon as that is shown, or if nothing else can be', async () => {
    const about = { metadata: { width: 999 }, bytes: 77 };
    const ready = [announcement(recordOf('processed', 1)), replacement, description(other)];
    expect(await stateAfter([...ready, announcement(other)])).toMatchObject({ state: 'ready', ...about });
    const afterRejection = [announcement(recordOf('rejected', 1)), replacement];
    expect(await stateAfter(afterRejection)).toMatchObject({ state: 'uploaded', bytes: 77, renditions: [] });
    expect(await stateAfter([...afterRejection, description(other)])).toMatchObject({ state: 'described', ...about });
  });

  it('has the sentence of a rejection, and no renditions any more', async () => {
    const rejected = [announcement(recordOf('processed', 1)), announcement(recordOf('rejected', 2))];
    expect(await stateAfter(rejected)).toMatchObject({
      ...{ state: 'rejected', renditions: [] },
      rejection: { reason: 'corrupt', message: 'It is damaged.' },
    });
  });

  it('is complete again after an announcement of all records, without what was there before', async () => {
    await fc.assert(
      fc.asyncProperty(fc.constantFrom<NamedRecord['outcome']>('processed', 'rejected', 'deleted'), async (outcome) => {
        const all = [upload(1), announcement(recordOf('processed', 1)), upload(2), announcement(recordOf(outcome, 2))];
        expect(await stateAfter([announcement(recordOf(outcome, 2))])).toEqual(await stateAfter(all));
      }),
    );
  });
});

/** What the gallery believes after the events of one image, if it is not what they say. */
async function misbeliefs(events: readonly DomainEvent[]): Promise<string[]> {
  const isDescription = ({ DetailType }: DomainEvent) => DetailType === 'ImageDescribed';
  const truth = consume(events.filter((event) => !isDescription(event)));
  // A description is no result: it counts until one of its version or a newer one is there.
  const described = events
    .filter((event) => isDescription(event) && event.Detail.image.sequencer > (truth?.sequencer ?? ''))
    .map(({ Detail }) => Detail.image.sequencer)
    .sort()
    .at(-1);
  const expected = described === undefined ? truth : { outcome: 'described', sequencer: described };
  const wanted = expected && `${expected.outcome} at ${expected.sequencer}`;
  // The histories have other keys: here, both images are Ann's.
  const messages = events.map(({ DetailType, Detail }) =>
    domainMessage(DetailType, { ...Detail, image: { ...Detail.image, key } }),
  );
  const orders = [messages, messages.toReversed(), [...messages, ...messages]];
  const beliefs = await Promise.all(orders.map(async (order) => beliefAfter(await changesOf(order))));
  return beliefs
    .filter((belief) => belief !== wanted)
    .map((belief) => `The gallery believes ${belief}, but it is ${wanted}.`);
}

function beliefAfter(changes: readonly Change[]): string | undefined {
  const image = changes.reduce<GalleryImage | undefined>((before, change) => {
    const after = applyChange(before, change);
    return after === undefined ? before : { ...after, cursor: 1 };
  }, undefined);
  return image && `${image.news.kind} at ${image.news.position.split('#')[0]}`;
}

describe('300 histories of the pipeline', () => {
  it('leave the gallery with what the pipeline decided, in whatever order their events arrive', async () => {
    let examined = 0;
    const examine: NonNullable<Parameters<typeof runHistories>[0]['examine']> = async (published) => {
      const ids = new Set(published.map(({ Detail }) => Detail.image.id));
      const found = [...ids].map((id) => misbeliefs(published.filter(({ Detail }) => Detail.image.id === id)));
      examined += ids.size;
      return (await Promise.all(found)).flat();
    };
    const { defect } = await runHistories({ seed: 20261129, runs: 300, shrink: false, examine });
    expect(defect?.report).toBeUndefined();
    expect(examined).toBeGreaterThan(200);
  });
});

/** As a client does that has seen the changes up to the cursor. */
async function caughtUp(images: InMemoryImages, cursor: number, known: ReadonlyMap<string, unknown>) {
  const now = new Map(known);
  for (let since = cursor, hasMore = true; hasMore; ) {
    const page = await images.changedSince('ann', since, 1);
    for (const image of page.images) now.set(image.imageId, viewOf(image));
    since = page.images.at(-1)?.cursor ?? since;
    hasMore = page.hasMore;
  }
  return now;
}

describe('the cursor', () => {
  const someChanges = () =>
    changesOf([
      ...['a.jpg', 'b.jpg', 'c.jpg'].map((name) =>
        uploadMessage({ key: keyOf('ann', name), sequencer: sequencerOf(1).replace(/0+$/, '') }),
      ),
      upload(1),
      announcement(recordOf('processed', 1)),
      announcement(recordOf('deleted', 2)),
    ]);

  it('has no gaps, even if all events are recorded at the same time', async () => {
    const images = new InMemoryImages();
    const recorded = await Promise.all((await someChanges()).map((change) => recordChange(change, ports(images))));
    const cursors = new Set(recorded.map(({ cursor }) => cursor));
    const first = Math.min(...cursors);
    expect([...cursors].sort()).toEqual(Array.from(cursors, (_, index) => first + index).sort());
    expect(await images.newestCursor('ann')).toBe(Math.max(...cursors));
  });

  it('is given to one change only, even if all are recorded at the same time', async () => {
    const names = Array.from({ length: 8 }, (_, index) => `${index}.jpg`);
    const messages = names.map((name) => uploadMessage({ key: keyOf('ann', name), sequencer: '0055AED6DC' }));
    let reads = 0;
    const images = new InMemoryImages();
    const find = images.find.bind(images);
    // Some take longer than others.
    images.find = async (...about) => {
      reads += 1;
      for (let turn = 0; turn < 10 * (reads % 4); turn += 1) await undefined;
      return await find(...about);
    };
    const recorded = await Promise.all(
      (await changesOf(messages)).map((change) => recordChange(change, ports(images))),
    );
    expect(new Set(recorded.map(({ cursor }) => cursor)).size).toBe(names.length);
  });

  it('gives a client that has missed any number of changes all that it missed, deletions as well', async () => {
    const images = new InMemoryImages();
    const moments: { cursor: number; known: Map<string, unknown> }[] = [];
    for (const change of await someChanges()) {
      await recordChange(change, ports(images));
      const { images: all } = await images.changedSince('ann', 0, 100);
      moments.push({
        cursor: (await images.newestCursor('ann')) ?? 0,
        known: new Map(all.map((image) => [image.imageId, viewOf(image)])),
      });
    }
    for (const { cursor, known } of moments)
      expect(await caughtUp(images, cursor, known)).toEqual(moments.at(-1)?.known);
  });

  it('of a rebuilt gallery is higher than any that a client can have', async () => {
    const before = new InMemoryImages();
    const [change] = await changesOf([upload(1)]);
    if (change === undefined) throw new Error('An upload of the gallery is a change.');
    const lost = await recordChange(change, { ...ports(before), now: () => 1_000_000 });
    const rebuilt = await recordChange(change, { ...ports(new InMemoryImages()), now: () => 1_000_500 });
    expect(rebuilt.cursor).toBeGreaterThan(lost.cursor);
  });

  it('gives up if others always come first, so that the queue tries again', async () => {
    const [change] = await changesOf([upload(1)]);
    const images = Object.assign(new InMemoryImages(), { save: async () => false });
    if (change === undefined) throw new Error('An upload of the gallery is a change.');
    await expect(recordChange(change, ports(images))).rejects.toThrow(imageId);
  });
});

describe('events of others', () => {
  it.each([
    ['a key outside the gallery', announcement({ ...recordOf('processed', 1), key: 'ann/cat.jpg' })],
    ['another bucket', announcement({ ...recordOf('processed', 1), bucket: 'other' })],
    ['a folder in place of a file', uploadMessage({ key: 'gallery-ann/', sequencer: '0055AED6DC' })],
    ['a key without a random part', uploadMessage({ key: 'gallery-ann/cat.jpg', sequencer: '0055AED6DC' })],
  ])('with %s are none of its business', async (_, message) => {
    expect(await parseImageChange(message, bucket)).toBeUndefined();
  });

  it.each([
    [
      'S3’s event of another bucket',
      uploadMessage({ key, sequencer: '0055AED6DC' }).replaceAll('"uploads"', '"other"'),
      'forged',
    ],
    ['a domain event without an image', domainMessage('ImageProcessed', {}), 'not a domain event'],
    ['an unknown type of domain event', domainMessage('ImageSold', {}), 'not a domain event'],
  ])('that cannot be genuine go to the dead-letter queue: %s', async (_, message, reason) => {
    await expect(parseImageChange(message, bucket)).rejects.toThrow(reason);
  });

  it('name the camera once, although many models begin with their make', async () => {
    const cameraOf = async (camera: object) => {
      const message = announcement({ ...processed(1), metadata: { ...processed(1).metadata, camera } });
      return z
        .looseObject({ metadata: z.looseObject({ camera: z.string().optional() }) })
        .parse(await parseImageChange(message, bucket)).metadata.camera;
    };
    expect(await cameraOf({ make: 'Canon', model: 'Canon EOS 5D' })).toBe('Canon EOS 5D');
    expect(await cameraOf({ make: 'NIKON CORPORATION', model: 'NIKON D90' })).toBe('NIKON D90');
    expect(await cameraOf({ make: 'Panasonic', model: 'PANASONIC DMC-G2' })).toBe('PANASONIC DMC-G2');
    expect(await cameraOf({ make: 'LG Electronics', model: 'LGM-V300' })).toBe('LG Electronics LGM-V300');
    expect(await cameraOf({ model: 'M6' })).toBe('M6');
    expect(await cameraOf({ make: 'Apple', model: 'iPhone 5' })).toBe('Apple iPhone 5');
    expect(await cameraOf({ make: 'Canon' })).toBe('Canon');
    expect(await cameraOf({})).toBeUndefined();
  });

  it('of a newer pipeline are understood: new properties, formats and reasons', async () => {
    const newer = announcement(recordOf('processed', 1)).replaceAll('"format":"jpeg"', '"format":"jxl","colours":3');
    expect(await parseImageChange(newer, bucket)).toMatchObject({ kind: 'processed', metadata: { format: 'jxl' } });
    const reason = announcement(recordOf('rejected', 1)).replaceAll('corrupt', 'too-boring');
    expect(await parseImageChange(reason, bucket)).toMatchObject({ kind: 'rejected', reason: 'too-boring' });
  });
});
