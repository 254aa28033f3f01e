import { GetObjectCommand, S3Client, S3ServiceException } from '@aws-sdk/client-s3';
import { beforeEach, expect, it } from 'vitest';
import { s3RenditionReader } from '../../adapters/aws/s3-rendition-reader.ts';
import { mockClient } from '../support/mock-client.ts';

const s3 = mockClient(S3Client);
const renditions = s3RenditionReader({ client: new S3Client({ region: 'us-east-1' }), bucket: 'renditions' });

function refusal(httpStatusCode: number, name: string): S3ServiceException {
  return new S3ServiceException({ name, $fault: 'client', $metadata: { httpStatusCode }, message: `${name}!` });
}

beforeEach(() => {
  s3.reset();
});

it('reads a rendition with its bytes and content type', async () => {
  // Only the part of a body that the reader uses.
  const Body = { transformToByteArray: async () => new Uint8Array([1, 2, 3]) } as never;
  s3.on(GetObjectCommand, { Bucket: 'renditions', Key: 'a.webp' }).resolves({ Body, ContentType: 'image/webp' });
  expect(await renditions.read('a.webp')).toEqual({
    outcome: 'found',
    bytes: new Uint8Array([1, 2, 3]),
    contentType: 'image/webp',
  });
});

it.each([
  [403, 'AccessDenied', 'denied'],
  [404, 'NoSuchKey', 'missing'],
])('given S3 returns %i %s, returns %s with S3’s message', async (status, name, outcome) => {
  s3.on(GetObjectCommand).rejects(refusal(status, name));
  expect(await renditions.read('a.webp')).toEqual({ outcome, message: `${name}: ${name}!` });
});

it.each([
  ['S3 fails', refusal(503, 'SlowDown')],
  ['the network fails', new Error('SlowDown')],
])('given %s, throws', async (_, error) => {
  s3.on(GetObjectCommand).rejects(error);
  await expect(renditions.read('a.webp')).rejects.toThrow('SlowDown');
});
