/**
 * One origin on this machine for everything that the page needs, as CloudFront is in an account: the page's files, the API, the
 * WebSocket, uploads and renditions. Listens on the loopback address only.
 */

import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { basename, dirname, extname, join } from 'node:path';
import type { Duplex } from 'node:stream';
import * as z from 'zod';
import { contentTypes } from '../page/content-types.ts';
import { type DemoIssuer, demoPeople } from './demo-issuer.ts';

/** What lies behind the origin. */
export interface Backend {
  handle(request: IncomingMessage, response: ServerResponse): void;
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
}

export interface Origin {
  /** `http://localhost:8080` */
  readonly address: string;
  close(): Promise<void>;
}

export interface OriginOptions {
  /** 0 for any free port. */
  readonly port: number;
  /** The built page. */
  readonly pageDirectory: string;
  /** Photographs for people who have none at hand. */
  readonly samples?: readonly { readonly name: string; readonly file: string }[];
}

const wantedPerson = z.object({ person: z.string() });
/** Other addresses are only read. */
const takesAnyMethod = /^\/(v1|uploads|demo\/token)(\/|\?|$)/;
const behind = /^\/(v1|uploads|renditions|inside)(\/|\?|$)/;
/** As the distribution sends them: template.yaml repeats them, and a test compares the two. */
export const pageHeaders = {
  'Content-Security-Policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
} as const;

/** @param prepare is told the address, which tokens name, before the first request */
export async function startOrigin(
  { port, pageDirectory, samples = [] }: OriginOptions,
  prepare: (address: string) => Promise<{ readonly backend: Backend; readonly issuer: DemoIssuer }>,
): Promise<Origin> {
  const server = createServer();
  await listen(server, port);
  const taken = server.address();
  if (taken === null || typeof taken === 'string') throw new Error('The origin has no port.');
  const address = `http://localhost:${taken.port}`;
  const hosts = new Set([`localhost:${taken.port}`, `127.0.0.1:${taken.port}`]);
  const isOurs = (request: IncomingMessage) => refusal(request, hosts) === undefined;
  const ready = prepare(address);

  server.on('request', (request, response) => {
    const reason = refusal(request, hosts);
    const answered = reason === undefined ? answer(request, response) : refuse(response, reason);
    answered.catch((error: unknown) => {
      process.stderr.write(`${request.method} ${request.url}: ${String(error)}\n`);
      if (response.headersSent) response.destroy();
      else send(response, 502, 'text/plain', 'The gallery is not responding.\n');
    });
  });
  const upgraded = new Set<Duplex>();
  server.on('upgrade', (request, socket, head) => {
    upgraded.add(socket);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => upgraded.delete(socket));
    if (!isOurs(request) || !/^\/live(\?|$)/.test(pathOf(request))) {
      socket.end('HTTP/1.1 403 Forbidden\r\n\r\n');
      return;
    }
    ready.then(
      ({ backend }) => backend.upgrade(request, socket, head),
      () => socket.destroy(),
    );
  });

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const path = pathOf(request);
    if (!takesAnyMethod.test(path) && request.method !== 'GET' && request.method !== 'HEAD') {
      response.setHeader('Allow', 'GET, HEAD');
      return send(response, 405, 'text/plain', 'This can only be read.\n');
    }
    const { backend, issuer } = await ready;
    if (behind.test(path)) return backend.handle(request, response);
    if (path === '/config.json') {
      return json(response, 200, {
        signIn: { kind: 'demo', people: demoPeople },
        samples: samples.map(({ name }) => `/samples/${name}`),
        inside: true,
      });
    }
    const sample = samples.find(({ name }) => path === `/samples/${name}`);
    if (sample !== undefined) return await sendFile(response, dirname(sample.file), `/${basename(sample.file)}`);
    if (path === '/demo/jwks.json') return json(response, 200, issuer.jwks);
    if (path === '/demo/token' && request.method === 'POST') return await signIn(request, response, issuer);
    await sendFile(response, pageDirectory, path);
  };
  return {
    address,
    async close() {
      server.closeAllConnections();
      // Those are the server's no longer.
      for (const socket of upgraded) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/**
 * Why a request is not from the page. The name in `Host` defeats DNS rebinding: another site that makes its own name lead to this
 * machine still sends its own name. `Origin` and `Sec-Fetch-Site` tell other sites' pages from ours.
 */
function refusal({ headers, method = 'GET' }: IncomingMessage, hosts: ReadonlySet<string>): string | undefined {
  if (!hosts.has(headers.host ?? '')) return 'This server answers on localhost only.';
  const { origin } = headers;
  if (origin !== undefined && origin !== `http://${headers.host}`) return 'Requests from other sites are refused.';
  const site = headers['sec-fetch-site'];
  const isNavigation = method === 'GET' && headers['sec-fetch-mode'] === 'navigate';
  if (typeof site === 'string' && !['same-origin', 'none'].includes(site) && !isNavigation) {
    return 'Requests from other sites are refused.';
  }
  return undefined;
}

async function refuse(response: ServerResponse, reason: string): Promise<void> {
  send(response, 403, 'text/plain', `${reason}\n`);
}

async function signIn(request: IncomingMessage, response: ServerResponse, issuer: DemoIssuer): Promise<void> {
  const asked = wantedPerson.safeParse(await bodyOf(request));
  if (!asked.success) return json(response, 400, { title: 'Name a person of the demo' });
  const token = await issuer.issue(asked.data.person);
  if (token === undefined) json(response, 404, { title: 'There is no such person in the demo' });
  else json(response, 200, token);
}

async function sendFile(response: ServerResponse, directory: string, path: string): Promise<void> {
  const [name = '/'] = path.split('?');
  // Names that esbuild gives. Nothing is decoded, and no part begins with a dot, so nothing leads out of the directory.
  const file = name === '/' ? '/index.html' : name;
  const isName = /^(\/\w[\w.-]*)+$/.test(file);
  const content = isName ? await readFile(join(directory, file)).catch(() => undefined) : undefined;
  const type = contentTypes[extname(file)];
  if (content === undefined || type === undefined) return send(response, 404, 'text/plain', 'There is nothing here.\n');
  send(response, 200, type, content);
}

function json(response: ServerResponse, status: number, value: unknown): void {
  send(response, status, 'application/json', JSON.stringify(value));
}

function send(response: ServerResponse, status: number, type: string, content: string | Uint8Array): void {
  response.writeHead(status, { ...pageHeaders, 'Content-Type': type, 'Cache-Control': 'no-store' });
  response.end(content);
}

function pathOf({ url = '/' }: IncomingMessage): string {
  return url;
}

/** Undefined if it is not JSON. */
async function bodyOf(request: IncomingMessage): Promise<unknown> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(Buffer.from(part));
  try {
    return JSON.parse(Buffer.concat(parts).toString());
  } catch {
    return undefined;
  }
}

async function listen(server: Server, port: number): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once('error', reject);
  server.listen(port, '127.0.0.1', () => resolve());
  await promise;
}
