/** Copies objects of another bucket into the upload bucket. */
import {
  type _Object,
  CopyObjectCommand,
  HeadObjectCommand,
  NotFound,
  paginateListObjectsV2,
  S3ServiceException,
} from '@aws-sdk/client-s3';
import { pMapIterable } from 'p-map';
import pThrottle from 'p-throttle';
import * as z from 'zod';
import { type CopyDecision, copyDecision, isWorthCopying } from '../../core/backfill.ts';
import { defaultLimits } from '../../core/limits.ts';
import { DONE, type Notebook } from '../stack/notebook.ts';
import { BATCH, hasRoom } from '../stack/queue-images.ts';
import type { Stack } from '../stack/stack.ts';
import type { Report } from '../terminal/progress.ts';

const AT_ONCE = 8;

export interface Copying {
  readonly stack: Stack;
  readonly notebook: Notebook;
  readonly from: {
    readonly bucket: string;
    readonly prefix: string | undefined;
    /** Prepended to each key. */
    readonly into: string;
  };
  /** Copies. */
  readonly perSecond: number;
  readonly report: Report;
  readonly signal?: AbortSignal | undefined;
}

const copied = z.object({ copied: z.int(), there: z.int(), taken: z.int(), unfit: z.int() });
export type Copied = z.infer<typeof copied>;

export interface SourceSize {
  /** Worth copying. */
  readonly objects: number;
  readonly bytes: number;
  readonly unfit: number;
}

export async function measureSource(copying: Copying): Promise<SourceSize> {
  const size = { objects: 0, bytes: 0, unfit: 0 };
  for await (const { Size = 0 } of objectsIn(copying, undefined)) {
    if (isWorthCopying(Size, defaultLimits)) {
      size.objects += 1;
      size.bytes += Size;
    } else size.unfit += 1;
    if ((size.objects + size.unfit) % 1000 === 0) copying.report(`${size.objects} objects listed`);
  }
  return size;
}

/** At the rate. Goes on where it stopped. */
export async function copyAll(copying: Copying): Promise<Copied> {
  const { notebook, perSecond, report } = copying;
  const counts = copied.parse(JSON.parse(notebook.place('copied') ?? '{"copied":0,"there":0,"taken":0,"unfit":0}'));
  const place = notebook.place('copies');
  if (place === DONE) return counts;
  const after = place === undefined ? undefined : z.string().parse(JSON.parse(place));
  const turn = pThrottle({ limit: perSecond, interval: 1000 })(async () => {});
  const remember = (next: string) => {
    notebook.setPlaces({ copies: next, copied: JSON.stringify(counts) });
    report(`${counts.copied} copied`);
  };
  let looked = 0;
  const copies = pMapIterable(
    objectsIn(copying, after),
    async ({ Key = '', Size = 0 }) => ({ key: Key, decision: await copyOne(copying, { key: Key, size: Size }, turn) }),
    { concurrency: AT_ONCE },
  );
  for await (const { key, decision } of copies) {
    counts[decision === 'copy' ? 'copied' : decision] += 1;
    looked += 1;
    if (looked % BATCH !== 0) continue;
    remember(JSON.stringify(key));
    // Copies are uploads. Those that are too many for one sender are set aside.
    await hasRoom(copying, ({ waiting }) => waiting);
  }
  remember(DONE);
  return counts;
}

async function* objectsIn(
  { stack, from: { bucket: Bucket, prefix: Prefix }, signal }: Copying,
  StartAfter: string | undefined,
): AsyncGenerator<_Object> {
  for await (const { Contents = [] } of paginateListObjectsV2(
    { client: stack.clients.s3 },
    { Bucket, Prefix, StartAfter },
  )) {
    signal?.throwIfAborted();
    yield* Contents;
  }
}

async function copyOne(
  { stack, from }: Copying,
  { key, size }: { readonly key: string; readonly size: number },
  turn: () => Promise<void>,
): Promise<CopyDecision> {
  const { s3 } = stack.clients;
  const at = { Bucket: stack.outputs.UploadBucketName, Key: `${from.into}${key}` };
  const decide = async () => {
    const head = isWorthCopying(size, defaultLimits)
      ? await s3.send(new HeadObjectCommand(at)).catch(unlessMissing)
      : undefined;
    return copyDecision({ size }, head && { size: head.ContentLength ?? 0 }, defaultLimits);
  };
  const decision = await decide();
  if (decision !== 'copy') return decision;
  await turn();
  try {
    await s3.send(
      new CopyObjectCommand({
        ...at,
        CopySource: `${from.bucket}/${encodeURIComponent(key).replaceAll('%2F', '/')}`,
        // An upload that arrives meanwhile stays.
        IfNoneMatch: '*',
        // Tags need more permissions, and may be those of a malware scan of the other bucket.
        TaggingDirective: 'REPLACE',
      }),
    );
    return 'copy';
  } catch (error) {
    if (isNamed(error, 'PreconditionFailed')) return await decide();
    if (isNamed(error, 'InvalidObjectState')) return 'unfit';
    // It was deleted since it was listed.
    if (isNamed(error, 'NoSuchKey')) return 'unfit';
    throw error;
  }
}

function isNamed(error: unknown, name: string): boolean {
  return error instanceof S3ServiceException && error.name === name;
}

function unlessMissing(error: unknown): undefined {
  if (error instanceof NotFound) return undefined;
  throw error;
}
