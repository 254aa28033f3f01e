import type { UploadEvent } from '../../core/image.ts';
import { parseMalwareVerdict, verdictType } from './malware-verdict.ts';
import { parseS3Event } from './s3-event.ts';
import * as z from './zod.ts';

const aboutMalware = z.object({ 'detail-type': z.literal(verdictType) });

/**
 * Parses a message of the upload queue: what S3 or GuardDuty says about an upload bucket.
 *
 * @throws {Error} saying what is wrong, if neither can have sent it
 */
export async function parseUploadEvent(body: string, uploadBuckets: readonly string[]): Promise<UploadEvent> {
  const message: unknown = JSON.parse(body);
  return aboutMalware.safeParse(message).success
    ? parseMalwareVerdict(message, uploadBuckets)
    : parseS3Event(body, uploadBuckets);
}
