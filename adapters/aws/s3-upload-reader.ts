import type { Logger } from '@aws-lambda-powertools/logger';
import { GetObjectCommand, type S3Client, S3ServiceException } from '@aws-sdk/client-s3';
import type { Upload } from '../../core/image.ts';
import { type Missing, type Rejection, rejected } from '../../core/outcome.ts';
import type { Bytes, FoundUpload, UploadReader } from '../../core/ports.ts';
import type { FocusPoint } from '../../core/rendition.ts';
import { focusPoint } from '../contracts/focus-point.ts';
import { withinDeadline } from './s3-deadline.ts';

/** For the largest upload: 50 MB at 5 MB/s, a tenth of what S3 delivers. */
export const READ_DEADLINE_MILLIS = 10_000;

/** @param settings.logger told when the uploader's metadata is ignored, because it makes no sense */
export function s3UploadReader({
  client,
  logger,
  deadlineMillis = READ_DEADLINE_MILLIS,
}: {
  readonly client: S3Client;
  readonly logger?: Pick<Logger, 'warn'>;
  readonly deadlineMillis?: number;
}): UploadReader {
  const focusOf = (upload: Upload, text: string | undefined): FocusPoint | undefined => {
    const { success, data } = focusPoint.safeParse(text);
    if (text !== undefined && !success) {
      logger?.warn('The upload’s x-amz-meta-focus is ignored: it is not two shares like 0.31,0.62', {
        imageId: upload.imageId,
      });
    }
    return data;
  };
  const found = async (upload: Upload, abortSignal: AbortSignal): Promise<FoundUpload> => {
    const { Body, Metadata } = await client.send(
      new GetObjectCommand({ Bucket: upload.bucket, Key: upload.key, ...versionOf(upload) }),
      { abortSignal },
    );
    if (Body === undefined) throw new Error(`S3 returned no body for ${upload.bucket}/${upload.key}.`);
    const focus = focusOf(upload, Metadata?.['focus']);
    return { outcome: 'found', bytes: inPlace(await Body.transformToByteArray()), ...(focus && { focus }) };
  };
  return {
    async read(upload) {
      try {
        const what = `reading ${upload.bucket}/${upload.key}`;
        return await withinDeadline(deadlineMillis, what, (abortSignal) => found(upload, abortSignal));
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
