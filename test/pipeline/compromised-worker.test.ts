import { randomUUID } from 'node:crypto';
import {
  CreateAccessKeyCommand,
  CreateUserCommand,
  GetRolePolicyCommand,
  PutUserPolicyCommand,
} from '@aws-sdk/client-iam';
import { PutObjectCommand, type PutObjectCommandInput, S3Client } from '@aws-sdk/client-s3';
import { beforeAll, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { emulatedPipeline } from '../support/emulated-pipeline.ts';
import { photo } from '../support/photos.ts';

/**
 * What an attacker can do whose file has compromised a worker that renders: everything that its role may. The emulator does not
 * check the key of encrypted objects, and has no networks: for these, see test/template/containment.test.ts.
 */

const pipeline = emulatedPipeline();
const { iam, stack, renditionBucket: Bucket } = pipeline;
const key = 'compromised/other.jpg';

let intruder: S3Client;
let rendition: string;
beforeAll(async () => {
  const role = { RoleName: await pipeline.physicalId('ResizeImageRole'), PolicyName: 'resize-image' };
  const { PolicyDocument = '' } = await iam.send(new GetRolePolicyCommand(role));
  const user = { UserName: `intruder-${randomUUID()}` };
  await iam.send(new CreateUserCommand(user));
  await iam.send(
    new PutUserPolicyCommand({ ...user, PolicyName: 'worker', PolicyDocument: decodeURIComponent(PolicyDocument) }),
  );
  const { AccessKey } = await iam.send(new CreateAccessKeyCommand(user));
  const credentials = z
    .object({ AccessKeyId: z.string(), SecretAccessKey: z.string() })
    .transform(({ AccessKeyId, SecretAccessKey }) => ({ accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey }))
    .parse(AccessKey);
  intruder = new S3Client({ ...stack.clientConfig, credentials, forcePathStyle: true });

  await pipeline.put(key, photo('rocket.jpg'));
  await pipeline.recordWhen(key, ({ outcome }) => outcome === 'processed');
  [rendition = ''] = await pipeline.renditionKeys(key);
});

const write = (Key: string, options: Partial<PutObjectCommandInput> = {}) =>
  intruder.send(new PutObjectCommand({ Bucket, Key, Body: '<script>', ContentType: 'text/html', ...options }));

describe('a compromised worker', () => {
  it.each<[string, Partial<PutObjectCommandInput>, RegExp]>([
    ['plainly', {}, /explicit deny in a resource-based policy/],
    ['on the condition that it is not there', { IfNoneMatch: '*' }, /pre-?conditions?/i],
  ])('cannot replace a rendition of another image %s', async (_, options, refusal) => {
    const before = await pipeline.rendition(rendition);
    await expect(write(rendition, options)).rejects.toThrow(refusal);
    const after = await pipeline.rendition(rendition);
    expect(after.bytes.equals(before.bytes)).toBe(true);
    expect(after.contentType).toBe(before.contentType);
  });

  it.each(['index.html', 'app.js', `${'0'.repeat(32)}/${'0'.repeat(32)}/page.html`])(
    'cannot write %s, which is no image',
    async (name) => {
      await expect(write(name, { IfNoneMatch: '*' })).rejects.toThrow(/not authorized|AccessDenied|Access Denied/);
    },
  );
});
