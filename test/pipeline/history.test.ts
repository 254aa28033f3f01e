import { isDeepStrictEqual } from 'node:util';
import { DisableRuleCommand, EnableRuleCommand } from '@aws-sdk/client-eventbridge';
import { paginateScan } from '@aws-sdk/lib-dynamodb';
import { afterAll, beforeAll, expect, it } from 'vitest';
import * as z from 'zod';
import { isErasedLine } from '../../core/erase.ts';
import type { HistoryEvent, HistoryLine } from '../../core/history.ts';
import { imageIdOf, nextSequencer, padSequencer } from '../../core/image.ts';
import { rebuild } from '../../scripts/history/history-stack.ts';
import { timelineOf } from '../../scripts/history/timeline.ts';
import { eraseHistory, noteErasure, storedLines } from '../../scripts/stack/erase-history.ts';
import { historyLines } from '../../scripts/stack/history-store.ts';
import { emulatedPipeline, eventually, type S3Event } from '../support/emulated-pipeline.ts';
import { photo } from '../support/photos.ts';
import { createTableOfImages } from '../support/table-of-images.ts';

/**
 * What the deployed function writes about a life of uploads, overwrites, rejections, deletions, verdicts and re-renders, in an order
 * that is not theirs; and the table that is rebuilt from it.
 */

const pipeline = emulatedPipeline();
const { stack, bucket } = pipeline;
const signal = new AbortController().signal;
const [older, newer] = [photo('rocket.jpg'), photo('flowers-iphone5-gps-small.jpg')];

async function timeline(key: string): Promise<readonly HistoryLine[]> {
  const onlyOf = await imageIdOf(bucket, key);
  return timelineOf((await Array.fromAsync(historyLines(stack, { onlyOf }))).flat());
}

async function timelineWith(key: string, events: readonly HistoryEvent[]): Promise<readonly HistoryLine[]> {
  let seen: readonly HistoryLine[] = [];
  const complete = async () => {
    seen = await timeline(key);
    return seen.length >= events.length ? seen : undefined;
  };
  await eventually(`the history of ${key}, which has ${events.length} lines`, complete);
  return seen;
}

async function itemsOf(TableName: string): Promise<ReadonlyMap<string, unknown>> {
  const pages = await Array.fromAsync(
    paginateScan({ client: stack.clients.table }, { TableName, ConsistentRead: true }),
  );
  const items = pages.flatMap(({ Items = [] }) => Items);
  return new Map(items.map((item) => [z.string().parse(item['imageId']), item]));
}

/** Other tests on this stack erase images: what history must not know cannot come back. */
async function erasedImages(): Promise<ReadonlySet<string>> {
  const lines = (await Array.fromAsync(historyLines(stack, {}))).flat();
  return new Set(lines.filter(({ event }) => event === 'erased').map(({ imageId }) => imageId));
}

function withoutImages(items: ReadonlyMap<string, unknown>, images: ReadonlySet<string>): Map<string, unknown> {
  return new Map([...items].filter(([itemId]) => !images.has(itemId.split('#')[0] ?? '')));
}

/** The versions of one image, with the sequencers of their events. */
async function versions(key: string, bodies: readonly (Buffer | string)[]): Promise<readonly S3Event[]> {
  const stored: S3Event[] = [];
  for (const [index, body] of bodies.entries())
    stored.push({ key, sequencer: `000${index + 1}`, ...(await pipeline.put(key, body)) });
  return stored;
}

const decide = async (...events: readonly S3Event[]) => {
  for (const event of events) await pipeline.decide(event);
};

beforeAll(async () => {
  await pipeline.queueIsEmpty();
  await pipeline.events.send(new DisableRuleCommand({ Name: await pipeline.physicalId('UploadRule') }));
});
afterAll(async () => {
  await pipeline.events.send(new EnableRuleCommand({ Name: await pipeline.physicalId('UploadRule') }));
});

