import { describe, expect, it } from 'vitest';
import type { Item, Stage } from '../source/gallery-state.ts';
import { advance, isVisible, stations, type Token, tall, wide } from '../source/inside-path.ts';

const item = (key: string, stage: Stage): Item => ({
  key,
  name: key,
  stage,
  image: undefined,
  upload: undefined,
});
const queued: Stage = { kind: 'processing', step: 'queued' };

function tick(times: number, items: readonly Item[], running = 0, before: ReadonlyMap<string, Token> = new Map()) {
  let tokens = before;
  for (let done = 0; done < times; done += 1) tokens = advance(tokens, items, running);
  return tokens;
}
const stationOf = (tokens: ReadonlyMap<string, Token>, key = 'a') => stations[tokens.get(key)?.station ?? -1];

describe('an image in the diagram', () => {
  it('passes each station, however fast the pipeline was', () => {
    const seen: (string | undefined)[] = [];
    let tokens = tick(1, [item('a', { kind: 'uploading', share: 0.2 })]);
    for (const _ of stations) {
      seen.push(stationOf(tokens));
      tokens = tick(1, [item('a', { kind: 'ready' })], 0, tokens);
    }
    expect(seen).toEqual([...stations]);
  });

  it('waits in the queue until it is one of the oldest', () => {
    // Newest first, as everywhere.
    const items = [item('newest', queued), item('older', queued), item('oldest', queued)];
    const tokens = tick(10, items, 1);
    expect(stationOf(tokens, 'oldest')).toBe('workflow');
    expect(stationOf(tokens, 'older')).toBe('queue');
    expect(stationOf(tokens, 'newest')).toBe('queue');
  });

  it('is left out if it was finished before anyone looked, and leaves after a while', () => {
    expect(tick(1, [item('a', { kind: 'ready' })]).size).toBe(0);
    const started = tick(1, [item('a', queued)]);
    const finished = tick(20, [item('a', { kind: 'rejected', message: 'no' })], 0, started);
    expect([...finished.values()].filter(isVisible)).toEqual([]);
  });

  it('starts again with a new version', () => {
    const finished = tick(8, [item('a', { kind: 'ready' })], 0, tick(1, [item('a', queued)]));
    expect(stationOf(tick(1, [item('a', { kind: 'uploading', share: 0 })], 0, finished))).toBe('upload');
  });
});

it.each([
  ['wide', wide],
  ['tall', tall],
])('the %s drawing keeps boxes and images within its edges', (_, { width, height, boxes, tokens }) => {
  for (const box of Object.values(boxes)) {
    expect(box.x + box.width).toBeLessThanOrEqual(width);
    expect(box.y + box.height).toBeLessThanOrEqual(height);
  }
  for (const station of stations) {
    const [box, point] = [boxes[station], tokens[station]];
    expect(point.x).toBeGreaterThan(box.x);
    expect(point.x).toBeLessThan(box.x + box.width);
    expect(point.y).toBeLessThan(box.y + box.height);
  }
});
