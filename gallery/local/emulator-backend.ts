/**
 * What is behind the local origin: the emulator. Requests go through unchanged, so the API is API Gateway's with its authorizer and
 * the deployed functions, and uploads are S3's. Browsers do not accept the emulator's certificate; this proxy does.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Agent, request as httpsRequest } from 'node:https';
import type { Duplex } from 'node:stream';
import { connect } from 'node:tls';
import { GetObjectCommand, NoSuchKey } from '@aws-sdk/client-s3';
import type { EmulatorAddress } from '../../scripts/local/emulator.ts';
import type { Stack } from '../../scripts/stack/stack.ts';
import { renditionKeyPattern } from '../core/gallery-image.ts';
import type { GalleryOutputs } from './gallery-stack.ts';
import type { Inside } from './inside.ts';
import type { Backend } from './origin.ts';

export function emulatorBackend(
  {
    clients,
    outputs,
  }: {
    readonly clients: Pick<Stack['clients'], 's3'>;
    readonly outputs: Pick<Stack['outputs'], 'UploadBucketName' | 'RenditionBucketName'>;
  },
  { endpoint, certificate, environment }: EmulatorAddress,
  gallery: Pick<GalleryOutputs, 'ApiId' | 'LiveApiId'>,
  inside: Inside,
): Backend & { close(): void } {
  const emulator = new URL(endpoint);
  const agent = new Agent({ keepAlive: true, ca: certificate });

  const pass = (request: IncomingMessage, response: ServerResponse, path: string): void => {
    const upstream = httpsRequest(
      {
        host: emulator.hostname,
        port: emulator.port,
        path,
        method: request.method,
        agent,
        servername: 'localhost',
        headers: passed(request),
      },
      (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(response);
      },
    );
    upstream.on('error', () => (response.headersSent ? response.destroy() : response.writeHead(502).end()));
    // Also when the browser ends the request: nothing stays open behind it.
    response.once('close', () => upstream.destroy());
    request.pipe(upstream);
  };
  // The emulator accepts requests of web pages from no one but a proxy that has its secret.
  const passed = ({ headers }: IncomingMessage): Readonly<Record<string, string | string[]>> => {
    const kept = Object.entries(headers).filter(
      (entry): entry is [string, string | string[]] =>
        entry[1] !== undefined && !/^(origin|referer|cookie|x-emulator-proxy|sec-fetch-.*)$/.test(entry[0]),
    );
    const secret = environment['AWS_SECRET_ACCESS_KEY'] ?? '';
    return { ...Object.fromEntries(kept), host: emulator.host, 'x-emulator-proxy': secret };
  };

  /** Renditions are private to the stack: this process reads them, as the distribution does in an account. */
  const sendRendition = async (response: ServerResponse, key: string): Promise<void> => {
    // For no key, S3 would list all.
    if (!renditionKeyPattern.test(key)) return void response.writeHead(404).end();
    try {
      const found = await clients.s3.send(new GetObjectCommand({ Bucket: outputs.RenditionBucketName, Key: key }));
      const bytes = (await found.Body?.transformToByteArray()) ?? new Uint8Array();
      response.writeHead(200, {
        'Content-Type': found.ContentType ?? 'application/octet-stream',
        'Content-Length': bytes.length,
        'Cache-Control': found.CacheControl ?? 'no-store',
        'X-Content-Type-Options': 'nosniff',
        'Content-Security-Policy': "default-src 'none'; style-src 'unsafe-inline'; sandbox",
      });
      response.end(bytes);
    } catch (error) {
      response.writeHead(error instanceof NoSuchKey ? 404 : 502).end();
    }
  };

  return {
    handle(request, response) {
      const { url = '/' } = request;
      const [path = ''] = url.split('?');
      if (url.startsWith('/v1/')) return pass(request, response, `/_aws/execute-api/${gallery.ApiId}/live${url}`);
      if (path === '/uploads' && request.method === 'POST')
        return pass(request, response, `/${outputs.UploadBucketName}`);
      if (path.startsWith('/renditions/')) return void sendRendition(response, path.slice('/renditions/'.length));
      if (path === '/inside') return void inside.answer(response).catch(() => response.writeHead(502).end());
      response.writeHead(404).end();
    },

    upgrade(request, socket: Duplex, head) {
      const query = request.url?.split('?')[1] ?? '';
      const upstream = connect(
        { host: emulator.hostname, port: Number(emulator.port), ca: certificate, servername: 'localhost' },
        () => {
          const headers = Object.entries(passed(request)).map(([name, value]) => `${name}: ${value}`);
          upstream.write(
            `GET /_aws/execute-api/${gallery.LiveApiId}/live?${query} HTTP/1.1\r\n${headers.join('\r\n')}\r\n\r\n`,
          );
          upstream.write(head);
          upstream.pipe(socket).pipe(upstream);
        },
      );
      upstream.on('error', () => socket.destroy());
      socket.on('error', () => upstream.destroy());
      socket.on('close', () => upstream.destroy());
    },

    close: () => agent.destroy(),
  };
}
