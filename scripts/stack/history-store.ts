/** Reads the history of a stack: the objects below `history/`, a few at a time. */
import { GetObjectCommand, paginateListObjectsV2 } from '@aws-sdk/client-s3';
import { pMapIterable } from 'p-map';
import { dayPrefix, historyPrefix } from '../../adapters/contracts/history-keys.ts';
import { parseLine } from '../../adapters/contracts/history-line.ts';
import type { HistoryLine } from '../../core/history.ts';
import { Failure } from '../terminal/failure.ts';
import { requestPrices } from './prices.ts';
import type { Stack } from './stack.ts';

/** Each is at most the 6 MB of one Lambda invocation, so these hold at most about 100 MB. */
export const OBJECTS_AT_ONCE = 16;

export interface HistoryObject {
  readonly key: string;
  /** Bytes. */
  readonly size: number;
}

export interface HistorySize {
  readonly objects: number;
  readonly bytes: number;
}

type HistoryStack = Pick<Stack, 'clients' | 'outputs'>;

/** In the order of their days. @param since `2026-11-29`, UTC */
export async function* historyObjects(
  { clients, outputs }: HistoryStack,
  since?: string,
): AsyncGenerator<HistoryObject> {
  const pages = paginateListObjectsV2(
    { client: clients.s3 },
    {
      Bucket: outputs.HistoryBucketName,
      Prefix: historyPrefix,
      // A prefix sorts before everything that begins with it.
      ...(since !== undefined && { StartAfter: dayPrefix(since) }),
    },
  );
  for await (const { Contents = [] } of pages)
    for (const { Key, Size = 0 } of Contents) if (Key !== undefined) yield { key: Key, size: Size };
}

export async function historySize(stack: HistoryStack, since?: string): Promise<HistorySize> {
  let [objects, bytes] = [0, 0];
  for await (const { size } of historyObjects(stack, since)) {
    objects += 1;
    bytes += size;
  }
  return { objects, bytes };
}

/** For reading all of it once. Listing it costs a hundredth of that. */
export function historyPrice({ objects }: Pick<HistorySize, 'objects'>): number {
  return objects * requestPrices.s3Read;
}

/** Lines of one object, or of one version of it. Those of repeated attempts occur twice: see {@link HistoryLine.id}. */
export async function readLines(
  { clients, outputs }: HistoryStack,
  { key, versionId }: { readonly key: string; readonly versionId?: string | undefined },
): Promise<readonly string[]> {
  const { Body } = await clients.s3.send(
    new GetObjectCommand({ Bucket: outputs.HistoryBucketName, Key: key, VersionId: versionId }),
  );
  const text = (await Body?.transformToString()) ?? '';
  return text.split('\n').filter((line) => line !== '');
}

/**
 * All lines since a day, object by object, in the order of the days.
 *
 * @param onlyOf an image id: lines of other images are not parsed
 */
export async function* historyLines(
  stack: HistoryStack,
  {
    since,
    onlyOf,
    read,
    signal,
  }: {
    readonly since?: string | undefined;
    readonly onlyOf?: string | undefined;
    /** Called after each object. */
    readonly read?: () => void;
    readonly signal?: AbortSignal | undefined;
  },
): AsyncGenerator<readonly HistoryLine[]> {
  const objects = pMapIterable(
    historyObjects(stack, since),
    async ({ key }) => {
      signal?.throwIfAborted();
      const lines = await readLines(stack, { key });
      return lines.filter((line) => onlyOf === undefined || line.includes(onlyOf)).map((line) => parsedLine(line, key));
    },
    { concurrency: OBJECTS_AT_ONCE },
  );
  for await (const lines of objects) {
    read?.();
    yield onlyOf === undefined ? lines : lines.filter(({ imageId }) => imageId === onlyOf);
  }
}

/** @throws {Failure} that names the object */
export function parsedLine(line: string, key: string): HistoryLine {
  try {
    return parseLine(line);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Failure(
      `${key} has a line that is not history (${reason}). Compare the object with its older versions: docs/runbooks/record-history.md`,
    );
  }
}
