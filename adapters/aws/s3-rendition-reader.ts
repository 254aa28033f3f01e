import { GetObjectCommand, type S3Client, S3ServiceException } from '@aws-sdk/client-s3';
import type { RenditionReader } from '../../core/watch/ports.ts';

export function s3RenditionReader({
  client,
  bucket,
}: {
  readonly client: S3Client;
  readonly bucket: string;
}): RenditionReader {
  return {
    async read(key) {
      try {
        const { Body, ContentType } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
        if (Body === undefined) throw new Error(`S3 returned no body for ${bucket}/${key}.`);
        return {
          outcome: 'found',
          bytes: new Uint8Array(await Body.transformToByteArray()),
          contentType: ContentType,
        };
      } catch (error) {
        if (!(error instanceof S3ServiceException)) throw error;
        const message = `${error.name}: ${error.message}`;
        switch (error.$metadata.httpStatusCode) {
          case 403:
            return { outcome: 'denied', message };
          case 404:
            return { outcome: 'missing', message };
          default:
            throw error;
        }
      }
    },
  };
}
