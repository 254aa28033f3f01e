/** Reads a stack for an audit, a re-render or a backfill, at a bounded rate. */
import {
  type _Object,
  HeadObjectCommand,
  type ListObjectVersionsCommandOutput,
  paginateListObjectsV2,
} from '@aws-sdk/client-s3';
import pMap from 'p-map';
import pThrottle from 'p-throttle';
import * as z from 'zod';
import { dynamoDbCatalogue } from '../../adapters/aws/dynamodb-catalogue.ts';
import { isFolderObject, s3CurrentUploads, unlessNotFound, uploadOf } from '../../adapters/aws/s3-current-uploads.ts';
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
  const { RenditionBucketName, ImageTableName: tableName } = stack.outputs;
  const currentUploads = s3CurrentUploads(s3);
  const catalogue = dynamoDbCatalogue({ client: table, tableName });
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
      return {
        record: await catalogue.find(imageId),
        upload: address === undefined ? undefined : await uploadAt(address),
      };
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
    if (!buckets.includes(address.bucket)) return undefined;
    await turn();
    return await currentUploads.find(address);
  }
  return sources;
}

function currentIn({ Versions = [] }: ListObjectVersionsCommandOutput, bucket: string): CurrentUpload[] {
  return Versions.flatMap(({ Key, ETag, Size, LastModified, VersionId, IsLatest }) =>
    IsLatest && Key !== undefined && !isFolderObject(Key, Size)
      ? [uploadOf({ bucket, key: Key }, { ETag, VersionId, ContentLength: Size, LastModified })]
      : [],
  );
}

function storedIn(contents: readonly _Object[] = []): StoredRendition[] {
  return contents.flatMap(({ Key, Size = 0 }) => (Key === undefined ? [] : [{ key: Key, bytes: Size }]));
}
