import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DeleteObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { BatchGetCommand, DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { mockClient } from 'aws-sdk-client-mock';
import { afterAll, afterEach, beforeEach, expect, it } from 'vitest';
import { imageIdOf } from '../../core/image.ts';
import { type RunFile, runFileVariable } from '../runner/run-file.ts';
import { virtualUsers } from '../runner/virtual-user.ts';
import { outputs } from './outputs.ts';

const endpoint = 'https://127.0.0.1:4566';
const s3 = mockClient(S3Client);
const table = mockClient(DynamoDBDocumentClient);
// Test files share one process, and a mock replaces a method of the SDK's class.
afterAll(() => {
  s3.restore();
  table.restore();
});
const upload = (key: string) => ({ kind: 'upload', key, image: 'small.jpg' }) as const;
let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'load-'));
  let version = 0;
  s3.reset();
  table.reset();
  s3.on(PutObjectCommand).callsFake(() => {
    version += 1;
    return { VersionId: `version-${version}`, ETag: `"etag-${version}"` };
  });
  s3.on(DeleteObjectCommand).resolves({ VersionId: 'marker' });
});
afterEach(() => rmSync(directory, { recursive: true }));

it('an upload is timed until its record is complete, and has two lines in the ledger', async () => {
  await recordsOf({ 'a.jpg': { version: 'version-1', outcome: 'processed' } });
  const metrics = await play([[upload('a.jpg')]]);
  expect(metrics.get('changes.sent')).toBe(1);
  expect(metrics.get('changes.decided')).toBe(1);
  expect(metrics.get('outcomes.unexpected')).toBe(0);
  expect([...metrics.keys()]).toEqual(expect.arrayContaining(['upload.put.ms', 'ready.small.ms', 'ready.all.ms']));
  expect(ledger()).toMatchObject([
    { number: 0, arrivedAt: expect.any(Number), key: 'a.jpg', kind: 'upload', names: ['version-1', 'etag-1'] },
    { number: 0, outcome: 'processed' },
  ]);
});

it('a user gives up at the time limit, and the change counts as not decided', async () => {
  await recordsOf({});
  const metrics = await play([[upload('a.jpg')]], { patienceSeconds: 0 });
  expect([metrics.get('changes.sent'), metrics.get('changes.decided')]).toEqual([1, 0]);
  expect(ledger()).toHaveLength(1);
});

it('a failed upload counts as a dead letter, not as decided', async () => {
  await recordsOf({ 'a.jpg': { version: 'etag-1', outcome: 'failed' } });
  const metrics = await play([[upload('a.jpg')]]);
  expect([metrics.get('changes.decided'), metrics.get('changes.deadLettered')]).toEqual([0, 1]);
});

it('the rejection of a valid image is unexpected', async () => {
  await recordsOf({ 'a.jpg': { version: 'version-1', outcome: 'rejected' } });
  expect((await play([[upload('a.jpg')]])).get('outcomes.unexpected')).toBe(1);
});

it('the first and the last phase are measured separately, without the phases in between', async () => {
  const keys = ['a.jpg', 'b.jpg', 'c.jpg', 'd.jpg'];
  await recordsOf(Object.fromEntries(keys.map((key) => [key, { version: 'any', outcome: 'processed' }])));
  s3.on(PutObjectCommand).resolves({ VersionId: 'any' });
  const counts: Record<string, number> = {};
  await play(
    keys.map((key) => [upload(key)]),
    { phases: [1, 2, 1] },
    (name) => {
      counts[name] = (counts[name] ?? 0) + 1;
    },
  );
  expect(counts).toMatchObject({
    'ready.all.ms': 4,
    'ready.firstPhase.ms': 1,
    'ready.lastPhase.ms': 1,
    'ready.firstHalf.ms': 2,
    'ready.secondHalf.ms': 2,
  });
});

it('an upload overtaken by another with the same key is superseded', async () => {
  await recordsOf({ 'a.jpg': { version: 'version-2', outcome: 'processed' } });
  const metrics = await play([[upload('a.jpg'), upload('a.jpg')]]);
  expect([...metrics.keys()]).toEqual(expect.arrayContaining(['superseded.ms', 'ready.all.ms']));
  const outcomes = ledger().flatMap((line) => ('outcome' in line ? [line] : []));
  // Both are requested in parallel, and may be answered in either order.
  expect(outcomes.sort((one, other) => Number(one.number) - Number(other.number))).toMatchObject([
    { number: 0, outcome: 'superseded' },
    { number: 1, outcome: 'processed' },
  ]);
});

