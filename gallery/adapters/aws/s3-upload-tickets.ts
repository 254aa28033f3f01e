import type { S3Client } from '@aws-sdk/client-s3';
import { createPresignedPost } from '@aws-sdk/s3-presigned-post';
import type { UploadTickets } from '../../core/ports.ts';

/**
 * A presigned POST, because only its policy can limit the size: docs/browser-uploads.md.
 *
 * @param address where browsers send the form, if not to S3 itself: the signature covers neither host nor path
 */
export function s3UploadTickets({
  client,
  bucket,
  address,
}: {
  readonly client: S3Client;
  readonly bucket: string;
  readonly address?: string | undefined;
}): UploadTickets {
  return {
    async issue({ key, contentType, bytes, seconds }) {
      // S3 replaces `${filename}` in a key, and the library then signs every key that begins like this one.
      if (key.includes('${')) throw new Error(`A ticket is for one key, and ${key} contains a variable.`);
      const { url, fields } = await createPresignedPost(client, {
        Bucket: bucket,
        Key: key,
        Fields: { 'Content-Type': contentType },
        // The library adds the bucket and each field; a form with any other field is refused.
        Conditions: [['content-length-range', bytes, bytes]],
        Expires: seconds,
      });
      return { url: address ?? url, fields };
    },
  };
}