it('an image’s history has every decision in order, with reason, version and correlation id', async () => {
  const key = 'history/life.jpg';
  const [first, second, third] = await versions(key, [older, newer, 'no image']);
  if (first === undefined || second === undefined || third === undefined) throw new Error('no versions');
  // The second is decided first, so the first is too late; then a rejection, a deletion, and a late repeat.
  await decide(second, first, third, { key, sequencer: '0004', deleted: 'Delete Marker Created' });
  const events: readonly HistoryEvent[] = [
    ...(['uploaded', 'processed', 'announced', 'superseded'] as const),
    ...(['uploaded', 'superseded', 'rejected', 'announced', 'deleted', 'announced'] as const),
  ];
  const lines = await timelineWith(key, events);
  expect(lines.map(({ event }) => event).toSorted()).toEqual(events.toSorted());
  const only = (event: HistoryEvent) => lines.filter((line) => line.event === event);
  expect(only('superseded').map(({ version }) => version)).toEqual([first.versionId, second.versionId]);
  expect(only('rejected')).toMatchObject([
    { version: third.versionId, reason: 'unsupported-format', message: expect.any(String), key },
  ]);
  for (const { correlationId } of lines) expect(correlationId).toMatch(/^[0-9a-f-]{36}$/);
});

it('a re-render, an erased version and a verdict are in it', async () => {
  const key = 'history/rendered.jpg';
  const [upload] = await versions(key, [older]);
  if (upload === undefined) throw new Error('no version');
  const again = { ...upload, sequencer: nextSequencer(padSequencer(upload.sequencer)) };
  await decide(upload, again, {
    key,
    versionId: upload.versionId ?? '',
    sequencer: '0009',
    deleted: 'Permanently Deleted',
  });
  const events: readonly HistoryEvent[] = [
    ...(['uploaded', 'processed', 'announced', 'rerendered', 'announced'] as const),
    ...(['version-deleted', 'deleted', 'announced'] as const),
  ];
  const lines = await timelineWith(key, events);
  expect(lines.map(({ event }) => event).toSorted()).toEqual(events.toSorted());

  const infected = 'history/infected.jpg';
  const [bad] = await versions(infected, [older]);
  if (bad === undefined) throw new Error('no version');
  await pipeline.decide(bad);
  await pipeline.decide({ key: infected, etag: bad.etag ?? '', versionId: bad.versionId ?? '' });
  const verdict = await timelineWith(infected, [
    'uploaded',
    'processed',
    'announced',
    'infected',
    'rejected',
    'announced',
  ]);
  expect(verdict.findLast(({ event }) => event === 'rejected')).toMatchObject({ reason: 'malware' });
});

it('the table that is rebuilt from it equals the table, item by item', async () => {
  const TableName = `${stack.name}-rebuilt`;
  await createTableOfImages(stack, TableName);
  await pipeline.queueIsEmpty();
  const options = { into: TableName, perSecond: 1000, json: true, yes: true } as const;
  const tables = async () => {
    expect(await rebuild(stack, { ...options, restart: true }, signal)).toBe(0);
    const erased = await erasedImages();
    const names = [TableName, stack.outputs.ImageTableName];
    const [rebuilt, original] = await Promise.all(
      names.map(async (name) => withoutImages(await itemsOf(name), erased)),
    );
    return { rebuilt, original };
  };
  // Until the last change is in the history.
  const equal = await eventually('the rebuilt table to equal the table', async () => {
    const { rebuilt, original } = await tables();
    return isDeepStrictEqual(rebuilt, original) ? rebuilt : undefined;
  }).catch(async () => {
    // Says in what they differ.
    const { rebuilt, original } = await tables();
    expect(rebuilt).toEqual(original);
    return original;
  });
  expect(equal?.size).toBeGreaterThan(5);
});

it('a person who asks for it is erased from it, and the other images are not', async () => {
  const others = await timeline('history/rendered.jpg');
  const imageId = await imageIdOf(stack.outputs.UploadBucketName, 'history/life.jpg');
  const isOfImage = (line: HistoryLine) => line.imageId === imageId && isErasedLine(line, {});
  const lines = (await Array.fromAsync(storedLines(stack))).filter(isOfImage).length;
  expect(await eraseHistory(stack, isOfImage)).toMatchObject({ lines });
  await noteErasure(stack, imageId);
  expect((await timeline('history/life.jpg')).map(({ event }) => event)).toEqual(['erased']);
  expect(await timeline('history/rendered.jpg')).toEqual(others);
  expect(await eraseHistory(stack, isOfImage)).toMatchObject({ lines: 0, versions: 0 });
});
