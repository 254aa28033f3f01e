import { createHash } from 'node:crypto';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import { imageRecord } from '../../adapters/contracts/image-record.ts';
import { parseUploadEvent } from '../../adapters/contracts/upload-event.ts';
import { type ErasureRules, type StoredVersion, type Subject, sumOf } from '../../core/erase.ts';
import { nextSequencer, padSequencer } from '../../core/image.ts';
import type { ImageRecord } from '../../core/record.ts';
import { sequencerOf } from '../../core/rendition.ts';
import { clearedTombstone } from '../../scripts/erase/cleared-tombstone.ts';
import { eraseImages, lookAgain, planErasure, type TraceStore } from '../../scripts/erase/erase-images.ts';
import { openErasureNotebook } from '../../scripts/erase/erasure-notebook.ts';
import { TaskError } from '../support/asl.ts';
import type { ImageState } from './reference.ts';
import { currentOf } from './repairs.ts';
import { BUCKET, bodyOf, type Change, type Message, type World } from './world.ts';

/** `npm run erase` in a history: the real command, with the bucket, queues and tables of the world. */

/** An image was erased: nothing up to this place in the order may ever be found again. */
export interface ErasedClaim {
  readonly key: string;
  readonly through: string;
  /** All dead letters of the world before the last look. */
  readonly letters: ReadonlySet<Message>;
}

/** How an erasure changes S3 and the queue. */
export interface Bucket {
  readonly states: () => readonly ImageState[];
  readonly versioned: boolean;
  /** Delete markers that were removed. Their states stay: they order what came after them. */
  readonly removedMarkers: Set<string>;
  /** Deletes what is current, and returns the state. */
  readonly deleteCurrent: () => ImageState;
  readonly removeVersion: (versionId: string) => void;
  readonly sendDeletion: (sequencer: string) => void;
}

class Unfinished extends Error {}

const imageIdOf = (key: string) => createHash('sha256').update(`${BUCKET}/${key}`).digest('hex').slice(0, 32);

/** @returns a claim if the command says that nothing is left; `nothing` if there was nothing to begin with */
export async function eraseInHistory(
  key: string,
  world: World,
  bucket: Bucket,
  rules: ErasureRules,
): Promise<ErasedClaim | 'nothing' | 'left'> {
  const imageId = imageIdOf(key);
  const notebook = openErasureNotebook(':memory:');
  let through = newestOf(bucket.states());
  const store = tracesOf(key, world, bucket, (deleted) => {
    through = deleted > through ? deleted : through;
  });
  const run = { notebook, store, rules };
  try {
    await planErasure(
      run,
      (async function* () {
        yield { imageId, key };
      })(),
    );
    await eraseImages(run);
    const letters = new Set(world.deadLetters);
    await lookAgain(run);
    const target = notebook.find(imageId);
    world.journal.push(`erase ${key}: ${JSON.stringify(target?.verdict)}`);
    if (target === undefined || sumOf(target.found) === 0) return 'nothing';
    return target.verdict !== undefined && sumOf(target.verdict.left) === 0 ? { key, through, letters } : 'left';
  } catch (error) {
    if (!(error instanceof Unfinished)) throw error;
    const record = recordOf(imageId, world);
    const isUploadedAgain = padSequencer(currentOf(bucket.states())?.sequencer ?? '') > through;
    const isNew = record?.outcome === 'processed' || record?.outcome === 'rejected';
    if (isUploadedAgain && isNew && record.announced && record.sequencer > through)
      world.defects.push(`${key} was uploaded again, and its erasure waits for a tombstone that will never be.`);
    world.journal.push(`erase ${key}: ${error.message}`);
    return 'left';
  } finally {
    notebook.close();
  }
}

function newestOf(states: readonly ImageState[]): string {
  return states.map(({ sequencer }) => padSequencer(sequencer)).reduce((one, other) => (one > other ? one : other), '');
}

function recordOf(imageId: string, world: World): ImageRecord | undefined {
  const item = world.table.get({ imageId: { S: imageId } });
  return item && imageRecord.parse(unmarshall(item));
}

