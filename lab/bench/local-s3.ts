/** The part of S3 that a worker uses, over TLS on this machine: measures the cost of S3's client without the network. */
import { readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tlsCertificate } from '../../scripts/local/tls-certificate.ts';

export interface LocalS3 {
  /** The environment of a process whose clients should use it. */
  readonly environment: Readonly<Record<string, string>>;
  end(): void;
}

/** Answers GET with the file of the object's key, and PUT with success. */
export async function startLocalS3(files: Readonly<Record<string, string>>): Promise<LocalS3> {
  const { certificate, key } = await tlsCertificate();
  const objects = new Map(Object.entries(files).map(([name, file]) => [name, readFileSync(file)]));
  const server = createServer({ cert: readFileSync(certificate), key: readFileSync(key) }, (request, response) =>
    answer(objects, request, response),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    environment: {
      AWS_ENDPOINT_URL: `https://localhost:${portOf(server.address())}`,
      NODE_EXTRA_CA_CERTS: certificate,
      ...{ AWS_REGION: 'us-east-1', AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test' },
    },
    end() {
      server.close();
      server.closeAllConnections();
    },
  };
}

function answer(objects: ReadonlyMap<string, Buffer>, request: IncomingMessage, response: ServerResponse): void {
  if (request.method === 'PUT') {
    request.resume().once('end', () => response.end());
    return;
  }
  const name = new URL(request.url ?? '', 'https://localhost').pathname.split('/').at(-1) ?? '';
  const bytes = objects.get(name);
  response.writeHead(bytes === undefined ? 404 : 200, { 'content-length': bytes?.length ?? 0, etag: '"1"' });
  response.end(bytes);
}

function portOf(address: AddressInfo | string | null): number {
  if (address === null || typeof address === 'string') throw new Error('The local S3 has no port.');
  return address.port;
}
