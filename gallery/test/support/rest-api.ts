/** A REST API of API Gateway in miniature: finds the operation in openapi.yaml, asks the authorizer, and calls the function's adapter. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { APIGatewayProxyResult } from 'aws-lambda';
import type { Limits } from '../../../core/limits.ts';
import { type ApiCall, apiOperation, publicOperation } from '../../adapters/lambda/api-operation.ts';
import { authorizer } from '../../adapters/lambda/authorizer.ts';
import { operations } from '../../api/operations.ts';
import { checkHealth, createUpload, deleteImage, getImage, listImages } from '../../core/images-api.ts';
import type { ImageStore, TokenVerifier, UploadTickets } from '../../core/ports.ts';
import { InMemoryAllowance } from './in-memory-gallery.ts';

export interface RestApiPorts {
  readonly tokens: TokenVerifier;
  readonly images: ImageStore;
  readonly tickets: UploadTickets;
  readonly uploads: { remove(key: string): Promise<void> };
  readonly bucket: string;
  readonly limits: Limits;
  readonly perMinute: number;
}

/** The same wiring as in functions/, over other ports. */
export function restApi(ports: RestApiPorts) {
  const rate = { allowance: new InMemoryAllowance(), perMinute: ports.perMinute };
  const more = { ...ports, randomId: () => crypto.randomUUID(), now: Date.now };
  const handlers = {
    createUpload: apiOperation('createUpload', rate, ({ owner, body }) => createUpload(owner, body, more)),
    listImages: apiOperation('listImages', rate, ({ owner, query }) => listImages(owner, query, ports)),
    getImage: apiOperation('getImage', rate, ({ owner, path, ifNoneMatch }) =>
      getImage(owner, { ...path, ifNoneMatch }, ports),
    ),
    deleteImage: apiOperation('deleteImage', rate, ({ owner, path }) => deleteImage(owner, path.id, ports)),
    checkHealth: publicOperation(() => checkHealth(ports)),
  } satisfies Record<keyof typeof operations, unknown>;
  const authorize = authorizer(ports.tokens);

  const respond = async (
    method: string,
    url: URL,
    call: Pick<ApiCall, 'headers' | 'body'>,
  ): Promise<APIGatewayProxyResult> => {
    const found = routeOf(method, url.pathname);
    if (found === undefined) return problem(404, 'not-found', 'There is nothing here');
    const request = {
      ...call,
      isBase64Encoded: false,
      pathParameters: found.pathParameters,
      queryStringParameters: Object.fromEntries(url.searchParams),
    };
    if (found.id === 'checkHealth') return await handlers.checkHealth({ ...request, requestContext: {} });
    const { context } = await authorize({
      type: 'TOKEN',
      authorizationToken: call.headers['authorization'] ?? '',
      methodArn: 'arn:aws:execute-api:us-east-1:000000000000:pretend/live/GET/v1',
    });
    if (context == null) return problem(401, 'signed-out', 'Sign in first');
    return await handlers[found.id]({ ...request, requestContext: { authorizer: context } });
  };

  return async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(Buffer.from(part));
    const body = parts.length === 0 ? null : Buffer.concat(parts).toString();
    const headers = Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)]));
    const answer = await respond(request.method ?? 'GET', new URL(request.url ?? '/', 'http://localhost'), {
      headers,
      body,
    });
    for (const [name, value] of Object.entries(answer.headers ?? {})) response.setHeader(name, String(value));
    response.writeHead(answer.statusCode).end(answer.body);
  };
}

type OperationId = keyof typeof operations;

function routeOf(
  method: string,
  path: string,
): { id: OperationId; pathParameters: Record<string, string> } | undefined {
  for (const id of Object.keys(operations) as OperationId[]) {
    const { method: wanted, path: template } = operations[id];
    const pattern = new RegExp(`^${template.replaceAll(/\{(\w+)\}/g, '(?<$1>[^/]+)')}$`);
    const found = wanted === method.toLowerCase() ? pattern.exec(path) : null;
    if (found !== null) return { id, pathParameters: { ...found.groups } };
  }
  return undefined;
}

function problem(status: number, type: string, title: string): APIGatewayProxyResult {
  return {
    statusCode: status,
    headers: { 'Content-Type': 'application/problem+json' },
    body: JSON.stringify({ type: `urn:gallery:problem:${type}`, title, status }),
  };
}
