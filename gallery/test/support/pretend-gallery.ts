/**
 * The gallery without AWS and without a pipeline: `node gallery/test/support/pretend-gallery.ts [port]`. For work on the page,
 * and for its tests. The API and the WebSocket are those of the functions' own adapters, over ports in memory; what the pipeline
 * would say is made up: a picture becomes ready after a moment, with itself as its only rendition, and anything else is rejected.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { type WebSocket, WebSocketServer } from 'ws';
import { imageIdOf } from '../../../core/image.ts';
import { defaultLimits } from '../../../core/limits.ts';
import { jwtTokens } from '../../adapters/aws/jwt-tokens.ts';
import { type Change, isDeleted } from '../../core/gallery-image.ts';
import { greeting, openConnection, showChange } from '../../core/live.ts';
import { recordChange } from '../../core/record-change.ts';
import { readUploadKey } from '../../core/upload-key.ts';
import { type DemoIssuer, demoIssuer, scope } from '../../local/demo-issuer.ts';
import { type Origin, startOrigin } from '../../local/origin.ts';
import { InMemoryConnections, InMemoryImages } from './in-memory-gallery.ts';
import { restApi } from './rest-api.ts';

const bucket = 'pretend-uploads';
const pageDirectory = join(import.meta.dirname, '..', '..', 'page', 'dist');

export interface PretendOptions {
  readonly port?: number;
  /** Milliseconds from one state to the next. */
  readonly pace?: number;
  /** Per person, operation and minute. */
  readonly perMinute?: number;
}

export interface PretendGallery extends Origin {
  /** A token of anyone's, also of people who are not in the demo. */
  signIn(person: string): Promise<string>;
  /** Whether reads of the table fail. */
  breakTable(broken: boolean): void;
}

