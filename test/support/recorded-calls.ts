import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import * as z from 'zod';
import { workDirectory } from '../../scripts/terminal/project.ts';

/** Every AWS call that a deployed function has made since the stack was started. */

export const recordedCallsFile = join(workDirectory, 'recorded-calls.jsonl');

/** For the emulator, whose functions inherit its environment. */
export const recordingEnvironment = {
  NODE_OPTIONS: `--import ${pathToFileURL(join(import.meta.dirname, 'record-calls.ts')).href}`,
  RECORDED_CALLS_FILE: recordedCallsFile,
};

const recorded = z.object({
  functionName: z.string(),
  method: z.string(),
  path: z.string(),
  target: z.string().optional(),
  body: z.string(),
});

type AwsRequest = Omit<z.infer<typeof recorded>, 'functionName'>;

export interface RecordedCall {
  readonly functionName: string;
  /** The call's IAM action. */
  readonly action: string;
  /** The name of the bucket, table or queue, or the state machine's ARN; with `/*` appended for an object of a bucket. */
  readonly resource: string;
}

export function recordedCalls(): RecordedCall[] {
  return readFileSync(recordedCallsFile, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const call = recorded.parse(JSON.parse(line));
      return { functionName: call.functionName, ...describeCall(call) };
    });
}

/** Derived from the HTTP request. */
export function describeCall(request: AwsRequest): Pick<RecordedCall, 'action' | 'resource'> {
  if (request.target !== undefined) return ofJson(request);
  return ofOther(request) ?? ofS3(request);
}

/** Of commands: no function makes such calls. */
function ofOther({ method, path }: AwsRequest) {
  if (path.startsWith('/2015-03-31/event-source-mappings'))
    return { action: 'lambda:ListEventSourceMappings', resource: 'unknown' };
  // The operation is in the body, as a form.
  return method === 'POST' && path === '/' ? { action: 'cloudformation:Describe*', resource: 'unknown' } : undefined;
}

const services: Readonly<Record<string, string>> = {
  AmazonSQS: 'sqs',
  AWSStepFunctions: 'states',
  DynamoDB_20120810: 'dynamodb',
};
const resourceNames = z
  .object({ TableName: z.string(), QueueUrl: z.string(), stateMachineArn: z.string() })
  .partial()
  .transform(({ TableName, QueueUrl, stateMachineArn }) => TableName ?? QueueUrl ?? stateMachineArn ?? 'unknown');

function ofJson({ target = '', body }: AwsRequest) {
  const [api = '', operation = ''] = target.split('.');
  return { action: `${services[api] ?? api}:${operation}`, resource: resourceNames.parse(JSON.parse(body)) };
}

const ofBucket: Readonly<Record<string, string>> = {
  versions: 's3:ListBucketVersions',
  versioning: 's3:GetBucketVersioning',
  'object-lock': 's3:GetBucketObjectLockConfiguration',
  notification: 's3:GetBucketNotification',
};

// https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html
function ofS3({ method, path }: AwsRequest) {
  const { pathname, searchParams } = new URL(path, 'https://s3.invalid');
  const [, bucket = '', ...key] = pathname.split('/');
  const read = searchParams.has('versionId') ? 's3:GetObjectVersion' : 's3:GetObject';
  if (key.join('/') !== '') {
    const actions: Readonly<Record<string, string>> = {
      GET: read,
      HEAD: read,
      PUT: 's3:PutObject',
      DELETE: 's3:DeleteObject',
    };
    return { action: actions[method] ?? `s3:${method}`, resource: `${bucket}/*` };
  }
  if (searchParams.has('delete')) return { action: 's3:DeleteObject', resource: `${bucket}/*` };
  const [found] = [...searchParams.keys()].flatMap((name) => ofBucket[name] ?? []);
  return { action: method === 'GET' ? (found ?? 's3:ListBucket') : `s3:${method}`, resource: bucket };
}
