import { GetObjectCommand, S3Client, S3ServiceException } from '@aws-sdk/client-s3';
import { beforeEach, describe, expect, it } from 'vitest';
import { s3UploadReader } from '../../adapters/aws/s3-upload-reader.ts';
import { mockClient } from '../support/mock-client.ts';
import { uploadOf } from '../support/upload-events.ts';

const s3 = mockClient(S3Client);
let warnings: unknown[] = [];
const logger = { warn: (...line: unknown[]) => void warnings.push(line) };
const store = s3UploadReader({ client: new S3Client({ region: 'us-east-1' }), logger });

/** The part of a body that the store uses. */
function bodyOf(transformToByteArray: () => Promise<Uint8Array>): { Body: never } {
  return { Body: { transformToByteArray } as never };
}

function refusal(httpStatusCode: number, name: string, message = name): S3ServiceException {
  return new S3ServiceException({ name, $fault: 'client', $metadata: { httpStatusCode }, message });
}

beforeEach(() => {
  s3.reset();
  warnings = [];
});

describe('reading an upload', () => {
  it('given the upload exists, returns its bytes', async () => {
    s3.on(GetObjectCommand).resolves(bodyOf(async () => new Uint8Array([1, 2, 3])));
    expect(await store.read(uploadOf())).toEqual({ outcome: 'found', bytes: new Uint8Array([1, 2, 3]) });
  });

  it.each([
    ['0.31,0.62', { x: 0.31, y: 0.62 }],
    ['0, 1', { x: 0, y: 1 }],
    ['.5,1.0', { x: 0.5, y: 1 }],
  ])('given the metadata x-amz-meta-focus: %s, returns this focus', async (text, focus) => {
    s3.on(GetObjectCommand).resolves({ ...bodyOf(async () => new Uint8Array()), Metadata: { focus: text } });
    expect(await store.read(uploadOf())).toMatchObject({ focus });
    expect(warnings).toEqual([]);
  });

  it.each(['', '0.5', '0.5,1.1', '-0.1,0.5', '0.5,0.5,0.5', 'NaN,0', '1e-1,0', 'face', ','.repeat(2_000)])(
    'given the metadata x-amz-meta-focus: “%.20s”, reads the upload, ignores the metadata and logs that',
    async (text) => {
      s3.on(GetObjectCommand).resolves({ ...bodyOf(async () => new Uint8Array([1])), Metadata: { focus: text } });
      expect(await store.read(uploadOf())).toEqual({ outcome: 'found', bytes: new Uint8Array([1]) });
      expect(warnings).toEqual([
        [expect.stringContaining('x-amz-meta-focus is ignored'), { imageId: uploadOf().imageId }],
      ]);
    },
  );

  it('given the event has a version id, requests exactly that version', async () => {
    s3.on(GetObjectCommand).resolves(bodyOf(async () => new Uint8Array()));
    await store.read(uploadOf({ versionId: 'v7' }));
    expect(s3.commandCalls(GetObjectCommand)[0]?.args[0].input).toEqual({
      Bucket: 'uploads',
      Key: 'cat.jpg',
      VersionId: 'v7',
    });
  });

  it('given no version id, requests the object only if its etag still matches', async () => {
    s3.on(GetObjectCommand).resolves(bodyOf(async () => new Uint8Array()));
    await store.read(uploadOf({ versionId: undefined, etag: 'e7' }));
    expect(s3.commandCalls(GetObjectCommand)[0]?.args[0].input).toEqual({
      Bucket: 'uploads',
      Key: 'cat.jpg',
      IfMatch: 'e7',
    });
  });

  it('given another upload replaced it (412), returns superseded', async () => {
    s3.on(GetObjectCommand).rejects(refusal(412, 'PreconditionFailed'));
    expect(await store.read(uploadOf())).toEqual({ outcome: 'superseded' });
  });

  it.each([
    [404, 'NoSuchKey'],
    [404, 'NoSuchVersion'],
    [405, 'MethodNotAllowed'],
  ])('given it is gone (%i %s), returns vanished', async (status, name) => {
    s3.on(GetObjectCommand).rejects(refusal(status, name));
    expect(await store.read(uploadOf())).toEqual({ outcome: 'vanished' });
  });

  const deniedKey = (owner: string) =>
    `User: arn:aws:sts::111122223333:assumed-role/extract-metadata/images is not authorized to perform: kms:Decrypt on resource: arn:aws:kms:eu-west-1:${owner}:key/0123 because no resource-based policy allows the kms:Decrypt action`;

  it.each([
    ['is in an archive', 403, 'InvalidObjectState', 'The operation is not valid for the object’s storage class'],
    [
      'is encrypted with a key that only its uploader has',
      400,
      'InvalidRequest',
      'The object was stored using a form of Server Side Encryption. The correct parameters must be provided to retrieve the object.',
    ],
    ['is encrypted with a key of another account', 403, 'AccessDenied', deniedKey('444455556666')],
  ])('given it %s (%i %s), rejects it with a sentence for its uploader', async (_, status, name, message) => {
    s3.on(GetObjectCommand).rejects(refusal(status, name, message));
    expect(await store.read(uploadOf())).toEqual({
      outcome: 'rejected',
      reason: 'unreadable',
      message: expect.stringContaining('Upload it again'),
    });
  });

  it.each([
    ['of the account’s own key', 403, 'AccessDenied', deniedKey('111122223333')],
    ['for another reason', 400, 'InvalidRequest', 'Missing required header'],
  ])('given a refusal %s, throws: it may be our mistake', async (_, status, name, message) => {
    s3.on(GetObjectCommand).rejects(refusal(status, name, message));
    await expect(store.read(uploadOf())).rejects.toThrow(message);
  });

  it.each([
    [403, 'AccessDenied'],
    [404, 'NoSuchBucket'],
    [500, 'InternalError'],
    [503, 'SlowDown'],
  ])('given any other S3 error (%i %s), throws', async (status, name) => {
    s3.on(GetObjectCommand).rejects(refusal(status, name));
    await expect(store.read(uploadOf())).rejects.toThrow(name);
  });

  it('given a connection error, throws', async () => {
    s3.on(GetObjectCommand).rejects(new Error('socket hang up'));
    await expect(store.read(uploadOf())).rejects.toThrow('socket hang up');
  });

  it('given a truncated body, throws', async () => {
    s3.on(GetObjectCommand).resolves(bodyOf(() => Promise.reject(new Error('aborted'))));
    await expect(store.read(uploadOf())).rejects.toThrow('aborted');
  });
});
