import { HeadObjectCommand, PutObjectCommand, type S3Client, S3ServiceException } from '@aws-sdk/client-s3';
import type { RenditionShelf } from '../core/release.ts';

export function s3RenditionShelf({
  client,
  bucket,
}: {
  readonly client: S3Client;
  readonly bucket: string;
}): RenditionShelf {
  return {
    async put(key, bytes, contentType) {
      await client.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: bytes, ContentType: contentType }));
    },

    async find(key) {
      try {
        const { ContentType, ContentLength = 0 } = await client.send(
          new HeadObjectCommand({ Bucket: bucket, Key: key }),
        );
        return { contentType: ContentType, bytes: ContentLength };
      } catch (error) {
        if (error instanceof S3ServiceException && error.$metadata.httpStatusCode === 404) return undefined;
        throw error;
      }
    },
  };
}
