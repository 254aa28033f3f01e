import { CopyObjectCommand } from '@aws-sdk/client-s3';
import sharp from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import { renditionGroups } from '../../core/presets.ts';
import { type DomainEvent, emulatedPipeline, eventually, verdictEvent } from '../support/emulated-pipeline.ts';
import { photo } from '../support/photos.ts';

const pipeline = emulatedPipeline();
let heard: () => Promise<DomainEvent[]>;
let progressHeard: () => Promise<DomainEvent[]>;
beforeAll(async () => {
  heard = await pipeline.subscribe();
  progressHeard = await pipeline.subscribe(undefined, ['ImageDescribed']);
});

const eventsOf = async (key: string, count: number): Promise<DomainEvent[]> =>
  eventually(`${count} event(s) of ${key}`, async () => {
    const ofKey = (await heard()).filter(({ detail }) => detail.image.key === key);
    return ofKey.length >= count ? ofKey : undefined;
  });

describe('an uploaded photo', () => {
  const key = 'holiday/flowers (1) + é %2F.jpg';

  it('becomes a record, all renditions and one event', async () => {
    await pipeline.put(key, photo('flowers-iphone5-gps-small.jpg'));
    const record = await pipeline.recordWhen(key, ({ outcome }) => outcome === 'processed');
    if (record.outcome !== 'processed') throw new Error('not processed');

    const source = await sharp(photo('flowers-iphone5-gps-small.jpg')).metadata();
    expect(record).toMatchObject({ bucket: pipeline.bucket, key });
    expect(record.metadata).toMatchObject({
      format: 'jpeg',
      width: source.width,
      height: source.height,
      orientation: 3,
      camera: { make: 'Apple', model: 'iPhone 5' },
      damaged: false,
    });

    expect(record.renditions.map(({ key: renditionKey }) => renditionKey).sort()).toEqual(
      await pipeline.renditionKeys(key),
    );
    for (const group of renditionGroups) {
      const formats = new Set(group.presets.map(({ format }) => format));
      for (const format of formats) {
        expect(
          record.renditions.some(({ contentType }) => contentType === `image/${format}`),
          format,
        ).toBe(true);
      }
    }
    for (const rendition of record.renditions) {
      const { bytes, contentType } = await pipeline.rendition(rendition.key);
      const seen = await sharp(bytes).metadata();
      expect({ ...rendition, format: contentType }).toMatchObject({
        width: seen.width,
        height: seen.height,
        bytes: bytes.length,
        format: rendition.contentType,
      });
      expect({ exif: seen.exif, xmp: seen.xmp, orientation: seen.orientation }).toEqual({
        exif: undefined,
        xmp: undefined,
        orientation: undefined,
      });
    }

    const [event, ...others] = await eventsOf(key, 1);
    expect(others).toEqual([]);
    expect(event).toMatchObject({
      'detail-type': 'ImageProcessed',
      detail: {
        correlationId: record.correlationId,
        image: {
          id: record.imageId,
          bucket: pipeline.bucket,
          key,
          sequencer: record.sequencer,
          version: record.version,
        },
        metadata: record.metadata,
        renditions: record.renditions,
      },
    });
  });

  it('does not reveal its GPS position in the record or the event', async () => {
    const record = await pipeline.recordWhen(key, ({ outcome }) => outcome === 'processed');
    expect(JSON.stringify([record, await eventsOf(key, 1)])).not.toMatch(/location|latitude|gps/i);
  });

  it('is described while its renditions are made, with the metadata of its record', async () => {
    const described = await eventually('its description', async () =>
      (await progressHeard()).find(({ detail }) => detail.image.key === key),
    );
    const record = await pipeline.record(key);
    expect(described.detail).toMatchObject({
      image: { sequencer: record?.sequencer },
      metadata: record?.outcome === 'processed' && record.metadata,
    });
  });
});

describe('a file that is not an image', () => {
  it.each([
    ['notes.jpg', 'Dear diary', 'unsupported-format'],
    ['empty.png', '', 'empty'],
    ['torn.jpg', photo('rocket.jpg').subarray(0, 20_000), 'corrupt'],
  ])('%s is rejected with a reason, without another attempt', async (key, body, reason) => {
    const deadBefore = await pipeline.messagesIn(pipeline.deadLetterQueueUrl);
    await pipeline.put(key, body);
    const record = await pipeline.recordWhen(key, ({ outcome }) => outcome === 'rejected');
    expect(record).toMatchObject({ outcome: 'rejected', reason });
    expect(await pipeline.renditionKeys(key)).toEqual([]);
    const [event] = await eventsOf(key, 1);
    expect(event).toMatchObject({ 'detail-type': 'ImageRejected', detail: { reason } });
    await pipeline.queueIsEmpty();
    expect(await pipeline.messagesIn(pipeline.deadLetterQueueUrl)).toBe(deadBefore);
  });
});

