import { createHash, randomUUID } from 'node:crypto';
import { request } from 'node:https';
import { text } from 'node:stream/consumers';
import {
  GetFunctionConfigurationCommand,
  InvokeCommand,
  LambdaClient,
  ListFunctionsCommand,
} from '@aws-sdk/client-lambda';
import { ListBucketsCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3';
import { describe, expect, inject, it } from 'vitest';
import { emulatedPipeline } from '../support/emulated-pipeline.ts';

/**
 * The attacks of a local user, a container or a web page on the emulator of `npm start`. A Lambda function runs as the user
 * who started it, so anyone who may create one can run code as that user.
 */

const { stack, physicalId } = emulatedPipeline();
const { endpoint, certificate, environment } = inject('emulator');
const ownKey = environment['AWS_ACCESS_KEY_ID'] ?? '';

const client = (accessKeyId: string, secretAccessKey: string) =>
  new LambdaClient({ ...stack.clientConfig, credentials: { accessKeyId, secretAccessKey }, maxAttempts: 1 });

interface Answer {
  readonly status: number;
  readonly body: string;
}

async function ask(
  path: string,
  headers: Readonly<Record<string, string>> = {},
  method = 'GET',
  origin = endpoint,
  sent = '',
): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  // Browsers check the name; the attacks here come without one.
  const options = { ca: certificate, method, headers, agent: false, checkServerIdentity: () => undefined };
  const asked = request(`${origin}${path}`, options, (response) => {
    text(response).then((body) => resolve({ status: response.statusCode ?? 0, body }), reject);
  });
  asked.once('error', reject).end(sent);
  return await promise;
}

/** As an SDK signs for a key, with a signature that was made up. */
const signedBy = (accessKeyId: string, service = 's3') => ({
  'x-amz-date': '20260101T000000Z',
  authorization: `AWS4-HMAC-SHA256 Credential=${accessKeyId}/20260101/us-east-1/${service}/aws4_request, SignedHeaders=host, Signature=${'0'.repeat(64)}`,
});

describe('without the keys of this start', () => {
  it.each([
    ['the key that MiniStack takes for root', 'test'],
    ['an account number, which it also takes', '000000000000'],
    ['a key that was never issued', 'AKIAIOSFODNN7EXAMPLE'],
  ])('listing functions with %s is refused', async (_, key) => {
    await expect(client(key, 'test').send(new ListFunctionsCommand({}))).rejects.toThrow(
      /emulator refused this request: its access key is not one of this start/,
    );
  });

  it('computing the keys of a function’s role does not work', async () => {
    const FunctionName = await physicalId('ResizeImageFunction');
    const { FunctionArn, Role } = await stack.clients.lambda.send(
      new GetFunctionConfigurationCommand({ FunctionName }),
    );
    await stack.clients.lambda.send(new InvokeCommand({ FunctionName, Payload: '{}' }));
    // As MiniStack does, from names that are no secret.
    const sha256 = (value: string) => createHash('sha256').update(value).digest('hex');
    for (const arn of [FunctionArn, `${FunctionArn}:1`]) {
      const digest = sha256(`${arn}:${Role}`);
      const credentials = {
        accessKeyId: `ASIA${digest.slice(0, 16).toUpperCase()}`,
        secretAccessKey: sha256(`secret:${digest}`),
        sessionToken: sha256(`token:${digest}`),
      };
      const s3 = new S3Client({ ...stack.clientConfig, forcePathStyle: true, credentials });
      const listing = s3.send(new ListObjectsV2Command({ Bucket: stack.outputs.UploadBucketName }));
      await expect(listing).rejects.toThrow(/refused this request/);
    }
  });

  it('the right access key with another secret is refused', async () => {
    const stranger = new S3Client({
      ...stack.clientConfig,
      forcePathStyle: true,
      credentials: { accessKeyId: ownKey, secretAccessKey: randomUUID() },
    });
    await expect(stranger.send(new ListBucketsCommand({}))).rejects.toThrow(/signature/);
    await expect(client(ownKey, randomUUID()).send(new ListFunctionsCommand({}))).rejects.toThrow(/signature/);
  });

  it('an S3 client is told what to do', async () => {
    const s3 = new S3Client({
      ...stack.clientConfig,
      forcePathStyle: true,
      credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    });
    await expect(s3.send(new ListBucketsCommand({}))).rejects.toThrow(/npm start/);
  });

  it.each(['/', `/${stack.outputs.UploadBucketName}`, '/2015-03-31/functions/'])(
    'reading %s unsigned is refused',
    async (path) => {
      expect((await ask(path)).status).toBe(403);
    },
  );
});

