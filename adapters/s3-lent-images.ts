import { DeleteObjectCommand, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import type { LentImages } from '../core/release.ts';

export function s3LentImages({ client, bucket }: { readonly client: S3Client; readonly bucket: string }): LentImages {
  return {
    bucket,

    async put(key, bytes) {
      const { ETag, VersionId } = await client.send(
        new PutObjectCommand({ Bucket: bucket, Key: key, Body: bytes, ContentType: 'image/jpeg' }),
      );
      if (ETag === undefined) throw new Error(`S3 answered without an etag for ${bucket}/${key}.`);
      // In quotes in S3's answers, without them in its events.
      return { etag: ETag.replaceAll('"', ''), versionId: VersionId };
    },

    async remove(key) {
      await client.send(new DeleteObjectCommand({ Bucket: bucket, Key: key }));
    },
  };
}
