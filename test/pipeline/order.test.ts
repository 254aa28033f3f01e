import { DisableRuleCommand, EnableRuleCommand } from '@aws-sdk/client-eventbridge';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { padSequencer } from '../../core/image.ts';
import { type DomainEvent, emulatedPipeline } from '../support/emulated-pipeline.ts';
import { photo } from '../support/photos.ts';

/**
 * Events arrive late, twice, in any order and after crashes. These tests disable S3's events and send the events that AWS
 * would send (with version ids, which the emulator omits) in the worst possible order.
 */

const pipeline = emulatedPipeline();
const [older, newer] = [photo('rocket.jpg'), photo('flowers-iphone5-gps-small.jpg')];
let heard: () => Promise<DomainEvent[]>;
let key: string;
let serial = 0;

beforeAll(async () => {
  await pipeline.queueIsEmpty();
  await pipeline.events.send(new DisableRuleCommand({ Name: await pipeline.physicalId('UploadRule') }));
  heard = await pipeline.subscribe();
});
afterAll(async () => {
  await pipeline.events.send(new EnableRuleCommand({ Name: await pipeline.physicalId('UploadRule') }));
});
beforeEach(() => {
  serial += 1;
  key = `order-${serial}.jpg`;
});

const eventTypes = async () =>
  (await heard()).filter(({ detail }) => detail.image.key === key).map((event) => event['detail-type']);
const sequencersShown = async () => [
  ...new Set((await pipeline.renditionKeys(key)).map((rendition) => rendition.split('/')[1])),
];

describe('the same event', () => {
  it('is superseded the second time: one record, one event', async () => {
    const upload = { key, sequencer: '000A', ...(await pipeline.put(key, older)) };
    expect(await pipeline.decide(upload)).toBe('processed');
    const [record, keys] = [await pipeline.record(key), await pipeline.renditionKeys(key)];

    expect(await pipeline.decide(upload)).toBe('superseded');

    expect(await eventTypes()).toEqual(['ImageProcessed']);
    expect(await pipeline.record(key)).toEqual(record);
    // A repeat renders to the same keys, so it must not remove them as superseded.
    expect(await pipeline.renditionKeys(key)).toEqual(keys);
  });

  it('sent several times at once through the queue has one visible effect', async () => {
    const upload = { key, sequencer: '000A', ...(await pipeline.put(key, older)) };
    await Promise.all([pipeline.enqueue(upload), pipeline.enqueue(upload), pipeline.enqueue(upload)]);
    await pipeline.recordWhen(key, ({ outcome }) => outcome === 'processed');
    await pipeline.queueIsEmpty();
    expect(
      new Set((await heard()).filter(({ detail }) => detail.image.key === key).map(({ detail }) => detail.id)).size,
    ).toBe(1);
    expect(await sequencersShown()).toEqual([padSequencer('000A')]);
    expect((await pipeline.renditionKeys(key)).length).toBeGreaterThan(0);
  });

  it('completes the work when an earlier attempt ended before announcing', async () => {
    const first = { key, sequencer: '000A', ...(await pipeline.put(key, older)) };
    const second = { key, sequencer: '000B', ...(await pipeline.put(key, newer)) };
    await pipeline.decide(first);
    await pipeline.decide(second);
    await pipeline.forgetAnnouncement(key);

    expect(await pipeline.decide(second)).toBe('processed');

    expect(await pipeline.record(key)).toMatchObject({ announced: true, sequencer: padSequencer('000B') });
    const ids = (await heard()).filter(
      ({ detail }) => detail.image.sequencer === padSequencer('000B') && detail.image.key === key,
    );
    expect(ids.map(({ detail }) => detail.id)).toEqual([ids[0]?.detail.id, ids[0]?.detail.id]);
    expect(await sequencersShown()).toEqual([padSequencer('000B')]);
  });
});

it('a repeat announces what an interrupted attempt recorded, because its event may already be out, even if it would reject the upload', async () => {
  const upload = { key, sequencer: '000A', ...(await pipeline.put(key, older)) };
  await pipeline.decide(upload);
  const recorded = await pipeline.record(key);
  await pipeline.forgetAnnouncement(key);
  expect(await pipeline.decide({ ...upload, size: 0 })).toBe('processed');
  expect(await pipeline.record(key)).toEqual(recorded);
  expect(await sequencersShown()).toEqual([padSequencer('000A')]);
  const [first, second] = (await heard()).filter(({ detail }) => detail.image.key === key);
  expect(second).toEqual({ ...first, detail: { ...first?.detail, correlationId: expect.any(String) } });
});

