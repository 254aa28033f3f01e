/** Removes images from the history of a stack. */
import { DeleteObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { pMapIterable } from 'p-map';
import { dayPrefix, historyPrefix } from '../../adapters/contracts/history-keys.ts';
import { formatLine } from '../../adapters/contracts/history-line.ts';
import { type HistoryLine, paddedOrder } from '../../core/history.ts';
import type { ImageId } from '../../core/image.ts';
import { OBJECTS_AT_ONCE, parsedLine, readLines } from './history-store.ts';
import type { Stack } from './stack.ts';
import { versionPages } from './version-pages.ts';

export interface ErasedHistory {
  /** Versions of objects that were read. */
  readonly read: number;
  /** Lines that were removed, in current and old versions of objects. */
  readonly lines: number;
  /** Versions of objects that contained them, all of which are deleted. */
  readonly versions: number;
}

interface StoredVersion {
  readonly key: string;
  readonly versionId: string | undefined;
  readonly isLatest: boolean;
}

type HistoryStack = Pick<Stack, 'clients' | 'outputs'>;

/** Objects between two places that are remembered. A stopped run reads at most these again. */
const PLACE_EVERY = 100;

/**
 * Removes lines of any number of images, also from old versions of objects, in one pass. {@link noteErasure} leaves one line for each.
 *
 * Reads all of history, a few objects at a time. Repeatable: a run that was stopped leaves no object half-rewritten, and the next one
 * does the rest. Delete the items of the images from the table first, and wait until their changes are in the history
 * (`historyDelaySeconds`): a later change writes new lines.
 */
export async function eraseHistory(
  stack: HistoryStack,
  isErased: (line: HistoryLine) => boolean,
  {
    from,
    done,
    report,
    signal,
  }: {
    /** Of a run that was stopped. */
    readonly from?: string | undefined;
    /** Called with a place: everything up to it is done. */
    readonly done?: (place: string) => void;
    readonly report?: (progress: string) => void;
    readonly signal?: AbortSignal | undefined;
  } = {},
): Promise<ErasedHistory> {
  let [read, lines, versions, finished] = [0, 0, 0, 0];
  let last: string | undefined;
  const objects = pMapIterable(
    storedVersions(stack, from),
    async (version) => {
      signal?.throwIfAborted();
      const all = await readLines(stack, version);
      const kept = all.filter((line) => !isErased(parsedLine(line, version.key)));
      if (kept.length < all.length) await replace(stack, version, kept);
      return { key: version.key, removed: all.length - kept.length };
    },
    { concurrency: OBJECTS_AT_ONCE },
  );
  for await (const { key, removed } of objects) {
    // In the order of the listing: all versions of an object come before the next object.
    if (last !== undefined && key !== last) {
      finished += 1;
      if (finished % PLACE_EVERY === 0) done?.(last);
    }
    last = key;
    read += 1;
    lines += removed;
    versions += Number(removed > 0);
    if (read % 100 === 0) report?.(`${read} objects, ${lines} lines removed`);
  }
  return { read, lines, versions };
}

/** All lines, also those in old versions of objects, a few objects at a time. */
export async function* storedLines(stack: HistoryStack, signal?: AbortSignal): AsyncGenerator<HistoryLine> {
  const objects = pMapIterable(
    storedVersions(stack),
    async (version) => {
      signal?.throwIfAborted();
      return (await readLines(stack, version)).map((line) => parsedLine(line, version.key));
    },
    { concurrency: OBJECTS_AT_ONCE },
  );
  for await (const lines of objects) yield* lines;
}

/** Current and old versions of all objects. Deleting one does not disturb the listing. */
async function* storedVersions(stack: HistoryStack, from?: string): AsyncGenerator<StoredVersion> {
  const listing = { bucket: stack.outputs.HistoryBucketName, prefix: historyPrefix, from: { KeyMarker: from } };
  for await (const { page } of versionPages(stack, listing))
    for (const { Key, VersionId, IsLatest = false } of page.Versions ?? [])
      if (Key !== undefined) yield { key: Key, versionId: VersionId, isLatest: IsLatest };
}

/** The new version first: whenever this stops, the lines of other images are there. */
async function replace(
  { clients, outputs }: HistoryStack,
  { key, versionId, isLatest }: StoredVersion,
  kept: readonly string[],
): Promise<void> {
  const object = { Bucket: outputs.HistoryBucketName, Key: key };
  if (isLatest && kept.length > 0) {
    const Body = kept.map((line) => `${line}\n`).join('');
    await clients.s3.send(new PutObjectCommand({ ...object, Body, ContentType: 'application/jsonl' }));
  }
  await clients.s3.send(new DeleteObjectCommand({ ...object, VersionId: versionId }));
}

/**
 * Leaves one line that says that an image was erased. It has the image id, a hash of bucket and key, and nothing else of the image. Readers
 * count repeats as one.
 */
export async function noteErasure({ clients, outputs }: HistoryStack, imageId: ImageId): Promise<void> {
  const at = new Date().toISOString();
  const id = `erased-${imageId}`;
  // Before all changes: what follows an erasure is a new image.
  const line = formatLine({ id, at, event: 'erased', imageId, itemId: imageId, order: paddedOrder('0') });
  await clients.s3.send(
    new PutObjectCommand({
      Bucket: outputs.HistoryBucketName,
      Key: `${dayPrefix(at.slice(0, 10))}${id}.jsonl`,
      Body: `${line}\n`,
      ContentType: 'application/jsonl',
    }),
  );
}
