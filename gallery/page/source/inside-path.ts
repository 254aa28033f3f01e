/** Where each image is on its way through the pipeline, as far as the page can tell. */
import type { Item, Stage } from './gallery-state.ts';

export const stations = ['upload', 'route', 'queue', 'dispatch', 'workflow', 'record', 'announce'] as const;
export type Station = (typeof stations)[number];

export interface Token {
  readonly item: Item;
  /** Undefined after the last. */
  readonly station: number;
  /** Ticks since it has arrived at its target. */
  readonly rested: number;
}

/** Ticks that a finished image stays to be seen. */
const RESTS = 6;

/**
 * One tick: each image goes at most one station further towards where it is now. Real images are faster than eyes, so the picture
 * shows each station, a moment late.
 */
export function advance(
  before: ReadonlyMap<string, Token>,
  items: readonly Item[],
  running: number,
): ReadonlyMap<string, Token> {
  // The queue is first in, first out, more or less: the oldest are the ones in work.
  const working = items.filter(({ stage }) => stage.kind === 'processing').toReversed();
  const tokens = new Map<string, Token>();
  for (const item of items) {
    const target = targetOf(item.stage, working.indexOf(item) < running);
    const known = before.get(item.key);
    // What was finished before the view was opened is not on its way.
    if (target === undefined || (known === undefined && !isMoving(item.stage))) continue;
    const restarted = known !== undefined && known.station > target && isMoving(item.stage);
    const station =
      known === undefined || restarted
        ? Math.min(target, 0)
        : Math.min(known.station + 1, Math.max(target, known.station));
    const rested =
      known !== undefined && station === known.station && station === stations.length - 1 ? known.rested + 1 : 0;
    tokens.set(item.key, { item, station, rested });
  }
  return tokens;
}

export function isVisible({ rested }: Token): boolean {
  return rested < RESTS;
}

function isMoving({ kind }: Stage): boolean {
  return kind === 'uploading' || kind === 'uploaded' || kind === 'processing';
}

function targetOf(stage: Stage, inWork: boolean): number | undefined {
  switch (stage.kind) {
    case 'uploading':
      return stations.indexOf('upload');
    case 'uploaded':
      return stations.indexOf('route');
    case 'processing':
      if (stage.step !== 'queued' || inWork) return stations.indexOf('workflow');
      return stations.indexOf('queue');
    case 'ready':
    case 'rejected':
    case 'failed':
      return stations.indexOf('announce');
    case 'waiting':
    case 'refused':
    case 'deleting':
      return undefined;
  }
}

interface Point {
  readonly x: number;
  readonly y: number;
}

interface Box extends Point {
  readonly width: number;
  readonly height: number;
}

export interface Drawing {
  readonly width: number;
  readonly height: number;
  readonly boxes: Readonly<Record<Station | 'describe' | 'resize', Box>>;
  /** Paths of the arrows. */
  readonly arrows: readonly string[];
  /** Where an image stands at a station. */
  readonly tokens: Readonly<Record<Station, Point>>;
}

export const wide: Drawing = {
  width: 1120,
  height: 264,
  boxes: {
    upload: { x: 1, y: 68, width: 126, height: 128 },
    route: { x: 163, y: 68, width: 126, height: 128 },
    queue: { x: 325, y: 68, width: 126, height: 128 },
    dispatch: { x: 487, y: 68, width: 126, height: 128 },
    workflow: { x: 649, y: 2, width: 148, height: 260 },
    describe: { x: 663, y: 142, width: 120, height: 48 },
    resize: { x: 663, y: 200, width: 120, height: 48 },
    record: { x: 833, y: 68, width: 126, height: 128 },
    announce: { x: 993, y: 68, width: 126, height: 128 },
  },
  arrows: ['M127 132H158', 'M289 132H320', 'M451 132H482', 'M613 132H644', 'M797 132H828', 'M959 132H988'],
  tokens: {
    upload: { x: 84, y: 164 },
    route: { x: 246, y: 164 },
    queue: { x: 408, y: 164 },
    dispatch: { x: 570, y: 164 },
    workflow: { x: 740, y: 106 },
    record: { x: 916, y: 164 },
    announce: { x: 1076, y: 164 },
  },
};

export const tall: Drawing = {
  width: 340,
  height: 692,
  boxes: {
    upload: { x: 2, y: 2, width: 336, height: 68 },
    route: { x: 2, y: 98, width: 336, height: 68 },
    queue: { x: 2, y: 194, width: 336, height: 68 },
    dispatch: { x: 2, y: 290, width: 336, height: 68 },
    workflow: { x: 2, y: 386, width: 336, height: 118 },
    describe: { x: 16, y: 448, width: 148, height: 44 },
    resize: { x: 176, y: 448, width: 148, height: 44 },
    record: { x: 2, y: 532, width: 336, height: 68 },
    announce: { x: 2, y: 628, width: 336, height: 62 },
  },
  arrows: ['M170 70V93', 'M170 166V189', 'M170 262V285', 'M170 358V381', 'M170 504V527', 'M170 600V623'],
  tokens: {
    upload: { x: 270, y: 38 },
    route: { x: 270, y: 134 },
    queue: { x: 270, y: 230 },
    dispatch: { x: 270, y: 326 },
    workflow: { x: 270, y: 416 },
    record: { x: 270, y: 568 },
    announce: { x: 270, y: 661 },
  },
};
