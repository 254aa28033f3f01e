/** What API Gateway calls: checks the request against openapi.yaml, counts it, and turns the answer into a response. */
import { Ajv, type ErrorObject } from 'ajv';
import type { APIGatewayProxyEvent, APIGatewayProxyResult } from 'aws-lambda';
import * as z from '../../../adapters/contracts/zod.ts';
import { operations } from '../../api/operations.ts';
import type { operations as types } from '../../api/schema.ts';
import { type Answer, type Problem, problems } from '../../core/answer.ts';
import type { Allowance } from '../../core/ports.ts';
import { ownerPattern } from '../../core/upload-key.ts';

type OperationId = keyof typeof operations;

/** What openapi.yaml says of a request, as openapi-typescript reads it. */
type PartOf<Operation, Name extends 'path' | 'query'> = Operation extends { parameters: { [Key in Name]?: infer Part } }
  ? NonNullable<Part>
  : unknown;
type BodyOf<Operation> = Operation extends { requestBody: { content: { 'application/json': infer Body } } }
  ? Body
  : undefined;

interface Parts<Id extends OperationId> {
  readonly path: PartOf<types[Id], 'path'>;
  readonly query: PartOf<types[Id], 'query'>;
  readonly body: BodyOf<types[Id]>;
}

interface ApiRequest<Id extends OperationId> extends Parts<Id> {
  /** Whose token it is. */
  readonly owner: string;
  readonly ifNoneMatch: string | undefined;
}

/** Requests per person and minute. */
interface Rate {
  readonly allowance: Allowance;
  readonly perMinute: number;
}

/** The part of API Gateway's event that these adapters read. */
export type ApiCall = Readonly<
  Pick<APIGatewayProxyEvent, 'headers' | 'pathParameters' | 'queryStringParameters' | 'body' | 'isBase64Encoded'> & {
    /** What the authorizer has put there is checked for each call. */
    requestContext: unknown;
  }
>;

const event = z.object({
  requestContext: z.object({ authorizer: z.object({ owner: z.string().check(z.regex(ownerPattern)) }) }),
});

/** For people who are signed in: the authorizer has checked the token. */
export function apiOperation<Id extends OperationId>(
  id: Id,
  { allowance, perMinute }: Rate,
  run: (request: ApiRequest<Id>) => Promise<Answer<unknown>>,
): Handler {
  const [isAddress, isContent] = checksOf(id);
  return async (call) => {
    // Throws if no authorizer is in front of the function.
    const { owner } = event.parse(call).requestContext.authorizer;
    const used = await allowance.take(owner, id, perMinute);
    if (used !== undefined) return responseOf({ problem: 'rate-limited', ...used });
    // Copies, because the check converts and fills in.
    const address: unknown = { path: { ...call.pathParameters }, query: { ...call.queryStringParameters } };
    const content: unknown = { body: bodyOf(call) };
    if (!isAddress(address)) return invalid(isAddress.errors);
    if (!isContent(content)) return invalid(isContent.errors);
    return responseOf(await run({ ...address, ...content, owner, ifNoneMatch: headerOf(call, 'if-none-match') }));
  };
}

type Handler = (call: ApiCall) => Promise<APIGatewayProxyResult>;

/** Adds cookies to a successful answer. */
export function withCookies(handle: Handler, cookies: () => Promise<readonly string[]>): Handler {
  return async (call) => {
    const answer = await handle(call);
    if (answer.statusCode !== 200) return answer;
    return { ...answer, multiValueHeaders: { 'Set-Cookie': [...(await cookies())] } };
  };
}

/** For anyone. */
export function publicOperation(run: () => Promise<Answer<unknown>>): Handler {
  return async () => responseOf(await run());
}

// OpenAPI's `format` is left to other tools.
const settings = { useDefaults: true, allErrors: true, validateFormats: false };

/** Checks the parts of a request, and converts those of a query, which has only texts. A body has numbers, as the gateway demands. */
function checksOf<Id extends OperationId>(id: Id) {
  const { request } = operations[id];
  const objectOf = (properties: object) => ({ type: 'object', required: Object.keys(properties), properties });
  return [
    new Ajv({ ...settings, coerceTypes: true }).compile<Pick<Parts<Id>, 'path' | 'query'>>(
      objectOf({ path: request.path, query: request.query }),
    ),
    new Ajv(settings).compile<Pick<Parts<Id>, 'body'>>(
      objectOf({ body: 'body' in request ? request.body : { type: 'null' } }),
    ),
  ] as const;
}

function invalid(errors: readonly ErrorObject[] | null | undefined): APIGatewayProxyResult {
  const reasons = (errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`);
  return responseOf({ problem: 'invalid-request', detail: reasons.join('; ') });
}

function bodyOf({ body, isBase64Encoded }: ApiCall): unknown {
  if (body === null || body === '') return null;
  try {
    return JSON.parse(isBase64Encoded ? Buffer.from(body, 'base64').toString() : body);
  } catch {
    // No request has a text as its body.
    return 'not JSON';
  }
}

function headerOf({ headers }: ApiCall, wanted: string): string | undefined {
  return Object.entries(headers ?? {}).find(([name]) => name.toLowerCase() === wanted)?.[1];
}

// Answers are for one person, and change at any time. Browsers may keep one, and ask each time whether it has changed.
const privately = { 'Cache-Control': 'private, no-cache' };

export function responseOf(answer: Answer<unknown>): APIGatewayProxyResult {
  if ('problem' in answer) return problemResponse(answer);
  const headers = { ...privately, ...answer.headers };
  if (!('body' in answer)) return { statusCode: answer.status, headers, body: '' };
  return {
    statusCode: answer.status,
    headers: { ...headers, 'Content-Type': 'application/json' },
    body: JSON.stringify(answer.body),
  };
}

function problemResponse({ problem, detail, waitSeconds }: Problem): APIGatewayProxyResult {
  const { status, title } = problems[problem];
  return {
    statusCode: status,
    headers: {
      'Cache-Control': 'no-store',
      'Content-Type': 'application/problem+json',
      ...(waitSeconds !== undefined && { 'Retry-After': String(waitSeconds) }),
    },
    body: JSON.stringify({ type: `urn:gallery:problem:${problem}`, title, status, detail }),
  };
}
