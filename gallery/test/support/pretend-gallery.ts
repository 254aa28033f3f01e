/**
 * The gallery without AWS: `node gallery/test/support/pretend-gallery.ts [port]`. For work on the page, and for its tests. The API
 * and the WebSocket are those of the functions' own adapters, over ports in memory; behind them is pretend-pipeline.ts.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { type WebSocket, WebSocketServer } from 'ws';
import { imageIdOf } from '../../../core/image.ts';
import { defaultLimits } from '../../../core/limits.ts';
import { CACHE_CONTROL } from '../../../core/rendition.ts';
import { sampleFiles } from '../../../scripts/stack/upload-files.ts';
import { jwtTokens } from '../../adapters/aws/jwt-tokens.ts';
import { parseImageChange } from '../../adapters/contracts/image-change.ts';
import type { Change } from '../../core/gallery-image.ts';
import { greeting, openConnection, showChange } from '../../core/live.ts';
import { recordChange } from '../../core/record-change.ts';
import { readUploadKey } from '../../core/upload-key.ts';
import { type DemoIssuer, demoIssuer, scope } from '../../local/demo-issuer.ts';
import { type Origin, startOrigin } from '../../local/origin.ts';
import { InMemoryConnections, InMemoryImages } from './in-memory-gallery.ts';
import { type DomainEvent, PretendPipeline } from './pretend-pipeline.ts';
import { restApi } from './rest-api.ts';

const bucket = 'pretend-uploads';
const builtPage = join(import.meta.dirname, '..', '..', 'page', 'dist');

export interface PretendOptions {
  readonly port?: number;
  /** Milliseconds that the pipeline takes at least for an image, so that people see its steps. */
  readonly pace?: number;
  /** Instead of `pace`: pretend-pipeline.ts says when it is called. */
  readonly pause?: () => Promise<unknown>;
  /** Images that the pipeline works on at a time. */
  readonly workers?: number;
  /** Per person, operation and minute. */
  readonly perMinute?: number;
  readonly pageDirectory?: string;
  /** What becomes of a message on its way to one client: lost, repeated, or sent together with a later one. */
  readonly deliver?: (text: string) => readonly string[];
}

export interface PretendGallery extends Origin {
  /** A token of anyone's, also of people who are not in the demo. */
  signIn(person: string): Promise<string>;
  /** Whether reads of the table fail. */
  breakTable(broken: boolean): void;
  /** Forgets all images, as after a restart on this machine, and closes every WebSocket. */
  startAnew(): void;
  /** Closes every WebSocket, as API Gateway does with each after two hours. */
  cutSockets(): void;
}

export async function startPretendGallery({
  port = 0,
  pace = 1_000,
  pause = () => sleep(pace / 2),
  workers = 2,
  perMinute = 600,
  pageDirectory = builtPage,
  deliver = (text) => [text],
}: PretendOptions = {}): Promise<PretendGallery> {
  let images = new InMemoryImages();
  let started = Date.now();
  let broken = false;
  let issuer: DemoIssuer | undefined;
  const connections = new InMemoryConnections();
  const pipeline = new PretendPipeline({ bucket, workers, pause });
  const sockets = new Map<string, WebSocket>();
  const sender = {
    async send(connectionId: string, text: string) {
      const socket = sockets.get(connectionId);
      for (const one of deliver(text)) socket?.send(one);
      return socket === undefined ? ('gone' as const) : ('sent' as const);
    },
  };
  let version = Math.floor(Date.now() / 1000);
  const record = async (change: Change) =>
    showChange(await recordChange(change, { images, now: () => started, pause: () => sleep(1) }), {
      connections,
      sender,
    });

  const aboutNow = async (key: string) => {
    version += 1;
    const found = readUploadKey(key);
    if (found === undefined) throw new Error(`Not a key of the gallery: ${key}`);
    const sequencer = `00${version.toString(16).toUpperCase()}`.padEnd(32, '0');
    return { ...found, key, sequencer, imageId: await imageIdOf(bucket, key), occurredAt: new Date().toISOString() };
  };

  const hear = async (event: DomainEvent) => {
    const change = await parseImageChange(JSON.stringify(event), bucket);
    if (change !== undefined) await record(change);
  };

  const upload = async (key: string, file: File) => {
    const about = await aboutNow(key);
    await record({ ...about, kind: 'uploaded', bytes: file.size });
    await hear(await pipeline.process(about, new Uint8Array(await file.arrayBuffer()), hear));
  };

  const samples = (await sampleFiles()).map(({ file, key }) => ({ name: key, file }));
  const origin = await startOrigin({ port, pageDirectory, samples }, async (address) => {
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
      uploads: { remove: async (key) => hear(await pipeline.remove(await aboutNow(key))) },
      bucket,
      limits: defaultLimits,
    });
    const acceptor = new WebSocketServer({ noServer: true });

    const handle = (request: IncomingMessage, response: ServerResponse) => {
      const path = request.url ?? '/';
      if (path.startsWith('/v1/')) return void api(request, response);
      if (path === '/uploads' && request.method === 'POST') return void receive(request, response);
      if (path === '/inside') return sendInside(response);
      return void sendRendition(path.replace('/renditions/', ''), response);
    };
    const sendInside = (response: ServerResponse) => {
      const { waiting, running, events } = pipeline;
      const inside = { queue: { waiting, running }, events: events.slice(0, 50) };
      response.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify(inside));
    };
    const sendRendition = async (key: string, response: ServerResponse) => {
      const found = await pipeline.renditions.read(key);
      if (found.outcome !== 'found') return void response.writeHead(404).end();
      response.writeHead(200, { 'Content-Type': found.contentType, 'Cache-Control': CACHE_CONTROL }).end(found.bytes);
    };
    const receive = async (request: IncomingMessage, response: ServerResponse) => {
      const form = await new Response(new Uint8Array(await bytesOf(request)), {
        headers: { 'Content-Type': String(request.headers['content-type']) },
      }).formData();
      const file = form.get('file');
      if (!(file instanceof File) || String(file.size) !== form.get('bytes')) return void response.writeHead(403).end();
      response.writeHead(204).end();
      await upload(String(form.get('key')), file);
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
            void greeting(owner, connectionId, { connections, images }).then(
              (hello) => hello && client.send(JSON.stringify(hello)),
            );
          });
        });
      })();
    };
    return { issuer: demo, backend: { handle, upgrade } };
  });
  const cutSockets = () => {
    for (const socket of sockets.values()) socket.terminate();
  };
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
    startAnew() {
      images = new InMemoryImages();
      // A real restart takes minutes; cursors depend on the time of the start.
      started += 3_600_000;
      cutSockets();
    },
    cutSockets,
  };
}

async function bytesOf(request: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(Buffer.from(part));
  return Buffer.concat(parts);
}

if (import.meta.main) {
  const { address } = await startPretendGallery({ port: Number(process.argv[2] ?? 8081) });
  process.stdout.write(`${address}: pretends; no AWS\n`);
}
