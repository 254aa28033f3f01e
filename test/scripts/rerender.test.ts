import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GetQueueAttributesCommand, SendMessageBatchCommand, SQSClient } from '@aws-sdk/client-sqs';
import { describe, expect, it, onTestFinished } from 'vitest';
import * as z from 'zod';
import type { ImageFacts } from '../../core/audit.ts';
import { nextSequencer } from '../../core/image.ts';
import type { Preset } from '../../core/presets.ts';
import { settingsOf } from '../../core/settings.ts';
import { rerenderCommand } from '../../scripts/rerender/rerender.ts';
import { describeResult, describeWork } from '../../scripts/rerender/rerender-report.ts';
import { countRendered, findOutdated, queueAll, type Run } from '../../scripts/rerender/rerender-stack.ts';
import { type Notebook, openNotebook } from '../../scripts/stack/notebook.ts';
import type { Sources } from '../../scripts/stack/sources.ts';
import { parsedOptions } from '../../scripts/terminal/command.ts';
import { SyntheticSources } from '../support/in-memory-audit.ts';
import { mockClient } from '../support/mock-client.ts';
import { mockedStack } from '../support/mocked-stack.ts';
import { deletedRecord, processedRecord } from '../support/records.ts';

const preset: Preset = { name: 'small', format: 'webp', width: 320, quality: 80 };
const sequencer = '0055AED6DCD90281E500000000000000';
const idOf = (index: number) => index.toString(16).padStart(32, '0');

/** Every second image was made with another quality. */
function imageOf(index: number, made: Preset = index % 2 === 0 ? preset : { ...preset, quality: 70 }): ImageFacts {
  const [imageId, key] = [idOf(index), `${index}.jpg`];
  const rendition = {
    ...{ preset: 'small', key: `${imageId}/${sequencer}/small.webp`, contentType: 'image/webp' },
    ...{ width: 4, height: 3, bytes: 5, settings: settingsOf(made) },
  };
  return {
    ...{ imageId, renditions: [] },
    upload: { bucket: 'uploads', key, versionId: 'v1', etag: 'e1', size: 9, storedAt: '2026-01-02T03:04:05.000Z' },
    record: processedRecord({ imageId, key, sequencer, renditions: [rendition] }),
  };
}

function withNotebook(path = ':memory:'): Notebook {
  const notebook = openNotebook(path);
  onTestFinished(() => notebook.close());
  return notebook;
}

function runOf(sources: Sources, notebook = withNotebook(), changes: Partial<Run> = {}): Run {
  const stack = mockedStack({ emulated: true });
  return {
    stack,
    sources,
    notebook,
    presets: [preset],
    only: undefined,
    perSecond: 10_000,
    report: () => undefined,
    ...changes,
  };
}

/** The queues, and what was sent to them. After the first event of an image, its record is new. */
function queues(rendered: Set<string>) {
  const sqs = mockClient(SQSClient);
  sqs.on(GetQueueAttributesCommand).resolves({
    Attributes: {
      ...{ QueueArn: 'arn:q', ApproximateNumberOfMessages: '0', ApproximateNumberOfMessagesNotVisible: '0' },
      MessageRetentionPeriod: '1',
    },
  });
  const sent: {
    readonly queue: string | undefined;
    readonly group: string | undefined;
    readonly key: string;
    readonly sequencer: string;
  }[] = [];
  const body = z.object({ detail: z.object({ object: z.object({ key: z.string(), sequencer: z.string() }) }) });
  sqs.on(SendMessageBatchCommand).callsFake(async ({ QueueUrl, Entries }: SendMessageBatchCommand['input']) => {
    for (const { MessageBody = '', MessageGroupId } of Entries ?? []) {
      const { object } = body.parse(JSON.parse(MessageBody)).detail;
      sent.push({ queue: QueueUrl, group: MessageGroupId, ...object });
      rendered.add(object.key);
    }
    return {};
  });
  return sent;
}

/** What the stack renders, it renders with these settings. */
function renderingSources(images: number, rendered: Set<string>, made = preset, pageSize = 1000): SyntheticSources {
  return new SyntheticSources(
    images,
    (index) => {
      if (!rendered.has(`${index}.jpg`)) return imageOf(index);
      const image = imageOf(index, made);
      return image.record === undefined
        ? image
        : { ...image, record: { ...image.record, sequencer: nextSequencer(sequencer) } };
    },
    { pageSize },
  );
}