// docs/runbooks/undelivered-events.md
it('an upload that is sent again by copying it onto itself is processed again, as a newer version of the same image', async () => {
  const key = 'sent again + é.jpg';
  await pipeline.put(key, photo('rocket.jpg'));
  const first = await pipeline.recordWhen(key, ({ outcome }) => outcome === 'processed');
  await pipeline.s3.send(
    new CopyObjectCommand({
      Bucket: pipeline.bucket,
      Key: key,
      CopySource: encodeURI(`${pipeline.bucket}/${key}`).replaceAll('+', '%2B'),
      MetadataDirective: 'REPLACE',
      ContentType: 'image/jpeg',
    }),
  );
  const second = await pipeline.recordWhen(key, ({ sequencer }) => sequencer > first.sequencer);
  expect(second).toMatchObject({
    outcome: 'processed',
    metadata: first.outcome === 'processed' ? first.metadata : 'the metadata of the first version',
  });
});

describe('an image that is replaced, then deleted', () => {
  const key = 'portrait.jpg';

  it('shows the new version, without any renditions of the old one', async () => {
    await pipeline.put(key, photo('rocket.jpg'));
    const first = await pipeline.recordWhen(key, ({ outcome }) => outcome === 'processed');
    await pipeline.put(key, photo('flowers-iphone5-gps-small.jpg'));
    const second = await pipeline.recordWhen(key, ({ sequencer }) => sequencer > first.sequencer);
    const keys = await pipeline.renditionKeys(key);
    expect(keys.length).toBeGreaterThan(0);
    expect(keys.filter((rendition) => !rendition.includes(second.sequencer))).toEqual([]);
  });

  it('leaves a tombstone and no rendition', async () => {
    await pipeline.delete(key);
    const record = await pipeline.recordWhen(key, ({ outcome }) => outcome === 'deleted');
    expect(record).toMatchObject({ outcome: 'deleted', expiresAt: expect.any(Number) });
    expect(await pipeline.renditionKeys(key)).toEqual([]);
    expect((await eventsOf(key, 3)).map((event) => event['detail-type'])).toEqual([
      'ImageProcessed',
      'ImageProcessed',
      'ImageDeleted',
    ]);
  });
});

describe('an upload in which GuardDuty finds malware', () => {
  const verdict = { key: 'next-to-it.jpg', etag: 'e1' };

  it('is not affected by other results of scans, or by events that another account forwards', async () => {
    const { detail } = verdictEvent(pipeline.bucket, verdict, 'NO_THREATS_FOUND');
    expect(await pipeline.reportMalware(verdict, { detail })).toBe(false);
    expect(await pipeline.reportMalware(verdict, { account: '1'.repeat(12) })).toBe(false);
    expect(await pipeline.reportMalware(verdict, { detail: verdictEvent('other-bucket', verdict).detail })).toBe(false);
  });

  it('cannot be accused by anyone but AWS', async () => {
    expect(await pipeline.forgeVerdict(verdict)).toBe('NotAuthorizedForSourceException');
  });

  it('is withdrawn: its renditions are removed, and its record and a second event say why', async () => {
    const [key, bystander] = ['infected.jpg', 'next-to-it.jpg'];
    const [{ etag }] = await Promise.all([
      pipeline.put(key, photo('rocket.jpg')),
      pipeline.put(bystander, photo('rocket.jpg')),
    ]);
    const before = await pipeline.recordWhen(key, ({ outcome }) => outcome === 'processed');
    await pipeline.recordWhen(bystander, ({ outcome }) => outcome === 'processed');

    expect(await pipeline.reportMalware({ key, etag })).toBe(true);

    const record = await pipeline.recordWhen(key, ({ outcome }) => outcome === 'rejected');
    expect(record).toMatchObject({
      reason: 'malware',
      message: expect.stringContaining('malware'),
      version: before.version,
      sequencer: before.sequencer,
      occurredAt: before.occurredAt,
    });
    expect(record).not.toHaveProperty('renditions');
    expect(await pipeline.renditionKeys(key)).toEqual([]);
    const [first, second, ...more] = await eventsOf(key, 2);
    expect(more).toEqual([]);
    expect(first?.['detail-type']).toBe('ImageProcessed');
    expect(second).toMatchObject({
      'detail-type': 'ImageRejected',
      detail: { reason: 'malware', image: { sequencer: before.sequencer }, occurredAt: before.occurredAt },
    });
    // The same bytes under another key, found clean.
    expect((await pipeline.record(bystander))?.outcome).toBe('processed');
    expect(await pipeline.messagesIn(pipeline.deadLetterQueueUrl)).toBe(0);
  });
});
