import { request as httpRequest } from 'node:http';
import { S3Client } from '@aws-sdk/client-s3';
import fc from 'fast-check';
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import * as z from 'zod';
import { senderOf } from '../../core/sender.ts';
import { jwtTokens } from '../adapters/aws/jwt-tokens.ts';
import { s3UploadTickets } from '../adapters/aws/s3-upload-tickets.ts';
import { authorizer } from '../adapters/lambda/authorizer.ts';
import { MOST_CONNECTIONS } from '../core/live.ts';
import { readUploadKey, uploadKey } from '../core/upload-key.ts';
import { type PretendGallery, startPretendGallery } from './support/pretend-gallery.ts';

let gallery: PretendGallery;
beforeAll(async () => {
  gallery = await startPretendGallery({ pace: 1 });
});
afterAll(() => gallery.close());

describe('a token', async () => {
  const issuer = 'https://issuer.example';
  const { publicKey, privateKey } = await generateKeyPair('RS256');
  const foreign = await generateKeyPair('RS256');
  const kid = 'k1';
  const jwks = { keys: [{ ...(await exportJWK(publicKey)), kid, alg: 'RS256', use: 'sig' }] };
  const jwksUri = `data:application/json,${encodeURIComponent(JSON.stringify(jwks))}`;
  const tokens = jwtTokens({ issuer, scope: 'gallery/images', jwksUri });
  const hour = Math.floor(Date.now() / 1000) + 3600;
  const good = { iss: issuer, sub: 'ann', token_use: 'access', scope: 'openid gallery/images', exp: hour };
  const signed = (claims: JWTPayload, { key = privateKey, id = kid } = {}) =>
    new SignJWT(claims).setProtectedHeader({ alg: 'RS256', kid: id }).sign(key);
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');

  it('of this gallery says whose it is', async () => {
    expect(await tokens.ownerOf(await signed(good))).toBe('ann');
  });

  it.each<[what: string, token: () => Promise<string> | string]>([
    [
      'with another person’s name in it',
      async () => {
        const [head, , signature] = (await signed(good)).split('.');
        return `${head}.${part({ ...good, sub: 'ben' })}.${signature}`;
      },
    ],
    ['signed with another key', () => signed(good, { key: foreign.privateKey })],
    ['of an unknown key', () => signed(good, { id: 'k2' })],
    ['without a signature', () => `${part({ alg: 'none', kid })}.${part(good)}.`],
    [
      'signed with the public key as a password',
      async () => {
        const secret = new TextEncoder().encode(JSON.stringify(jwks.keys[0]));
        return await new SignJWT(good).setProtectedHeader({ alg: 'HS256', kid }).sign(secret);
      },
    ],
    ['that has expired', () => signed({ ...good, exp: hour - 7200 })],
    ['that is not valid yet', () => signed({ ...good, nbf: hour })],
    ['of another issuer', () => signed({ ...good, iss: 'https://issuer.example.evil' })],
    ['for another purpose', () => signed({ ...good, scope: 'openid other/gallery/images' })],
    ['that is an id token', () => signed({ ...good, token_use: 'id' })],
    ['without a name', () => signed({ ...good, sub: '' })],
    ['of someone with a path for a name', () => signed({ ...good, sub: 'ann/../ben' })],
    ['that is none', () => 'ann'],
    ['that is empty', () => ''],
  ])('%s is refused', async (_, token) => {
    expect(await tokens.ownerOf(await token())).toBeUndefined();
  });

  it('is not refused, but fails, while the keys cannot be had: that is no fault of the person', async () => {
    const unreachable = jwtTokens({ issuer, scope: 'gallery/images', jwksUri: 'http://127.0.0.1:1/jwks.json' });
    await expect(unreachable.ownerOf(await signed(good))).rejects.toThrow('127.0.0.1');
  });

  it('in the wrong place is none', async () => {
    const token = await signed(good);
    const authorize = authorizer(tokens);
    const methodArn = 'arn:aws:execute-api:eu-west-1:123456789012:api/live/GET/v1/images';
    const effects = await Promise.all(
      [
        { type: 'TOKEN', authorizationToken: `Bearer ${token}`, methodArn },
        { type: 'TOKEN', authorizationToken: token, methodArn },
        { type: 'TOKEN', authorizationToken: `Basic ${token}`, methodArn },
        { type: 'REQUEST', queryStringParameters: { token }, methodArn },
        { type: 'REQUEST', queryStringParameters: { access_token: token }, methodArn },
        { type: 'REQUEST', queryStringParameters: null, methodArn },
      ].map(async (event) => {
        const { policyDocument, context } = await authorize(event);
        return [policyDocument.Statement[0]?.Effect, context?.['owner']];
      }),
    );
    expect(effects).toEqual([
      ['Allow', 'ann'],
      ['Deny', undefined],
      ['Deny', undefined],
      ['Allow', 'ann'],
      ['Deny', undefined],
      ['Deny', undefined],
    ]);
  });
});

