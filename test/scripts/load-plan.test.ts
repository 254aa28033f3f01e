import { createHash } from 'node:crypto';
import { expect, it } from 'vitest';
import { sharpImageCodec } from '../../adapters/sharp-image-codec.ts';
import { drawImages, photographs, sizeClassOf, type TestImage } from '../../scripts/load/images.ts';
import { type Mix, type Plan, planChanges } from '../../scripts/load/plan.ts';

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
  users: 200,
  mix,
  images: { thumb: ['t'], small: ['s1', 's2'], medium: ['m'], large: ['l'], corrupt: ['c'] },
};
const imagesOf = (wanted: Plan) =>
  planChanges(wanted)
    .flat()
    .map((change) => (change.kind === 'upload' ? change.image : 'deletion'));

it('the same seed plans the same run, another seed another one', () => {
  expect(planChanges(plan)).toEqual(planChanges(plan));
  expect(imagesOf({ ...plan, seed: 2 })).not.toEqual(imagesOf(plan));
});

it('the seed decides who brings a corrupt file, and which image of a class it is', () => {
  const corrupt = (seed: number) =>
    imagesOf({ ...plan, seed }).flatMap((image, index) => (image === 'c' ? [index] : []));
  expect(corrupt(2)).not.toEqual(corrupt(1));
  const onlySmall: Plan = {
    ...plan,
    mix: { ...mix, sizes: { thumb: 0, small: 1, medium: 0, large: 0 }, corruptPercent: 0, twicePercent: 0 },
  };
  expect(imagesOf({ ...onlySmall, seed: 2 })).not.toEqual(imagesOf(onlySmall));
});

it('the mix is kept to the last user, whatever the seed', () => {
  for (const seed of [1, 2, 3]) {
    const turns = planChanges({ ...plan, seed });
    expect(turns.filter((turn) => turn.length === 2)).toHaveLength(10);
    expect(turns.filter(([change]) => change?.kind === 'upload' && change.image === 'c')).toHaveLength(10);
  }
});

it('who sends a file twice sends the same file to the same key', () => {
  for (const [first, second] of planChanges(plan).filter((turn) => turn.length === 2)) expect(second).toEqual(first);
});

it('users keep to themselves unless they are to share keys', () => {
  const keys = (wanted: Plan) => new Set(planChanges(wanted).map(([change]) => change?.key));
  expect(keys(plan).size).toBe(200);
  expect(keys({ ...plan, mix: { ...mix, sharedKeys: 8 } }).size).toBe(8);
});

it('every key is below the run’s own prefix, so that its clean-up finds all of it and nothing else', () => {
  for (const { key } of planChanges({ ...plan, mix: { ...mix, deletePercent: 30 } }).flat()) {
    expect(key.startsWith('load/run/')).toBe(true);
  }
});

it('the same seed draws the same bytes, another seed others', async () => {
  const draw = async (seed: number) =>
    (await drawImages(seed, ['thumb', 'small'])).map(({ name, bytes }) => `${name} ${hash(bytes)}`);
  const drawn = await draw(7);
  expect(await draw(7)).toEqual(drawn);
  const others = await draw(8);
  // Empty is empty, whatever the seed.
  expect(others.filter((line) => drawn.includes(line))).toEqual([`corrupt-empty.jpg ${hash(Buffer.of())}`]);
});

it('a picture can be read and has the size of its class; a corrupt file is rejected', async () => {
  for (const image of [...(await drawImages(7, ['thumb', 'small'])), ...(await photographs())]) {
    expect([image.name, await classBySight(image)]).toEqual([image.name, image.class]);
  }
});

/** With the eyes of the pipeline. */
async function classBySight({ bytes }: TestImage): Promise<TestImage['class']> {
  const codec = sharpImageCodec();
  const whole = new Uint8Array(bytes);
  if (whole.length === 0) return 'corrupt';
  const inspected = await codec.inspect(whole);
  if (inspected.outcome === 'rejected') return 'corrupt';
  const { header } = inspected;
  const portrayed = await codec.portray(whole, header);
  return portrayed.outcome === 'rejected' ? 'corrupt' : sizeClassOf(header.width * header.height);
}

function hash(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}
