import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer, request as httpRequest, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { Duplex } from 'node:stream';
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { GetObjectCommand, NoSuchKey, S3Client } from '@aws-sdk/client-s3';
import {
  CreateQueueCommand,
  DeleteMessageBatchCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { tlsCertificate } from '../../scripts/local/tls-certificate.ts';
import { mockClient } from '../../test/support/mock-client.ts';
import { emulatorBackend } from '../local/emulator-backend.ts';
import { insideOf } from '../local/inside.ts';

/** What is behind the page on this machine, without an emulator. */

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).toReversed()) await end();
});

async function listening(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  ends.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return z.object({ port: z.int() }).parse(server.address()).port;
}

const s3 = mockClient(S3Client);
const sqs = mockClient(SQSClient);
const events = mockClient(EventBridgeClient);
beforeEach(() => {
  for (const client of [s3, sqs, events]) client.reset();
});

/** @param emulator answers in place of the emulator */
async function startBackend(emulator: RequestListener) {
  const files = await tlsCertificate();
  const [cert, key] = [await readFile(files.certificate, 'utf8'), await readFile(files.key, 'utf8')];
  const upstream = createTlsServer({ cert, key }, emulator);
  const connections: Duplex[] = [];
  upstream.on('connection', (socket) => connections.push(socket));
  const address = { endpoint: `https://127.0.0.1:${await listening(upstream)}`, certificate: cert, environment: {} };
  const stack = {
    clients: { s3: new S3Client({}) },
    outputs: { UploadBucketName: 'uploads', RenditionBucketName: 'renditions' },
  };
  const inside = { answer: async () => undefined };
  const backend = emulatorBackend(stack, address, { ApiId: 'api', LiveApiId: 'live' }, inside);
  ends.push(() => backend.close());
  const port = await listening(createServer((request, response) => backend.handle(request, response)));
  return { port, connections };
}

describe('an upload that ends early', () => {
  it.each([
    ['while the file is sent', 1_000_000],
    ['while it waits for the answer', 4],
  ])('leaves no connection behind it: %s', async (_, size) => {
    const { promise: arrived, resolve } = Promise.withResolvers<void>();
    const { port, connections } = await startBackend((request) => {
      request.on('data', () => resolve());
    });
    const upload = httpRequest({ port, method: 'POST', path: '/uploads', headers: { 'content-length': size } });
    upload.on('error', () => undefined);
    upload.write('file');
    await arrived;
    const [connection] = connections;
    const closed = connection && once(connection, 'close');
    upload.destroy();
    await closed;
    expect(connections).toHaveLength(1);
  });

  it('keeps the connection for the next request otherwise', async () => {
    const { port, connections } = await startBackend((request, response) => {
      request.resume().on('end', () => response.writeHead(204).end());
    });
    for (let count = 0; count < 3; count += 1) {
      const { status } = await fetch(`http://127.0.0.1:${port}/uploads`, { method: 'POST', body: 'file' });
      expect(status).toBe(204);
    }
    expect(connections).toHaveLength(1);
  });
});

describe('the renditions', () => {
  const key = `${'0'.repeat(32)}/${'A'.repeat(32)}/webp-320.webp`;

  it('are sent one by one', async () => {
    const { port } = await startBackend(() => undefined);
    const Body = { transformToByteArray: async () => new Uint8Array([1, 2, 3]) } as never;
    s3.on(GetObjectCommand, { Bucket: 'renditions', Key: key }).resolves({ Body, ContentType: 'image/webp' });
    const found = await fetch(`http://127.0.0.1:${port}/renditions/${key}`);
    expect([found.status, found.headers.get('content-type')]).toEqual([200, 'image/webp']);
    expect(await found.bytes()).toEqual(new Uint8Array([1, 2, 3]));
  });

  it('that do not exist are not found', async () => {
    const { port } = await startBackend(() => undefined);
    s3.on(GetObjectCommand).rejects(new NoSuchKey({ message: 'none', $metadata: {} }));
    expect((await fetch(`http://127.0.0.1:${port}/renditions/${key}`)).status).toBe(404);
  });

  // S3 answers a request for no key with a list of all.
  it.each(['', '?list-type=2', '/', 'other.txt', `${key}/..`, `x${key}`, `${key}%0A`, key.toLowerCase()])(
    'are all that is sent from their bucket: not %j',
    async (path) => {
      const { port } = await startBackend(() => undefined);
      expect((await fetch(`http://127.0.0.1:${port}/renditions/${path}`)).status).toBe(404);
      expect(s3.calls()).toEqual([]);
    },
  );
});

describe('the inside view', () => {
  it('shows the latest events, the newest first, however many there were while no one looked', async () => {
    const waiting = Array.from({ length: 45 }, (_, number) => number);
    sqs.on(CreateQueueCommand).resolves({ QueueUrl: 'queue' });
    sqs.on(GetQueueAttributesCommand).resolves({ Attributes: { QueueArn: 'arn' } });
    sqs.on(ReceiveMessageCommand).callsFake(() => ({
      Messages: waiting
        .splice(0, 10)
        .map((number) => ({ Body: JSON.stringify({ number }), ReceiptHandle: `${number}` })),
    }));
    const inside = await insideOf({
      clients: { sqs: new SQSClient({}), events: new EventBridgeClient({}) },
      outputs: { DomainEventBusName: 'bus', UploadQueueUrl: 'uploads' },
    });
    const port = await listening(createServer((_, response) => void inside.answer(response)));
    const shown = async () => {
      const answer = await (await fetch(`http://127.0.0.1:${port}`)).json();
      return z
        .object({ events: z.array(z.object({ number: z.int() })) })
        .parse(answer)
        .events.map(({ number }) => number);
    };
    expect(await shown()).toEqual(Array.from({ length: 20 }, (_, index) => 44 - index));
    waiting.push(45);
    expect((await shown()).slice(0, 2)).toEqual([45, 44]);
    const deleted = sqs.commandCalls(DeleteMessageBatchCommand).flatMap(({ args: [{ input }] }) => input.Entries);
    expect(deleted).toHaveLength(46);
  });
});