describe('an older event after a newer one', () => {
  it('is superseded, and its renditions are removed', async () => {
    const first = { key, sequencer: '000A', ...(await pipeline.put(key, older)) };
    const second = { key, sequencer: '000B', ...(await pipeline.put(key, newer)) };
    expect(await pipeline.decide(second)).toBe('processed');

    expect(await pipeline.decide(first)).toBe('superseded');

    expect(await pipeline.record(key)).toMatchObject({ version: second.versionId });
    expect(await sequencersShown()).toEqual([padSequencer('000B')]);
    expect(await eventTypes()).toEqual(['ImageProcessed']);
  });

  it('is recognised by S3’s rule: the shorter sequencer is padded on the right', async () => {
    const upload = await pipeline.put(key, older);
    expect(await pipeline.decide({ key, sequencer: '000B', ...upload })).toBe('processed');
    expect(await pipeline.decide({ key, sequencer: '000AFFFF', ...upload })).toBe('superseded');
    expect(await pipeline.decide({ key, sequencer: '000b01', ...upload })).toBe('processed');
  });
});

describe('a deletion', () => {
  it('that overtakes its upload prevents the image from appearing', async () => {
    const upload = { key, sequencer: '000A', ...(await pipeline.put(key, older)) };
    expect(
      await pipeline.decide({ key, sequencer: '000B', versionId: 'marker', deleted: 'Delete Marker Created' }),
    ).toBe('deleted');

    expect(await pipeline.decide(upload)).toBe('superseded');

    expect(await pipeline.record(key)).toMatchObject({ outcome: 'deleted' });
    expect(await pipeline.renditionKeys(key)).toEqual([]);
    expect(await eventTypes()).toEqual(['ImageDeleted']);
  });

  it('is undone by a newer upload', async () => {
    await pipeline.decide({ key, sequencer: '000A', deleted: 'Permanently Deleted' });
    expect(await pipeline.decide({ key, sequencer: '000B', ...(await pipeline.put(key, older)) })).toBe('processed');
    expect(await pipeline.record(key)).toMatchObject({ outcome: 'processed' });
  });

  it('of an old version, as by a lifecycle rule, does not affect the image', async () => {
    const first = { key, sequencer: '000A', ...(await pipeline.put(key, older)) };
    const second = { key, sequencer: '000B', ...(await pipeline.put(key, newer)) };
    await pipeline.decide(second);
    const expired = { key, sequencer: '000C', versionId: first.versionId, deleted: 'Permanently Deleted' } as const;

    expect(await pipeline.decide(expired)).toBe('superseded');

    expect(await pipeline.record(key)).toMatchObject({ outcome: 'processed', version: second.versionId });
    expect((await pipeline.renditionKeys(key)).length).toBeGreaterThan(0);
    expect(await eventTypes()).toEqual(['ImageProcessed']);
  });

  it('of an old version, before the current one is processed, does not block the current one', async () => {
    const first = { key, sequencer: '000A', ...(await pipeline.put(key, older)) };
    const second = { key, sequencer: '000B', ...(await pipeline.put(key, newer)) };
    const expired = { key, sequencer: '000C', versionId: first.versionId, deleted: 'Permanently Deleted' } as const;
    expect(await pipeline.decide(expired)).toBe('superseded');
    expect(await pipeline.decide(second)).toBe('processed');
  });

  it('of the displayed version, while a newer one is in progress, does not block the newer one', async () => {
    const first = { key, sequencer: '000A', ...(await pipeline.put(key, older)) };
    const second = { key, sequencer: '000B', ...(await pipeline.put(key, newer)) };
    await pipeline.decide(first);
    const erased = { key, sequencer: '000C', versionId: first.versionId, deleted: 'Permanently Deleted' } as const;
    expect(await pipeline.decide(erased)).toBe('deleted');
    expect(await pipeline.decide(second)).toBe('processed');
    expect(await pipeline.record(key)).toMatchObject({ outcome: 'processed', version: second.versionId });
    expect(await sequencersShown()).toEqual([padSequencer('000B')]);
  });

  it('of a version that is still being processed takes effect afterwards', async () => {
    const upload = { key, sequencer: '000A', ...(await pipeline.put(key, older)) };
    const erased = { key, sequencer: '000B', versionId: upload.versionId, deleted: 'Permanently Deleted' } as const;
    // The deletion's event overtakes the upload's. The object still exists, as it did when the workers read it.
    expect(await pipeline.decide(erased)).toBe('superseded');
    expect(await pipeline.decide(upload)).toBe('deleted');
    expect(await pipeline.record(key)).toMatchObject({ outcome: 'deleted' });
    expect(await pipeline.renditionKeys(key)).toEqual([]);
    expect(await eventTypes()).toEqual(['ImageDeleted']);
    // And it stays deleted.
    expect(await pipeline.decide(upload)).toBe('superseded');
    expect(await pipeline.renditionKeys(key)).toEqual([]);
  });

  it('removes the renditions of an interrupted attempt, even if no record was ever written', async () => {
    const upload = { key, sequencer: '000A', ...(await pipeline.put(key, older)) };
    await pipeline.render(upload);
    expect((await pipeline.renditionKeys(key)).length).toBeGreaterThan(0);
    await pipeline.decide({ key, sequencer: '000B', deleted: 'Delete Marker Created' });
    expect(await pipeline.renditionKeys(key)).toEqual([]);
  });

  it('of the displayed version deletes the image, once', async () => {
    const upload = { key, sequencer: '000A', ...(await pipeline.put(key, older)) };
    await pipeline.decide(upload);
    const removed = { key, sequencer: '000B', versionId: upload.versionId, deleted: 'Permanently Deleted' } as const;
    expect(await pipeline.decide(removed)).toBe('deleted');
    expect(await pipeline.decide(removed)).toBe('superseded');
    expect(await pipeline.renditionKeys(key)).toEqual([]);
    expect(await eventTypes()).toEqual(['ImageProcessed', 'ImageDeleted']);
  });
});

