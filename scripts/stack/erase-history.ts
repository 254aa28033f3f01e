/** Removes one image from the history of a stack. */
import { DeleteObjectCommand, ListObjectVersionsCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { pMapIterable } from 'p-map';
import { dayPrefix, historyPrefix } from '../../adapters/contracts/history-keys.ts';
import { formatLine, parseLine } from '../../adapters/contracts/history-line.ts';
import { paddedOrder } from '../../core/history.ts';
import { type ImageId, imageIdOf } from '../../core/image.ts';
import { OBJECTS_AT_ONCE, readLines } from './history-store.ts';
import type { Stack } from './stack.ts';

export interface ErasedHistory {
  /** Versions of objects that were read. */
  readonly read: number;
  /** Lines about the image, in current and old versions of objects. */
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

/**
 * Removes every line about an image, also from old versions of objects, and leaves one line that says that the image was erased. That
 * line has the image id, a hash of bucket and key, and nothing else of the image.
 *
 * Reads all of history, a few objects at a time. Repeatable: a run that was stopped leaves no object half-rewritten, and the next one
 * does the rest. Delete the image's items from the table first, and wait until their changes are in the history (five minutes in an
 * account): a later change writes new lines.
 *
 * @param key of the upload
 * @param dryRun count, and change nothing
 */
export async function eraseHistory(
  stack: HistoryStack,
  key: string,
  {
    dryRun = false,
    report,
    signal,
  }: {
    readonly dryRun?: boolean;
    readonly report?: (progress: string) => void;
    readonly signal?: AbortSignal | undefined;
  } = {},
): Promise<ErasedHistory> {
  const imageId = await imageIdOf(stack.outputs.UploadBucketName, key);
  let [read, lines, versions, isNoted] = [0, 0, 0, false];
  const found = pMapIterable(
    storedVersions(stack),
    async (version) => {
      signal?.throwIfAborted();
      const all = await readLines(stack, version);
      const { kept, removed, hasNote } = split(all, imageId);
      if (removed > 0 && !dryRun) await replace(stack, version, kept);
      return { removed, hasNote };
    },
    { concurrency: OBJECTS_AT_ONCE },
  );
  for await (const { removed, hasNote } of found) {
    read += 1;
    lines += removed;
    versions += Number(removed > 0);
    isNoted ||= hasNote;
    if (read % 100 === 0) report?.(`${read} objects, ${lines} lines of the image`);
  }
  if (!dryRun && (lines > 0 || !isNoted)) await noteErasure(stack, imageId);
  return { read, lines, versions };
}

/** Current and old versions of all objects. Deleting one does not disturb the listing. */
async function* storedVersions({ clients, outputs }: HistoryStack): AsyncGenerator<StoredVersion> {
  let place: { KeyMarker?: string | undefined; VersionIdMarker?: string | undefined } = {};
  for (;;) {
    const page = await clients.s3.send(
      new ListObjectVersionsCommand({ Bucket: outputs.HistoryBucketName, Prefix: historyPrefix, ...place }),
    );
    for (const { Key, VersionId, IsLatest = false } of page.Versions ?? [])
      if (Key !== undefined) yield { key: Key, versionId: VersionId, isLatest: IsLatest };
    if (!page.IsTruncated) return;
    place = { KeyMarker: page.NextKeyMarker, VersionIdMarker: page.NextVersionIdMarker };
  }
}

function split(lines: readonly string[], imageId: ImageId) {
  const kept: string[] = [];
  let hasNote = false;
  for (const line of lines) {
    const parsed = line.includes(imageId) ? parseLine(line) : undefined;
    const isNote = parsed?.imageId === imageId && parsed.event === 'erased';
    if (parsed?.imageId !== imageId || isNote) kept.push(line);
    hasNote ||= isNote;
  }
  return { kept, removed: lines.length - kept.length, hasNote };
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

async function noteErasure({ clients, outputs }: HistoryStack, imageId: ImageId): Promise<void> {
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