it('users who share a key take turns', async () => {
  await recordsOf({ 'a.jpg': { version: 'none', outcome: 'deleted' } });
  let atOnce = 0;
  let most = 0;
  s3.on(PutObjectCommand).callsFake(async () => {
    atOnce += 1;
    most = Math.max(most, atOnce);
    await new Promise((resolve) => setImmediate(resolve));
    atOnce -= 1;
    return { VersionId: 'some', ETag: '"some"' };
  });
  await play([[upload('a.jpg')], [upload('a.jpg')], [{ kind: 'delete', key: 'a.jpg' }]]);
  expect(most).toBe(1);
  expect(ledger().at(2)).toMatchObject({ number: 2, kind: 'delete' });
});

it('an upload that S3 refuses is counted, without a wait', async () => {
  s3.on(PutObjectCommand).rejects(new Error('slow down'));
  const metrics = await play([[upload('a.jpg')]]);
  expect([metrics.get('changes.refused'), metrics.get('changes.sent')]).toEqual([1, 0]);
  expect(ledger()).toMatchObject([{ problem: 'Error' }]);
});

it('nothing is sent without the plan of a run, or to another target', () => {
  expect(() => virtualUsers({})).toThrow(/npm run load/);
  const run = writeRun([]);
  expect(() => virtualUsers({ [runFileVariable]: run, AWS_ENDPOINT_URL: 'https://example.com' })).toThrow(
    /somewhere other than/,
  );
});

/** All users arrive at once. Returns the sum of each counter and the last value of each histogram. */
async function play(
  users: RunFile['users'],
  fields: Partial<RunFile> = {},
  emitted: (name: string) => void = () => undefined,
): Promise<Map<string, number>> {
  const metrics = new Map<string, number>();
  const takeTurn = virtualUsers({ [runFileVariable]: writeRun(users, fields), AWS_ENDPOINT_URL: endpoint });
  const emit = (kind: 'counter' | 'histogram', name: string, value: number) => {
    emitted(name);
    metrics.set(name, kind === 'counter' ? (metrics.get(name) ?? 0) + value : value);
  };
  await Promise.all(users.map(() => takeTurn({ emit })));
  return metrics;
}

function writeRun(users: RunFile['users'], fields: Partial<RunFile> = {}): string {
  const image = join(directory, 'small.jpg');
  writeFileSync(image, 'a picture');
  const run: RunFile = {
    target: { kind: 'emulator', endpoint },
    stack: { name: 'images-local', outputs },
    ledger: join(directory, 'ledger.jsonl'),
    patienceSeconds: 60,
    phases: [Math.max(1, users.length)],
    images: { 'small.jpg': { file: image, class: 'small', bytes: 9 } },
    users,
    ...fields,
  };
  const file = join(directory, 'run.json');
  writeFileSync(file, JSON.stringify(run));
  return file;
}

async function recordsOf(byKey: Record<string, { version: string; outcome: string }>): Promise<void> {
  const images = await Promise.all(
    Object.entries(byKey).map(async ([key, record]) => ({
      ...{ imageId: await imageIdOf('uploads', key), bucket: 'uploads', key, sequencer: '1', correlationId: 'c' },
      ...{ occurredAt: '2026-01-02T03:04:05Z', recordedAt: '2026-01-02T03:04:06Z', announced: true },
      ...detailsOf[record.outcome],
      ...record,
    })),
  );
  table.on(BatchGetCommand).resolves({ Responses: { images } });
}

/** The further fields of a record, by outcome. */
const detailsOf: Readonly<Record<string, object>> = {
  processed: {
    metadata: {
      ...{ format: 'jpeg', width: 1, height: 1, bytes: 9, orientation: 1, colourSpace: 'srgb', frames: 1 },
      ...{ damaged: false, hasAlpha: false, sha256: '0'.repeat(64), dominantColour: '#000000', thumbhash: 'AAAA' },
    },
    renditions: [],
  },
  rejected: { reason: 'corrupt', message: 'It is broken.' },
  deleted: { expiresAt: 1 },
  failed: { message: 'It failed.' },
};

function ledger(): Record<string, unknown>[] {
  return readFileSync(join(directory, 'ledger.jsonl'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
}
