/** Calls the new version of a function before it gets traffic, and decides whether it may. */
import { imageIdOf } from '../../core/image.ts';
import { eventSource } from '../../core/names.ts';
import type { ReleaseStore } from '../../core/watch/ports.ts';
import type { ReleaseHook, Verdict } from '../../core/watch/release.ts';
import { uploadKey } from './upload-key.ts';

export const releasedFunctions = [
  ...(['AuthorizeCall', 'CheckHealth', 'CreateUpload', 'DeleteImage', 'ForgetRenditions'] as const),
  ...(['GetImage', 'HoldConnections', 'ListImages', 'RecordChanges'] as const),
] as const;
export type ReleasedFunction = (typeof releasedFunctions)[number];

/** No one signs in under this name: Cognito's are UUIDs. */
const OWNER = 'release-check';
const NO_IMAGE = '0'.repeat(32);

export interface Functions {
  /** Throws what the function throws. */
  call(functionVersion: string, event: object): Promise<unknown>;
}

interface Ports {
  readonly releases: ReleaseStore<ReleasedFunction>;
  readonly functions: Functions;
  readonly uploadBucket: string;
  readonly randomId: () => string;
  readonly now: () => number;
}

/** Any error is a refusal: a check that could not run has not passed. */
export async function checkRelease(hook: ReleaseHook, ports: Ports): Promise<Verdict> {
  const verdict = await judge(hook, ports).catch((error: unknown) => refused(messageOf(error)));
  await ports.releases.report(hook, verdict);
  return verdict;
}

async function judge({ deploymentId }: ReleaseHook, ports: Ports): Promise<Verdict> {
  const { step, functionName, version } = await ports.releases.newVersion(deploymentId);
  const { event, fault } = await checkOf(step, ports);
  const found = fault(await ports.functions.call(`${functionName}:${version}`, event));
  return found === undefined ? { verdict: 'passed' } : refused(found);
}

interface Check {
  /** As API Gateway or SQS sends it. */
  readonly event: object;
  /** What is wrong with the result, if anything. */
  readonly fault: (result: unknown) => string | undefined;
}

async function checkOf(step: ReleasedFunction, ports: Ports): Promise<Check> {
  switch (step) {
    case 'AuthorizeCall':
      return {
        event: { type: 'TOKEN', authorizationToken: unsignedToken, methodArn: 'api/live/GET/v1' },
        fault: allows,
      };
    case 'CheckHealth':
      return { event: call({}), fault: withStatus(200) };
    case 'CreateUpload':
      // Nothing is uploaded with it.
      return { event: call({ body: { name: 'check.jpg', type: 'image/jpeg', bytes: 1 } }), fault: withStatus(201) };
    case 'DeleteImage':
      return { event: call({ path: { id: NO_IMAGE } }), fault: withStatus(404) };
    case 'ForgetRenditions':
      // Whether it can be loaded: each invalidation costs money.
      return { event: { Records: [] }, fault: () => undefined };
    case 'GetImage':
      return { event: call({ path: { id: NO_IMAGE } }), fault: withStatus(404) };
    case 'HoldConnections':
      return { event: hello, fault: greets };
    case 'ListImages':
      return { event: call({}), fault: (result) => withStatus(200)(result) ?? setsCookies(result) };
    case 'RecordChanges':
      return { event: await deletion(ports), fault: withoutFailures };
    default:
      return step satisfies never;
  }
}

function call({ path, body }: { readonly path?: object; readonly body?: object }): object {
  return {
    requestContext: { authorizer: { owner: OWNER } },
    ...{ headers: {}, pathParameters: path ?? null, queryStringParameters: null, isBase64Encoded: false },
    body: body === undefined ? null : JSON.stringify(body),
  };
}

/** Well-formed, so that the function needs the keys of the user pool to refuse it. */
const unsignedToken = `Bearer ${[{ alg: 'RS256', kid: OWNER }, { sub: OWNER }, { none: true }]
  .map((part) => btoa(JSON.stringify(part)).replaceAll('=', ''))
  .join('.')}`;

// The connection is kept for two hours. As someone else's, so that a deletion, as below, is not sent to it.
const hello = {
  requestContext: { routeKey: '$default', connectionId: OWNER, authorizer: { owner: `${OWNER}-hello` } },
  body: '{"kind":"hello"}',
};

/** Of an image that never existed. The table keeps it like any deleted image, for 60 days. */
async function deletion({ uploadBucket: bucket, randomId, now }: Ports): Promise<object> {
  const key = uploadKey(OWNER, randomId(), 'check.jpg');
  const image = { id: await imageIdOf(bucket, key), bucket, key, sequencer: `${'0'.repeat(31)}1` };
  const body = JSON.stringify({
    source: eventSource,
    'detail-type': 'ImageDeleted',
    detail: { occurredAt: new Date(now()).toISOString(), image },
  });
  return { Records: [{ messageId: OWNER, eventSource: 'aws:sqs', body }] };
}

function withStatus(expected: number) {
  return (result: unknown): string | undefined => {
    const found = property(result, 'statusCode');
    return found === expected ? undefined : `It answers ${String(found)} where ${expected} is right: ${shown(result)}`;
  };
}

function setsCookies(result: unknown): string | undefined {
  const cookies = property(property(result, 'multiValueHeaders'), 'Set-Cookie');
  const count = Array.isArray(cookies) ? cookies.length : 0;
  return count === 3 ? undefined : `It sets ${count} cookies for renditions instead of 3.`;
}

function allows(result: unknown): string | undefined {
  const effect = property(property(property(property(result, 'policyDocument'), 'Statement'), '0'), 'Effect');
  return effect === 'Deny' ? undefined : `It does not refuse a token that no one has signed: ${shown(result)}`;
}

function greets(result: unknown): string | undefined {
  const text = property(result, 'body');
  const kind = typeof text === 'string' ? property(JSON.parse(text), 'kind') : undefined;
  return kind === 'hello' ? undefined : `It does not answer a greeting: ${shown(result)}`;
}

function withoutFailures(result: unknown): string | undefined {
  const failures = property(result, 'batchItemFailures');
  return Array.isArray(failures) && failures.length === 0 ? undefined : `It did not record a change: ${shown(result)}`;
}

function property(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}

const SHOWN = 300;

function shown(result: unknown): string {
  return (JSON.stringify(result) ?? 'nothing').slice(0, SHOWN);
}

function refused(reason: string): Verdict {
  return { verdict: 'refused', reason };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
