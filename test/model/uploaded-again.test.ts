import { expect, it } from 'vitest';
import { erasureRules, isTombstone } from '../../core/erase.ts';
import { padSequencer } from '../../core/image.ts';
import { type Bucket, defectsOfErasure, eraseInHistory } from './erasure.ts';
import type { ImageState } from './reference.ts';
import type { Change } from './world.ts';
import { worldInTurn } from './world-in-turn.ts';

/** An erasure whose image is uploaded again before its tombstone is seen: too rare for random histories. */

const at = (second: number, changes: Partial<Change>): Change => ({
  ...{ key: 'cat.jpg', type: 'Created', sequencer: `006955B90${second}`, versionId: `v${second}`, etag: `e${second}` },
  ...{ occurredAt: `2026-01-01T00:00:0${second}.000Z`, bytes: new TextEncoder().encode(`photo ${second}`) },
  ...changes,
});
const [first, deletion, again] = [
  at(1, {}),
  at(2, { type: 'Delete Marker Created', etag: '', bytes: new Uint8Array() }),
  at(3, {}),
];
const undisturbed = { receives: 0, troubles: [] };

/** The new upload is decided before the event of the deletion arrives. */
async function eraseWhileUploaded(rules = erasureRules) {
  const { world, scheduler } = worldInTurn();
  const states: ImageState[] = [];
  const happen = (change: Change, kind: ImageState['kind']): ImageState => {
    const state = { ...change, kind };
    states.push(state);
    world.store(change);
    return state;
  };
  const bucket: Bucket = {
    ...{ states: () => states, versioned: true, removedMarkers: new Set() },
    deleteCurrent() {
      const deleted = happen(deletion, 'deletion');
      happen(again, 'photo');
      world.send(again, undisturbed);
      world.inBackground(async () => {
        while (world.messages.at(-1)?.outcome === undefined) await world.turn('the deletion is on its way');
        world.send(deletion, undisturbed);
      });
      return deleted;
    },
    removeVersion(versionId) {
      const removed = states.find((state) => state.versionId === versionId);
      if (removed === undefined) return;
      if (removed.kind === 'deletion') this.removedMarkers.add(versionId);
      else removed.erasedAt = again.occurredAt;
      world.change({ ...removed, type: 'Permanently Deleted', sequencer: '006955B909' }, undisturbed);
    },
    sendDeletion: () => undefined,
  };
  happen(first, 'photo');
  world.send(first, undisturbed);
  await scheduler.waitFor(world.rest());
  const claim = await scheduler.waitFor(eraseInHistory('cat.jpg', world, bucket, rules));
  await scheduler.waitFor(world.rest());
  return { world, states, claim };
}

it('an erasure goes on when the image is uploaded again before its tombstone is seen: the new image stays, and nothing else', async () => {
  const { world, states, claim } = await eraseWhileUploaded();
  expect(world.messages.map(({ outcome }) => outcome)).toEqual(expect.arrayContaining(['processed', 'superseded']));
  if (typeof claim === 'string') throw new Error(`The erasure claims nothing: ${claim}.`);
  expect([...defectsOfErasure(claim, states, world), ...world.defects]).toEqual([]);
  expect(world.uploads.stored({ bucket: 'uploads', key: 'cat.jpg' }).map(({ versionId }) => versionId)).toEqual([
    again.versionId,
  ]);
  const [record] = [...world.table.items.values()].filter((item) => item['outcome'] !== undefined);
  expect(record).toMatchObject({
    outcome: { S: 'processed' },
    version: { S: again.versionId },
    announced: { BOOL: true },
  });
  expect(world.renditions.keys).toHaveLength(3);
  expect(world.renditions.keys.filter((key) => !key.includes(padSequencer(again.sequencer)))).toEqual([]);
});

it('is noticed: an erasure that waits for a tombstone that a new upload has replaced', async () => {
  const { world, claim } = await eraseWhileUploaded({
    ...erasureRules,
    outcomeOfDeletion: async (record) =>
      isTombstone(record) ? { outcome: 'deleted', through: record.sequencer } : undefined,
  });
  expect(claim).toBe('left');
  expect(world.defects).toEqual([
    'cat.jpg was uploaded again, and its erasure waits for a tombstone that will never be.',
  ]);
});
