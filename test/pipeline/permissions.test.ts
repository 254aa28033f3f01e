import { InvokeCommand } from '@aws-sdk/client-lambda';
import { DeleteCommand } from '@aws-sdk/lib-dynamodb';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { imageIdOf, padSequencer } from '../../core/image.ts';
import { renditionGroups } from '../../core/presets.ts';
import { steps } from '../../core/steps.ts';
import { emulatedPipeline } from '../support/emulated-pipeline.ts';
import { functionPermissions as permissions } from '../support/function-permissions.ts';
import { photo } from '../support/photos.ts';
import { recordedCalls } from '../support/recorded-calls.ts';
import { rolePermissions } from '../support/role-permissions.ts';

/**
 * Every permission of every function is needed: the tests remove each in turn, call the function, and expect AWS to deny
 * access. The emulator enforces only a function's own calls; test/template/permissions.test.ts covers the rest.
 */

const pipeline = emulatedPipeline();
const { stack } = pipeline;

const key = 'permissions.jpg';
const unrecorded = 'unrecorded.jpg';
let upload: { etag: string; versionId: string; size: number };
/** Calls of earlier tests: some deploy versions that are broken on purpose. */
let earlier: number;
beforeAll(async () => {
  earlier = recordedCalls().length;
  upload = await pipeline.put(key, photo('rocket.jpg'));
  await pipeline.recordWhen(key, ({ outcome }) => outcome === 'processed');
  await pipeline.put(unrecorded, photo('rocket.jpg'));
  await pipeline.recordWhen(unrecorded, ({ outcome }) => outcome === 'processed');
});

/** An event that makes the function use the permission. */
async function probe(stem: string, action: string): Promise<unknown> {
  const { versionId, ...unversioned } = upload;
  const image = {
    bucket: pipeline.bucket,
    key,
    imageId: await imageIdOf(pipeline.bucket, key),
    sequencer: padSequencer('01'),
  };
  const seen = { ...image, ...(action === 's3:GetObject' ? unversioned : upload) };
  if (stem === 'ProbePipeline') return {};
  if (stem === 'BackfillImages') {
    // Nothing is known of it any more.
    const Key = { imageId: await imageIdOf(pipeline.bucket, unrecorded) };
    await stack.clients.table.send(new DeleteCommand({ TableName: stack.outputs.ImageTableName, Key }));
    const storedBefore = new Date(Date.now() + 3_600_000).toISOString();
    return { bucket: pipeline.bucket, key: unrecorded, perSecond: 1000, storedBefore };
  }
  // Something that was removed, so that nothing in the history leads to an item.
  if (stem === 'RecordHistory') return { Records: [{ dynamodb: removal }] };
  switch (steps.find(({ name }) => name === stem)?.takes) {
    case 'image':
      return { correlationId: 'probe', image: seen };
    case 'rendition':
      return { correlationId: 'probe', image: seen, group: renditionGroups[0].name };
    case 'removal':
      // The renditions in the record are older, so there is something to remove.
      return { correlationId: 'probe', image: { ...image, sequencer: padSequencer('FFFF') }, scope: 'older' };
    case 'messages':
      // Two of one sender at once: one more than stage local allows, so the second is set aside.
      if (action === 'sqs:SendMessage') return { Records: [sqsRecord(action), sqsRecord(action)] };
      return { Records: [sqsRecord(action), sqsRecord(action, stack.outputs.OverflowQueueUrl)] };
    case undefined:
      throw new Error(`core/steps.ts has no ${stem}: add it there, or its call here.`);
  }
}

const removal = {
  ApproximateCreationDateTime: 1_796_000_000,
  SequenceNumber: '1',
  Keys: { imageId: { S: 'permissions' } },
};

let serial = 0;
function sqsRecord(action: string, queueUrl = pipeline.queueUrl) {
  serial += 1;
  const detail = {
    bucket: { name: pipeline.bucket },
    object: { key: `sender/missing-${serial}.jpg`, sequencer: '0001', etag: 'e', size: 5, 'version-id': 'v' },
  };
  const body = { id: 'probe', time: new Date().toISOString(), 'detail-type': 'Object Created', detail };
  return {
    messageId: `${action}-${serial}`,
    receiptHandle: 'probe',
    // An unreadable message is the quickest way to get a message postponed.
    body: action === 'sqs:ChangeMessageVisibility' ? 'poison' : JSON.stringify(body),
    attributes: { ApproximateReceiveCount: '1' },
    messageAttributes: {},
    eventSource: 'aws:sqs',
    eventSourceARN: `arn:aws:sqs:us-east-1:000000000000:${queueUrl.split('/').at(-1)}`,
    awsRegion: 'us-east-1',
  };
}

async function call(stem: string, action: string) {
  const FunctionName = await pipeline.physicalId(`${stem}Function`);
  const Payload = JSON.stringify(await probe(stem, action));
  const {
    FunctionError: error,
    Payload: answer = [],
    LogResult = '',
  } = await pipeline.lambda.send(new InvokeCommand({ FunctionName, Payload, LogType: 'Tail' }));
  return { error, answer: Buffer.from(answer).toString(), log: Buffer.from(LogResult, 'base64').toString() };
}

const permission = rolePermissions(pipeline);
afterEach(permission.restore);

describe('without its permission', () => {
  it.each(permissions)('$action, $stem is denied', async ({ stem, sid, action }) => {
    await permission.takeAway(stem, sid, action);
    // DeleteItem needs a workflow that fails: then the event's record is deleted.
    if (action === 'dynamodb:DeleteItem')
      await permission.takeAway('ExtractMetadata', 'ReadUploads', 's3:GetObjectVersion');
    const { answer, log } = await call(stem, action);
    expect(`${answer} ${log}`).toContain(`not authorized to perform: ${action}`);
  });
});

describe.each([...new Set(permissions.map(({ stem }) => stem))])('with all its permissions, %s', (stem) => {
  it('does its work', async () => {
    expect(await call(stem, 'none')).toMatchObject({ error: undefined });
  });

  it('calls exactly what its role allows, on exactly these resources', async () => {
    const own = permissions.filter((permission) => permission.stem === stem);
    for (const { action } of own) await call(stem, action);
    const called = await callsOf(stem);
    expect(called).toEqual([...new Set(own.map(({ action, on }) => `${action} on ${on}`))].sort());
  });
});

async function callsOf(stem: string): Promise<string[]> {
  const functionName = await pipeline.physicalId(`${stem}Function`);
  const ids = [
    'UploadBucket',
    'RenditionBucket',
    'HistoryBucket',
    'ImageTable',
    'IdempotencyTable',
    'ImagePipeline',
    'UploadQueue',
    'OverflowQueue',
  ];
  const physical = await Promise.all(ids.map(async (id) => [await pipeline.physicalId(id), id] as const));
  // The roles may do the same with the adopted bucket: test/template/adopted-bucket.test.ts.
  const adopted = stack.outputs.AdoptedBucketName ?? '';
  const logical = new Map([...physical, [adopted, 'UploadBucket']]);
  const calls = recordedCalls()
    .slice(earlier)
    .filter((recorded) => recorded.functionName === functionName);
  const named = calls.map(({ action, resource }) => {
    const name = resource.replace(/\/\*$/, '');
    return `${action} on ${resource.replace(name, logical.get(name) ?? name)}`;
  });
  return [...new Set(named)].sort();
}
