import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { expect, it, onTestFinished } from 'vitest';
import * as z from 'zod';
import { imageIdOf } from '../../core/image.ts';
import { galleryUsers } from '../runner/gallery-user.ts';
import { ledgerLine, readLedger } from '../runner/ledger.ts';
import { waits } from '../runner/result.ts';
import { type RunFile, runFileVariable } from '../runner/run-file.ts';
import { virtualUsers } from '../runner/virtual-user.ts';
import { outputs } from './outputs.ts';

const endpoint = 'https://127.0.0.1:4566';
const picture = [
  { url: '/renditions/large', bytes: 900 },
  { url: '/renditions/small', bytes: 90 },
];
interface Shown {
  readonly id: string;
  readonly state: string;
  readonly renditions: readonly { readonly url: string; readonly bytes: number }[];
}

it('an upload is timed from the drop until its picture is loaded', async () => {
  const gallery = await pretendGallery((id, { tell }) => {
    tell({ id, state: 'uploaded', renditions: [] });
    tell({ id, state: 'ready', renditions: picture });
  });
  const { metrics, ledger } = await play(gallery.address, ['small.jpg', 'small.jpg']);
  expect(metrics.get('changes.sent')).toBe(2);
  expect(metrics.get('changes.decided')).toBe(2);
  expect([metrics.get('outcomes.unexpected'), metrics.get('live.missed')]).toEqual([0, 0]);
  expect([...metrics.keys()]).toEqual(expect.arrayContaining(['upload.put.ms', 'ready.small.ms', 'ready.all.ms']));
  // Under the keys that the gallery has chosen, by which the records are found in the end.
  expect(ledger.map(({ key }) => key)).toEqual(['gallery-ann/0/0.jpg', 'gallery-ben/1/1.jpg']);
  for (const { names, toldAt = 0, startedAt, requestMillis, decidedAt = 0 } of ledger) {
    expect(names).toEqual(['etag']);
    expect(toldAt).toBeGreaterThanOrEqual(Math.floor(startedAt + requestMillis));
    expect(decidedAt).toBeGreaterThanOrEqual(toldAt);
  }
  expect(gallery.loaded).toEqual(['/renditions/small', '/renditions/small']);
  expect(waits(ledger).map(({ name }) => name)).toContain('drop → picture, all');
});

it('a rejection counts as decided, and is unexpected for a picture', async () => {
  const gallery = await pretendGallery((id, { tell }) => tell({ id, state: 'rejected', renditions: [] }));
  const { metrics } = await play(gallery.address, ['small.jpg']);
  expect([metrics.get('changes.decided'), metrics.get('outcomes.unexpected')]).toEqual([1, 1]);
});

it('an upload of which no one is told is not decided', async () => {
  const gallery = await pretendGallery((id, { tell }) => tell({ id, state: 'described', renditions: [] }));
  const { metrics, ledger } = await play(gallery.address, ['small.jpg'], { patienceSeconds: 0 });
  expect([metrics.get('changes.sent'), metrics.get('changes.decided')]).toEqual([1, 0]);
  expect(ledger.map(({ outcome }) => outcome)).toEqual([undefined]);
});

it('a refused ticket is counted, without a wait', async () => {
  const gallery = await pretendGallery(() => undefined, { ticket: 429 });
  const { metrics, ledger } = await play(gallery.address, ['small.jpg']);
  expect([metrics.get('changes.refused'), metrics.get('changes.sent')]).toEqual([1, 0]);
  expect(ledger).toMatchObject([{ problem: 'Status429' }]);
});

it('a picture that cannot be loaded is no outcome', async () => {
  const gallery = await pretendGallery((id, { tell }) => tell({ id, state: 'ready', renditions: picture }), {
    picture: 404,
  });
  await expect(play(gallery.address, ['small.jpg'])).rejects.toThrow('/renditions/small answered 404');
});

it('what no message has said is found in the list, and counts as missed', async () => {
  const gallery = await pretendGallery((id, { list }) => list({ id, state: 'ready', renditions: picture }));
  const users = galleryUsers({ address: gallery.address, deadline: Date.now() + 60_000, patience: 20 });
  onTestFinished(() => users.close());
  const ann = await users.user(0);
  const { imageId } = await ann.upload('0.jpg', new Uint8Array([1]));
  expect(await ann.outcomeOf(imageId)).toMatchObject({ outcome: 'processed', live: false });
});

it('users share the people who can sign in, and each of these has one window', async () => {
  const gallery = await pretendGallery(() => undefined);
  const users = galleryUsers({ address: gallery.address, deadline: 0 });
  onTestFinished(() => users.close());
  const [first, second, third] = [await users.user(0), await users.user(1), await users.user(2)];
  expect(first).toBe(third);
  expect(second).not.toBe(first);
  expect(gallery.windows()).toBe(2);
});

it('a run talks to a gallery on this machine only', () => {
  const file = writeRun('http://gallery.example', [], {});
  expect(() => virtualUsers({ [runFileVariable]: file, AWS_ENDPOINT_URL: endpoint })).toThrow(/address/);
});

type Happens = (
  imageId: string,
  then: { readonly tell: (image: Shown) => void; readonly list: (image: Shown) => void },
) => void;

