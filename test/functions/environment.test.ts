import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import * as z from 'zod';
import { at, type Json, ofType, referredId, templateFor } from '../../scripts/template/template.ts';
import { captureLog } from '../support/captured-log.ts';
import { answersOfAws, loadedHandlers } from '../support/loaded-handlers.ts';

/** Each function reads exactly the environment that template.yaml gives it in prod. */

const template = templateFor('prod');
captureLog();

// What CloudFormation substitutes for a reference.
const physical: Readonly<Record<string, string>> = {
  UploadBucket: 'uploads',
  RenditionBucket: 'renditions',
  ImageTable: 'images',
  IdempotencyTable: 'idempotency',
  UploadQueue: 'https://sqs.us-east-1.amazonaws.com/123456789012/uploads',
  OverflowQueue: 'https://sqs.us-east-1.amazonaws.com/123456789012/overflow',
  HistoryBucket: 'images-prod-history',
  ImagePipelineLiveAlias: 'arn:aws:states:us-east-1:123456789012:stateMachine:image-pipeline:live',
};
// Read by libraries, not by the handlers.
const readByLibraries = ['POWERTOOLS_SERVICE_NAME', 'MALLOC_ARENA_MAX', 'VIPS_BLOCK_UNTRUSTED', 'VIPS_MAX_COORD'];

type Environment = Readonly<Record<string, string>>;

const environments = new Map<string, Environment>(
  ofType(template, 'AWS::Serverless::Function').map(([, { Properties }]) => {
    const variables = [template.functionGlobals['Environment'], Properties['Environment']].flatMap((environment) =>
      Object.entries(z.record(z.string(), z.json()).parse(at(environment, 'Variables') ?? {})),
    );
    return [
      String(Properties['CodeUri']).replace('functions/', ''),
      Object.fromEntries(variables.map(([name, value]) => [name, variable(value)])),
    ];
  }),
);
const names = [...new Set([...environments.values()].flatMap(Object.keys))];

function variable(value: Json): string {
  if (typeof value === 'string') return value;
  if (at(value, 'Ref') === 'AWS::StackName') return 'images-prod';
  const found = physical[referredId(value) ?? ''];
  if (found === undefined) throw new Error(`Add the deployed value of ${JSON.stringify(value)} to the list above.`);
  return found;
}

function environmentOf(stem: string): Environment {
  const found = environments.get(stem);
  if (found === undefined) throw new Error(`template.yaml has no function for functions/${stem}.`);
  return found;
}

async function load(stem: string, environment: Environment): Promise<unknown> {
  for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value);
  return await import(`../../functions/${stem}/handler.ts`);
}

async function messageOf(stem: string, environment: Environment): Promise<string> {
  const thrown = await load(stem, environment).catch((error: unknown) => error);
  return z.instanceof(Error).parse(thrown).message;
}

beforeEach(() => {
  // The environment is read when the module loads.
  vi.resetModules();
  for (const name of names) vi.stubEnv(name, undefined);
  // Lambda sets these.
  vi.stubEnv('AWS_REGION', 'us-east-1');
  vi.stubEnv('LAMBDA_TASK_ROOT', '/var/task');
  vi.stubEnv('AWS_LAMBDA_FUNCTION_MEMORY_SIZE', '1769');
});
afterEach(() => {
  vi.unstubAllEnvs();
});

describe.each([...environments])('%s, with the environment of template.yaml', (stem, complete) => {
  const own = Object.keys(complete).filter((name) => !readByLibraries.includes(name));

  it('loads', async () => {
    expect(await load(stem, complete)).toMatchObject({ handler: expect.any(Function) });
  });

  it.skipIf(own.length === 0)('if empty, names every missing variable in one error, and where to look', async () => {
    const message = await messageOf(stem, {});
    for (const name of own) expect(message).toContain(name);
    expect(message).toContain('template.yaml');
  });

  it.each(own)('without %s, names only that variable', async (missing) => {
    const { [missing]: _, ...rest } = complete;
    const message = await messageOf(stem, rest);
    expect(own.filter((name) => message.includes(name))).toEqual([missing]);
  });
});

describe.each([
  ['dispatch-images', 'STATE_MACHINE_ARN', 'image-pipeline'],
  ['dispatch-images', 'IDEMPOTENCY_TABLE', ''],
  ['dispatch-images', 'IDEMPOTENCY_SECONDS', 'soon'],
  ['dispatch-images', 'WORKFLOW_WAIT_MILLIS', '0'],
  ['dispatch-images', 'UPLOAD_QUEUE_URL', 'uploads'],
  ['dispatch-images', 'OVERFLOW_QUEUE_URL', 'overflow'],
  ['dispatch-images', 'RUNNING_PER_SENDER', '0'],
  ['dispatch-images', 'UPLOAD_BUCKETS', ''],
  ['dispatch-images', 'MAX_RECEIVE_COUNT', '2.5'],
  ['dispatch-images', 'RETRY_BASE_SECONDS', '0'],
  ['extract-metadata', 'KEEP_LOCATION', 'perhaps'],
  ['resize-image', 'RENDITION_BUCKET', ''],
  ['check-release', 'UPLOAD_BUCKET', ''],
  ['check-release', 'STEP_WAIT_MILLIS', 'long'],
  ['remove-renditions', 'RENDITION_BUCKET', ''],
  ['record-history', 'HISTORY_BUCKET', ''],
  ['backfill-images', 'IMAGE_TABLE', ''],
  ['backfill-images', 'OVERFLOW_QUEUE_URL', 'overflow'],
  ['probe-pipeline', 'UPLOAD_BUCKET', ''],
  ['probe-pipeline', 'RENDITION_BUCKET', ''],
  ['probe-pipeline', 'IMAGE_TABLE', ''],
  ['probe-pipeline', 'WAIT_MILLIS', '0'],
])('%s with %s = "%s"', (stem, name, value) => {
  it('refuses to load and names the variable', async () => {
    await expect(load(stem, { ...environmentOf(stem), [name]: value })).rejects.toThrow(name);
  });
});

describe.each([
  ['true', true],
  ['false', false],
])('extract-metadata with KEEP_LOCATION = "%s", a CloudFormation boolean', (value, kept) => {
  it(`${kept ? 'keeps' : 'drops'} where a photo was taken`, async () => {
    answersOfAws();
    const { describePhotograph } = await loadedHandlers({ KEEP_LOCATION: value });
    const result = await describePhotograph();
    expect(result).toMatchObject({ outcome: 'processed' });
    expect('metadata' in result && result.metadata.location !== undefined).toBe(kept);
  });
});
