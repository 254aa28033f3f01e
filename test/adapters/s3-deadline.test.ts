import { GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { mockClient } from 'aws-sdk-client-mock';
import { beforeEach, describe, expect, it } from 'vitest';
import { s3RenditionStore, WRITE_DEADLINE_MILLIS } from '../../adapters/aws/s3-rendition-store.ts';
import { READ_DEADLINE_MILLIS, s3UploadReader } from '../../adapters/aws/s3-upload-reader.ts';
import { defaultLimits } from '../../core/limits.ts';
import { numberAt, templateFor } from '../../scripts/template/template.ts';
import { uploadOf } from '../support/upload-events.ts';

/** If S3 hangs, the error must say so, instead of looking like an image that keeps its worker busy. */

const s3 = mockClient(S3Client);
const client = new S3Client({ region: 'us-east-1' });
const never = () => new Promise<never>(() => undefined);

beforeEach(() => {
  s3.reset();
});

describe('a worker says that S3 did not answer', () => {
  it('when a read hangs', async () => {
    s3.on(GetObjectCommand).callsFake(never);
    await expect(s3UploadReader({ client, deadlineMillis: 20 }).read(uploadOf())).rejects.toThrow(
      'S3 did not finish within 0.02 s: reading uploads/cat.jpg.',
    );
  });

  it('when the body of an upload stalls', async () => {
    s3.on(GetObjectCommand).resolves({ Body: { transformToByteArray: never } as never });
    await expect(s3UploadReader({ client, deadlineMillis: 20 }).read(uploadOf())).rejects.toThrow('did not finish');
  });

  it('when a write hangs', async () => {
    s3.on(PutObjectCommand).callsFake(never);
    const store = s3RenditionStore({ client, bucket: 'renditions', deadlineMillis: 20 });
    await expect(store.put('i1/s1/webp-320.webp', new Uint8Array([1]), 'image/webp')).rejects.toThrow(
      'S3 did not finish within 0.02 s: writing renditions/i1/s1/webp-320.webp.',
    );
  });
});

it.each(['ExtractMetadataFunction', 'ResizeImageFunction'])(
  '%s has time for the slowest image, however slow S3 is',
  (id) => {
    const timeout = numberAt(templateFor('prod').resources.get(id)?.Properties['Timeout']);
    const { cpuSeconds, wallSeconds } = defaultLimits.seconds;
    expect(READ_DEADLINE_MILLIS + wallSeconds * 1000 + WRITE_DEADLINE_MILLIS).toBeLessThan(timeout * 1000);
    expect(cpuSeconds).toBeLessThan(wallSeconds);
  },
);
