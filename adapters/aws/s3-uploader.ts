import { DeleteObjectCommand, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import type { Uploader } from '../../core/watch/ports.ts';

export function s3Uploader({ client, bucket }: { readonly client: S3Client; readonly bucket: string }): Uploader {
  return {
    bucket,

    async put(key, bytes, contentType) {
      const { ETag, VersionId } = await client.send(
        new PutObjectCommand({ Bucket: bucket, Key: key, Body: bytes, ContentType: contentType }),
      );
      if (ETag === undefined) throw new Error(`S3 returned no etag for ${bucket}/${key}.`);
      // Quoted here, unlike in events and records.
      return { etag: ETag.replaceAll('"', ''), versionId: VersionId };
    },

    async remove(key) {
      await client.send(new DeleteObjectCommand({ Bucket: bucket, Key: key }));
    },
  };
}
