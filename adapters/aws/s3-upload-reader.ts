import { GetObjectCommand, type S3Client, S3ServiceException } from '@aws-sdk/client-s3';
import type { Upload } from '../../core/image.ts';
import { type Missing, type Rejection, rejected } from '../../core/outcome.ts';
import type { Bytes, UploadReader } from '../../core/ports.ts';
import { withinDeadline } from './s3-deadline.ts';

/** For the largest upload: 50 MB at 5 MB/s, a tenth of what S3 delivers. */
export const READ_DEADLINE_MILLIS = 10_000;

export function s3UploadReader({
  client,
  deadlineMillis = READ_DEADLINE_MILLIS,
}: {
  readonly client: S3Client;
  readonly deadlineMillis?: number;
}): UploadReader {
  const bytesOf = async (upload: Upload, abortSignal: AbortSignal): Promise<Bytes> => {
    const { Body } = await client.send(
      new GetObjectCommand({ Bucket: upload.bucket, Key: upload.key, ...versionOf(upload) }),
      { abortSignal },
    );
    if (Body === undefined) throw new Error(`S3 returned no body for ${upload.bucket}/${upload.key}.`);
    return inPlace(await Body.transformToByteArray());
  };
  return {
    async read(upload) {
      try {
        const what = `reading ${upload.bucket}/${upload.key}`;
        return {
          outcome: 'found',
          bytes: await withinDeadline(deadlineMillis, what, (abortSignal) => bytesOf(upload, abortSignal)),
        };
      } catch (error) {
        const decided = missingFrom(error) ?? unreadableFrom(error);
        if (decided === undefined) throw error;
        return decided;
      }
    },
  };
}

function versionOf(upload: Upload) {
  return upload.versionId === undefined ? { IfMatch: upload.etag } : { VersionId: upload.versionId };
}

/** Avoids a copy of up to 50 MB; only memory shared with other threads must be copied. */
function inPlace(bytes: Uint8Array): Bytes {
  const { buffer, byteOffset, byteLength } = bytes;
  return buffer instanceof ArrayBuffer ? new Uint8Array(buffer, byteOffset, byteLength) : new Uint8Array(bytes);
}

function missingFrom(error: unknown): Missing | undefined {
  if (!(error instanceof S3ServiceException)) return undefined;
  switch (error.$metadata.httpStatusCode) {
    case 412:
      return { outcome: 'superseded' };
    case 404: // NoSuchKey, NoSuchVersion; S3 returns 403 instead if the role may not list the bucket.
    case 405: // The version is a delete marker.
      return error.name === 'NoSuchBucket' ? undefined : { outcome: 'vanished' };
    default:
      return undefined;
  }
}

/** Storage class and encryption are the uploader's choice: no retry can change them. UploadBucketPolicy refuses them first. */
function unreadableFrom(error: unknown): Rejection | undefined {
  if (!(error instanceof S3ServiceException)) return undefined;
  if (error.name === 'InvalidObjectState') {
    return rejected(
      'unreadable',
      'The file is in an archive. Upload it again with the storage class STANDARD or INTELLIGENT_TIERING.',
    );
  }
  if (error.name === 'InvalidRequest' && /\bserver side encryption\b/i.test(error.message)) {
    return rejected(
      'unreadable',
      'The file is encrypted with your own key. Upload it again without encryption settings.',
    );
  }
  if (error.name === 'AccessDenied' && isForeignKey(error.message)) {
    return rejected(
      'unreadable',
      'The file is encrypted with a key of another account. Upload it again without encryption settings.',
    );
  }
  return undefined;
}

/** S3 names the caller and the key. A denial of a key of the caller's own account may be our own mistake: that is retried. */
function isForeignKey(message: string): boolean {
  const caller = /\barn:[\w-]+:sts::(\d+):/.exec(message)?.[1];
  const owner = /\bkms:Decrypt\b.*\barn:[\w-]+:kms:[\w-]+:(\d+):/.exec(message)?.[1];
  return caller !== undefined && owner !== undefined && caller !== owner;
}
