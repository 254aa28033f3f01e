import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

// As many as a function has, each with a value that works.
const environments: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'dispatch-images': {
    STATE_MACHINE_ARN: 'arn:aws:states:us-east-1:123456789012:stateMachine:image-pipeline',
    IDEMPOTENCY_TABLE: 'idempotency',
    IDEMPOTENCY_SECONDS: '432000',
    WORKFLOW_WAIT_MILLIS: '210000',
    UPLOAD_QUEUE_URL: 'https://sqs.us-east-1.amazonaws.com/123456789012/uploads',
    MAX_RECEIVE_COUNT: '5',
    RETRY_BASE_SECONDS: '60',
  },
  'extract-metadata': { KEEP_LOCATION: 'false' },
  'resize-image': { RENDITION_BUCKET: 'renditions' },
  'remove-renditions': { RENDITION_BUCKET: 'renditions' },
  'check-release': { UPLOAD_BUCKET: 'uploads', RENDITION_BUCKET: 'renditions', STEP_WAIT_MILLIS: '320000' },
  'probe-pipeline': {
    UPLOAD_BUCKET: 'uploads',
    RENDITION_BUCKET: 'renditions',
    IMAGE_TABLE: 'images',
    WAIT_MILLIS: '90000',
  },
};

async function configOf(stem: string, environment: Readonly<Record<string, string>>): Promise<Record<string, unknown>> {
  for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value);
  const { config } = (await import(`../../functions/${stem}/config.ts`)) as { config: Record<string, unknown> };
  return config;
}

beforeEach(() => {
  // The environment is read when the module loads.
  vi.resetModules();
  for (const name of Object.values(environments).flatMap(Object.keys)) vi.stubEnv(name, undefined);
});
afterEach(() => {
  vi.unstubAllEnvs();
});

describe.each(Object.entries(environments))('the settings of %s', (stem, complete) => {
  it('load from a complete environment', async () => {
    expect(Object.keys(await configOf(stem, complete)).sort()).toEqual(Object.keys(complete).sort());
  });

  it('given an empty environment, name every missing variable in one error, and where to look', async () => {
    const error = await configOf(stem, {}).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(Error);
    const { message } = error as Error;
    for (const name of Object.keys(complete)) expect(message).toContain(name);
    expect(message).toContain('template.yaml');
  });

  it.each(Object.keys(complete))('given all but %s, name that one alone', async (missing) => {
    const { [missing]: _, ...rest } = complete;
    const { message } = (await configOf(stem, rest).catch((thrown: unknown) => thrown)) as Error;
    expect(message).toContain(missing);
    for (const present of Object.keys(rest)) expect(message).not.toContain(present);
  });
});

describe.each([
  ['dispatch-images', 'STATE_MACHINE_ARN', 'image-pipeline'],
  ['dispatch-images', 'IDEMPOTENCY_TABLE', ''],
  ['dispatch-images', 'IDEMPOTENCY_SECONDS', 'soon'],
  ['dispatch-images', 'WORKFLOW_WAIT_MILLIS', '0'],
  ['dispatch-images', 'UPLOAD_QUEUE_URL', 'uploads'],
  ['dispatch-images', 'MAX_RECEIVE_COUNT', '2.5'],
  ['dispatch-images', 'RETRY_BASE_SECONDS', '0'],
  ['extract-metadata', 'KEEP_LOCATION', 'perhaps'],
  ['resize-image', 'RENDITION_BUCKET', ''],
  ['check-release', 'UPLOAD_BUCKET', ''],
  ['check-release', 'STEP_WAIT_MILLIS', 'long'],
  ['remove-renditions', 'RENDITION_BUCKET', ''],
  ['probe-pipeline', 'UPLOAD_BUCKET', ''],
  ['probe-pipeline', 'RENDITION_BUCKET', ''],
  ['probe-pipeline', 'IMAGE_TABLE', ''],
  ['probe-pipeline', 'WAIT_MILLIS', '0'],
])('%s with %s = "%s"', (stem, name, value) => {
  it('refuses to load and names the variable', async () => {
    await expect(configOf(stem, { ...environments[stem], [name]: value })).rejects.toThrow(name);
  });
});

it('extract-metadata understands a CloudFormation boolean', async () => {
  expect(await configOf('extract-metadata', { KEEP_LOCATION: 'true' })).toEqual({ KEEP_LOCATION: true });
});
