import { beforeAll, expect, it } from 'vitest';
import { announceImages } from '../../scripts/announce/announce-images.ts';
import { replay } from '../../scripts/replay/replay-events.ts';
import { type DomainEvent, emulatedPipeline, eventually } from '../support/emulated-pipeline.ts';
import { ExampleConsumer } from '../support/example-consumer.ts';
import { photo } from '../support/photos.ts';

/** Replays and announcements repeat events exactly, so a consumer that follows the two rules loses nothing and learns nothing wrong. */

const pipeline = emulatedPipeline();
const { stack } = pipeline;
const prefix = 'announced/';
const keyOf = (name: string) => `${prefix}${name}`;
const rule = 'test-replayed';
const startedAt = new Date();
let heard: () => Promise<DomainEvent[]>;
let original: DomainEvent[];

const ofPrefix = async () => (await heard()).filter(({ detail }) => detail.image.key.startsWith(prefix));
const atLeast = (count: number) =>
  eventually(`${count} events`, async () => {
    const found = await ofPrefix();
    return found.length >= count ? found : undefined;
  });

const consumer = new ExampleConsumer();
const deliver = (events: readonly DomainEvent[]) => {
  for (const { 'detail-type': type, detail } of events) consumer.receive({ type, detail });
};
const beliefs = () => original.map(({ detail }) => consumer.believes(detail.image.id));

beforeAll(async () => {
  await pipeline.queueIsEmpty();
  heard = await pipeline.subscribe(rule);
  await pipeline.put(keyOf('photo.jpg'), photo('flowers-iphone5-gps-small.jpg'));
  await pipeline.put(keyOf('torn.jpg'), 'no image');
  await pipeline.put(keyOf('gone.jpg'), photo('rocket.jpg'));
  await pipeline.recordWhen(keyOf('gone.jpg'), ({ outcome }) => outcome === 'processed');
  await pipeline.delete(keyOf('gone.jpg'));
  await pipeline.recordWhen(keyOf('gone.jpg'), ({ outcome }) => outcome === 'deleted');
  for (const name of ['photo.jpg', 'torn.jpg']) await pipeline.recordWhen(keyOf(name), () => true);
  original = [...(await atLeast(4))];
  deliver(original);
});

it('an announcement publishes each image’s last event again, exactly as the workflow did', async () => {
  const before = beliefs();
  expect(await announceImages(stack, { prefix, perSecond: 100 })).toEqual({ published: 3, inProgress: 0 });

  const announced = (await atLeast(7)).slice(4);

  const last = new Map(original.map((event) => [event.detail.image.key, event]));
  const byKey = new Map(announced.map((event) => [event.detail.image.key, event]));
  expect(byKey).toEqual(last);
  deliver(announced);
  expect(beliefs()).toEqual(before);
});

it('a replay repeats the events of the period, and changes nothing that a consumer believes', async () => {
  const before = beliefs();
  const already = (await ofPrefix()).length;
  await replay(stack, { from: startedAt, to: new Date(Date.now() + 60_000), rule });

  const replayed = (await atLeast(already + 4)).slice(already);

  const ids = new Set(replayed.map(({ detail }) => detail.id));
  expect(original.filter(({ detail }) => !ids.has(detail.id))).toEqual([]);
  deliver(replayed.toReversed());
  expect(beliefs()).toEqual(before);
});
