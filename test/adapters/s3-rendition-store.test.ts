import {
  DeleteObjectsCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
  S3ServiceException,
} from '@aws-sdk/client-s3';
import { beforeEach, describe, expect, it } from 'vitest';
import { s3RenditionStore } from '../../adapters/aws/s3-rendition-store.ts';
import { mockClient } from '../support/mock-client.ts';

const s3 = mockClient(S3Client);
const store = s3RenditionStore({ client: new S3Client({ region: 'us-east-1' }), bucket: 'renditions' });

beforeEach(() => {
  s3.reset();
});

describe('putting a rendition', () => {
  it('stores its bytes with their type, and caches may keep it forever', async () => {
    const bytes = new Uint8Array([1, 2, 3]);
    await store.put('image/sequencer/webp-320.webp', bytes, 'image/webp');
    expect(s3.commandCalls(PutObjectCommand)[0]?.args[0].input).toEqual({
      Bucket: 'renditions',
      Key: 'image/sequencer/webp-320.webp',
      Body: bytes,
      ContentType: 'image/webp',
      CacheControl: 'public, max-age=31536000, immutable',
      IfNoneMatch: '*',
    });
  });

  const refused = (name: string, httpStatusCode: number) =>
    new S3ServiceException({ name, message: name, $fault: 'client', $metadata: { httpStatusCode } });

  it('given an earlier attempt has stored it, succeeds and replaces nothing', async () => {
    s3.on(PutObjectCommand).rejects(refused('PreconditionFailed', 412));
    await expect(store.put('k', new Uint8Array(), 'image/webp')).resolves.toBeUndefined();
    expect(s3.commandCalls(PutObjectCommand)).toHaveLength(1);
  });

  it('given a conflict with another call in progress, which may fail, throws so that it is tried again', async () => {
    s3.on(PutObjectCommand).rejects(refused('ConditionalRequestConflict', 409));
    await expect(store.put('k', new Uint8Array(), 'image/webp')).rejects.toThrow('ConditionalRequestConflict');
  });

  it('given an S3 error, throws', async () => {
    s3.on(PutObjectCommand).rejects(new Error('SlowDown'));
    await expect(store.put('k', new Uint8Array(), 'image/webp')).rejects.toThrow('SlowDown');
  });
});

describe('listing an image’s renditions', () => {
  it('follows every page', async () => {
    s3.on(ListObjectsV2Command)
      .resolvesOnce({
        Contents: [{ Key: 'c0ffee/1/a.webp' }, { Key: 'c0ffee/1/b.webp' }],
        NextContinuationToken: 'more',
      })
      .resolvesOnce({ Contents: [{ Key: 'c0ffee/2/a.webp' }] });
    expect(await Array.fromAsync(store.list('c0ffee'))).toEqual([
      'c0ffee/1/a.webp',
      'c0ffee/1/b.webp',
      'c0ffee/2/a.webp',
    ]);
    expect(s3.commandCalls(ListObjectsV2Command)[1]?.args[0].input.ContinuationToken).toBe('more');
  });

  it('never lists another image whose id starts the same', async () => {
    s3.on(ListObjectsV2Command).resolves({});
    expect(await Array.fromAsync(store.list('c0ffee'))).toEqual([]);
    expect(s3.commandCalls(ListObjectsV2Command)[0]?.args[0].input).toMatchObject({
      Bucket: 'renditions',
      Prefix: 'c0ffee/',
    });
  });
});

describe('removing renditions', () => {
  const keys = (count: number) => Array.from({ length: count }, (_, index) => `c0ffee/1/${index}`);
  const asked = () =>
    s3
      .commandCalls(DeleteObjectsCommand)
      .map(({ args: [{ input }] }) => input.Delete?.Objects?.map(({ Key }) => Key) ?? []);

  it.each([
    [1, [1]],
    [1000, [1000]],
    [1001, [1000, 1]],
    [2500, [1000, 1000, 500]],
  ])('given %i keys, splits them into requests that S3 accepts: %j', async (count, sizes) => {
    s3.on(DeleteObjectsCommand).resolves({});
    await store.remove(keys(count));
    expect(asked().map((chunk) => chunk.length)).toEqual(sizes);
    expect(asked().flat()).toEqual(keys(count));
  });

  it('given no keys, sends no request', async () => {
    await store.remove([]);
    expect(asked()).toEqual([]);
  });

  it('given S3 could not remove some, which returns 200, throws and names the first', async () => {
    s3.on(DeleteObjectsCommand).resolves({
      Errors: [
        { Key: 'c0ffee/1/1', Code: 'AccessDenied', Message: 'Access Denied' },
        { Key: 'c0ffee/1/2', Code: 'InternalError', Message: 'try again' },
      ],
    });
    await expect(store.remove(keys(3))).rejects.toThrow(
      /2 of 3 .*renditions.*c0ffee\/1\/1 \(AccessDenied: Access Denied\)/,
    );
  });
});
