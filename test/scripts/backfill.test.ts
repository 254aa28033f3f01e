import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  CopyObjectCommand,
  GetBucketNotificationConfigurationCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  NotFound,
  S3Client,
  S3ServiceException,
} from '@aws-sdk/client-s3';
import { GetQueueAttributesCommand, SendMessageBatchCommand, SQSClient } from '@aws-sdk/client-sqs';
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import * as z from 'zod';
import type { ImageFacts } from '../../core/audit.ts';
import { planBackfill } from '../../core/backfill.ts';
import { sequencerAt } from '../../core/image.ts';
import { probePrefix } from '../../core/names.ts';
import { backfillCommand } from '../../scripts/backfill/backfill.ts';
import {
  describeCopied,
  describeCopies,
  describeResult,
  describeSource,
  describeWork,
} from '../../scripts/backfill/backfill-report.ts';
import { countBackfilled, findUnrecorded, queueAll, type Run, taskOf } from '../../scripts/backfill/backfill-stack.ts';
import { type Copying, copyAll, measureSource } from '../../scripts/backfill/copy-objects.ts';
import { gather } from '../../scripts/stack/gather.ts';
import { type Notebook, openNotebook } from '../../scripts/stack/notebook.ts';
import { parsedOptions } from '../../scripts/terminal/command.ts';
import { SyntheticSources } from '../support/in-memory-audit.ts';
import { mockClient } from '../support/mock-client.ts';
import { mockedStack } from '../support/mocked-stack.ts';
import { processedRecord } from '../support/records.ts';

const idOf = (index: number) => index.toString(16).padStart(32, '0');
const storedAt = '2026-01-02T03:04:05.000Z';

/** No event of it has arrived. */
function unknownOf(index: number): ImageFacts {
  const upload = { bucket: 'uploads', key: `${index}.jpg`, versionId: 'v1', etag: 'e1', size: 9, storedAt };
  return { imageId: idOf(index), upload, renditions: [] };
}

function knownOf(index: number): ImageFacts {
  const { imageId, upload } = unknownOf(index);
  return { imageId, upload, record: processedRecord({ imageId, key: `${index}.jpg` }), renditions: [] };
}

