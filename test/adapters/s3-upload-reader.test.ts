import { GetObjectCommand, S3Client, S3ServiceException } from '@aws-sdk/client-s3';
import { beforeEach, describe, expect, it } from 'vitest';
import { s3UploadReader } from '../../adapters/aws/s3-upload-reader.ts';
import { mockClient } from '../support/mock-client.ts';
import { uploadOf } from '../support/upload-events.ts';

const s3 = mockClient(S3Client);
const store = s3UploadReader({ client: new S3Client({ region: 'us-east-1' }) });

/** As much of a body as the store uses. */
function bodyOf(transformToByteArray: () => Promise<Uint8Array>): { Body: never } {
  return { Body: { transformToByteArray } as never };
}

function refusal(httpStatusCode: number, name: string): S3ServiceException {
  return new S3ServiceException({ name, $fault: 'client', $metadata: { httpStatusCode }, message: name });
}

beforeEach(() => {
  s3.reset();
});

describe('reading an upload', () => {
  it('given the upload exists, returns its bytes', async () => {
    s3.on(GetObjectCommand).resolves(bodyOf(async () => new Uint8Array([1, 2, 3])));
    expect(await store.read(uploadOf())).toEqual({ outcome: 'found', bytes: new Uint8Array([1, 2, 3]) });
  });

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
