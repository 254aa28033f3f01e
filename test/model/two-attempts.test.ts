import { unmarshall } from '@aws-sdk/util-dynamodb';
import { expect, it } from 'vitest';
import { defaultLimits } from '../../core/limits.ts';
import type { Change } from './world.ts';
import { worldInTurn } from './world-in-turn.ts';

/** Histories of two attempts at one upload that are too rare for random ones. */

const first: Change = {
  ...{ key: 'cat.jpg', sequencer: '0055AED6DCD90281E5', type: 'Created', etag: 'e1' },
  ...{ occurredAt: '2026-01-01T00:00:01.000Z', bytes: new TextEncoder().encode('photo') },
};
const second: Change = {
  ...first,
  sequencer: '0055AED6DCD90281E6',
  etag: 'e2',
  occurredAt: '2026-01-01T00:00:02.000Z',
};
const fails = (attempts: number, state: string) =>
  Array.from({ length: attempts }, (_, index) => ({ attempt: index + 1, state, kind: 'dies before' as const }));

function historyInTurn() {
  const { world, scheduler } = worldInTurn();
  const rest = () => scheduler.waitFor(world.rest());
  const records = () =>
    [...world.table.items.values()].map((item) => unmarshall(item)).filter(({ outcome }) => outcome !== undefined);
  return { world, rest, records };
}

it('a redrive after a release of other presets announces the renditions that consumers were told of', async () => {
  // Given an upload whose event was published, but whose five attempts ended before they could note that
  const { world, rest, records } = historyInTurn();
  world.change(first, { receives: 0, troubles: fails(5, 'MarkAnnounced') });
  await rest();
  expect(world.deadLetters).toHaveLength(1);

  // When other presets are released, and the dead letter is redriven
  world.changePresets();
  world.redrive();
  await rest();

  // Then all its events have one id and one list of renditions, which the record has, too
  const [record] = records();
  expect(record).toMatchObject({ outcome: 'processed', announced: true });
  expect(world.bus).toHaveLength(6);
  for (const { Detail } of world.bus) {
    expect(Detail.id).toBe(world.bus[0]?.Detail.id);
    expect(Detail['renditions']).toEqual(record?.['renditions']);
    expect(Detail['metadata']).toEqual(record?.['metadata']);
  }
});

it('a redrive after a release with higher limits keeps a rejection that consumers may know of', async () => {
  // Given an upload that is too large, whose event was published, but whose five attempts ended before they could note that
  const { world, rest, records } = historyInTurn();
  world.limits = { ...defaultLimits, bytes: 1 };
  world.change(first, { receives: 0, troubles: fails(5, 'MarkAnnounced') });
  await rest();
  expect(world.deadLetters).toHaveLength(1);
  const [before] = records();
  expect(before).toMatchObject({ outcome: 'rejected', announced: false });

  // When a release accepts larger files, and the dead letter is redriven
  world.limits = defaultLimits;
  world.redrive();
  await rest();

  // Then the record is what consumers believe, and nothing is left of the attempt that could have processed it
  expect(records()).toEqual([{ ...before, announced: true }]);
  expect(world.bus.map(({ DetailType, Detail }) => [DetailType, Detail['reason']])).toEqual(
    Array.from({ length: 6 }, () => ['ImageRejected', before?.['reason']]),
  );
  expect(new Set(world.bus.map(({ Detail }) => Detail.id)).size).toBe(1);
  expect(world.renditions.keys).toEqual([]);
  expect(world.messages.map(({ outcome }) => outcome)).toEqual(['rejected']);
  expect(world.defects).toEqual([]);
});

it('an attempt that finds its upload replaced keeps the renditions that another attempt may still record', async () => {
  // Given an upload to a bucket without versions, whose only attempt stalls before it writes the record
  const { world, rest, records } = historyInTurn();
  world.change(first, { receives: 4, troubles: [{ attempt: 1, state: 'WriteRecord', kind: 'stalls' }] });
  await rest();
  // and another upload that replaces it, and fails
  world.change(second, { receives: 0, troubles: fails(10, 'ExtractMetadata') });
  await rest();

  // When both are redriven, and then the stalled attempt goes on
  world.redrive();
  await rest();
  expect(world.messages.map(({ outcome }) => outcome)).toEqual(['superseded', undefined]);
  world.wake();
  await rest();

  // Then the record shows renditions that exist
  const shown = records().flatMap(({ renditions }) => renditions.map(({ key }: { key: string }) => key));
  expect(shown).toHaveLength(3);
  expect(world.renditions.keys).toEqual(expect.arrayContaining(shown));

  // and once the other upload is processed, only its own do
  world.redrive();
  await rest();
  expect(world.renditions.keys).toHaveLength(3);
  expect(world.renditions.keys.filter((key) => shown.includes(key))).toEqual([]);
  expect(world.defects).toEqual([]);
});

it('what a replaced upload leaves behind is removed by the one that replaced it', async () => {
  // Given an upload to a bucket without versions, whose only attempt ends before it writes the record
  const { world, rest } = historyInTurn();
  world.change(first, { receives: 4, troubles: fails(1, 'WriteRecord') });
  await rest();
  expect(world.renditions.keys).toHaveLength(3);

  // When another upload replaces it, and the first is redriven before the other is processed
  world.change(second, { receives: 4, troubles: fails(1, 'ExtractMetadata') });
  await rest();
  world.redrive();
  await rest();

  // Then only the renditions of the other exist
  expect(world.messages.map(({ outcome }) => outcome)).toEqual(['superseded', 'processed']);
  expect(world.renditions.keys).toHaveLength(3);
  expect(world.renditions.keys.filter((key) => !key.includes(second.sequencer))).toEqual([]);
});