describe('the images to render again', () => {
  it('are found in the table alone, a page at a time, whatever their number', async () => {
    const sources = new SyntheticSources(20_000, (index) => imageOf(index));
    const run = runOf(sources);
    await findOutdated(run);
    expect(run.notebook.counts().candidates).toBe(10_000);
    expect(sources.mostHeld).toBeLessThanOrEqual(1000);
    expect(sources.looks).toBe(0);
  });

  it('go into the overflow queue, as one sender', async () => {
    const rendered = new Set<string>();
    const sent = queues(rendered);
    const run = runOf(renderingSources(4, rendered));
    await findOutdated(run);
    await queueAll(run);
    const event = { queue: 'OverflowQueueUrl', group: 'operator', sequencer: nextSequencer(sequencer) };
    expect(sent).toEqual([
      { ...event, key: '1.jpg' },
      { ...event, key: '3.jpg' },
    ]);
    expect(await countRendered(run)).toEqual({ rendered: 2, gone: 0, failed: 0, left: 0 });
  });

  it('are left alone if they changed after they were found', async () => {
    const rendered = new Set<string>();
    const sent = queues(rendered);
    const run = runOf(renderingSources(6, rendered));
    await findOutdated(run);
    const later = renderingSources(6, rendered);
    const current = later.current.bind(later);
    later.current = async (imageId) => {
      if (imageId === idOf(1)) return { record: deletedRecord({ imageId, key: '1.jpg' }), upload: undefined };
      return await current(imageId);
    };
    await queueAll({ ...run, sources: later });
    expect(sent.map(({ key }) => key)).toEqual(['3.jpg', '5.jpg']);
    expect(await countRendered({ ...run, sources: later })).toEqual({ rendered: 2, gone: 1, failed: 0, left: 0 });
  });

  it('stop after the first if it failed: the others would fail too', async () => {
    const rendered = new Set<string>();
    const sent = queues(rendered);
    const sources = renderingSources(6, rendered);
    const current = sources.current.bind(sources);
    sources.current = async (imageId) => {
      const facts = await current(imageId);
      if (facts.record?.outcome !== 'processed' || !rendered.has(facts.record.key)) return facts;
      return { ...facts, record: { ...facts.record, outcome: 'failed', message: 'AccessDenied' } };
    };
    const run = runOf(sources);
    await findOutdated(run);
    await expect(queueAll(run)).rejects.toThrow('1.jpg failed, and probably all others would');
    expect(sent).toHaveLength(1);
  });

  it('stop after the first if the stack has other presets', async () => {
    const rendered = new Set<string>();
    const sent = queues(rendered);
    const run = runOf(renderingSources(6, rendered, { ...preset, quality: 60 }));
    await findOutdated(run);
    await expect(queueAll(run)).rejects.toThrow('1.jpg was rendered again and is still outdated');
    expect(sent).toHaveLength(1);
  });

  it('are sent once if it is stopped and goes on, except for at most 20 that are repeats', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'rerender-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const path = join(folder, 'notebook.sqlite');
    const rendered = new Set<string>();
    const sent = queues(rendered);
    const stopping = new AbortController();
    const sources = new SyntheticSources(200, (index) => imageOf(index, { ...preset, quality: 70 }), { pageSize: 50 });
    const stopped = openNotebook(path);
    stopped.setPlace('first', 'confirmed');
    const first = runOf(sources, stopped, { signal: stopping.signal });
    await findOutdated(first);
    const current = sources.current.bind(sources);
    sources.current = async (imageId) => {
      if (imageId === idOf(110)) stopping.abort(new Error('stopped'));
      return await current(imageId);
    };
    await expect(queueAll(first)).rejects.toThrow('stopped');
    stopped.close();
    expect(sent).toHaveLength(110);

    const second = runOf(sources, withNotebook(path));
    await findOutdated(second);
    await queueAll(second);
    expect(new Set(sent.map(({ key }) => key)).size).toBe(200);
    expect(sent.length).toBeLessThanOrEqual(220);
    expect(new Set(sent.map((event) => event.sequencer)).size).toBe(1);
  });
});

describe('the report', () => {
  it('has the number, the price and the duration', () => {
    expect(describeWork({ images: 1_000_000, renditions: 7, perSecond: 10 })).toBe(
      '1000000 images to render again, about US$ 82.08, 1667 minutes at 10 images per second.',
    );
    expect(describeWork({ images: 0, renditions: 7, perSecond: 10 })).toBe('No image is outdated.');
  });

  it('says what became of them', () => {
    expect(describeResult({ rendered: 5, gone: 1, failed: 2, left: 3 }).split('\n')).toEqual([
      '5 images have the renditions of the presets.',
      '1 were deleted or rejected meanwhile.',
      '2 failed, and still show their old renditions: npm run redrive -- --list',
      '3 are still outdated: run this again; if that does not help, npm run audit says why.',
    ]);
  });
});

it('npm run rerender takes names of presets, and has no rate of its own', () => {
  expect(parsedOptions(rerenderCommand, ['--only', 'webp-1920,avif-1280'])).toEqual({
    arguments: [],
    only: 'webp-1920,avif-1280',
  });
});
