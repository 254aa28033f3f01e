/** Reads a stack for an audit, at a bounded rate. */
import { type _Object, HeadObjectCommand, NotFound, paginateListObjectsV2 } from '@aws-sdk/client-s3';
import { GetCommand } from '@aws-sdk/lib-dynamodb';
import pMap from 'p-map';
import pThrottle from 'p-throttle';
import * as z from 'zod';
import { imageRecord } from '../../adapters/contracts/image-record.ts';
import type { CurrentUpload, StoredRendition } from '../../core/audit.ts';
import { imageIdOf } from '../../core/image.ts';
import { recordPages } from './record-pages.ts';
import type { Sources } from './sources.ts';
import type { Stack } from './stack.ts';
import { versionPages } from './version-pages.ts';

const versionsPlace = z.object({ KeyMarker: z.string().optional(), VersionIdMarker: z.string().optional() });
const scanPlace = z.record(z.string(), z.unknown());

export function stackSources(
  stack: Stack,
  { prefix, perSecond }: { readonly prefix: string | undefined; readonly perSecond: number },
): Sources {
  const { s3, table } = stack.clients;
  const { UploadBucketName, RenditionBucketName: Bucket, ImageTableName: TableName } = stack.outputs;
  const atRate = pThrottle({ limit: perSecond, interval: 1000 });
  const turn = atRate(async () => {});
  const sources: Sources = {
    // Versions, because only they name the version that each key holds.
    async *uploads(from) {
      const place = from === undefined ? {} : versionsPlace.parse(JSON.parse(from));
      for await (const { page, next } of versionPages(stack, { prefix, from: place, turn })) {
        const current = (page.Versions ?? []).flatMap(({ Key, ETag, Size, LastModified, VersionId, IsLatest }) =>
          IsLatest && Key !== undefined && !isFolder(Key, Size)
            ? [uploadOf(Key, { ETag, VersionId, ContentLength: Size, LastModified })]
            : [],
        );
        const items = await pMap(current, async (upload) => ({
          ...upload,
          imageId: await imageIdOf(UploadBucketName, upload.key),
        }));
        yield { items, next: next && JSON.stringify(next) };
      }
    },

    async *records(from) {
      const place = from === undefined ? undefined : scanPlace.parse(JSON.parse(from));
      for await (const { records: items, next } of recordPages(stack, { prefix, from: place, turn }))
        yield { items, next: next === undefined ? undefined : JSON.stringify(next) };
    },

    async *renditions(after) {
      // `~` comes after every character of a key.
      const StartAfter = after === undefined ? undefined : `${after}/~`;
      for await (const page of paginateListObjectsV2({ client: s3 }, { Bucket, StartAfter })) {
        await turn();
        yield* storedIn(page.Contents);
      }
    },

    async renditionsOf(imageId) {
      const found: StoredRendition[] = [];
      for await (const page of paginateListObjectsV2({ client: s3 }, { Bucket, Prefix: `${imageId}/` })) {
        await turn();
        found.push(...storedIn(page.Contents));
      }
      return found;
    },

    async headersOf(Key) {
      await turn();
      const head = await s3.send(new HeadObjectCommand({ Bucket, Key })).catch(unlessNotFound);
      return head && { contentType: head.ContentType, cacheControl: head.CacheControl };
    },

    async current(imageId, key) {
      await turn();
      const { Item } = await table.send(new GetCommand({ TableName, Key: { imageId }, ConsistentRead: true }));
      const record = Item?.['sequencer'] === undefined ? undefined : imageRecord.parse(Item);
      return { record, upload: key === undefined ? undefined : await uploadAt(key) };
    },

    async look(imageId, key) {
      const current = await sources.current(imageId, key);
      const renditions = await pMap(
        await sources.renditionsOf(imageId),
        async (rendition) => ({ ...rendition, headers: await sources.headersOf(rendition.key) }),
        { concurrency: 6 },
      );
      return { imageId, ...current, renditions };
    },
  };

  async function uploadAt(Key: string): Promise<CurrentUpload | undefined> {
    await turn();
    const head = await s3.send(new HeadObjectCommand({ Bucket: UploadBucketName, Key })).catch(unlessNotFound);
    return head === undefined || isFolder(Key, head.ContentLength) ? undefined : uploadOf(Key, head);
  }
  return sources;
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

function uploadOf(key: string, { ETag = '', VersionId, ContentLength = 0, LastModified }: Stored): CurrentUpload {
  return {
    key,
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