function temporaryPath(): string {
  const folder = mkdtempSync(join(tmpdir(), 'backfill-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return join(folder, 'notebook.sqlite');
}

function withNotebook(path = ':memory:'): Notebook {
  const notebook = openNotebook(path);
  onTestFinished(() => notebook.close());
  return notebook;
}

function runOf(sources: SyntheticSources, notebook = withNotebook(), changes: Partial<Run> = {}): Run {
  return { stack: mockedStack(), sources, notebook, perSecond: 10_000, report: () => undefined, ...changes };
}

/** Empty queues, and what was sent to them. What was sent has a record at once. */
function queues() {
  const sqs = mockClient(SQSClient);
  sqs.on(GetQueueAttributesCommand).resolves({
    Attributes: {
      ...{ QueueArn: 'arn:q', ApproximateNumberOfMessages: '0', ApproximateNumberOfMessagesNotVisible: '0' },
      MessageRetentionPeriod: '1',
    },
  });
  const sent: { readonly queue: string | undefined; readonly key: string; readonly sequencer: string }[] = [];
  const body = z.object({ detail: z.object({ object: z.object({ key: z.string(), sequencer: z.string() }) }) });
  sqs.on(SendMessageBatchCommand).callsFake(async ({ QueueUrl, Entries }: SendMessageBatchCommand['input']) => {
    for (const { MessageBody = '' } of Entries ?? [])
      sent.push({ queue: QueueUrl, ...body.parse(JSON.parse(MessageBody)).detail.object });
    return {};
  });
  return sent;
}

function processingSources(images: number, sent: readonly { readonly key: string }[], pageSize = 1000) {
  let seen = 0;
  const keys = new Set<string>();
  return new SyntheticSources(
    images,
    (index) => {
      for (; seen < sent.length; seen += 1) keys.add(sent[seen]?.key ?? '');
      return keys.has(`${index}.jpg`) ? knownOf(index) : unknownOf(index);
    },
    { pageSize },
  );
}

describe('uploads without a record', () => {
  it('are found and planned with a page of each listing in memory, whatever their number', async () => {
    const sources = new SyntheticSources(100_000, unknownOf);
    const run = runOf(sources, withNotebook(temporaryPath()));
    await gather(run);
    await findUnrecorded(run);
    expect(run.notebook.counts()).toMatchObject({ images: 100_000, candidates: 100_000 });
    expect(sources.mostHeld).toBeLessThanOrEqual(2000);
    expect(describeWork({ images: run.notebook.counts().candidates, renditions: 7, perSecond: 10 })).toBe(
      '100000 uploads without a record, about US$ 8.16, 167 minutes at 10 images per second.',
    );
  });

  it('are those whose record is missing, and no others', async () => {
    const run = runOf(new SyntheticSources(10, (index) => (index % 5 === 0 ? unknownOf(index) : knownOf(index))));
    await gather(run);
    await findUnrecorded(run);
    expect(run.notebook.candidates().map(({ address }) => address?.key)).toEqual(['0.jpg', '5.jpg']);
  });

  it('go into the overflow queue, each with the first place of its second', async () => {
    const sent = queues();
    const run = runOf(processingSources(2, sent));
    await gather(run);
    await findUnrecorded(run);
    await queueAll(run);
    const event = { queue: 'OverflowQueueUrl', sequencer: sequencerAt(storedAt) };
    expect(sent).toEqual([
      { ...event, key: '0.jpg' },
      { ...event, key: '1.jpg' },
    ]);
    expect(await countBackfilled(run)).toEqual({ processed: 2, rejected: 0, gone: 0, failed: 0, left: 0 });
  });

  it('take as long as planned, on a simulated clock', async () => {
    vi.useFakeTimers();
    onTestFinished(() => void vi.useRealTimers());
    const sent = queues();
    const run = runOf(processingSources(1200, sent), withNotebook(), { perSecond: 10 });
    await gather(run);
    await findUnrecorded(run);
    let seconds = 0;
    let finished = false;
    const queueing = queueAll(run).then(() => {
      finished = true;
    });
    for (; !finished; seconds += 1) await vi.advanceTimersByTimeAsync(1000);
    await queueing;
    expect(sent).toHaveLength(1200);
    const { minutes } = planBackfill(1200, { perSecond: 10, usdPerImage: 0 });
    expect(Math.round(seconds / 60)).toBe(minutes);
  });

  it('are left alone if their own event arrives before their turn', async () => {
    const sent = queues();
    const run = runOf(processingSources(3, sent));
    await gather(run);
    await findUnrecorded(run);
    const later = new SyntheticSources(3, (index) =>
      index === 1 || sent.length > index ? knownOf(index) : unknownOf(index),
    );
    later.current = async (imageId) => {
      const index = Number.parseInt(imageId, 16);
      return index === 1 || sent.some(({ key }) => key === `${index}.jpg`) ? knownOf(index) : unknownOf(index);
    };
    await queueAll({ ...run, sources: later });
    expect(sent.map(({ key }) => key)).toEqual(['0.jpg', '2.jpg']);
  });

  it('stop after the first if it failed: the others would fail too', async () => {
    const sent = queues();
    const sources = processingSources(3, sent);
    const run = runOf(sources);
    await gather(run);
    await findUnrecorded(run);
    const current = sources.current.bind(sources);
    sources.current = async (imageId) => {
      const facts = await current(imageId);
      if (facts.record === undefined) return facts;
      const {
        metadata: _,
        renditions: __,
        ...common
      } = processedRecord(facts.record.outcome === 'processed' ? facts.record : {});
      return { ...facts, record: { ...common, outcome: 'failed', message: 'AccessDenied' } };
    };
    await expect(queueAll(run)).rejects.toThrow('0.jpg failed, and probably all others would');
    expect(sent).toHaveLength(1);
  });

  it('are each sent once, however often it is stopped, except for repeats of at most 20 for each stop', async () => {
    const path = temporaryPath();
    const sent = queues();
    const images = 2000;
    const stops = [0, 7, 19, 20, 21, 333, 1000, 1999];
    for (const stop of [...stops, undefined]) {
      const stopping = new AbortController();
      const notebook = openNotebook(path);
      const sources = processingSources(images, sent, 300);
      const run = runOf(sources, notebook, { signal: stopping.signal });
      const current = sources.current.bind(sources);
      sources.current = async (imageId) => {
        if (imageId === idOf(stop ?? images)) stopping.abort(new Error('stopped'));
        // As after a kill: nothing that was queued has an outcome yet, except for the first.
        return imageId === idOf(0) ? await current(imageId) : unknownOf(Number.parseInt(imageId, 16));
      };
      await gather(run);
      await findUnrecorded(run);
      if (stop === undefined) await queueAll(run);
      else await expect(queueAll(run)).rejects.toThrow('stopped');
      notebook.close();
    }
    const events = new Set(sent.map(({ key, sequencer }) => `${key} ${sequencer}`));
    expect(new Set(sent.map(({ key }) => key)).size).toBe(images);
    expect(events.size).toBe(images);
    expect(sent.length).toBeLessThanOrEqual(images + 20 * stops.length);
  });
});

describe('copies', () => {
  const s3 = () => mockClient(S3Client);
  const from = { bucket: 'old-site', prefix: 'img/', into: 'import/' };
  const objects = [
    { Key: 'img/', Size: 0 },
    { Key: 'img/a b+é.jpg', Size: 5 },
    { Key: 'img/copied.jpg', Size: 5 },
    { Key: 'img/huge.tif', Size: 1_000_000_000 },
    { Key: 'img/other.jpg', Size: 5 },
    { Key: 'img/raced.jpg', Size: 5 },
  ];
  let copying: Copying;
  let copied: {
    readonly source: string | undefined;
    readonly key: string | undefined;
    readonly condition: string | undefined;
  }[];
  let stored: Map<string, number>;

  beforeEach(() => {
    queues();
    copied = [];
    stored = new Map([
      ['import/img/copied.jpg', 5],
      ['import/img/other.jpg', 6],
    ]);
    const client = s3();
    client.on(ListObjectsV2Command).callsFake(async ({ StartAfter = '' }: { StartAfter?: string }) => ({
      Contents: objects.filter(({ Key }) => Key > StartAfter),
    }));
    client.on(HeadObjectCommand).callsFake(async ({ Key }: { Key: string }) => {
      const ContentLength = stored.get(Key);
      if (ContentLength === undefined) throw new NotFound({ $metadata: {}, message: 'none' });
      return { ContentLength };
    });
    client.on(CopyObjectCommand).callsFake(async ({ CopySource, Key, IfNoneMatch }: CopyObjectCommand['input']) => {
      // An upload arrives between the look and the copy.
      if (Key === 'import/img/raced.jpg') {
        stored.set(Key, 7);
        throw new S3ServiceException({ name: 'PreconditionFailed', $fault: 'client', $metadata: {} });
      }
      copied.push({ source: CopySource, key: Key, condition: IfNoneMatch });
      stored.set(Key ?? '', 5);
      return {};
    });
    copying = { stack: mockedStack(), notebook: withNotebook(), from, perSecond: 1000, report: () => undefined };
  });

  it('are made of what fits, under a prefix, and never over an upload, also one that arrives meanwhile', async () => {
    expect(await measureSource(copying)).toEqual({ objects: 4, bytes: 20, unfit: 2 });
    expect(await copyAll(copying)).toEqual({ copied: 1, there: 1, taken: 2, unfit: 2 });
    expect(copied).toEqual([
      { source: 'old-site/img/a%20b%2B%C3%A9.jpg', key: 'import/img/a b+é.jpg', condition: '*' },
    ]);
  });

  it('are not made again by a second run', async () => {
    await copyAll(copying);
    expect(await copyAll({ ...copying, notebook: withNotebook() })).toEqual({
      copied: 0,
      there: 2,
      taken: 2,
      unfit: 2,
    });
    expect(copied).toHaveLength(1);
  });

  it('that were all made are not looked at again when the command goes on', async () => {
    const first = await copyAll(copying);
    s3();
    expect(await copyAll(copying)).toEqual(first);
  });
});

describe('the objects', () => {
  const stack = mockedStack();
  const refusal = (options: Parameters<typeof taskOf>[1]) => taskOf(stack, options).then(() => undefined, String);

  beforeEach(() => {
    mockClient(S3Client)
      .on(GetBucketNotificationConfigurationCommand)
      .resolves({ EventBridgeConfiguration: {} })
      .on(GetBucketNotificationConfigurationCommand, { Bucket: 'silent' })
      .resolves({});
  });

  it('are those of the upload bucket, of the adopted one, or copies', async () => {
    expect(await taskOf(stack, { prefix: 'ann/' })).toEqual({ bucket: 'UploadBucketName', prefix: 'ann/' });
    expect(await taskOf(stack, { bucket: 'AdoptedBucketName' })).toEqual({ bucket: 'AdoptedBucketName' });
    expect(await taskOf(stack, { bucket: 'old-site', prefix: 'img/', into: 'import' })).toEqual({
      ...{ bucket: 'UploadBucketName', prefix: 'import/img/' },
      copyFrom: { bucket: 'old-site', prefix: 'img/', into: 'import/' },
    });
  });

  it('are refused where they could not be processed', async () => {
    expect(await refusal({ bucket: 'old-site' })).toMatch(/cannot read old-site.*--into.*AdoptedBucketName=old-site/);
    expect(await refusal({ bucket: 'RenditionBucketName', into: 'x' })).toMatch(/Renditions are no uploads/);
    expect(await refusal({ bucket: 'AdoptedBucketName', into: 'x' })).toMatch(
      /--into is for objects of another bucket/,
    );
    expect(await refusal({ bucket: 'old-site', into: probePrefix })).toMatch(/pipeline's own images/);
  });

  it('of an adopted bucket without events are refused: a later deletion would never arrive', async () => {
    const silent = { ...stack, outputs: { ...stack.outputs, AdoptedBucketName: 'silent' } };
    await expect(taskOf(silent, { bucket: 'silent' })).rejects.toThrow(/silent sends no events to EventBridge/);
  });
});

describe('the report', () => {
  it('has what a copy costs, and what is not copied', () => {
    const size = { objects: 1_000_000, bytes: 5_000_000_000_000, unfit: 3 };
    expect(describeSource({ bucket: 'old-site', prefix: 'img/' }, size)).toBe(
      'old-site/img/: 1000000 objects to copy, 5000.0 GB. 3 more are empty or too large for the pipeline, and stay where they are.',
    );
    expect(describeCopies(size, { renditions: 7, perSecond: 10 })).toBe(
      'Copying and processing: about US$ 86.95; the copies: about US$ 115.00 a month; 1667 minutes at 10 images per second.',
    );
    expect(describeCopied({ copied: 5, there: 1, taken: 2, unfit: 0 }).split('\n')).toEqual([
      '5 copied.',
      '1 were there already.',
      '2 have places that hold other files, which stay: choose another --into.',
    ]);
  });

  it('says what became of them', () => {
    expect(describeWork({ images: 0, renditions: 7, perSecond: 10 })).toBe('Every upload has a record.');
    expect(describeResult({ processed: 5, rejected: 1, gone: 2, failed: 3, left: 4 }).split('\n')).toEqual([
      '5 processed.',
      '1 rejected: their records say why.',
      '2 deleted meanwhile.',
      '3 failed: npm run redrive -- --list',
      '4 still have no record: run this again; if that does not help, npm run audit says why.',
    ]);
  });
});

it('npm run backfill has no rate of its own', () => {
  expect(parsedOptions(backfillCommand, ['--bucket', 'old-site', '--into', 'import/'])).toEqual({
    arguments: [],
    ...{ bucket: 'old-site', into: 'import/' },
  });
});
