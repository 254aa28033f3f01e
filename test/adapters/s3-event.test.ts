import { describe, expect, it } from 'vitest';
import { parseS3Event } from '../../adapters/contracts/s3-event.ts';
import { padSequencer } from '../../core/image.ts';

const uploadBucket = 'uploads';
const deletion = (sequencer: string, bucket = uploadBucket, buckets = [uploadBucket]) =>
  parseS3Event(
    JSON.stringify({
      ...{ id: 'e', time: '2026-01-01T00:00:00Z', 'detail-type': 'Object Deleted' },
      detail: {
        bucket: { name: bucket },
        object: { key: 'victim.jpg', sequencer },
        'deletion-type': 'Permanently Deleted',
      },
    }),
    buckets,
  );
/** As S3 sends it for a versioned bucket, dated to a midnight. */
const expiry = (time: string, sequencer: string, detail: object = {}) =>
  parseS3Event(
    JSON.stringify({
      ...{ id: 'e', time, 'detail-type': 'Object Deleted' },
      detail: {
        bucket: { name: uploadBucket },
        object: { key: 'old.jpg', sequencer, 'version-id': 'v1' },
        ...{ reason: 'Lifecycle Expiration', 'deletion-type': 'Delete Marker Created', ...detail },
      },
    }),
    [uploadBucket],
  );
const secondsFromNow = (seconds: number) => Math.floor(Date.now() / 1000 + seconds).toString(16);

/** The two forms: as S3 sends it, and as AWS's guide to EventBridge shows it. */
const at = (seconds: number) => `00${secondsFromNow(seconds)}9329D189`;
const withoutZeros = (sequencer: string) => sequencer.slice(2);

describe('an event', () => {
  it.each([
    ['of July 2015, from the S3 guide', '0055AED6DCD90281E5'],
    ['of the emulator, which counts microseconds', '000005B7CB6BE58005'],
    ['of this moment', at(0)],
    ['of a clock that is an hour ahead', at(3600)],
  ])('%s is accepted', async (_, sequencer) => {
    expect((await deletion(sequencer)).image.sequencer).toBe(padSequencer(sequencer));
  });

  it.each([
    ['of October 2021, from the EventBridge guide', '617f08299329d189'],
    ['of this moment', withoutZeros(at(0))],
  ])('without two zeros in front (%s) is read as if it had them', async (_, sequencer) => {
    expect((await deletion(sequencer)).image.sequencer).toBe(padSequencer(`00${sequencer}`));
  });

  it('without two zeros in front does not outrank a later one with them', async () => {
    const [forged, later] = await Promise.all([deletion(withoutZeros(at(-60))), deletion(at(0))]);
    expect(forged.image.sequencer < later.image.sequencer).toBe(true);
  });

  it('of another bucket is refused, and the error names both', async () => {
    await expect(deletion('617f08299329d189', 'elsewhere')).rejects.toThrow(/forged.*elsewhere.*uploads/);
  });

  it('of an adopted bucket is accepted, and its image is another one than that with the same key', async () => {
    const adopted = await deletion('617f08299329d189', 'holiday', [uploadBucket, 'holiday']);
    expect(adopted.image).toMatchObject({ bucket: 'holiday', key: 'victim.jpg' });
    expect(adopted.image.imageId).not.toBe((await deletion('617f08299329d189')).image.imageId);
  });

  it.each([
    ['the highest', 'F'.repeat(32)],
    ['the highest of S3’s width', 'f'.repeat(16)],
    ['the highest with two zeros', `00${'f'.repeat(16)}`],
    ['of next week', at(7 * 86_400)],
    ['of next week, without zeros', withoutZeros(at(7 * 86_400))],
    ['that is one digit', '7'],
  ])('with a sequencer from the future (%s) is refused: it would outrank every later upload', async (_, sequencer) => {
    await expect(deletion(sequencer)).rejects.toThrow(/forged.*sequencer/);
  });

  it('with a sequencer in a form that S3 does not use is refused: its order would be unknown', async () => {
    await expect(deletion('01000000009329d189')).rejects.toThrow(/forged.*sequencer/);
  });

  it('with a sequencer that has no room for the zeros is refused', async () => {
    await expect(deletion(withoutZeros(at(0)).padEnd(31, '0'))).rejects.toThrow(/forged.*sequencer/);
  });
});

describe('a deletion by a lifecycle rule', () => {
  // 29 October 2021, as in AWS's example.
  const midnight = '617b398000000000';
  const upload = padSequencer('00617BC02F9329D189');

  it('removes an upload of the day to whose midnight S3 dates it', async () => {
    const { image } = await expiry('2021-10-29T15:00:00Z', midnight);
    expect(upload < image.sequencer).toBe(true);
    expect(image.sequencer < padSequencer(`00${(Date.UTC(2021, 9, 29, 15, 0, 1) / 1000).toString(16)}`)).toBe(true);
  });

  it('keeps its sequencer if that is later than its time', async () => {
    expect((await expiry('2021-10-28T23:59:59Z', midnight)).image.sequencer).toBe(padSequencer(`00${midnight}`));
  });

  it.each([
    ['by a person', { reason: 'DeleteObject' }],
    ['of one version, which no order decides', { 'deletion-type': 'Permanently Deleted' }],
  ])('is not a deletion %s', async (_, detail) => {
    expect((await expiry('2021-10-29T15:00:00Z', midnight, detail)).image.sequencer).toBe(
      padSequencer(`00${midnight}`),
    );
  });

  it('of next week is refused: it would outrank every later upload', async () => {
    const nextWeek = new Date(Date.now() + 7 * 86_400_000).toISOString();
    await expect(expiry(nextWeek, midnight)).rejects.toThrow(/forged.*sent it at/);
  });
});
