/** Reads a stack for an audit, a re-render or a backfill, at a bounded rate. */
import {
  type _Object,
  HeadObjectCommand,
  type ListObjectVersionsCommandOutput,
  NotFound,
  paginateListObjectsV2,
} from '@aws-sdk/client-s3';
import { GetCommand } from '@aws-sdk/lib-dynamodb';
import pMap from 'p-map';
import pThrottle from 'p-throttle';
import * as z from 'zod';
import { imageRecord } from '../../adapters/contracts/image-record.ts';
import type { CurrentUpload, StoredRendition } from '../../core/audit.ts';
import { imageIdOf, type UploadAddress } from '../../core/image.ts';
import { recordPages } from './record-pages.ts';
import type { Sources } from './sources.ts';
import { type Stack, uploadBuckets } from './stack.ts';
import { type VersionPlace, versionPages } from './version-pages.ts';

const versionsPlace = z.object({
  Bucket: z.string(),
  KeyMarker: z.string().optional(),
  VersionIdMarker: z.string().optional(),
});
const scanPlace = z.record(z.string(), z.unknown());

export function stackSources(
  stack: Stack,
  {
    prefix,
    perSecond,
    buckets = uploadBuckets(stack.outputs),
  }: {
    readonly prefix: string | undefined;
    readonly perSecond: number;
    /** Of uploads; all unless given. */
    readonly buckets?: readonly string[];
  },
): Sources {
  const { s3, table } = stack.clients;
  const { RenditionBucketName, ImageTableName: TableName } = stack.outputs;
  const atRate = pThrottle({ limit: perSecond, interval: 1000 });
  const turn = atRate(async () => {});
  /** Where to go on: in this bucket, at the beginning of the next one, or nowhere. */
  const placeAfter = (Bucket: string, next: VersionPlace | undefined) => {
    if (next) return JSON.stringify({ Bucket, ...next });
    const following = buckets[buckets.indexOf(Bucket) + 1];
    return following && JSON.stringify({ Bucket: following });
  };
  const sources: Sources = {
    buckets,

    // Versions, because only they name the version that each key holds.
    async *uploads(from) {
      const begun = from === undefined ? undefined : versionsPlace.parse(JSON.parse(from));
      for (const Bucket of begun === undefined ? buckets : buckets.slice(buckets.indexOf(begun.Bucket))) {
        const place = Bucket === begun?.Bucket ? begun : {};
        for await (const { page, next } of versionPages(stack, { bucket: Bucket, prefix, from: place, turn })) {
          const items = await pMap(currentIn(page, Bucket), async (upload) => ({
            ...upload,
            imageId: await imageIdOf(Bucket, upload.key),
          }));
          yield { items, next: placeAfter(Bucket, next) };
        }
      }
    },

    async *records(from) {
      const place = from === undefined ? undefined : scanPlace.parse(JSON.parse(from));
      for await (const { records: items, next } of recordPages(stack, { prefix, from: place, turn }))
        yield { items, next: next === undefined ? undefined : JSON.stringify(next) };
    },

    async *renditions(after) {
      const Bucket = RenditionBucketName;
      // `~` comes after every character of a key.
      const StartAfter = after === undefined ? undefined : `${after}/~`;
      for await (const page of paginateListObjectsV2({ client: s3 }, { Bucket, StartAfter })) {
        await turn();
        yield* storedIn(page.Contents);
      }
    },

    async renditionsOf(imageId) {
      const found: StoredRendition[] = [];
      for await (const page of paginateListObjectsV2(
        { client: s3 },
        { Bucket: RenditionBucketName, Prefix: `${imageId}/` },
      )) {
        await turn();
        found.push(...storedIn(page.Contents));
      }
      return found;
    },

    async headersOf(Key) {
      await turn();
      const head = await s3.send(new HeadObjectCommand({ Bucket: RenditionBucketName, Key })).catch(unlessNotFound);
      return head && { contentType: head.ContentType, cacheControl: head.CacheControl };
    },

    async current(imageId, address) {
      await turn();
      const { Item } = await table.send(new GetCommand({ TableName, Key: { imageId }, ConsistentRead: true }));
      const record = Item?.['sequencer'] === undefined ? undefined : imageRecord.parse(Item);
      return { record, upload: address === undefined ? undefined : await uploadAt(address) };
    },

    async look(imageId, address) {
      const current = await sources.current(imageId, address);
      const renditions = await pMap(
        await sources.renditionsOf(imageId),
        async (rendition) => ({ ...rendition, headers: await sources.headersOf(rendition.key) }),
        { concurrency: 6 },
      );
      return { imageId, ...current, renditions };
    },
  };

  async function uploadAt(address: UploadAddress): Promise<CurrentUpload | undefined> {
    const { bucket: Bucket, key: Key } = address;
    if (!buckets.includes(Bucket)) return undefined;
    await turn();
    const head = await s3.send(new HeadObjectCommand({ Bucket, Key })).catch(unlessNotFound);
    return head === undefined || isFolder(Key, head.ContentLength) ? undefined : uploadOf(address, head);
  }
  return sources;
}

function currentIn({ Versions = [] }: ListObjectVersionsCommandOutput, bucket: string): CurrentUpload[] {
  return Versions.flatMap(({ Key, ETag, Size, LastModified, VersionId, IsLatest }) =>
    IsLatest && Key !== undefined && !isFolder(Key, Size)
      ? [uploadOf({ bucket, key: Key }, { ETag, VersionId, ContentLength: Size, LastModified })]
      : [],
  );
}

/** The pipeline ignores these too. */
function isFolder(key: string, size: number | undefined): boolean {
  return size === 0 && key.endsWith('/');
}

interface Stored {
  readonly ETag?: string | undefined;
  readonly VersionId?: string | undefined;
  readonly ContentLength?: number | undefined;
  readonly LastModified?: Date | undefined;
}

function uploadOf(
  address: UploadAddress,
  { ETag = '', VersionId, ContentLength = 0, LastModified }: Stored,
): CurrentUpload {
  return {
    ...address,
    // Of an object from before the bucket had versions, or in a bucket without them.
    versionId: VersionId === 'null' ? undefined : VersionId,
    etag: ETag.replaceAll('"', ''),
    size: ContentLength,
    storedAt: (LastModified ?? new Date(0)).toISOString(),
  };
}

function storedIn(contents: readonly _Object[] = []): StoredRendition[] {
  return contents.flatMap(({ Key, Size = 0 }) => (Key === undefined ? [] : [{ key: Key, bytes: Size }]));
}

function unlessNotFound(error: unknown): undefined {
  if (error instanceof NotFound) return undefined;
  throw error;
}