export async function startPretendGallery({
  port = 0,
  pace = 1_000,
  perMinute = 600,
}: PretendOptions = {}): Promise<PretendGallery> {
  const images = new InMemoryImages();
  let broken = false;
  let issuer: DemoIssuer | undefined;
  const connections = new InMemoryConnections();
  const files = new Map<string, { readonly bytes: Buffer; readonly type: string }>();
  const sockets = new Map<string, WebSocket>();
  const sender = {
    async send(connectionId: string, text: string) {
      const socket = sockets.get(connectionId);
      socket?.send(text);
      return socket === undefined ? ('gone' as const) : ('sent' as const);
    },
  };
  let version = Math.floor(Date.now() / 1000);
  const record = async (change: Change) =>
    showChange(await recordChange(change, { images, now: Date.now, pause: () => sleep(1) }), { connections, sender });

  const aboutNow = async (key: string) => {
    version += 1;
    const found = readUploadKey(key);
    if (found === undefined) throw new Error(`Not a key of the gallery: ${key}`);
    const sequencer = `00${version.toString(16).toUpperCase()}`.padEnd(32, '0');
    return { ...found, key, sequencer, imageId: await imageIdOf(bucket, key), occurredAt: new Date().toISOString() };
  };

  const upload = async (key: string, bytes: Buffer) => {
    const about = await aboutNow(key);
    await record({ ...about, kind: 'uploaded', bytes: bytes.length });
    await sleep(pace);
    const current = await images.find(about.owner, about.imageId);
    if (current === undefined || isDeleted(current)) return;
    const type = typeOf(bytes);
    if (type === undefined) {
      const message = "We don't recognise this file as an image. Supported formats: JPEG, PNG and WebP.";
      await record({ ...about, kind: 'rejected', reason: 'unsupported-format', message });
      return;
    }
    const rendition = `${about.imageId}/${about.sequencer}/${type}-1280.${type}`;
    files.set(rendition, { bytes, type: `image/${type}` });
    const size = { width: 1280, height: 853, bytes: bytes.length };
    await record({
      ...{ ...about, kind: 'processed' },
      metadata: { ...size, format: type, dominantColour: '#7a6a5a', thumbhash: 'D9cFHYQsd2ZweZd1h4eIdnZwbQfX' },
      renditions: [{ ...size, preset: `${type}-1280`, key: rendition, contentType: `image/${type}` }],
    });
  };

  const origin = await startOrigin({ port, pageDirectory }, async (address) => {
    const demo = await demoIssuer(address);
    issuer = demo;
    const tokens = jwtTokens({ issuer: address, jwksUri: `${address}/demo/jwks.json`, scope });
    const api = restApi({
      tokens,
      images: {
        find: (...of) => images.find(...of),
        list: (...of) => images.list(...of),
        changedSince: (...of) => images.changedSince(...of),
        save: (...of) => images.save(...of),
        newestCursor: async (owner: string) => {
          if (broken) throw new Error('The table does not answer.');
          return await images.newestCursor(owner);
        },
      },
      perMinute,
      tickets: {
        issue: async ({ key, contentType, bytes }) => ({
          url: '/uploads',
          fields: { key, 'Content-Type': contentType, bytes: String(bytes) },
        }),
      },
      uploads: { remove: async (key) => void aboutNow(key).then((about) => record({ ...about, kind: 'deleted' })) },
      bucket,
      limits: defaultLimits,
    });
    const acceptor = new WebSocketServer({ noServer: true });

    const handle = (request: IncomingMessage, response: ServerResponse) => {
      const path = request.url ?? '/';
      if (path.startsWith('/v1/')) return void api(request, response);
      if (path === '/uploads' && request.method === 'POST') return void receive(request, response);
      const file = files.get(path.replace('/renditions/', ''));
      response
        .writeHead(file === undefined ? 404 : 200, { 'Content-Type': file?.type ?? 'text/plain' })
        .end(file?.bytes);
    };
    const receive = async (request: IncomingMessage, response: ServerResponse) => {
      const form = await new Response(new Uint8Array(await bytesOf(request)), {
        headers: { 'Content-Type': String(request.headers['content-type']) },
      }).formData();
      const file = form.get('file');
      if (!(file instanceof File) || String(file.size) !== form.get('bytes')) return void response.writeHead(403).end();
      response.writeHead(204).end();
      await upload(String(form.get('key')), Buffer.from(await file.arrayBuffer()));
    };
    const upgrade = (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      void (async () => {
        const token = new URL(request.url ?? '/', address).searchParams.get('token') ?? '';
        const owner = await tokens.ownerOf(token);
        const connectionId = crypto.randomUUID();
        if (owner === undefined || !(await openConnection(owner, connectionId, { connections }))) {
          socket.end('HTTP/1.1 403 Forbidden\r\n\r\n');
          return;
        }
        acceptor.handleUpgrade(request, socket, head, (client) => {
          sockets.set(connectionId, client);
          client.on('close', () => {
            sockets.delete(connectionId);
            void connections.remove(owner, connectionId);
          });
          client.on('message', () => {
            void greeting(owner, { images }).then((hello) => client.send(JSON.stringify(hello)));
          });
        });
      })();
    };
    return { issuer: demo, backend: { handle, upgrade } };
  });
  return {
    ...origin,
    async signIn(person) {
      // The first request waits until the issuer is there.
      await fetch(`${origin.address}/demo/jwks.json`);
      return (await issuer?.sign(person)) ?? '';
    },
    breakTable(isBroken) {
      broken = isBroken;
    },
  };
}

function typeOf(bytes: Buffer): 'jpeg' | 'webp' | undefined {
  if (bytes[0] === 0xff && bytes[1] === 0xd8) return 'jpeg';
  return bytes.subarray(8, 12).toString() === 'WEBP' ? 'webp' : undefined;
}

async function bytesOf(request: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(Buffer.from(part));
  return Buffer.concat(parts);
}

if (import.meta.main) {
  const { address } = await startPretendGallery({ port: Number(process.argv[2] ?? 8081) });
  process.stdout.write(`${address}: pretends; no pipeline, no AWS\n`);
}
