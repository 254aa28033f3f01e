import { createHash } from 'node:crypto';
import { beforeAll, expect, it } from 'vitest';
import { sharpImageCodec } from '../../adapters/sharp/sharp-image-codec.ts';
import { drawImages, photographs, sizeClassOf, type TestImage } from '../runner/images.ts';
import { type Mix, type Plan, planChanges } from '../runner/plan.ts';

const mix: Mix = {
  sizes: { thumb: 30, small: 50, medium: 15, large: 5 },
  corruptPercent: 5,
  twicePercent: 5,
  deletePercent: 0,
  sharedKeys: 0,
};
const plan: Plan = {
  seed: 1,
  prefix: 'load/run/',
  phases: [200],
  mix,
  images: { thumb: ['t'], small: ['s1', 's2'], medium: ['m'], large: ['l'], corrupt: ['c'] },
};
const imagesOf = (wanted: Plan) =>
  planChanges(wanted)
    .flat()
    .map((change) => (change.kind === 'upload' ? change.image : 'deletion'));

it('the same seed gives the same run, and another seed another run', () => {
  expect(planChanges(plan)).toEqual(planChanges(plan));
  expect(imagesOf({ ...plan, seed: 2 })).not.toEqual(imagesOf(plan));
});

it('the seed decides which users send a corrupt file, and which image of a class each user sends', () => {
  const corrupt = (seed: number) =>
    imagesOf({ ...plan, seed }).flatMap((image, index) => (image === 'c' ? [index] : []));
  expect(corrupt(2)).not.toEqual(corrupt(1));
  const onlySmall: Plan = {
    ...plan,
    mix: { ...mix, sizes: { thumb: 0, small: 1, medium: 0, large: 0 }, corruptPercent: 0, twicePercent: 0 },
  };
  expect(imagesOf({ ...onlySmall, seed: 2 })).not.toEqual(imagesOf(onlySmall));
});

it('each phase has exactly the planned mix, whatever the seed', () => {
  for (const seed of [1, 2, 3]) {
    const turns = planChanges({ ...plan, seed, phases: [100, 200] });
    for (const [phase, share] of [
      [turns.slice(0, 100), 1],
      [turns.slice(100), 2],
    ] as const) {
      expect(phase.filter((turn) => turn.length === 2)).toHaveLength(5 * share);
      const images = phase.flatMap(([change]) => (change?.kind === 'upload' ? [change.image] : []));
      const count = (image: string) => images.filter((one) => one === image).length;
      expect(count('c')).toBe(5 * share);
      // Of the 95 with an image: 30 : 50 : 15 : 5, and equally many of each image of a class.
      expect(Math.abs(count('t') - 28.5 * share)).toBeLessThanOrEqual(0.5);
      expect(Math.abs(count('s1') - count('s2'))).toBeLessThanOrEqual(1);
      expect(Math.abs(count('l') - 4.75 * share)).toBeLessThanOrEqual(0.5);
    }
  }
});

it('a mix with a class that has no images is refused', () => {
  expect(() => planChanges({ ...plan, images: { ...plan.images, large: [] } })).toThrow(/no image of class large/);
});

it('a repeated upload sends the same file to the same key', () => {
  for (const [first, second] of planChanges(plan).filter((turn) => turn.length === 2)) expect(second).toEqual(first);
});

it('users have separate keys unless the mix shares keys', () => {
  const keys = (wanted: Plan) => new Set(planChanges(wanted).map(([change]) => change?.key));
  expect(keys(plan).size).toBe(200);
  expect(keys({ ...plan, mix: { ...mix, sharedKeys: 8 } }).size).toBe(8);
});

it('every key is below the run’s own prefix, so that its clean-up finds exactly its own uploads', () => {
  for (const { key } of planChanges({ ...plan, mix: { ...mix, deletePercent: 30 } }).flat()) {
    expect(key.startsWith('load/run/')).toBe(true);
  }
});

const drawSmall = (seed: number) => drawImages(seed, ['thumb', 'small']);
let drawnWithSeven: readonly TestImage[];
beforeAll(async () => {
  drawnWithSeven = await drawSmall(7);
});

it('the same seed draws the same bytes, and another seed different ones', async () => {
  const described = (images: readonly TestImage[]) => images.map(({ name, bytes }) => `${name} ${hash(bytes)}`);
  const drawn = described(drawnWithSeven);
  expect(described(await drawSmall(7))).toEqual(drawn);
  const others = described(await drawSmall(8));
  // The empty file is the same for every seed.
  expect(others.filter((line) => drawn.includes(line))).toEqual([`corrupt-empty.jpg ${hash(Buffer.of())}`]);
});

it('an image is readable and has the size of its class; a corrupt file is rejected', async () => {
  for (const image of [...drawnWithSeven, ...(await photographs())]) {
    expect([image.name, await classBySight(image)]).toEqual([image.name, image.class]);
  }
});

/** As the pipeline reads it. */
async function classBySight({ bytes }: TestImage): Promise<TestImage['class']> {
  const codec = sharpImageCodec();
  const whole = new Uint8Array(bytes);
  if (whole.length === 0) return 'corrupt';
  const image = await codec.open(whole);
  if (image.outcome === 'rejected') return 'corrupt';
  const { header } = image;
  const portrayed = await image.portray();
  return portrayed.outcome === 'rejected' ? 'corrupt' : sizeClassOf(header.width * header.height);
}

function hash(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}