describe('an upload that is gone when its event arrives', () => {
  it('has vanished: no record, no rendition, no event', async () => {
    const upload = { key, sequencer: '000A', ...(await pipeline.put(key, older)) };
    await pipeline.delete(key, upload.versionId);
    expect(await pipeline.decide(upload)).toBe('vanished');
    expect(await pipeline.record(key)).toBeUndefined();
    expect(await pipeline.renditionKeys(key)).toEqual([]);
    expect(await eventTypes()).toEqual([]);
  });

  it('is superseded if it was replaced in a bucket without versioning', async () => {
    const { etag, size } = await pipeline.put(key, older);
    await pipeline.put(key, newer);
    expect(await pipeline.decide({ key, sequencer: '000A', etag, size })).toBe('superseded');
    expect(await pipeline.record(key)).toBeUndefined();
  });
});

describe('a malware verdict', () => {
  const infected = ({ versionId, etag }: { versionId: string; etag: string }) => ({ key, versionId, etag });

  it('that overtakes its upload is found by it: the image is rejected, and consumers never hear of it as processed', async () => {
    const upload = { key, sequencer: '000A', ...(await pipeline.put(key, older)) };
    expect(await pipeline.decide(infected(upload))).toBe('superseded');

    expect(await pipeline.decide(upload)).toBe('rejected');

    expect(await pipeline.record(key)).toMatchObject({ outcome: 'rejected', reason: 'malware', announced: true });
    expect(await pipeline.renditionKeys(key)).toEqual([]);
    expect(await eventTypes()).toEqual(['ImageRejected']);
  });

  it('about a version that was overwritten does nothing, before and after the newer one is processed', async () => {
    const first = { key, sequencer: '000A', ...(await pipeline.put(key, older)) };
    await pipeline.decide(first);
    const second = { key, sequencer: '000B', ...(await pipeline.put(key, newer)) };
    await pipeline.decide(second);

    expect(await pipeline.decide(infected(first))).toBe('superseded');

    expect(await pipeline.record(key)).toMatchObject({ outcome: 'processed', version: second.versionId });
    expect(await sequencersShown()).toEqual([padSequencer('000B')]);
    expect(await eventTypes()).toEqual(['ImageProcessed', 'ImageProcessed']);
  });

  it('that comes twice is announced once, and one whose announcement was lost is announced by the next', async () => {
    const upload = { key, sequencer: '000A', ...(await pipeline.put(key, older)) };
    await pipeline.decide(upload);
    expect(await pipeline.decide(infected(upload))).toBe('rejected');
    expect(await pipeline.decide(infected(upload))).toBe('superseded');
    expect(await eventTypes()).toEqual(['ImageProcessed', 'ImageRejected']);

    await pipeline.forgetAnnouncement(key);
    expect(await pipeline.decide(infected(upload))).toBe('rejected');
    expect(await pipeline.record(key)).toMatchObject({ reason: 'malware', announced: true });
  });

  it('is final for its version, and a new upload is not affected', async () => {
    const upload = { key, sequencer: '000A', ...(await pipeline.put(key, older)) };
    await pipeline.decide(upload);
    await pipeline.decide(infected(upload));
    expect(await pipeline.decide(upload)).toBe('superseded');
    expect(await pipeline.renditionKeys(key)).toEqual([]);

    expect(await pipeline.decide({ key, sequencer: '000B', ...(await pipeline.put(key, newer)) })).toBe('processed');
    expect(await pipeline.record(key)).toMatchObject({ outcome: 'processed', sequencer: padSequencer('000B') });
  });

  it('does not bring back an erased version, and an erasure ends an infected one', async () => {
    const upload = { key, sequencer: '000A', ...(await pipeline.put(key, older)) };
    await pipeline.decide(upload);
    await pipeline.decide(infected(upload));
    const erasure = { key, sequencer: '000B', versionId: upload.versionId, deleted: 'Permanently Deleted' } as const;
    expect(await pipeline.decide(erasure)).toBe('deleted');

    expect(await pipeline.decide(infected(upload))).toBe('superseded');

    expect(await pipeline.record(key)).toMatchObject({ outcome: 'deleted' });
    expect(await eventTypes()).toEqual(['ImageProcessed', 'ImageRejected', 'ImageDeleted']);
  });
});
