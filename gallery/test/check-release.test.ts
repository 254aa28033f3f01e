import { Logger } from '@aws-lambda-powertools/logger';
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import type { APIGatewayProxyEvent } from 'aws-lambda';
import { beforeEach, describe, expect, it } from 'vitest';
import { defaultLimits } from '../../core/limits.ts';
import type { Verdict } from '../../core/watch/release.ts';
import { lambdaContext } from '../../test/support/lambda-context.ts';
import { mockClient } from '../../test/support/mock-client.ts';
import { jwtTokens } from '../adapters/aws/jwt-tokens.ts';
import { lambdaFunctions } from '../adapters/aws/lambda-functions.ts';
import { apiOperation, publicOperation, withCookies } from '../adapters/lambda/api-operation.ts';
import { authorizer } from '../adapters/lambda/authorizer.ts';
import { imageChanges } from '../adapters/lambda/image-changes.ts';
import { liveConnections } from '../adapters/lambda/live-connections.ts';
import { removedImages } from '../adapters/lambda/removed-images.ts';
import { checkRelease, type ReleasedFunction, releasedFunctions } from '../core/check-release.ts';
import { checkHealth, createUpload, deleteImage, getImage, listImages } from '../core/images-api.ts';
import { greeting, openConnection } from '../core/live.ts';
import { recordChange } from '../core/record-change.ts';
import { InMemoryAllowance, InMemoryConnections, InMemoryImages } from './support/in-memory-gallery.ts';

/** A release is checked by calls of the new version, which this test answers with the functions' own adapters. */

type Handler = (event: never) => Promise<unknown>;
const uploadBucket = 'uploads';
let images: InMemoryImages;
let connections: InMemoryConnections;
let handlers: Record<ReleasedFunction, Handler>;
let called: string[];
let reported: Verdict[];

beforeEach(() => {
  images = new InMemoryImages();
  [called, reported] = [[], []];
  connections = new InMemoryConnections();
  const rate = { allowance: new InMemoryAllowance(), perMinute: 10 };
  const signIn = {
    issuer: 'https://issuer.example',
    scope: 'gallery/images',
    jwksUri: 'data:application/json,{"keys":[]}',
  };
  handlers = {
    AuthorizeCall: authorizer(jwtTokens(signIn)),
    CheckHealth: publicOperation(() => checkHealth({ images })),
    CreateUpload: apiOperation('createUpload', rate, ({ owner, body }) =>
      createUpload(owner, body, {
        ...{ images, bucket: uploadBucket, limits: defaultLimits, randomId: () => crypto.randomUUID(), now: Date.now },
        tickets: { issue: async () => ({ url: 'https://uploads.example', fields: {} }) },
      }),
    ),
    DeleteImage: apiOperation('deleteImage', rate, ({ owner, path }) =>
      deleteImage(owner, path.id, { images, uploads: { remove: async () => undefined } }),
    ),
    ForgetRenditions: removedImages({ forget: async () => 'forgotten' }, { uploadBucket }),
    GetImage: apiOperation('getImage', rate, ({ owner, path, ifNoneMatch }) =>
      getImage(owner, { ...path, ifNoneMatch }, { images }),
    ),
    HoldConnections: liveConnections({
      open: (owner, id) => openConnection(owner, id, { connections }),
      close: async () => undefined,
      hello: (owner, id) => greeting(owner, id, { connections, images }),
    }),
    ListImages: withCookies(
      apiOperation('listImages', rate, ({ owner, query }) => listImages(owner, query, { images })),
      async () => ['CloudFront-Policy=p', 'CloudFront-Key-Pair-Id=k', 'CloudFront-Signature=s'],
    ),
    RecordChanges: (event) =>
      imageChanges((change) => recordChange(change, { images, now: Date.now, pause: async () => undefined }), {
        ...{ uploadBucket, logger: new Logger({ logLevel: 'SILENT' }) },
      })(event, lambdaContext()),
  };
});

const released = (step: ReleasedFunction) =>
  checkRelease(
    { deploymentId: 'd-1', executionId: 'e-1' },
    {
      releases: {
        newVersion: async () => ({ step, functionName: `gallery-${step}Function-1`, version: '7' }),
        report: async (_, verdict) => void reported.push(verdict),
      },
      functions: {
        // As JSON, as Lambda passes it.
        async call(functionVersion, event) {
          called.push(functionVersion);
          const result = await handlers[step](JSON.parse(JSON.stringify(event)) as never);
          return result === undefined ? undefined : JSON.parse(JSON.stringify(result));
        },
      },
      ...{ uploadBucket, randomId: () => crypto.randomUUID(), now: () => Date.UTC(2026, 0, 1) },
    },
  );

