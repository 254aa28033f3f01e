import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { CreateAccessKeyCommand, CreateUserCommand, PutUserPolicyCommand } from '@aws-sdk/client-iam';
import { PutObjectCommand, type PutObjectCommandInput, S3Client } from '@aws-sdk/client-s3';
import { beforeAll, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { probePrefix, releaseCheckPrefix } from '../../core/names.ts';
import { emulatedPipeline } from '../support/emulated-pipeline.ts';
import { photo } from '../support/photos.ts';

/**
 * What an uploader can choose in addition to the bytes. The emulator supports only some of the bucket policy's conditions, and
 * none for its root user. So test/template/door.test.ts covers the policy, and this the second line of defence, the worker.
 */

const pipeline = emulatedPipeline();
const { stack, iam, s3, bucket } = pipeline;
type Headers = Omit<PutObjectCommandInput, 'Bucket' | 'Key' | 'Body'>;

let uploader: S3Client;
beforeAll(async () => {
  const UserName = `uploader-${randomUUID()}`;
  await iam.send(new CreateUserCommand({ UserName }));
  const Statement = [{ Effect: 'Allow', Action: ['s3:*', 'kms:*'], Resource: '*' }];
  const PolicyDocument = JSON.stringify({ Version: '2012-10-17', Statement });
  await iam.send(new PutUserPolicyCommand({ UserName, PolicyName: 'uploads', PolicyDocument }));
  const { AccessKey } = await iam.send(new CreateAccessKeyCommand({ UserName }));
  const credentials = z
    .object({ AccessKeyId: z.string(), SecretAccessKey: z.string() })
    .transform(({ AccessKeyId, SecretAccessKey }) => ({ accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey }))
    .parse(AccessKey);
  uploader = new S3Client({ ...stack.clientConfig, credentials, forcePathStyle: true });
});

const upload = (client: S3Client, key: string, headers: Headers = {}) =>
  client.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: photo('rocket.jpg'), ...headers }));

describe('an uploader', () => {
  it('can upload without special headers', async () => {
    await upload(uploader, 'door/plain.jpg');
    expect(await pipeline.recordWhen('door/plain.jpg', () => true)).toMatchObject({ outcome: 'processed' });
  });

  it.each<[string, Headers]>([['S3’s own key', { ServerSideEncryption: 'AES256' }]])(
    'cannot encrypt with %s',
    async (_, headers) => {
      await expect(upload(uploader, 'door/encrypted.jpg', headers)).rejects.toThrow(/explicit deny/);
    },
  );

  it.each([probePrefix, releaseCheckPrefix])('cannot hide an image below %s', async (prefix) => {
    await expect(upload(uploader, `${prefix}secret.jpg`)).rejects.toThrow(/explicit deny/);
  });
});

describe('an object that S3 does not return to workers', () => {
  const secret = randomBytes(32);
  const ownKey = {
    SSECustomerAlgorithm: 'AES256',
    SSECustomerKey: secret.toString('base64'),
    SSECustomerKeyMD5: createHash('md5').update(secret).digest('base64'),
  };

  it.each<[string, Headers]>([
    ['in an archive', { StorageClass: 'DEEP_ARCHIVE' }],
    ['with a key of its uploader', ownKey],
  ])('%s is rejected with a sentence for its uploader, and no dead letter', async (name, headers) => {
    const key = `door/${name}.jpg`;
    await upload(s3, key, headers);
    expect(await pipeline.recordWhen(key, () => true)).toMatchObject({
      outcome: 'rejected',
      reason: 'unreadable',
      message: expect.stringContaining('Upload it again'),
    });
  });
});