describe('a ticket', () => {
  const client = new S3Client({ region: 'eu-west-1', credentials: { accessKeyId: 'a', secretAccessKey: 's' } });
  const policy = z.object({ expiration: z.string(), conditions: z.array(z.unknown()) });

  it('is for one key, one type and one size, for five minutes, and its form can have no other field', async () => {
    const before = Date.now();
    const key = uploadKey('ann', crypto.randomUUID(), 'cat.jpg');
    const { fields } = await s3UploadTickets({ client, bucket: 'uploads' }).issue({
      ...{ key, contentType: 'image/jpeg', bytes: 1234, seconds: 300 },
    });
    const signed = policy.parse(JSON.parse(Buffer.from(fields['Policy'] ?? '', 'base64').toString()));
    expect(signed.conditions).toEqual(
      expect.arrayContaining([
        ['content-length-range', 1234, 1234],
        { key },
        { bucket: 'uploads' },
        { 'Content-Type': 'image/jpeg' },
      ]),
    );
    // S3 refuses fields that no condition names, apart from the file and the signature itself.
    const named = signed.conditions.flatMap((one) => (Array.isArray(one) ? [] : Object.keys(Object(one))));
    expect(
      Object.keys(fields)
        .filter((name) => !['Policy', 'X-Amz-Signature'].includes(name))
        .sort(),
    ).toEqual(named.filter((name) => name !== 'acl').sort());
    expect(Date.parse(signed.expiration)).toBeLessThanOrEqual(before + 301_000 + (Date.now() - before));
  });

  // The library signs a prefix for a key with this ending, and S3 replaces it by the name of the file that is sent.
  it.each(['${filename}', 'a${filename}', '${filename}.jpg', '$${filename}', '$\u200b{filename}'])(
    'is for one key, also if the file has the name %j',
    async (name) => {
      const key = uploadKey('ann', crypto.randomUUID(), name);
      const { fields } = await s3UploadTickets({ client, bucket: 'uploads' }).issue({
        ...{ key, contentType: 'image/jpeg', bytes: 1234, seconds: 300 },
      });
      const { conditions } = policy.parse(JSON.parse(Buffer.from(fields['Policy'] ?? '', 'base64').toString()));
      expect(conditions).toContainEqual({ key });
      expect(JSON.stringify(conditions)).not.toContain('starts-with');
      expect(fields['key']).toBe(key);
      expect(key).not.toContain('${filename}');
    },
  );

  it.each(['${filename}', '${filename}.jpg'])('is not signed at all for a key with a variable: %j', async (name) => {
    const key = `gallery-ann/${crypto.randomUUID()}/${name}`;
    const issued = s3UploadTickets({ client, bucket: 'uploads' }).issue({
      ...{ key, contentType: 'image/jpeg', bytes: 1234, seconds: 300 },
    });
    await expect(issued).rejects.toThrow('variable');
  });
});

describe('a name', () => {
  const random = '5b818364-3064-430b-bc87-c05312b42360';
  const nasty = fc.constantFrom(
    '..',
    '../',
    '..\\',
    '/',
    '\\',
    '%2e%2e%2f',
    '\0',
    '\n',
    '<script>',
    '"',
    '‮',
    '\ud800',
    'é',
    '🖼',
    '.',
    '$',
    '{filename}',
  );

  it('never leads out of its owner’s folder, and never makes two files one', () => {
    const names = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 255 }),
      fc.array(nasty, { maxLength: 30 }).map((parts) => parts.join('')),
    );
    fc.assert(
      fc.property(names, fc.constantFrom('ann', 'ben'), (name, owner) => {
        const key = uploadKey(owner, random, name);
        expect(key.startsWith(`gallery-${owner}/${random}/`)).toBe(true);
        expect(key.split('/')).toHaveLength(3);
        expect(new TextEncoder().encode(key).length).toBeLessThanOrEqual(1024);
        expect(readUploadKey(key)?.owner).toBe(owner);
        expect(readUploadKey(key)?.name).not.toMatch(/^\.*$|\p{C}|\$\{/u);
        // The pipeline counts the uploads of each person separately.
        expect(senderOf(key)).toBe(`gallery-${owner}`);
        expect(uploadKey(owner, crypto.randomUUID(), name)).not.toBe(key);
      }),
    );
  });

  it.each([
    ['../../ben/cat.jpg', 'cat.jpg'],
    ['C:\\Users\\ann\\cat.jpg', 'cat.jpg'],
    ['..', 'image'],
    [' \u0000 ', 'image'],
    ['holiday‮gpj.exe', 'holidaygpj.exe'],
    ['<img src=x onerror=alert(1)>.jpg', '<img src=x onerror=alert(1)>.jpg'],
    ['${filename}', '{filename}'],
    ['$5 {a}.jpg', '$5 {a}.jpg'],
  ])('%j is shown as %j', (name, shown) => {
    expect(readUploadKey(uploadKey('ann', random, name))?.name).toBe(shown);
  });
});

