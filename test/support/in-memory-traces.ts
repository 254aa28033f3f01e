import { countOf, type Hold, type Line, type StoredVersion, type Subject } from '../../core/erase.ts';
import { type ImageId, nextSequencer, type Sequencer, sequencerAt } from '../../core/image.ts';
import type { ImageRecord } from '../../core/record.ts';
import { sequencerOf } from '../../core/rendition.ts';
import type { TraceStore } from '../../scripts/erase/erase-images.ts';
import { deletedRecord, processedRecord } from './records.ts';

/** What a stack stores of images, and how its pipeline reacts to a deletion: when someone waits for it, and not before. */
export class InMemoryTraces implements TraceStore {
  readonly stored = new Map<string, StoredVersion[]>();
  readonly records = new Map<ImageId, ImageRecord>();
  readonly files = new Set<string>();
  letters: Subject[] = [];
  readonly entries = new Map<string, ImageId>();
  readonly locks = new Map<string, Hold>();
  /** By their ids. */
  readonly history = new Map<string, Line>();
  /** How often all of it was read. */
  historyReads = 0;
  /** Called at the end of every call, with its name. */
  afterEach: (call: string) => void = () => undefined;
  // That of the records' sequencers.
  #second = 0x55aed6dc;
  readonly #pending = new Map<ImageId, { readonly key: string; readonly sequencer: Sequencer }>();

  now(): string {
    this.#second += 1;
    return new Date(this.#second * 1000).toISOString();
  }

  /** An image that was processed, with all that comes with it. */
  add({ imageId, key }: { readonly imageId: ImageId; readonly key: string }): void {
    this.put(key, `${imageId}-1`);
    this.put(key, `${imageId}-2`);
    const record = processedRecord({ imageId, key });
    this.records.set(imageId, record);
    this.files.add(`${imageId}/${record.sequencer}/webp-320.webp`);
    this.letters.push({ imageId, versionId: `${imageId}-1` });
    this.entries.set(`image-pipeline#${imageId}#1`, imageId);
    const { sequencer, version } = record;
    for (const event of ['uploaded', 'processed'] as const)
      this.history.set(`${imageId}-${event}`, { imageId, event, sequencer, version });
  }

  put(key: string, id: string): void {
    const older = this.#of(key).map((version) => ({ ...version, latest: false }));
    this.stored.set(key, [{ id, kind: 'version', latest: true, storedAt: this.now() }, ...older]);
  }

  /** Everything that is left of an image, except what a tombstone needs. */
  tracesOf(imageId: ImageId, key: string) {
    return countOf({
      versions: this.#of(key),
      renditions: [...this.files].filter((file) => file.startsWith(`${imageId}/`)),
      record: this.records.get(imageId),
      letters: this.letters.filter((letter) => letter.imageId === imageId).length,
      decisions: [...this.entries.values()].filter((of) => of === imageId).length,
      historyLines: [...this.history.values()].filter((line) => line.imageId === imageId && line.event !== 'erased')
        .length,
    });
  }

  async versions(key: string) {
    return this.#done('versions', [...this.#of(key)]);
  }

  async holds(_: string, versions: readonly StoredVersion[]) {
    return this.#done(
      'holds',
      versions.flatMap(({ id }) => this.locks.get(id) ?? []),
    );
  }

  async deleteObject(key: string) {
    const older = this.#of(key).map((version) => ({ ...version, latest: false }));
    const marker: StoredVersion = { id: `m${older.length}`, kind: 'marker', latest: true, storedAt: this.now() };
    this.stored.set(key, [marker, ...older]);
    this.#expect(key);
    return this.#done('deleteObject', marker.storedAt);
  }

  sequencerAfter(time: string): Sequencer {
    return sequencerAt(new Date(Date.parse(time) + 1000).toISOString());
  }

  async queueDeletion(key: string, _: Sequencer) {
    this.#expect(key);
    this.#done('queueDeletion', undefined);
  }