describe('MiniStack’s internal addresses', () => {
  const code = async () => `/_ministack/lambda-code/${await physicalId('ResizeImageFunction')}`;

  it.each([
    ['GET', '/_ministack/sqs/messages'],
    ['POST', '/_ministack/config'],
    ['POST', '/_ministack/reset'],
    ['GET', '/_ministack/ready'],
    ['GET', '/_localstack/init'],
  ])('are closed, even to the right key: %s %s', async (method, path) => {
    for (const headers of [{}, signedBy(ownKey)])
      expect(await ask(path, headers, method)).toMatchObject({
        status: 403,
        body: expect.stringContaining('internal addresses are closed'),
      });
  });

  it('do not give away the code of a function', async () => {
    expect(await ask(await code())).toMatchObject({ status: 403 });
  });

  it('say whether it is running, which npm start asks', async () => {
    expect(await ask('/_ministack/health')).toMatchObject({ status: 200 });
  });
});

describe('a web page', () => {
  it('of another site is refused, whatever key it has', async () => {
    const answer = await ask('/', { ...signedBy(ownKey), origin: 'https://example.com' });
    expect(answer).toMatchObject({ status: 403, body: expect.stringContaining('web page') });
    expect(await ask('/_ministack/health', { origin: 'null' })).toMatchObject({ status: 403 });
    expect(await ask('/', { origin: 'https://example.com' }, 'OPTIONS')).toMatchObject({ status: 403 });
  });

  it('that points a name of its own to this machine is refused', async () => {
    for (const host of ['attacker.example', 'localhost.attacker.example', '127.0.0.1.attacker.example:4566'])
      expect(await ask('/_ministack/health', { host }), host).toMatchObject({ status: 403 });
  });
});

describe('a proxy of this machine, for addresses that are public in AWS', () => {
  const secret = environment['AWS_SECRET_ACCESS_KEY'] ?? '';
  const proxied = (headers: Readonly<Record<string, string>> = {}) => ({ 'x-emulator-proxy': secret, ...headers });
  const api = '/_aws/execute-api/none/live/';

  it('reaches APIs with the secret of this start, which the API does not see, and without it nothing', async () => {
    expect((await ask(api, proxied())).body).not.toContain('emulator refused');
    for (const headers of [
      {},
      { 'x-emulator-proxy': '' },
      { 'x-emulator-proxy': randomUUID() },
      proxied({ 'x-emulator-proxy': ownKey }),
    ])
      expect(await ask(api, headers)).toMatchObject({ status: 403, body: expect.stringContaining('emulator refused') });
  });

  it.each(['/', '/2015-03-31/functions/', '/_aws/lambda-url/none/', '/_ministack/reset', '/_aws/execute-api'])(
    'reaches nothing else with it: %s',
    async (path) => {
      expect(await ask(path, proxied())).toMatchObject({
        status: 403,
        body: expect.stringContaining('emulator refused'),
      });
    },
  );

  it('must not pass on what a web page sent as it was', async () => {
    expect(await ask(api, proxied({ origin: 'https://example.com' }))).toMatchObject({ status: 403 });
    expect(await ask(api, proxied({ host: 'attacker.example' }))).toMatchObject({ status: 403 });
  });

  it('uploads no unsigned form', async () => {
    const form = proxied({ 'content-type': 'multipart/form-data; boundary=b' });
    const path = `/${stack.outputs.UploadBucketName}`;
    const body =
      '--b\r\ncontent-disposition: form-data; name="key"\r\n\r\ncat.jpg\r\n--b\r\ncontent-disposition: form-data; name="file"\r\n\r\nx\r\n--b--\r\n';
    expect(await ask(path, form, 'POST', endpoint, body)).toMatchObject({
      status: 403,
      body: expect.stringContaining('Access Denied'),
    });
  });
});

it('no other port is taken than the one that was asked for', async () => {
  // Another program may use this port: only this emulator has this certificate.
  const https = new URL(endpoint);
  https.port = '443';
  await expect(ask('/_ministack/health', {}, 'GET', https.origin)).rejects.toThrow(/ECONNREFUSED|certificate|socket/);
});
