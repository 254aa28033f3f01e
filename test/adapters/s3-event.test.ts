import { describe, expect, it } from 'vitest';
import { parseS3Event } from '../../adapters/contracts/s3-event.ts';
import { padSequencer } from '../../core/image.ts';

const uploadBucket = 'uploads';
const deletion = (sequencer: string, bucket = uploadBucket) =>
  parseS3Event(
    JSON.stringify({
      ...{ id: 'e', time: '2026-01-01T00:00:00Z', 'detail-type': 'Object Deleted' },
      detail: {
        bucket: { name: bucket },
        object: { key: 'victim.jpg', sequencer },
        'deletion-type': 'Permanently Deleted',
      },
    }),
    uploadBucket,
  );
const secondsFromNow = (seconds: number) => Math.floor(Date.now() / 1000 + seconds).toString(16);

describe('an event', () => {
  it.each([
    ['of October 2021, from the EventBridge guide', '617f08299329d189'],
    ['with two zeros in front, from the S3 guide', '0055AED6DCD90281E5'],
    ['of the emulator, which counts microseconds', '000005B7CB6BE58005'],
    ['of this moment', `${secondsFromNow(0)}9329d189`],
    ['of a clock that is an hour ahead', `${secondsFromNow(3600)}9329d189`],
  ])('%s is accepted', async (_, sequencer) => {
    expect((await deletion(sequencer)).image.sequencer).toBe(padSequencer(sequencer));
  });

  it('of another bucket is refused, and the error names both', async () => {
    await expect(deletion('617f08299329d189', 'elsewhere')).rejects.toThrow(/forged.*elsewhere.*uploads/);
  });

  it.each([
    ['the highest that fits', 'F'.repeat(32)],
    ['the highest of S3’s width', 'f'.repeat(16)],
    ['of next week', `${secondsFromNow(7 * 86_400)}00000000`],
    ['that is one digit', '7'],
  ])('with a sequencer from the future (%s) is refused: it would outrank every later upload', async (_, sequencer) => {
    await expect(deletion(sequencer)).rejects.toThrow(/forged.*sequencer/);
  });
});