  async awaitDeletion(...[{ imageId, key }, outcomeOf]: Parameters<TraceStore['awaitDeletion']>) {
    this.#react(imageId);
    const outcome = await outcomeOf(this.records.get(imageId), async () => this.#of(key));
    if (outcome === undefined) throw new Error(`The deletion of ${key} has no outcome.`);
    return this.#done('awaitDeletion', outcome);
  }

  async removeVersions(key: string, versions: readonly StoredVersion[]) {
    for (const { id } of versions) {
      const left = this.#of(key).filter((version) => version.id !== id);
      this.stored.set(
        key,
        left.map((version, index) => ({ ...version, latest: index === 0 })),
      );
      // In the middle of a request.
      this.#done('removeVersions', undefined);
    }
  }

  async settle() {
    for (const imageId of this.#pending.keys()) this.#react(imageId);
    this.#done('settle', undefined);
  }

  async record(imageId: ImageId) {
    return this.#done('record', this.records.get(imageId));
  }

  async renditions(imageId: ImageId) {
    const found = [...this.files].filter((file) => file.startsWith(`${imageId}/`));
    return this.#done('renditions', found);
  }

  async removeRenditions(keys: readonly string[]) {
    for (const key of keys) this.files.delete(key);
    this.#done('removeRenditions', undefined);
  }

  async sweepLetters(isToRemove: (subject: Subject) => Promise<boolean>) {
    for (const letter of [...this.letters]) {
      if (!(await isToRemove(letter))) continue;
      this.letters = this.letters.filter((other) => other !== letter);
      this.#done('sweepLetters', undefined);
    }
    this.#done('sweepLetters', undefined);
  }

  async *decisions() {
    for (const [id, imageId] of [...this.entries]) yield { id, imageId };
    this.#done('decisions', undefined);
  }

  async removeDecisions(ids: readonly string[]) {
    for (const id of ids) {
      this.entries.delete(id);
      this.#done('removeDecisions', undefined);
    }
  }

  async clearTombstone({ imageId, sequencer }: Pick<ImageRecord, 'imageId' | 'sequencer'>) {
    const found = this.records.get(imageId);
    if (found?.outcome === 'deleted' && found.sequencer === sequencer) {
      const { key: _, ...cleared } = found;
      this.records.set(imageId, cleared);
    }
    this.#done('clearTombstone', undefined);
  }

  async *historyLines() {
    this.historyReads += 1;
    yield* [...this.history.values()];
    this.#done('historyLines', undefined);
  }

  async settleHistory(imageId: ImageId) {
    // Its last changes arrive late. A mark of a version has no place in the order.
    const sequencer = this.records.get(imageId)?.sequencer;
    this.history.set(`${imageId}-cleared`, { imageId, event: 'repeated', sequencer });
    this.history.set(`${imageId}-mark`, { imageId, event: 'version-deleted', version: `${imageId}-1` });
    this.#done('settleHistory', undefined);
  }

  async eraseHistory(isErased: (line: Line) => boolean, from = '', done: (place: string) => void) {
    this.historyReads += 1;
    for (const [id, line] of [...this.history].toSorted(([one], [other]) => (one < other ? -1 : 1))) {
      if (id <= from) continue;
      if (isErased(line)) this.history.delete(id);
      done(id);
      this.#done('eraseHistory', undefined);
    }
  }

  async noteErasure(imageId: ImageId) {
    this.history.set(`erased-${imageId}`, { imageId, event: 'erased' });
    this.#done('noteErasure', undefined);
  }

  #of(key: string): readonly StoredVersion[] {
    return this.stored.get(key) ?? [];
  }

  #done<Result>(call: string, result: Result): Result {
    this.afterEach(call);
    return result;
  }

  #expect(key: string): void {
    const [imageId] = [...this.records].find(([, record]) => record.key === key) ?? [];
    const sequencer = imageId === undefined ? undefined : this.records.get(imageId)?.sequencer;
    if (imageId !== undefined && sequencer !== undefined)
      this.#pending.set(imageId, { key, sequencer: nextSequencer(sequencer) });
  }

  /** Like the workflow, for a deletion. */
  #react(imageId: ImageId): void {
    const pending = this.#pending.get(imageId);
    if (pending === undefined) return;
    this.#pending.delete(imageId);
    // A later upload wins.
    if ((this.records.get(imageId)?.sequencer ?? '') > pending.sequencer) return;
    this.records.set(imageId, deletedRecord({ imageId, ...pending, version: 'none' }));
    for (const file of this.files)
      if (file.startsWith(`${imageId}/`) && (sequencerOf(file) ?? '') <= pending.sequencer) this.files.delete(file);
  }
}
