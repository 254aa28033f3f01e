import {
  DeleteObjectsCommand,
  PutObjectCommand,
  paginateListObjectsV2,
  type S3Client,
  S3ServiceException,
} from '@aws-sdk/client-s3';
import type { RenditionStore } from '../../core/ports.ts';
import { CACHE_CONTROL } from '../../core/rendition.ts';
import { withinDeadline } from './s3-deadline.ts';

// DeleteObjects takes at most 1,000 keys.
const KEYS_PER_REQUEST = 1000;

/** For each rendition; a worker writes all renditions of a group in parallel. */
export const WRITE_DEADLINE_MILLIS = 10_000;

export function s3RenditionStore({
  client,
  bucket,
  deadlineMillis = WRITE_DEADLINE_MILLIS,
}: {
  readonly client: S3Client;
  readonly bucket: string;
  readonly deadlineMillis?: number;
}): RenditionStore {
  return {
    async put(key, bytes, contentType) {
      const command = new PutObjectCommand({
        Bucket: bucket,
        Key: key,
        Body: bytes,
        ContentType: contentType,
        CacheControl: CACHE_CONTROL,
        // Nothing is ever replaced, and the bucket's policy refuses writes without this header.
        IfNoneMatch: '*',
      });
      try {
        await withinDeadline(deadlineMillis, `writing ${bucket}/${key}`, (abortSignal) =>
          client.send(command, { abortSignal }),
        );
      } catch (error) {
        // An earlier attempt wrote it. S3 has no half-written objects.
        if (!isAlreadyThere(error)) throw error;
      }
    },

    async *list(imageId) {
      for await (const page of paginateListObjectsV2({ client }, { Bucket: bucket, Prefix: `${imageId}/` })) {
        for (const { Key } of page.Contents ?? []) if (Key !== undefined) yield Key;
      }
    },

    async remove(keys) {
      for (let start = 0; start < keys.length; start += KEYS_PER_REQUEST) {
        const Objects = keys.slice(start, start + KEYS_PER_REQUEST).map((Key) => ({ Key }));
        const { Errors = [] } = await client.send(
          new DeleteObjectsCommand({ Bucket: bucket, Delete: { Objects, Quiet: true } }),
        );
        const [first] = Errors;
        if (first !== undefined) {
          throw new Error(
            `${Errors.length} of ${Objects.length} renditions in ${bucket} could not be removed. First: ${first.Key} (${first.Code}: ${first.Message}).`,
          );
        }
      }
    },
  };
}

// Not 409, a conflict with a call in progress: that one may fail, so the caller has to try again.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
function isAlreadyThere(error: unknown): boolean {
  return error instanceof S3ServiceException && error.$metadata.httpStatusCode === 412;
}
