import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { GetObjectCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3';
import { SFNClient, StartSyncExecutionCommand } from '@aws-sdk/client-sfn';
import { ChangeMessageVisibilityCommand, SQSClient } from '@aws-sdk/client-sqs';
import type { SQSBatchResponse, SQSRecord } from 'aws-lambda';
import { onTestFinished, vi } from 'vitest';
import type { MetadataResult } from '../../core/image-task.ts';
import { renditionGroups } from '../../core/presets.ts';
import { bundleFunctions } from '../../scripts/template/bundle.ts';
import { projectDirectory } from '../../scripts/terminal/project.ts';
import { lambdaContext } from './lambda-context.ts';
import { mockClient } from './mock-client.ts';
import { uploadOf } from './upload-events.ts';

const environment: Readonly<Record<string, string>> = {
  AWS_REGION: 'us-east-1',
  STATE_MACHINE_ARN: 'arn:aws:states:us-east-1:123456789012:stateMachine:image-pipeline',
  IDEMPOTENCY_TABLE: 'idempotency',
  IDEMPOTENCY_SECONDS: '600',
  WORKFLOW_WAIT_MILLIS: '1000',
  UPLOAD_QUEUE_URL: 'https://sqs.us-east-1.amazonaws.com/123456789012/uploads',
  OVERFLOW_QUEUE_URL: 'https://sqs.us-east-1.amazonaws.com/123456789012/overflow',
  RUNNING_PER_SENDER: '2',
  UPLOAD_BUCKETS: uploadOf().bucket,
  READY_WITHIN_SECONDS: '60',
  MAX_RECEIVE_COUNT: '5',
  RETRY_BASE_SECONDS: '1',
  KEEP_LOCATION: 'true',
  RENDITION_BUCKET: 'renditions',
  AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '1769',
  NODE_PATH: join(projectDirectory, 'node_modules'),
};

/** The real handlers as Lambda loads them, with logs that `captureLog` sees and made-up responses from AWS. */
export async function loadedHandlers(changes: Readonly<Record<string, string>> = {}) {
  const LAMBDA_TASK_ROOT = await folderWithImageProcess();
  for (const [name, value] of Object.entries({ ...environment, LAMBDA_TASK_ROOT, ...changes })) vi.stubEnv(name, value);
  vi.resetModules();
  // Each loads when it is called: those that decode start a process.
  const dispatch = () => import('../../functions/dispatch-images/handler.ts');
  const extract = () => import('../../functions/extract-metadata/handler.ts');
  const resize = () => import('../../functions/resize-image/handler.ts');
  const remove = () => import('../../functions/remove-renditions/handler.ts');
  const context = lambdaContext();
  const task = { correlationId: 'the-photograph', image: uploadOf({ key: 'flowers.jpg' }) };
  return {
    /** The correlation id selects the workflow's result: "fails-…" fails, "rejects-…" is rejected. */
    async dispatch(correlationIds: readonly string[]): Promise<SQSBatchResponse> {
      const Records = [
        ...correlationIds.map(s3Message),
        { ...s3Message('unknown'), body: '{}', messageId: 'unreadable' },
      ];
      return (await dispatch()).handler({ Records }, context);
    },
    /** A photo with a GPS position. */
    describePhotograph: async (): Promise<MetadataResult> => (await extract()).handler(task, context),
    renderPhotograph: async () => (await resize()).handler({ ...task, group: renditionGroups[0].name }, context),
    removeRenditions: async () =>
      (await remove()).handler(
        {
          correlationId: task.correlationId,
          image: { imageId: task.image.imageId, sequencer: task.image.sequencer },
          scope: 'older',
        },
        context,
      ),
  };
}

// Once for all tests of a file.
let imageProcess: Promise<Uint8Array> | undefined;

/** A folder with the workers' second entry point, as it is deployed. */
async function folderWithImageProcess(): Promise<string> {
  imageProcess ??= bundledImageProcess();
  const code = await imageProcess;
  const folder = mkdtempSync(join(tmpdir(), 'image-process-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, 'image-process.js'), code);
  return folder;
}

async function bundledImageProcess(): Promise<Uint8Array> {
  const [resizeImage] = await bundleFunctions({}, (logicalId) => logicalId === 'ResizeImageFunction');
  return resizeImage?.code.get('image-process.js') ?? new Uint8Array();
}

/** Responses for every client; call it before each test. */
export function answersOfAws(): void {
  const bytes = readFileSync(new URL('../fixtures/photos/flowers-iphone5-gps-small.jpg', import.meta.url));
  mockClient(DynamoDBClient).onAnyCommand().resolves({});
  mockClient(SQSClient).on(ChangeMessageVisibilityCommand).rejects(new Error('the queue is busy'));
  mockClient(S3Client)
    .onAnyCommand()
    .resolves({})
    .on(ListObjectsV2Command)
    .resolves({ Contents: [] })
    .on(GetObjectCommand)
    .callsFake(async () => ({ Body: { transformToByteArray: async () => new Uint8Array(bytes) } }));
  mockClient(SFNClient)
    .on(StartSyncExecutionCommand)
    .callsFake(async ({ name }: { name: string }) => {
      if (name.startsWith('fails')) return { status: 'FAILED', error: 'Lambda.Unknown', cause: 'out of memory' };
      const decision = name.startsWith('rejects')
        ? { outcome: 'rejected', reason: 'corrupt' }
        : { outcome: 'processed', bytesOut: 1234 };
      return { status: 'SUCCEEDED', output: JSON.stringify(decision) };
    });
}

function s3Message(correlationId: string): SQSRecord {
  const body = {
    id: correlationId,
    time: new Date().toISOString(),
    'detail-type': 'Object Created',
    detail: {
      bucket: { name: 'uploads' },
      object: {
        key: `${correlationId}.jpg`,
        sequencer: '0055AED6DCD90281E5',
        'version-id': 'v1',
        size: 1234,
        etag: 'e1',
      },
    },
  };
  return {
    messageId: `message-${correlationId}`,
    receiptHandle: 'AQEB-receipt-handle',
    body: JSON.stringify(body),
    attributes: {
      ApproximateReceiveCount: '1',
      SentTimestamp: '0',
      SenderId: 'events',
      ApproximateFirstReceiveTimestamp: '0',
    },
    messageAttributes: {},
    md5OfBody: '',
    eventSource: 'aws:sqs',
    eventSourceARN: 'arn:aws:sqs:us-east-1:123456789012:uploads',
    awsRegion: 'us-east-1',
  };
}
