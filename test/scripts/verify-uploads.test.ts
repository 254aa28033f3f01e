import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CloudFormationClient, DescribeStacksCommand, ListStackResourcesCommand } from '@aws-sdk/client-cloudformation';
import { CloudWatchClient, DescribeAlarmsCommand, SetAlarmStateCommand } from '@aws-sdk/client-cloudwatch';
import { DeleteItemCommand, DynamoDBClient, GetItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb';
import {
  DeleteRuleCommand,
  EventBridgeClient,
  PutRuleCommand,
  PutTargetsCommand,
  RemoveTargetsCommand,
} from '@aws-sdk/client-eventbridge';
import {
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectVersionsCommand,
  PutObjectCommand,
  S3Client,
  S3ServiceException,
} from '@aws-sdk/client-s3';
import { SNSClient, SubscribeCommand, UnsubscribeCommand } from '@aws-sdk/client-sns';
import {
  ChangeMessageVisibilityBatchCommand,
  CreateQueueCommand,
  DeleteMessageBatchCommand,
  DeleteMessageCommand,
  DeleteQueueCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  SendMessageCommand,
  SQSClient,
  SQSServiceException,
} from '@aws-sdk/client-sqs';
import { BatchGetCommand, DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import { slug } from 'github-slugger';
import { beforeEach, describe, expect, it } from 'vitest';
import { knownImage } from '../../adapters/aws/known-image.ts';
import { sharpImageCodec } from '../../adapters/sharp/sharp-image-codec.ts';
import { imageIdOf } from '../../core/image.ts';
import { defaultLimits } from '../../core/limits.ts';
import { openUpload } from '../../core/open-upload.ts';
import { rejectionReasons } from '../../core/outcome.ts';
import { renditionGroups } from '../../core/presets.ts';
import type { ImageRecord } from '../../core/record.ts';
import { contentTypes, presetsFor, type Rendition, renditionSize } from '../../core/rendition.ts';
import { parsedOptions } from '../../scripts/terminal/command.ts';
import { projectDirectory } from '../../scripts/terminal/project.ts';
import { checkAlarmMessage } from '../../scripts/verify/alarm-checks.ts';
import { checkList, checkNames } from '../../scripts/verify/check-list.ts';
import { checkDeadLetter, checkEncryptedQueues } from '../../scripts/verify/event-checks.ts';
import { checkPicture, checkRejections } from '../../scripts/verify/pipeline-checks.ts';
import { rejectedFiles, sentReasons } from '../../scripts/verify/rejected-files.ts';
import { uprightImage } from '../../scripts/verify/uploads.ts';
import type { Verification } from '../../scripts/verify/verification.ts';
import { verifyCommand } from '../../scripts/verify/verify.ts';
import { chosenChecks, runChecks } from '../../scripts/verify/verify-stack.ts';
import { mockClient } from '../support/mock-client.ts';
import { mockedStack } from '../support/mocked-stack.ts';
import { mockedVerification } from '../support/mocked-verification.ts';
import { deletedRecord, processedRecord } from '../support/records.ts';
import { uploadOf } from '../support/upload-events.ts';

const s3 = mockClient(S3Client);
const table = mockClient(DynamoDBDocumentClient);
const idempotency = mockClient(DynamoDBClient);
const sqs = mockClient(SQSClient);
const events = mockClient(EventBridgeClient);
const cloudWatch = mockClient(CloudWatchClient);
const sns = mockClient(SNSClient);
const cloudFormation = mockClient(CloudFormationClient);

const denied = { name: 'AccessDenied', $fault: 'client', message: 'Access is denied.' } as const;
const gone = { name: 'NoSuchKey', $fault: 'client', message: 'It is gone.' } as const;

// ── A pipeline that decides each upload at once ─────────────────────────────────────────────────────────────────────

interface Put {
  readonly Key: string;
  readonly Body: Uint8Array;
  readonly VersionId: string;
}
let versions: Pick<Put, 'Key' | 'VersionId'>[];
let records: Map<string, ImageRecord>;
let renditions: Map<string, Rendition>;

const bucket = 'UploadBucketName';
const processed = ({ Body, VersionId }: Put) => {
  const { header } = Buffer.from(Body).equals(uprightImage.bytes) ? uprightImage : knownImage;
  const presets = presetsFor(
    header,
    renditionGroups.flatMap((group) => group.presets),
  );
  const made = presets.map((preset) => ({
    ...{ preset: preset.name, key: `${VersionId}/${preset.name}`, contentType: contentTypes[preset.format], bytes: 7 },
    ...renditionSize(header, preset),
  }));
  return processedRecord({ renditions: made });
};
const rejected = (reason: string): ImageRecord => ({
  ...deletedRecord(),
  ...{ outcome: 'rejected', message: 'Sorry.' },
  reason: rejectionReasons.find((one) => one === reason) ?? 'corrupt',
});

/** @param decide the record of an upload; undefined if there is none, and an earlier one stays */
function pipelineThat(decide: (put: Put) => ImageRecord | undefined, { removes = true } = {}): void {
  s3.on(PutObjectCommand).callsFake(async ({ Key, Body }: Put) => {
    const VersionId = `v${versions.length + 1}`;
    versions.push({ Key, VersionId });
    if (removes) renditions.clear();
    const record = decide({ Key, Body, VersionId });
    if (record !== undefined) records.set(await imageIdOf(bucket, Key), { ...record, key: Key, version: VersionId });
    if (record?.outcome === 'processed') for (const one of record.renditions) renditions.set(one.key, one);
    return { ETag: '"e"', VersionId };
  });
  s3.on(DeleteObjectCommand).callsFake(async ({ Key, VersionId }: { Key: string; VersionId?: string }) => {
    if (VersionId !== undefined) {
      versions = versions.filter((one) => one.VersionId !== VersionId);
      return {};
    }
    versions.push({ Key, VersionId: `marker-${versions.length}` });
    if (removes) renditions.clear();
    records.set(await imageIdOf(bucket, Key), deletedRecord({ key: Key }));
    return {};
  });
}

beforeEach(() => {
  for (const mock of [s3, table, idempotency, sqs, events, cloudWatch, sns, cloudFormation]) mock.reset();
  [versions, records, renditions] = [[], new Map(), new Map()];
  s3.on(ListObjectVersionsCommand).callsFake(() => ({ Versions: versions }));
  s3.on(GetObjectCommand).callsFake(({ Key }: { Key: string }) => {
    const found = renditions.get(Key);
    if (found === undefined) throw new S3ServiceException({ ...gone, $metadata: { httpStatusCode: 404 } });
    return { ContentType: found.contentType, Body: { transformToByteArray: async () => new Uint8Array(found.bytes) } };
  });
  table
    .on(BatchGetCommand)
    .callsFake(({ RequestItems }: { RequestItems: Record<string, { Keys: { imageId: string }[] }> }) => {
      const imageIds = Object.values(RequestItems).flatMap(({ Keys }) => Keys.map(({ imageId }) => imageId));
      const items = imageIds
        .flatMap((imageId) => ({ ...records.get(imageId), imageId }))
        .filter((item) => 'outcome' in item);
      return { Responses: { ImageTableName: items } };
    });
  sqs.on(CreateQueueCommand).resolves({ QueueUrl: 'https://sqs/temporary' });
  sqs.on(GetQueueAttributesCommand).resolves({
    Attributes: {
      ...{ QueueArn: 'arn:aws:sqs:eu-west-1:1:temporary', KmsMasterKeyId: 'data-key' },
      ...{ ApproximateNumberOfMessages: '0', ApproximateNumberOfMessagesNotVisible: '0', MessageRetentionPeriod: '1' },
    },
  });
  sqs.on(ReceiveMessageCommand).resolves({});
  sqs.on(DeleteMessageCommand).resolves({});
  sqs.on(DeleteQueueCommand).resolves({});
  sqs.on(ChangeMessageVisibilityBatchCommand).resolves({});
});

/** As `npm run verify` ends each check. */
async function ended(
  check: (verification: Verification) => Promise<{ faults: readonly string[] }>,
  verification: Verification,
) {
  try {
    return (await check(verification)).faults;
  } finally {
    expect(await verification.undo.all()).toEqual([]);
    expect(versions).toEqual([]);
  }
}

// ── The checks ──────────────────────────────────────────────────────────────────────────────────────────────────────

describe('picture', () => {
  const faults = () => ended(checkPicture, mockedVerification());

  it('overwrites the picture with one that has other sizes, which another library confirms', async () => {
    const image = await sharpImageCodec().open(uprightImage.bytes);
    expect(image.outcome === 'open' && image.header).toMatchObject({ width: 162, height: 1296, orientation: 1 });
  });

  it('passes if renditions are made, replaced and removed', async () => {
    pipelineThat(processed);
    expect(await faults()).toEqual([]);
  });

  it('fails if the picture is rejected', async () => {
    pipelineThat(() => rejected('corrupt'));
    expect(await faults()).toContain('The known picture ended rejected as corrupt (Sorry.).');
  });

  it('fails if a rendition is missing, has another size, or cannot be read', async () => {
    pipelineThat((put) => {
      const record = processed(put);
      if (record.outcome !== 'processed') return record;
      const [first, second, ...others] = record.renditions;
      if (first === undefined || second === undefined) throw new Error('Too few presets.');
      return { ...record, renditions: [{ ...second, width: 1 }, ...others] };
    });
    const found = await faults();
    expect(found).toContainEqual(expect.stringMatching(/^The record lists no /));
    expect(found).toContainEqual(expect.stringMatching(/ is image\/\w+, 1 × \d+, 7 bytes instead of /));
  });

  it('fails if an overwrite or a deletion leaves renditions behind', async () => {
    pipelineThat(processed, { removes: false });
    expect(await faults()).toEqual([
      expect.stringMatching(/^The overwrite left \d+ renditions behind\.$/),
      expect.stringMatching(/^The deletion left \d+ renditions behind\.$/),
    ]);
  });

  it('fails if an overwrite is not decided, although the record of the replaced version is there', async () => {
    pipelineThat((put) => (put.VersionId === 'v1' ? processed(put) : undefined));
    await expect(faults()).rejects.toThrow(/^No outcome of /);
  });

  it('fails if no record appears, and still removes its file', async () => {
    pipelineThat((put) => ({ ...processed(put), announced: false }));
    await expect(faults()).rejects.toThrow(/^No outcome of .*picture\.jpg within 5 minutes\.$/);
  });
});

describe('rejections', () => {
  const faults = () => ended(checkRejections, mockedVerification());
  const refuseArchives = () =>
    s3
      .on(PutObjectCommand, { StorageClass: 'DEEP_ARCHIVE' })
      .rejects(new S3ServiceException({ ...denied, $metadata: { httpStatusCode: 403 } }));
  const reasonIn = ({ Key }: Put) => Key.split('/').at(-1) ?? '';

  it('passes if each file is rejected with its reason, and the bucket refuses what workers cannot read', async () => {
    pipelineThat((put) => rejected(reasonIn(put)));
    refuseArchives();
    expect(await faults()).toEqual([]);
  });

  it.each(sentReasons.filter((reason) => reason !== 'unreadable'))('has a file that is %s', async (reason) => {
    const { bytes } = rejectedFiles[reason]();
    const opened = await openUpload(
      { correlationId: 'c', image: uploadOf({ size: bytes.length }) },
      {
        uploadReader: { read: async () => ({ outcome: 'found', bytes }) },
        ...{ codec: sharpImageCodec(), limits: defaultLimits },
      },
    );
    const decision = opened.outcome === 'open' ? await opened.image.portray() : opened;
    expect(decision).toMatchObject({ outcome: 'rejected', reason });
  });

  it('fails if a file is processed, or rejected with another reason', async () => {
    pipelineThat((put) => {
      const reason = reasonIn(put);
      return reason === 'empty' ? processed(put) : rejected(reason === 'too-many-frames' ? 'corrupt' : reason);
    });
    refuseArchives();
    expect(await faults()).toEqual([
      'The file that should be rejected as empty ended processed.',
      'The file that should be rejected as too-many-frames ended rejected as corrupt (Sorry.).',
    ]);
  });

  it('fails if the bucket accepts what workers cannot read', async () => {
    pipelineThat((put) => rejected(reasonIn(put)));
    expect(await faults()).toEqual([
      'The upload bucket accepts the storage class DEEP_ARCHIVE, which workers cannot read.',
    ]);
  });

  it('fails if you may not upload', async () => {
    pipelineThat(processed);
    s3.on(PutObjectCommand).rejects(new S3ServiceException({ ...denied, $metadata: { httpStatusCode: 403 } }));
    expect(await faults()).toHaveLength(sentReasons.length - 1);
  });
});

describe('encrypted-queues', () => {
  const resources = {
    DataKey: ['AWS::KMS::Key', 'data-key'],
  } as const;
  const faults = () => ended(checkEncryptedQueues, mockedVerification({ resources }));
  const deliver = (type: string) => {
    sqs.on(ReceiveMessageCommand).callsFake(() => ({
      Messages: versions.map(({ Key }) => ({
        Body: JSON.stringify({ 'detail-type': type, detail: { image: { key: Key } } }),
      })),
    }));
  };
  beforeEach(() => {
    pipelineThat(processed);
    events.on(PutRuleCommand).resolves({ RuleArn: 'arn:aws:events:eu-west-1:1:rule/images-dev-verify-run' });
    events.on(PutTargetsCommand).resolves({});
    events.on(RemoveTargetsCommand).resolves({});
    events.on(DeleteRuleCommand).resolves({});
    deliver('ImageProcessed');
  });

  it('passes if a domain event arrives in a queue with the stack’s key, and removes its rule and queue', async () => {
    expect(await faults()).toEqual([]);
    expect(sqs.commandCalls(CreateQueueCommand)[0]?.args[0].input.Attributes).toMatchObject({
      KmsMasterKeyId: 'data-key',
    });
    expect(events.commandCalls(DeleteRuleCommand)).toHaveLength(1);
    expect(sqs.commandCalls(DeleteQueueCommand)).toHaveLength(1);
  });

  it('fails if a queue of the stack has another key', async () => {
    sqs
      .on(GetQueueAttributesCommand, { QueueUrl: 'UploadDeadLetterQueueUrl' })
      .resolves({ Attributes: { KmsMasterKeyId: 'alias/aws/sqs' } });
    expect(await faults()).toEqual(['UploadDeadLetterQueueUrl is not encrypted with the stack’s key.']);
  });

  it('fails if the event is another one', async () => {
    deliver('ImageFailed');
    expect(await faults()).toEqual(['The known picture’s domain event is ImageFailed instead of ImageProcessed.']);
  });

  it('fails if no event arrives, and removes its rule and queue', async () => {
    sqs.on(ReceiveMessageCommand).resolves({});
    await expect(faults()).rejects.toThrow(/^No domain event of .* within 5 minutes\.$/);
    expect(events.commandCalls(DeleteRuleCommand)).toHaveLength(1);
    expect(sqs.commandCalls(DeleteQueueCommand)).toHaveLength(1);
  });
});

describe('dead-letter', () => {
  const faults = () => ended(checkDeadLetter, mockedVerification());
  const outcome = (text: string) =>
    idempotency.on(GetItemCommand).resolves({
      Item: marshall({ id: 'x', status: 'COMPLETED', expiration: 2 ** 40, data: { outcome: text } }),
    });
  beforeEach(() => {
    pipelineThat((put) => ({ ...processed(put), sequencer: '0055AED6DCD90281E500000000000000' }));
    idempotency.on(PutItemCommand).resolves({});
    idempotency.on(DeleteItemCommand).resolves({});
    outcome('processed');
    // Once, and then the letter is gone.
    sqs.on(SendMessageCommand).callsFake(async ({ MessageBody }: { MessageBody: string }) => {
      const theirs = MessageBody.replaceAll('dead-letter.jpg', 'other.jpg');
      const letters = [MessageBody, theirs].map((Body, index) => ({
        ...{ MessageId: `m${index}`, ReceiptHandle: `r${index}`, Body },
      }));
      sqs
        .on(ReceiveMessageCommand)
        .resolvesOnce({ Messages: letters })
        .resolvesOnce({})
        .resolvesOnce({ Messages: letters })
        .resolves({});
      return {};
    });
    sqs
      .on(SendMessageBatchCommand)
      .resolves({ Successful: [{ Id: '0', MessageId: 'new', MD5OfMessageBody: '' }], Failed: [] });
    sqs.on(DeleteMessageBatchCommand).resolves({});
  });

  it('passes if the dead letter is processed after its redrive, and moves nobody else’s', async () => {
    expect(await faults()).toEqual([]);
    const [sent] = sqs.commandCalls(SendMessageBatchCommand);
    expect(sent?.args[0].input.Entries).toEqual([{ Id: '0', MessageBody: expect.stringContaining('dead-letter.jpg') }]);
  });

  it('fails if the redriven upload is not processed', async () => {
    outcome('vanished');
    expect(await faults()).toEqual(['The redriven upload ended vanished instead of processed.']);
  });

  it('fails if there is no dead letter, and lets go of the event', async () => {
    sqs.on(SendMessageCommand).resolves({});
    await expect(faults()).rejects.toThrow(/^No dead letter of .* within 25 minutes\.$/);
    expect(idempotency.commandCalls(DeleteItemCommand)).toHaveLength(1);
  });

  it('fails for anyone but the operator, and says what to do', async () => {
    sqs.on(SendMessageCommand).rejects(new SQSServiceException({ ...denied, $metadata: {} }));
    await expect(faults()).rejects.toThrow(/accepts no messages from you .*OperatorRoleArn/);
  });
});

describe('alarm-message', () => {
  const topic = 'arn:aws:sns:eu-west-1:1:images-dev-PageTopic';
  const alarm = (AlarmName: string) => ({ AlarmName, StateValue: 'OK' as const, AlarmActions: [topic] });
  const quiet = alarm('images-dev-CheckReleaseErrorsAlarm');
  const page = { ...alarm('images-dev-UsersAffectedAlarm'), AlarmRule: 'ALARM("images-dev-UploadQueueAgeAlarm")' };
  const alarms = [
    ...[alarm('images-dev-UploadQueueAgeAlarm'), alarm('images-dev-ResizeErrorsRollbackAlarm')],
    ...[alarm('images-dev-DispatchImagesUndecidedAlarm'), quiet],
  ];
  const names = [...alarms, page].map(({ AlarmName }) => [AlarmName, ['AWS::CloudWatch::Alarm', AlarmName]] as const);
  const faults = () => ended(checkAlarmMessage, mockedVerification({ resources: Object.fromEntries(names) }));
  const states = () =>
    cloudWatch.commandCalls(SetAlarmStateCommand).map(({ args: [{ input }] }) => [input.AlarmName, input.StateValue]);
  beforeEach(() => {
    cloudWatch.on(DescribeAlarmsCommand).resolves({ MetricAlarms: alarms, CompositeAlarms: [page] });
    cloudWatch
      .on(SetAlarmStateCommand)
      .callsFake(async ({ AlarmName, StateValue }: { AlarmName: string; StateValue: string }) => {
        const Body = JSON.stringify({ AlarmName, NewStateValue: StateValue });
        sqs.on(ReceiveMessageCommand).resolves({ Messages: [{ Body, ReceiptHandle: 'r' }] });
        return {};
      });
    sns.on(SubscribeCommand).resolves({ SubscriptionArn: `${topic}:1` });
    sns.on(UnsubscribeCommand).resolves({});
  });

  it('passes if the message arrives, and removes its subscription and queue', async () => {
    expect(await faults()).toEqual([]);
    expect(sns.commandCalls(UnsubscribeCommand)).toHaveLength(1);
    expect(sqs.commandCalls(DeleteQueueCommand)).toHaveLength(1);
  });

  it('sets off an alarm that does not page, roll back a release or pause intake, and ends it', async () => {
    await faults();
    expect(states()).toEqual([
      [quiet.AlarmName, 'ALARM'],
      [quiet.AlarmName, 'OK'],
    ]);
  });

  it('pages only if the topic has no other alarm', async () => {
    cloudWatch.on(DescribeAlarmsCommand).resolves({ CompositeAlarms: [page] });
    await faults();
    expect(states()[0]).toEqual([page.AlarmName, 'ALARM']);
  });

  it('fails if no message arrives', async () => {
    cloudWatch.on(SetAlarmStateCommand).resolves({});
    expect(await faults()).toEqual([
      `${quiet.AlarmName} sends nothing through images-dev-PageTopic: No message of ${quiet.AlarmName} within 3 minutes.`,
    ]);
  });

  it('fails if every alarm is on already, because then nothing could be seen', async () => {
    cloudWatch.on(DescribeAlarmsCommand).resolves({ MetricAlarms: [{ ...quiet, StateValue: 'ALARM' }] });
    expect(await faults()).toEqual([
      'No alarm that notifies images-dev-PageTopic is quiet now: nothing could be tested.',
    ]);
  });
});

// ── The command ─────────────────────────────────────────────────────────────────────────────────────────────────────

describe('a run', () => {
  const run = (names: Parameters<typeof runChecks>[1], signal: AbortSignal, stack = mockedStack()) =>
    runChecks(stack, names, signal, () => undefined);
  beforeEach(() => {
    cloudFormation.on(ListStackResourcesCommand).resolves({ StackResourceSummaries: [] });
    const described = { StackName: 'images-dev', CreationTime: new Date(0), StackStatus: 'CREATE_COMPLETE' as const };
    cloudFormation.on(DescribeStacksCommand).resolves({ Stacks: [described] });
  });

  it('names, for each check, the promise, the page and what to do', async () => {
    pipelineThat(processed);
    cloudWatch.on(DescribeAlarmsCommand).resolves({});
    const [result] = await run(['alarm-actions'], new AbortController().signal);
    expect(result).toEqual({
      ...{ name: 'alarm-actions', result: 'passed', seen: 'alarms: 0', faults: [] },
      promise: expect.stringMatching(/\.$/),
      page: expect.stringMatching(/^docs\//),
      remedy: expect.stringMatching(/\.$/),
    });
  });

  it('fails if a check throws, and the others go on', async () => {
    cloudWatch.on(DescribeAlarmsCommand).rejects(new Error('Broken.'));
    const results = await run(['alarm-actions', 'warm-workers'], new AbortController().signal);
    expect(results.map(({ result }) => result)).toEqual(['failed', 'passed']);
  });

  it('makes only the checks that were chosen, in the order of the list', () => {
    expect(chosenChecks({})).toEqual(checkNames);
    expect(chosenChecks({ only: ['versions', 'picture'] })).toEqual(['picture', 'versions']);
    expect(chosenChecks({ only: ['versions', 'picture'], except: ['picture'] })).toEqual(['versions']);
    expect(chosenChecks({ except: ['dead-letter'] })).toEqual(checkNames.filter((name) => name !== 'dead-letter'));
  });

  it('does not count as passed what the emulator cannot serve', async () => {
    const [result] = await run(['quotas'], new AbortController().signal, mockedStack({ emulated: true }));
    expect(result).toMatchObject({ result: 'not on the emulator', seen: 'it has no quotas' });
  });

  it('removes what it has created when it is stopped, and has not passed', async () => {
    const stopping = new AbortController();
    pipelineThat((put) => {
      stopping.abort();
      return processed(put);
    });
    const [result] = await run(['picture'], stopping.signal);
    expect(result).toMatchObject({ result: 'stopped', faults: [] });
    expect(versions).toEqual([]);
  });

  it('says what it could not remove', async () => {
    pipelineThat(processed);
    s3.on(DeleteObjectCommand).rejects(new Error('Not today.'));
    const [result] = await run(['rejections'], new AbortController().signal);
    expect(result?.faults).toContainEqual(
      expect.stringMatching(/^The upload .*\/empty is left behind: .*Not today\./s),
    );
  });
});

describe('npm run verify', () => {
  it('accepts its options', () => {
    const args = '--stack x --only keys --only versions --list --yes'.split(' ');
    expect(parsedOptions(verifyCommand, args)).toEqual({
      arguments: [],
      ...{ stack: 'x', only: ['keys', 'versions'], list: true, yes: true },
    });
  });

  it.each([
    [['--only', 'key'], 'Did you mean keys?'],
    [['now'], 'Too many arguments'],
  ])('rejects %j: %s', (args, sentence) => {
    expect(() => parsedOptions(verifyCommand, args)).toThrow(sentence);
  });

  it.each(checkList)('explains $name on a page that exists', ({ page }) => {
    const [path = '', anchor] = page.split('#');
    const text = readFileSync(join(projectDirectory, path), 'utf8');
    const headings = [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) => slug(heading));
    if (anchor !== undefined) expect(headings).toContain(anchor);
  });

  it('has a row for each check in docs/verify.md', () => {
    const page = readFileSync(join(projectDirectory, 'docs/verify.md'), 'utf8');
    expect([...page.matchAll(/^\| `([\w-]+)` \|/gm)].map(([, name]) => name)).toEqual(checkNames);
  });
});
