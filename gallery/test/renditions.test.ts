import { createVerify, generateKeyPairSync } from 'node:crypto';
import {
  CloudFrontClient,
  CreateInvalidationCommand,
  TooManyInvalidationsInProgress,
} from '@aws-sdk/client-cloudfront';
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import type { SQSEvent } from 'aws-lambda';
import { beforeEach, describe, expect, it } from 'vitest';
import { mockClient } from '../../test/support/mock-client.ts';
import { deletedRecord } from '../../test/support/records.ts';
import { cloudFrontCaches } from '../adapters/aws/cloudfront-caches.ts';
import { cloudFrontCookies } from '../adapters/aws/cloudfront-cookies.ts';
import { removedImages } from '../adapters/lambda/removed-images.ts';
import { announcement, bucket, keyOf } from './support/events.ts';

const secrets = mockClient(SecretsManagerClient);
const cloudFront = mockClient(CloudFrontClient);
beforeEach(() => {
  for (const client of [secrets, cloudFront]) client.reset();
});

describe('the cookies for renditions', () => {
  const [one, other] = ['K1', 'K2'].map((keyPairId) => {
    const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const secret = JSON.stringify({ keyPairId, privateKey: privateKey.export({ type: 'pkcs1', format: 'pem' }) });
    return { keyPairId, publicKey, secret };
  }) as [Key, Key];
  interface Key {
    readonly keyPairId: string;
    readonly publicKey: ReturnType<typeof generateKeyPairSync>['publicKey'];
    readonly secret: string;
  }
  let time = Date.UTC(2026, 0, 1);
  const open = () =>
    cloudFrontCookies({ client: new SecretsManagerClient({}), secretId: 'cookie-key', now: () => time });
  const stored = (secret: string) => secrets.on(GetSecretValueCommand).resolves({ SecretString: secret });
  const valueIn = (cookies: readonly string[], name: string) =>
    cookies
      .find((cookie) => cookie.startsWith(`${name}=`))
      ?.split(';')[0]
      ?.slice(name.length + 1) ?? '';
  // CloudFront's own form of base64.
  const decoded = (value: string) =>
    Buffer.from(value.replaceAll('-', '+').replaceAll('_', '=').replaceAll('~', '/'), 'base64');

  it('are signed by the key in the secret, end after an hour, and are sent to renditions only', async () => {
    stored(one.secret);
    const cookies = await open()();
    const policy = decoded(valueIn(cookies, 'CloudFront-Policy'));
    expect(JSON.parse(policy.toString())).toEqual({
      Statement: [
        { Resource: 'https://*/renditions/*', Condition: { DateLessThan: { 'AWS:EpochTime': time / 1000 + 3600 } } },
      ],
    });
    expect(valueIn(cookies, 'CloudFront-Key-Pair-Id')).toBe('K1');
    const signature = decoded(valueIn(cookies, 'CloudFront-Signature'));
    expect(createVerify('RSA-SHA1').update(policy).verify(one.publicKey, signature)).toBe(true);
    expect(createVerify('RSA-SHA1').update(policy).verify(other.publicKey, signature)).toBe(false);
    for (const cookie of cookies) {
      expect(cookie).toMatch(/; Path=\/renditions\/; Max-Age=3600; Secure; HttpOnly; SameSite=Strict$/);
    }
  });

  it('are signed by another key within five minutes of its rotation, without a deployment, and the secret is read no more often', async () => {
    stored(one.secret);
    const cookies = open();
    await cookies();
    stored(other.secret);
    expect(valueIn(await cookies(), 'CloudFront-Key-Pair-Id')).toBe('K1');
    expect(secrets.commandCalls(GetSecretValueCommand)).toHaveLength(1);
    time += 301_000;
    expect(valueIn(await cookies(), 'CloudFront-Key-Pair-Id')).toBe('K2');
    await cookies();
    expect(secrets.commandCalls(GetSecretValueCommand)).toHaveLength(2);
  });

  it.each([
    ['cannot be read', () => secrets.on(GetSecretValueCommand).rejects(new Error('throttled'))],
    ['is damaged', () => stored('{"keyPairId":""}')],
  ])('go on with the last key while the secret %s', async (_, breakIt) => {
    stored(one.secret);
    const cookies = open();
    await cookies();
    breakIt();
    time += 301_000;
    expect(valueIn(await cookies(), 'CloudFront-Key-Pair-Id')).toBe('K1');
  });

  it('are made as soon as there is a key, if there was none when the function started', async () => {
    secrets.on(GetSecretValueCommand).rejects(new Error('no value yet'));
    const cookies = open();
    await expect(cookies()).rejects.toThrow('no value yet');
    stored(one.secret);
    expect(valueIn(await cookies(), 'CloudFront-Key-Pair-Id')).toBe('K1');
    await cookies();
    expect(secrets.commandCalls(GetSecretValueCommand)).toHaveLength(3);
  });
});

describe('renditions of a removed image', () => {
  const record = (name: string, version = 1) =>
    deletedRecord({
      imageId: String(version).padStart(32, '0'),
      bucket,
      key: keyOf('ann', name),
      sequencer: String(version).padStart(32, '0'),
    });
  const handler = removedImages(cloudFrontCaches({ client: new CloudFrontClient({}), distributionId: 'D1' }), {
    uploadBucket: bucket,
  });
  const batch = (...bodies: string[]) =>
    ({ Records: bodies.map((body, index) => ({ body, messageId: `m${index}` })) }) as SQSEvent;
  const sent = () =>
    cloudFront.commandCalls(CreateInvalidationCommand).map(({ args: [{ input }] }) => input.InvalidationBatch);

  it('leave the caches under both of their paths, all of a batch in one invalidation', async () => {
    await handler(
      batch(announcement(record('a.jpg', 1)), announcement(record('b.jpg', 2)), announcement(record('a.jpg', 1))),
    );
    expect(sent().map((found) => found?.Paths?.Items)).toEqual([
      ['1', '2'].map((id) => id.padStart(32, '0')).flatMap((id) => [`/renditions/${id}/*`, `/${id}/*`]),
    ]);
  });

  it('do so once, however often the event arrives: a repeat has the same reference', async () => {
    await handler(batch(announcement(record('a.jpg', 1)), announcement(record('b.jpg', 2))));
    await handler(batch(announcement(record('b.jpg', 2)), announcement(record('a.jpg', 1))));
    await handler(batch(announcement(record('c.jpg', 3))));
    const [first, again, another] = sent().map((found) => found?.CallerReference);
    expect(again).toBe(first);
    expect(another).not.toBe(first);
  });

  it('stay in the queue while CloudFront is busy, without an error of the function', async () => {
    const two = batch(announcement(record('a.jpg', 1)), announcement(record('b.jpg', 2)));
    const busy = new TooManyInvalidationsInProgress({ message: 'Try again later.', $metadata: {} });
    cloudFront.on(CreateInvalidationCommand).rejectsOnce(busy).resolves({});
    expect(await handler(two)).toEqual({ batchItemFailures: [{ itemIdentifier: 'm0' }, { itemIdentifier: 'm1' }] });
    expect(await handler(two)).toEqual({ batchItemFailures: [] });
  });

  it('stay in the queue after any other error, which is an error of the function', async () => {
    cloudFront.on(CreateInvalidationCommand).rejects(new Error('AccessDenied'));
    await expect(handler(batch(announcement(record('a.jpg'))))).rejects.toThrow('AccessDenied');
  });
});
