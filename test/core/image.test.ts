import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { imageIdOf, padSequencer, SEQUENCER_WIDTH, sequencerAt, sequencerOfExpiry } from '../../core/image.ts';

const sequencer = fc.string({ unit: fc.constantFrom(...'0123456789ABCDEF'), minLength: 1, maxLength: SEQUENCER_WIDTH });

/** S3's rule, literally: right-pad the shorter value with zeros, then compare lexicographically. */
const comesBefore = (left: string, right: string) => {
  const width = Math.max(left.length, right.length);
  return left.padEnd(width, '0') < right.padEnd(width, '0');
};

describe('sequencers', () => {
  it('compare as S3 prescribes once padded', () => {
    fc.assert(
      fc.property(
        sequencer,
        sequencer,
        (left, right) => padSequencer(left) < padSequencer(right) === comesBefore(left, right),
      ),
    );
  });

  it('compare equal in upper and lower case', () => {
    expect(padSequencer('00abc')).toBe(padSequencer('00ABC'));
    // The workers' schema and the renditions' keys use upper case.
    expect(padSequencer('00abc')).toMatch(/^00ABC0+$/);
  });

  it('have the same width, so that DynamoDB can compare them', () => {
    fc.assert(fc.property(sequencer, (value) => padSequencer(value).length === SEQUENCER_WIDTH));
  });
});

describe('an image’s id', () => {
  it('is the first half of the SHA-256 of bucket and key', async () => {
    // printf 'photos/a b+c é.jpg' | sha256sum
    expect(await imageIdOf('photos', 'a b+c é.jpg')).toBe('5f3c7961b02a3419eb8bf071f50117ed');
  });

  it('distinguishes similar keys: é in one code point and in two, a+b and a b, %2F and /', async () => {
    const keys = ['é'.normalize('NFC'), 'é'.normalize('NFD'), 'a+b', 'a b', '%2F', '/', 'A', 'a'];
    const ids = await Promise.all(keys.map((key) => imageIdOf('photos', key)));
    expect(new Set(ids).size).toBe(keys.length);
  });
});

describe('a time as a sequencer', () => {
  it('is below those that S3 assigns in this second, and above those of the second before', () => {
    // 2026-01-02T03:04:05Z is 1,767,323,045 seconds after 1970: 0x695735A5.
    expect(sequencerAt('2026-01-02T03:04:05.999Z')).toBe(`00695735A5${'0'.repeat(22)}`);
    expect(sequencerAt('1970-01-01T00:00:15Z')).toBe(`000000000F${'0'.repeat(22)}`);
  });

  it('is that of a deletion by a lifecycle rule, unless S3 assigned a later one', () => {
    const occurredAt = '2026-01-02T03:04:05Z';
    const [before, then, after] = [padSequencer('00695735A4FF'), sequencerAt(occurredAt), padSequencer('00695735A501')];
    expect([before, then, after].map((assigned) => sequencerOfExpiry(assigned, occurredAt))).toEqual([
      then,
      then,
      after,
    ]);
  });
});
