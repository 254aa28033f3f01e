/** @throws {Error} if no upload can be in that bucket. The message then goes to the dead-letter queue. */
export function requireUploadBucket(bucket: string, uploadBuckets: readonly string[]): void {
  if (uploadBuckets.includes(bucket)) return;
  throw new Error(
    `This message is forged: it names the bucket ${bucket}, and uploads are in ${uploadBuckets.join(' and ')}.`,
  );
}
