/** A proxy in front of the emulator that notes the IAM action of each request, for clients in other processes. */
import { createServer } from 'node:http';
import { Agent, request } from 'node:https';
import * as z from 'zod';
import type { EmulatorAddress } from '../../scripts/local/emulator.ts';

export interface RecordedRequests {
  /** For the environment of the clients, as AWS_ENDPOINT_URL. */
  readonly endpoint: string;
  /** Takes what was recorded since the last call, without repeats. */
  take(): string[];
  stop(): Promise<void>;
}

export async function recordRequests(
  emulator: Pick<EmulatorAddress, 'endpoint' | 'certificate'>,
): Promise<RecordedRequests> {
  const agent = new Agent({ ca: emulator.certificate, keepAlive: true, maxSockets: 50 });
  let actions = new Set<string>();
  const server = createServer(async (incoming, outgoing) => {
    const body = Buffer.concat(await Array.fromAsync(incoming as AsyncIterable<Buffer>));
    const { authorization, 'x-amz-target': target } = headers.parse(incoming.headers);
    const [, service = ''] = /\/([a-z0-9-]+)\/aws4_request/.exec(authorization) ?? [];
    const { method = '', url: path = '' } = incoming;
    const { 'transfer-encoding': _, expect: __, connection: ___, ...forwarded } = incoming.headers;
    actions.add(actionOf({ service, method, path, target, body: body.toString() }));
    request(
      new URL(path, emulator.endpoint),
      { method, agent, headers: { ...forwarded, 'content-length': body.length } },
      (response) => {
        outgoing.writeHead(response.statusCode ?? 502, response.headers);
        response.pipe(outgoing);
      },
    )
      .once('error', (error) => outgoing.destroy(error))
      .end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = z.object({ port: z.int() }).parse(server.address());
  return {
    endpoint: `http://127.0.0.1:${port}`,
    take() {
      const taken = [...actions].sort();
      actions = new Set();
      return taken;
    },
    async stop() {
      server.closeAllConnections();
      agent.destroy();
      await new Promise((done) => server.close(done));
    },
  };
}

const headers = z.object({ authorization: z.string().default(''), 'x-amz-target': z.string().optional() });

interface Request {
  readonly service: string;
  readonly method: string;
  readonly path: string;
  readonly target: string | undefined;
  readonly body: string;
}

function actionOf({ service, method, path, target, body }: Request): string {
  const url = new URL(path, 'https://aws.invalid');
  if (service === 's3') return s3ActionOf(method, url);
  if (service === 'lambda') return lambdaActionOf(method, url);
  const [, binaryOperation] = /\/operation\/(\w+)$/.exec(url.pathname) ?? [];
  const operation = target?.split('.').at(-1) ?? binaryOperation ?? new URLSearchParams(body).get('Action');
  // A batch needs the permission for each of its messages.
  if (service === 'sqs') return `sqs:${operation?.replace(/Batch$/, '')}`;
  return `${prefixes[service] ?? service}:${operation}`;
}

/** Services that sign with another name than IAM's. */
const prefixes: Readonly<Record<string, string>> = { monitoring: 'cloudwatch' };

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html */
function s3ActionOf(method: string, { pathname, searchParams }: URL): string {
  const [, , key = ''] = pathname.split('/');
  if (searchParams.has('versions')) return 's3:ListBucketVersions';
  if (searchParams.has('delete')) return 's3:DeleteObjectVersion';
  if (key === '') return method === 'HEAD' || method === 'GET' ? 's3:ListBucket' : `s3:${method} bucket`;
  if (method === 'PUT' || (method === 'POST' && (searchParams.has('uploads') || searchParams.has('uploadId'))))
    return 's3:PutObject';
  if (method === 'DELETE') return searchParams.has('versionId') ? 's3:DeleteObjectVersion' : 's3:DeleteObject';
  return method === 'HEAD' || method === 'GET' ? 's3:GetObject' : `s3:${method}`;
}

/** Of those that scripts call. https://docs.aws.amazon.com/lambda/latest/api/API_Operations.html */
const lambdaReads: readonly (readonly [path: RegExp, operation: string])[] = [
  [/\/aliases\/[^/]+$/, 'GetAlias'],
  [/\/versions$/, 'ListVersionsByFunction'],
  [/\/configuration$/, 'GetFunctionConfiguration'],
  [/\/event-source-mappings\/?$/, 'ListEventSourceMappings'],
];

function lambdaActionOf(method: string, { pathname }: URL): string {
  const operation = method === 'GET' ? lambdaReads.find(([path]) => path.test(pathname))?.[1] : undefined;
  return `lambda:${operation ?? `${method} ${pathname}`}`;
}