describe('the check of a release', () => {
  it.each(releasedFunctions)('passes %s as it is, and calls the new version', async (step) => {
    expect(await released(step)).toEqual({ verdict: 'passed' });
    expect(called).toEqual([`gallery-${step}Function-1:7`]);
    expect(reported).toEqual([{ verdict: 'passed' }]);
  });

  it.each(releasedFunctions)('refuses %s if it cannot be loaded, and tells CodeDeploy', async (step) => {
    handlers[step] = async () => {
      throw new Error('Missing environment variable');
    };
    const verdict = { verdict: 'refused', reason: 'Missing environment variable' };
    expect(await released(step)).toEqual(verdict);
    expect(reported).toEqual([verdict]);
  });

  const broken: readonly [step: ReleasedFunction, what: string, handler: Handler, reason: RegExp][] = [
    [
      'AuthorizeCall',
      'lets everyone in',
      async () => policy('Allow'),
      /does not refuse a token that no one has signed/,
    ],
    ['CheckHealth', 'cannot reach its table', async () => ({ statusCode: 503 }), /answers 503 where 200 is right/],
    ['CreateUpload', 'signs nothing', async () => ({ statusCode: 500 }), /answers 500 where 201/],
    ['DeleteImage', 'deletes what is not there', async () => ({ statusCode: 202 }), /answers 202 where 404/],
    ['GetImage', 'finds what is not there', async () => ({ statusCode: 200, body: '{}' }), /answers 200 where 404/],
    ['HoldConnections', 'says nothing', async () => ({ statusCode: 200 }), /does not answer a greeting/],
    ['ListImages', 'sets no cookies', async () => ({ statusCode: 200, body: '{}' }), /sets 0 cookies/],
    ['RecordChanges', 'records nothing', async () => ({ batchItemFailures: [{}] }), /did not record a change/],
    ['RecordChanges', 'returns nothing', async () => undefined, /did not record a change: nothing/],
  ];
  it.each(broken)('refuses %s if it %s', async (step, _, handler, reason) => {
    handlers[step] = handler;
    expect(await released(step)).toMatchObject({ verdict: 'refused', reason: expect.stringMatching(reason) });
  });

  it('stores the deletion of an image that never existed, and nothing that anyone can list', async () => {
    await released('RecordChanges');
    const { images: found } = await images.changedSince('release-check', 0, 10);
    expect(found.map(({ news }) => news.kind)).toEqual(['deleted']);
    expect((await images.list('release-check', { limit: 10 })).images).toEqual([]);
  });

  // API Gateway would refuse the id of the connection that the other check makes up.
  it('leaves no connection to which the check of RecordChanges would send its change', async () => {
    await released('HoldConnections');
    await released('RecordChanges');
    const { images: found } = await images.changedSince('release-check', 0, 10);
    expect(await connections.list(found[0]?.owner ?? '')).toEqual([]);
  });

  it('sends what API Gateway sends', async () => {
    let sent: Partial<APIGatewayProxyEvent> = {};
    handlers.CreateUpload = async (event) => {
      sent = event;
      return { statusCode: 201 };
    };
    await released('CreateUpload');
    expect(sent).toMatchObject({
      isBase64Encoded: false,
      headers: {},
      requestContext: { authorizer: expect.anything() },
    });
  });
});

const policy = (Effect: string) => ({ principalId: 'x', policyDocument: { Statement: [{ Effect }] } });

describe('a call of a version', () => {
  const lambda = mockClient(LambdaClient);
  const functions = lambdaFunctions({ client: new LambdaClient({ region: 'eu-west-1' }) });
  const answers = (text: string, FunctionError?: string) =>
    lambda.on(InvokeCommand).resolves({
      ...(FunctionError !== undefined && { FunctionError }),
      Payload: Object.assign(new TextEncoder().encode(text), { transformToString: () => text }),
    });

  it('returns what the function returns, or nothing', async () => {
    answers('{"statusCode":200}');
    expect(await functions.call('f:7', { a: 1 })).toEqual({ statusCode: 200 });
    expect(lambda.commandCalls(InvokeCommand)[0]?.args[0].input).toEqual({ FunctionName: 'f:7', Payload: '{"a":1}' });
    answers('');
    expect(await functions.call('f:7', {})).toBeUndefined();
  });

  it('throws what the function throws', async () => {
    answers('{"errorMessage":"Cannot find module"}', 'Unhandled');
    await expect(functions.call('f:7', {})).rejects.toThrow(/f:7 failed: .*Cannot find module/);
  });
});
