import { DeleteObjectsCommand, PutObjectCommand, paginateListObjectsV2, type S3Client } from '@aws-sdk/client-s3';
import type { RenditionStore } from '../../core/ports.ts';

// DeleteObjects takes at most 1,000 keys.
const KEYS_PER_REQUEST = 1000;

export function s3RenditionStore({
  client,
  bucket,
}: {
  readonly client: S3Client;
  readonly bucket: string;
}): RenditionStore {
  return {
    async put(key, bytes, contentType) {
      await client.send(
        new PutObjectCommand({
          Bucket: bucket,
          Key: key,
          Body: bytes,
          ContentType: contentType,
          // A key identifies one version of one upload: its content never changes.
          CacheControl: 'public, max-age=31536000, immutable',
        }),
      );
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