/** Resolves to the answer's status; 101 for a socket that opens, which stays open. */
async function openSocket(
  path: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<{ status: number; socket: WebSocket }> {
  const socket = new WebSocket(gallery.address.replace('http', 'ws') + path, { headers });
  const { promise, resolve } = Promise.withResolvers<number>();
  socket.once('open', () => resolve(101));
  socket.once('unexpected-response', (_, { statusCode = 0 }) => resolve(statusCode));
  socket.once('error', () => resolve(0));
  return { status: await promise, socket };
}

describe('a WebSocket', () => {
  it.each(['/live', '/live?token=', '/live?token=ann', '/v1/images', '/live/../v1'])(
    'without a token is refused: %s',
    async (path) => {
      expect((await openSocket(path)).status).toBe(403);
    },
  );

  it('of another site is refused, even with a token', async () => {
    const token = await gallery.signIn('ann');
    const { status } = await openSocket(`/live?token=${token}`, { origin: 'https://evil.example' });
    expect(status).toBe(403);
  });

  it('is one of a few for each person, and a flood of one person leaves room for others', async () => {
    const [dora, eve] = [await gallery.signIn('dora'), await gallery.signIn('eve')];
    const together = Array.from({ length: MOST_CONNECTIONS + 5 }, () => openSocket(`/live?token=${dora}`));
    const flood = await Promise.all(together);
    expect(flood.filter(({ status }) => status === 101).length).toBeLessThanOrEqual(MOST_CONNECTIONS);
    for (let count = 0; count < MOST_CONNECTIONS; count += 1) flood.push(await openSocket(`/live?token=${dora}`));
    expect(flood.filter(({ status }) => status === 101)).toHaveLength(MOST_CONNECTIONS);
    const other = await openSocket(`/live?token=${eve}`);
    expect(other.status).toBe(101);
    for (const { socket } of [...flood, other]) socket.terminate();
  });
});

describe('the local page', () => {
  /** Sends exactly these headers, which fetch would not. */
  const statusOf = async (path: string, headers: Readonly<Record<string, string>>, method = 'GET') => {
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    const { port } = new URL(gallery.address);
    const call = httpRequest({ host: '127.0.0.1', port, path, method, headers, setHost: false }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    call.once('error', reject).end();
    return await promise;
  };
  const host = () => new URL(gallery.address).host;

  it.each(['evil.example', 'localhost.evil.example', '127.0.0.1', 'localhost:1', ''])(
    'does not answer to the name %j, to which another site may have bound this address',
    async (name) => {
      for (const path of ['/config.json', '/demo/jwks.json', '/v1/health', '/']) {
        expect(await statusOf(path, { host: name })).toBe(403);
      }
    },
  );

  it.each<Readonly<Record<string, string>>>([
    { origin: 'https://evil.example' },
    { origin: 'null' },
    { origin: 'http://localhost:1' },
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-site' },
    { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', origin: 'https://evil.example' },
  ])('gives another site no token: %j', async (headers) => {
    expect(await statusOf('/demo/token', { host: host(), ...headers }, 'POST')).toBe(403);
    expect(await statusOf('/v1/health', { host: host(), ...headers })).toBe(403);
  });

  it('answers itself, and a link from elsewhere', async () => {
    expect(
      await statusOf('/v1/health', { host: host(), origin: gallery.address, 'sec-fetch-site': 'same-origin' }),
    ).toBe(200);
    expect(
      await statusOf('/config.json', { host: host(), 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' }),
    ).toBe(200);
  });

  it.each([
    '/../package.json',
    '/%2e%2e/package.json',
    '/..%2f..%2fpackage.json',
    '/%00',
    '/%',
    '//etc/passwd',
    '/index.html/../../../package.json',
  ])('serves nothing but itself: %s', async (path) => {
    expect([404, 400]).toContain(await statusOf(path, { host: host() }));
  });

  it.each(['/', '/config.json', '/demo/jwks.json', '/inside', '/renditions/x', '/index.html'])(
    'is only read: %s',
    async (path) => {
      for (const method of ['POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS']) {
        expect(await statusOf(path, { host: host() }, method)).toBe(405);
      }
      expect(await statusOf(path, { host: host() }, 'HEAD')).toBe(await statusOf(path, { host: host() }));
    },
  );

  it('refuses people who are not in the demo', async () => {
    const answer = await fetch(`${gallery.address}/demo/token`, { method: 'POST', body: '{"person":"admin"}' });
    expect(answer.status).toBe(404);
  });

  it.each(['', 'ann', '{', '{}', '{"person":1}', 'null'])('refuses a sign-in that names no one: %j', async (body) => {
    expect((await fetch(`${gallery.address}/demo/token`, { method: 'POST', body })).status).toBe(400);
  });
});
