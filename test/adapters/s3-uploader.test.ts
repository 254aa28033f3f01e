import { DeleteObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { beforeEach, expect, it } from 'vitest';
import { s3Uploader } from '../../adapters/aws/s3-uploader.ts';
import { mockClient } from '../support/mock-client.ts';

const s3 = mockClient(S3Client);
const uploads = s3Uploader({ client: new S3Client({ region: 'us-east-1' }), bucket: 'uploads' });
beforeEach(() => {
  s3.reset();
});

it('returns an upload’s version id, and its etag as in events', async () => {
  s3.on(PutObjectCommand).resolves({ ETag: '"e1"', VersionId: 'v1' });
  const bytes = new Uint8Array([1, 2, 3]);
  expect(await uploads.put('a.jpg', bytes, 'image/jpeg')).toEqual({ etag: 'e1', versionId: 'v1' });
  expect(s3.commandCalls(PutObjectCommand)[0]?.args[0].input).toEqual({
    Bucket: 'uploads',
    Key: 'a.jpg',
    Body: bytes,
    ContentType: 'image/jpeg',
  });
});

it('deletes the key, not a version', async () => {
  s3.on(DeleteObjectCommand).resolves({});
  await uploads.remove('a.jpg');
  expect(s3.commandCalls(DeleteObjectCommand)[0]?.args[0].input).toEqual({ Bucket: 'uploads', Key: 'a.jpg' });
});
