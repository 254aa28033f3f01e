import { InvokeCommand } from '@aws-sdk/client-lambda';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { imageIdOf, padSequencer } from '../../core/image.ts';
import { ofType, statementsOf, templateFor } from '../../scripts/template.ts';
import { emulatedPipeline } from '../support/emulated-pipeline.ts';
import { photo } from '../support/photos.ts';
import { rolePermissions } from '../support/role-permissions.ts';

/**
 * Every permission of every function is needed: each is taken away in turn, the function is called, and AWS's answer has
 * to be a denial. The emulator enforces what a function calls itself; the rest is in test/template/permissions.test.ts.
 */

const pipeline = emulatedPipeline();

// What Lambda and S3 look up themselves on the function's behalf.
const notEnforced = ['TakeUploads', 'WriteLogs', 'WriteTraces', 'TellGoneFromDenied'];

const template = templateFor('local');
const permissions = ofType(template, 'AWS::Serverless::Function').flatMap(([id]) => {
  const stem = id.replace(/Function$/, '');
  const role = template.resources.get(`${stem}Role`);
  if (role === undefined) throw new Error(`template.yaml has no role ${stem}Role.`);
  return statementsOf(role)
    .filter(({ Sid }) => !notEnforced.includes(Sid))
    .flatMap(({ Sid, Action }) => Action.map((action) => ({ stem, sid: Sid, action })));
});

const key = 'permissions.jpg';
let upload: { etag: string; versionId: string; size: number };
beforeAll(async () => {
  upload = await pipeline.put(key, photo('rocket.jpg'));
  await pipeline.recordWhen(key, ({ outcome }) => outcome === 'processed');
});

/** A call of the function that cannot do without the permission. */
async function probe(stem: string, action: string): Promise<unknown> {
  const { versionId, ...unversioned } = upload;
  const image = {
    bucket: pipeline.bucket,
    key,
    imageId: await imageIdOf(pipeline.bucket, key),
    sequencer: padSequencer('01'),
  };
  const seen = { ...image, ...(action === 's3:GetObject' ? unversioned : upload) };
  switch (stem) {
    case 'ExtractMetadata':
      return { correlationId: 'probe', image: seen };
    case 'ResizeImage':
      return { correlationId: 'probe', image: seen, group: 'web' };
    case 'RemoveRenditions':
      // Something to remove: what the record shows.
      return { correlationId: 'probe', image: { ...image, sequencer: padSequencer('FFFF') }, scope: 'older' };
    case 'DispatchImages':
      return { Records: [sqsRecord(action)] };
    case 'ProbePipeline':
      return {};
    default:
      throw new Error(`Give the new function ${stem} a probe here.`);
  }
}

let serial = 0;
function sqsRecord(action: string) {
  serial += 1;
  // A decision that could not be made is forgotten again: DeleteItem takes a workflow that fails, for want of access.
  const name = action === 'dynamodb:DeleteItem' ? 'somebody-elses-bucket' : pipeline.bucket;
  const detail = {
    bucket: { name },
    object: { key: `nobody-${serial}.jpg`, sequencer: '01', etag: 'e', size: 5, 'version-id': 'v' },
  };
  const body = { id: 'probe', time: new Date().toISOString(), 'detail-type': 'Object Created', detail };
  return {
    messageId: action,
    receiptHandle: 'probe',
    // A message that nobody can read is the quickest one to be postponed.
    body: action === 'sqs:ChangeMessageVisibility' ? 'poison' : JSON.stringify(body),
    attributes: { ApproximateReceiveCount: '1' },
    messageAttributes: {},
    eventSource: 'aws:sqs',
    eventSourceARN: 'arn:aws:sqs:us-east-1:000000000000:probe',
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
afterEach(permission.giveBack);

describe('without its permission', () => {
  it.each(permissions)('$action, $stem is denied', async ({ stem, sid, action }) => {
    await permission.takeAway(stem, sid, action);
    const { answer, log } = await call(stem, action);
    expect(`${answer} ${log}`).toContain(`not authorized to perform: ${action}`);
  });
});

it.each(['ExtractMetadata', 'ResizeImage', 'RemoveRenditions', 'DispatchImages', 'ProbePipeline'])(
  'with all of them, %s does its work',
  async (stem) => {
    expect(await call(stem, 'none')).toMatchObject({ error: undefined });
  },
);
