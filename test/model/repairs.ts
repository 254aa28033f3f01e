import { createHash } from 'node:crypto';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import { imageRecord } from '../../adapters/contracts/image-record.ts';
import { type CurrentUpload, findingsIn, type ImageFacts, type Repair, repairsOf } from '../../core/audit.ts';
import type { backfillOf } from '../../core/backfill.ts';
import { padSequencer, previousSequencer } from '../../core/image.ts';
import type { Preset } from '../../core/presets.ts';
import { CACHE_CONTROL } from '../../core/rendition.ts';
import { rerenderOf } from '../../core/rerender.ts';
import type { ImageState } from './reference.ts';
import { BUCKET, type World } from './world.ts';

/** What `npm run audit -- --repair` would do for one image while nothing is in progress. Its events wait in the queue like any other. */
export function repairsFor(image: string, states: readonly ImageState[], world: World): readonly Repair[] {
  const facts = factsOf(image, states, world);
  return repairsOf(facts, findingsIn(facts, presetsOf(world)), lowestOf(states));
}

/** What `npm run rerender` would do for one image, at any time. */
export type Rerender = (facts: ImageFacts, presets: readonly Preset[]) => readonly Repair[];
export const rerender: Rerender = (facts, presets) => {
  const found = rerenderOf(facts, presets);
  return found === undefined ? [] : [found];
};

/** What `npm run backfill` would do for one image, at any time. */
export type Backfill = typeof backfillOf;
export function backfillsFor(
  image: string,
  states: readonly ImageState[],
  world: World,
  backfill: Backfill,
): readonly Repair[] {
  const found = backfill(factsOf(image, states, world), lowestOf(states));
  return found === undefined ? [] : [found];
}

export function presetsOf({ groups }: World): readonly Preset[] {
  return groups.flatMap(({ presets }) => presets);
}

export function factsOf(image: string, states: readonly ImageState[], world: World): ImageFacts {
  const imageId = createHash('sha256').update(`${BUCKET}/${image}`).digest('hex').slice(0, 32);
  const item = world.table.get({ imageId: { S: imageId } });
  return {
    imageId,
    upload: uploadOf(image, currentOf(states)),
    record: item && imageRecord.parse(unmarshall(item)),
    renditions: [...world.renditions.objects].flatMap(([key, { bytes, contentType }]) =>
      key.startsWith(`${imageId}/`)
        ? [{ key, bytes: bytes.byteLength, headers: { contentType, cacheControl: CACHE_CONTROL } }]
        : [],
    ),
  };
}

/** What the key holds now: an erased version brings back the one before it. */
export function currentOf(states: readonly ImageState[]): ImageState | undefined {
  const left = states.findLast(({ erasedAt }) => erasedAt === undefined);
  return left?.type === 'Created' ? left : undefined;
}

/** `storedAt` is the sequencer: there is no other clock here. */
function uploadOf(key: string, state: ImageState | undefined): CurrentUpload | undefined {
  if (state === undefined) return undefined;
  const { versionId, etag, bytes, sequencer } = state;
  return { bucket: BUCKET, key, versionId, etag, size: bytes.byteLength, storedAt: sequencer };
}

/** Just below the upload's own sequencer, as the second in which S3 stored it is. One without an event needs no other of its own. */
function lowestOf(states: readonly ImageState[]): (storedAt: string) => string {
  const unnoticed = new Set(states.flatMap((state) => (state.unnoticed ? [state.sequencer] : [])));
  return (storedAt) => (unnoticed.has(storedAt) ? padSequencer(storedAt) : previousSequencer(padSequencer(storedAt)));
}