/** Answers as gallery/api/openapi.yaml and gallery/api/live.ts say. `uploaded` decides what happens to each upload. */
async function pretendGallery(
  uploaded: Happens,
  statuses: { readonly ticket?: number; readonly picture?: number } = {},
) {
  const windows = new Map<string, Duplex>();
  const listed: Shown[] = [];
  const loaded: string[] = [];
  let tickets = 0;
  const personOf = ({ headers }: IncomingMessage) => headers.authorization?.replace('Bearer ', '') ?? '';
  const server = createServer(async (request, response) => {
    const body = Buffer.concat(await Array.fromAsync(request as AsyncIterable<Buffer>)).toString();
    const json = (status: number, value: unknown) => response.writeHead(status).end(JSON.stringify(value));
    const { pathname, searchParams } = new URL(request.url ?? '', 'http://localhost');
    switch (`${request.method} ${pathname}`) {
      case 'GET /config.json':
        return json(200, { signIn: { kind: 'demo', people: ['ann', 'ben'] } });
      case 'POST /demo/token':
        return json(200, { access_token: z.object({ person: z.string() }).parse(JSON.parse(body)).person });
      case 'POST /v1/uploads': {
        const { name } = z.object({ name: z.string(), type: z.string(), bytes: z.int() }).parse(JSON.parse(body));
        const key = `gallery-${personOf(request)}/${tickets}/${name}`;
        tickets += 1;
        const ticket = { imageId: await imageIdOf('uploads', key), url: '/uploads', fields: { key } };
        return json(statuses.ticket ?? 201, ticket);
      }
      case 'POST /uploads': {
        const [key = ''] = /gallery-\w+\/\d+\/[\w.]+/.exec(body) ?? [];
        response.writeHead(204, { etag: '"etag"' }).end();
        const person = /gallery-(\w+)/.exec(key)?.[1] ?? '';
        return uploaded(await imageIdOf('uploads', key), {
          tell: (image) => windows.get(person)?.write(textFrame(JSON.stringify({ kind: 'image', image }))),
          list: (image) => void listed.push(image),
        });
      }
      case 'GET /v1/images': {
        const since = Number(searchParams.get('since') ?? listed.length);
        return json(200, { images: listed.slice(since), cursor: listed.length, hasMore: false });
      }
      default:
        loaded.push(pathname);
        return response.writeHead(statuses.picture ?? 200).end('picture');
    }
  });
  server.on('upgrade', (request, socket) => {
    const accept = createHash('sha1').update(
      `${request.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`,
    );
    const headers = ['Upgrade: websocket', 'Connection: Upgrade', `Sec-WebSocket-Accept: ${accept.digest('base64')}`];
    socket.write(`HTTP/1.1 101 Switching Protocols\r\n${headers.join('\r\n')}\r\n\r\n`);
    socket.on('error', () => undefined);
    windows.set(new URL(request.url ?? '', 'http://localhost').searchParams.get('token') ?? '', socket);
  });
  const { promise, resolve } = Promise.withResolvers<void>();
  server.listen(0, '127.0.0.1', resolve);
  await promise;
  onTestFinished(() => {
    for (const socket of windows.values()) socket.destroy();
    server.closeAllConnections();
    server.close();
  });
  const { port } = z.object({ port: z.int() }).parse(server.address());
  return { address: `http://localhost:${port}`, loaded, windows: () => windows.size };
}

/** RFC 6455, section 5.2: a whole text of up to 65,535 bytes, without a mask. */
function textFrame(text: string): Buffer {
  const payload = Buffer.from(text);
  const header = Buffer.from([0x81, 126, 0, 0]);
  header.writeUInt16BE(payload.length, 2);
  return Buffer.concat([header, payload]);
}

/** All users arrive at once, each with one file. Returns the sum of each counter, the last value of each histogram, and the ledger. */
async function play(address: string, files: readonly string[], fields: Partial<RunFile> = {}) {
  const metrics = new Map<string, number>();
  const runFile = writeRun(address, files, fields);
  const takeTurn = virtualUsers({ [runFileVariable]: runFile, AWS_ENDPOINT_URL: endpoint });
  const emit = (kind: 'counter' | 'histogram', name: string, value: number) =>
    void metrics.set(name, kind === 'counter' ? (metrics.get(name) ?? 0) + value : value);
  for (const _ of files) await takeTurn({ emit });
  const lines = readFileSync(join(runFile, '..', 'ledger.jsonl'), 'utf8')
    .trim()
    .split('\n');
  return { metrics, ledger: readLedger(lines.map((line) => ledgerLine.parse(JSON.parse(line)))) };
}

function writeRun(address: string, files: readonly string[], fields: Partial<RunFile>): string {
  const directory = mkdtempSync(join(tmpdir(), 'load-gallery-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const image = join(directory, 'small.jpg');
  writeFileSync(image, 'a picture');
  const run: RunFile = {
    target: { kind: 'emulator', endpoint },
    stack: { name: 'images-local', outputs },
    gallery: { address },
    ledger: join(directory, 'ledger.jsonl'),
    patienceSeconds: 60,
    phases: [Math.max(1, files.length)],
    images: { 'small.jpg': { file: image, class: 'small', bytes: 9 } },
    users: files.map((file, index) => [{ kind: 'upload', key: `${index}.jpg`, image: file }]),
    ...fields,
  };
  writeFileSync(run.ledger, '');
  const file = join(directory, 'run.json');
  writeFileSync(file, JSON.stringify(run));
  return file;
}
