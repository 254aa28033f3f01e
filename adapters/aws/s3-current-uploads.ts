import { HeadObjectCommand, NotFound, type S3Client, S3ServiceException } from '@aws-sdk/client-s3';
import type { CurrentUpload } from '../../core/audit.ts';
import type { UploadAddress } from '../../core/image.ts';
import type { CurrentUploads } from '../../core/ports.ts';

/** What S3 says about an object. */
interface Stored {
  readonly ETag?: string | undefined;
  readonly VersionId?: string | undefined;
  readonly ContentLength?: number | undefined;
  readonly LastModified?: Date | undefined;
}

export function s3CurrentUploads(client: S3Client): CurrentUploads {
  return {
    async find(address) {
      const { bucket: Bucket, key: Key } = address;
      const head = await client
        .send(new HeadObjectCommand({ Bucket, Key }))
        .catch(unlessNotFound)
        .catch((error: unknown) => explainDenial(error, address));
      return head === undefined || isFolderObject(Key, head.ContentLength) ? undefined : uploadOf(address, head);
    },
  };
}

export function uploadOf(
  address: UploadAddress,
  { ETag = '', VersionId, ContentLength = 0, LastModified }: Stored,
): CurrentUpload {
  return {
    ...address,
    // Of an object from before the bucket had versions, or in a bucket without them.
    versionId: VersionId === 'null' ? undefined : VersionId,
    etag: ETag.replaceAll('"', ''),
    size: ContentLength,
    storedAt: (LastModified ?? new Date(0)).toISOString(),
  };
}

/** The pipeline ignores these too. */
export function isFolderObject(key: string, size: number | undefined): boolean {
  return size === 0 && key.endsWith('/');
}

export function unlessNotFound(error: unknown): undefined {
  if (error instanceof NotFound) return undefined;
  throw error;
}

/** An answer to HEAD has no body, so S3 cannot say why. */
function explainDenial(error: unknown, { bucket, key }: UploadAddress): never {
  if (!(error instanceof S3ServiceException) || error.$metadata.httpStatusCode !== 403) throw error;
  throw new Error(
    `S3 does not let this role see ${bucket}/${key}: it is not authorized to perform: s3:GetObject. Compare its policy, and that of the bucket, with template.yaml.`,
    { cause: error },
  );
}
