/** Uploads of a check, which are removed again with all their versions. */
import {
  DeleteObjectCommand,
  ListObjectVersionsCommand,
  PutObjectCommand,
  type StorageClass,
} from '@aws-sdk/client-s3';
import { knownImage } from '../../adapters/aws/known-image.ts';
import { type ImageId, imageIdOf } from '../../core/image.ts';
import { verifyPrefix } from '../../core/names.ts';
import type { Bytes } from '../../core/ports.ts';
import type { ImageRecord } from '../../core/record.ts';
import type { KnownImage } from '../../core/watch/ports.ts';
import { readRecords } from '../stack/follow.ts';
import { type Verification, waitFor } from './verification.ts';

export interface SentUpload {
  readonly key: string;
  readonly imageId: ImageId;
  readonly etag: string;
  readonly versionId: string | undefined;
}

/** Five attempts of an upload take a quarter of an hour; a good one needs a single attempt. */
const outcomeMinutes = 5;
const removalMinutes = 2;

// The value of the tag in the EXIF of the known image, which is stored sideways.
const orientationAt = 30;

/** The same picture, upright: its renditions have other sizes. */
export const uprightImage: KnownImage = {
  ...knownImage,
  header: { ...knownImage.header, orientation: 1 },
  bytes: knownImage.bytes.with(orientationAt, 1),
};

export function keyOf({ runId }: Verification, name: string): string {
  return `${verifyPrefix}${runId}/${name}`;
}

export async function upload(
  verification: Verification,
  name: string,
  bytes: Bytes,
  StorageClass?: StorageClass,
): Promise<SentUpload> {
  const { stack, undo } = verification;
  const { UploadBucketName: Bucket } = stack.outputs;
  const Key = keyOf(verification, name);
  const imageId = await imageIdOf(Bucket, Key);
  undo.add(`The upload ${Key}`, () => removeUpload(verification, Key, imageId));
  const { ETag = '', VersionId } = await stack.clients.s3.send(
    new PutObjectCommand({ Bucket, Key, Body: bytes, StorageClass }),
  );
  return { key: Key, imageId, etag: ETag.replaceAll('"', ''), versionId: VersionId };
}

/** The record of exactly this upload, once all work on it is done. */
export async function decided(verification: Verification, sent: SentUpload): Promise<ImageRecord> {
  const what = { what: `outcome of ${sent.key}`, minutes: outcomeMinutes };
  return await waitFor(verification, what, async () => {
    const record = await recordOf(verification, sent.imageId);
    const isIts = record?.version === sent.versionId || record?.version === sent.etag;
    return record?.announced && isIts ? record : undefined;
  });
}

/** As users delete: the versions stay. */
export async function deleteUpload({ stack }: Verification, Key: string): Promise<void> {
  await stack.clients.s3.send(new DeleteObjectCommand({ Bucket: stack.outputs.UploadBucketName, Key }));
}

/** Waits until the renditions are removed. */
export async function deletionDecided(verification: Verification, imageId: ImageId): Promise<void> {
  const what = { what: `record of the deletion of image ${imageId}`, minutes: removalMinutes };
  await waitFor(verification, what, async () => {
    const record = await recordOf(verification, imageId);
    return record?.outcome === 'deleted' && record.announced ? true : undefined;
  });
}

async function recordOf({ stack }: Verification, imageId: ImageId): Promise<ImageRecord | undefined> {
  return (await readRecords(stack, [imageId])).get(imageId);
}

/** Also after Ctrl-C, so it does not listen to the signal. */
async function removeUpload(verification: Verification, key: string, imageId: ImageId): Promise<void> {
  const { stack } = verification;
  const Bucket = stack.outputs.UploadBucketName;
  const client = stack.clients.s3;
  const versions = async () => {
    const { Versions = [], DeleteMarkers = [] } = await client.send(
      new ListObjectVersionsCommand({ Bucket, Prefix: key }),
    );
    return [...Versions, ...DeleteMarkers].filter(({ Key }) => Key === key);
  };
  if ((await versions()).length === 0) return;
  try {
    // While its versions exist: this deletion makes the pipeline remove the renditions.
    await deleteUpload(verification, key);
    await deletionDecided({ ...verification, signal: new AbortController().signal }, imageId);
  } finally {
    for (const { VersionId } of await versions()) {
      await client.send(new DeleteObjectCommand({ Bucket, Key: key, VersionId }));
    }
  }
}
