import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { CloudFormationClient, DescribeStacksCommand } from '@aws-sdk/client-cloudformation';
import { GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { BatchGetCommand, DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { saveRenditions } from '../../scripts/stack/save-renditions.ts';
import { isDecided, sendUploads } from '../../scripts/stack/send-uploads.ts';
import { accountStack } from '../../scripts/stack/stack.ts';
import { runPrefix, type UploadFile, withPrefix } from '../../scripts/stack/upload-files.ts';
import { mockClient } from '../support/mock-client.ts';
import { mockedStack } from '../support/mocked-stack.ts';
import { processedRecord } from '../support/records.ts';

const s3 = mockClient(S3Client);
const table = mockClient(DynamoDBDocumentClient);
const prefix = runPrefix(new Date('2026-01-02T03:04:05Z'));
let directory: string;
let files: UploadFile[];

beforeEach(() => {
  s3.reset();
  table.reset();
  directory = mkdtempSync(join(tmpdir(), 'send-'));
  const file = join(directory, 'cat.jpg');
  writeFileSync(file, 'a picture');
  files = withPrefix(prefix, [{ file, key: 'cat.jpg' }]);
  s3.on(PutObjectCommand).resolves({ VersionId: 'v1', ETag: '"e1"' });
});
afterEach(() => rmSync(directory, { recursive: true }));

/** The image has this record once its upload was sent. */
function recordAfterUpload(changes: Parameters<typeof processedRecord>[0]): void {
  table.on(BatchGetCommand).callsFake(({ RequestItems }) => {
    const [{ imageId }] = RequestItems.ImageTableName.Keys;
    const sent = s3.commandCalls(PutObjectCommand).length > 0;
    return { Responses: { ImageTableName: sent ? [processedRecord({ imageId, ...changes })] : [] } };
  });
}

const send = (stack = mockedStack()) => sendUploads(files, stack, () => undefined);

describe('files sent to a stack in an account', () => {
  it('have keys unique to this run, and never overwrite an object', async () => {
    recordAfterUpload({});
    await send();
    expect(s3.commandCalls(PutObjectCommand).map(({ args: [{ input }] }) => input)).toEqual([
      {
        Bucket: 'UploadBucketName',
        Key: 'npm-start/2026-01-02T03-04-05Z/cat.jpg',
        Body: Buffer.from('a picture'),
        IfNoneMatch: '*',
      },
    ]);
  });

  it('are followed to their outcome, and their renditions are saved', async () => {
    recordAfterUpload({});
    const results = await send();
    expect(results).toMatchObject([
      { key: `${prefix}cat.jpg`, outcome: 'processed', record: { outcome: 'processed' } },
    ]);

    s3.on(GetObjectCommand, { Bucket: 'RenditionBucketName' }).resolves({ Body: Readable.from(['small']) as never });
    const saved = await saveRenditions(results, mockedStack(), directory);
    const [rendition] = saved.get(`${prefix}cat.jpg`) ?? [];
    expect(readFileSync(rendition?.file ?? '', 'utf8')).toBe('small');
  });

  it('are superseded if another client has written the key since', async () => {
    recordAfterUpload({ version: 'v2' });
    const [result] = await send();
    expect(result).toMatchObject({ outcome: 'superseded' });
    expect(result).not.toHaveProperty('record');
  });

  it('are not decided if S3 rejects them', async () => {
    table.on(BatchGetCommand).resolves({});
    s3.on(PutObjectCommand).rejects(new Error('At least one of the preconditions did not hold'));
    const results = await send();
    expect(results).toMatchObject([{ problem: expect.stringContaining('preconditions') }]);
    expect(results.some(isDecided)).toBe(false);
  });
});

it('files sent to the emulator may replace those of an earlier run', async () => {
  recordAfterUpload({});
  await send(mockedStack({ emulated: true }));
  expect(s3.commandCalls(PutObjectCommand)[0]?.args[0].input.IfNoneMatch).toBeUndefined();
});

describe('a stack in an account', () => {
  const cloudFormation = mockClient(CloudFormationClient);
  const { outputs } = mockedStack();
  const describedAs = (values: Readonly<Record<string, unknown>>) =>
    cloudFormation.on(DescribeStacksCommand, { StackName: 'images-dev' }).resolves({
      Stacks: [
        {
          ...{ StackName: 'images-dev', CreationTime: new Date(), StackStatus: 'CREATE_COMPLETE' },
          Outputs: Object.entries(values).map(([OutputKey, value]) => ({ OutputKey, OutputValue: String(value) })),
        },
      ],
    });
  beforeEach(() => cloudFormation.reset());

  it('is read by its name', async () => {
    describedAs(outputs);
    const stack = await accountStack('images-dev');
    expect(stack).toMatchObject({ name: 'images-dev', emulated: false, clientConfig: {}, outputs });
    stack.close();
  });

  it('is rejected with a list of missing outputs if it was not deployed from this template', async () => {
    const { UploadQueueUrl: _one, ImageTableName: _other, ...rest } = outputs;
    describedAs(rest);
    await expect(accountStack('images-dev')).rejects.toThrow(
      'The stack images-dev has no output ImageTableName, UploadQueueUrl: ',
    );
  });

  it('that cannot be read is rejected with AWS’s reason', async () => {
    cloudFormation.on(DescribeStacksCommand).rejects(new Error('Stack with id images-dev does not exist'));
    await expect(accountStack('images-dev')).rejects.toThrow(/does not exist.*AWS profile and region/);
  });
});

it('the clients of a stack are created once', () => {
  const stack = mockedStack();
  expect(stack.clients.s3).toBe(stack.clients.s3);
  stack.close();
});