function tracesOf(key: string, world: World, bucket: Bucket, deleted: (sequencer: string) => void): TraceStore {
  const turn = () => world.turn(`erase ${key}`);
  const atRest = async () => {
    await turn();
    await world.rest();
    world.wake();
    await world.rest();
  };
  return {
    async versions() {
      await turn();
      return versionsOf(bucket);
    },
    holds: async () => [],
    async deleteObject() {
      await turn();
      const state = bucket.deleteCurrent();
      deleted(padSequencer(state.sequencer));
      return bucket.versioned ? padSequencer(state.sequencer) : '';
    },
    // Times are sequencers here.
    sequencerAfter: nextSequencer,
    async queueDeletion(_, sequencer) {
      await turn();
      bucket.sendDeletion(sequencer);
    },
    async awaitDeletion({ imageId }, outcomeOf) {
      for (;;) {
        const outcome = await outcomeOf(recordOf(imageId, world), async () => versionsOf(bucket));
        if (outcome !== undefined) return outcome;
        if (world.isAtRest) throw new Unfinished('the deletion is not decided');
        await turn();
      }
    },
    async removeVersions(_, versions) {
      for (const { id } of versions) {
        await turn();
        bucket.removeVersion(id);
      }
    },
    settle: atRest,
    async record(imageId) {
      await turn();
      return recordOf(imageId, world);
    },
    async renditions(imageId) {
      await turn();
      return await Array.fromAsync(world.renditions.list(imageId));
    },
    async removeRenditions(keys) {
      await turn();
      await world.renditions.remove(keys);
    },
    async sweepLetters(isToRemove) {
      for (const letter of [...world.deadLetters]) {
        await turn();
        if (!(await isToRemove(await subjectOf(letter.change)))) continue;
        const index = world.deadLetters.indexOf(letter);
        // Someone else may have redriven it.
        if (index < 0) continue;
        world.deadLetters.splice(index, 1);
        letter.outcome = 'erased';
      }
    },
    async *decisions() {
      await turn();
      for (const [id, imageId] of [...world.decisions]) yield { id, imageId };
    },
    async removeDecisions(ids) {
      await turn();
      for (const id of ids) world.decisions.delete(id);
    },
    async clearTombstone({ imageId, sequencer }) {
      await turn();
      const { ExpressionAttributeValues, ...update } = clearedTombstone({ sequencer });
      try {
        const values = marshall(ExpressionAttributeValues);
        world.table.update({ imageId: { S: imageId } }, { ...update, ExpressionAttributeValues: values });
      } catch (error) {
        if (!(error instanceof TaskError)) throw error;
      }
    },
    // The model's history is what the table's stream would deliver: it is complete, and read at the end.
    async *historyLines() {},
    settleHistory: async () => undefined,
    eraseHistory: async () => undefined,
    noteErasure: async () => undefined,
  };
}

async function subjectOf(change: Change): Promise<Subject> {
  const { image } = await parseUploadEvent(bodyOf(change), [BUCKET]);
  return image;
}

/** As S3 lists them. A version that was repaired is one version. */
function versionsOf({ states, versioned, removedMarkers }: Bucket): readonly StoredVersion[] {
  if (!versioned) {
    const current = currentOf(states());
    if (current === undefined) return [];
    return [{ id: 'null', kind: 'version', latest: true, storedAt: padSequencer(current.sequencer) }];
  }
  const stored = new Map<string, StoredVersion>();
  for (const { kind, versionId, sequencer, erasedAt } of states()) {
    if (versionId === undefined || stored.has(versionId) || erasedAt !== undefined || removedMarkers.has(versionId))
      continue;
    const found = { id: versionId, latest: false, storedAt: padSequencer(sequencer) };
    stored.set(versionId, { ...found, kind: kind === 'deletion' ? 'marker' : 'version' });
  }
  const all = [...stored.values()];
  return all.map((version, index) => ({ ...version, latest: index === all.length - 1 }));
}

/** What is found of an image that was erased. */
export function* defectsOfErasure(
  { key, through }: ErasedClaim,
  states: readonly ImageState[],
  world: World,
): Generator<string> {
  const imageId = imageIdOf(key);
  const isErased = (sequencer: string) => padSequencer(sequencer) <= through;
  const gone = states.filter(({ kind, sequencer }) => kind !== 'deletion' && isErased(sequencer));
  const isNew = states.some(({ sequencer }) => !isErased(sequencer));
  for (const { versionId } of world.uploads.stored({ bucket: BUCKET, key }))
    if (!isNew || gone.some((state) => versionId !== undefined && state.versionId === versionId))
      yield `${key} was erased, but its version ${versionId} exists.`;
  for (const file of world.renditions.keys)
    if (file.startsWith(`${imageId}/`) && isErased(sequencerOf(file) ?? ''))
      yield `${key} was erased, but ${file} exists.`;
  const item = world.table.get({ imageId: { S: imageId } });
  if (item === undefined) return;
  const isTombstoneOfIt = item['outcome']?.S === 'deleted' && item['key'] === undefined;
  if (!isTombstoneOfIt && (!isNew || isErased(item['sequencer']?.S ?? '')))
    yield `${key} was erased, but its record says ${item['outcome']?.S} with the key ${item['key']?.S}.`;
}

/** Only right after the erasure: a late event may fail later, and become a dead letter. */
export async function lettersLeft({ key, through, letters }: ErasedClaim, world: World): Promise<readonly string[]> {
  const left = world.deadLetters.filter((letter) => letters.has(letter));
  const subjects = await Promise.all(left.map(({ change }) => subjectOf(change)));
  return subjects
    .filter(({ imageId, sequencer }) => imageId === imageIdOf(key) && sequencer !== undefined && sequencer <= through)
    .map(({ sequencer }) => `${key} was erased, but a dead letter of ${sequencer} is left.`);
}
