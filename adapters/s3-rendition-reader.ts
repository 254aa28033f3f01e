import { GetObjectCommand, type S3Client, S3ServiceException } from '@aws-sdk/client-s3';
import type { RenditionReader } from '../core/ports.ts';

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
        if (Body === undefined) throw new Error(`S3 answered without a body for ${bucket}/${key}.`);
        return {
          outcome: 'found',
          bytes: new Uint8Array(await Body.transformToByteArray()),
          contentType: ContentType,
        };
      } catch (error) {
        if (!isRefusal(error)) throw error;
        return { outcome: 'unreadable', message: `${error.name}: ${error.message}` };
      }
    },
  };
}

function isRefusal(error: unknown): error is S3ServiceException {
  return error instanceof S3ServiceException && [403, 404].includes(error.$metadata.httpStatusCode ?? 0);
}
