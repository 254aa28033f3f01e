/** Puts files into the upload bucket and waits for their outcomes. */
import { readFile } from 'node:fs/promises';
import { HeadObjectCommand, NotFound, PutObjectCommand } from '@aws-sdk/client-s3';
import { pMapIterable } from 'p-map';
import { imageIdOf } from '../../core/image.ts';
import type { Outcome } from '../../core/outcome.ts';
import type { ImageRecord } from '../../core/record.ts';
import { type Followed, follow, readRecords } from './follow.ts';
import { messagesIn } from './queues.ts';
import type { Stack } from './stack.ts';
import type { UploadFile } from './upload-files.ts';

export interface UploadResult extends UploadFile {
  readonly bytes: number;
  /** Undefined if there was none in time, or the file could not be sent. */
  readonly outcome?: Outcome;
  readonly record?: ImageRecord;
  /** Why there is no outcome. */
  readonly problem?: string;
  /** Milliseconds from the start of the upload to the record. */
  readonly took: number;
}

export type OnDecided = (result: UploadResult, decided: number) => void;

interface Sent extends UploadFile, Followed<Outcome> {
  readonly bytes: number;
  readonly startedAt: number;
  /** The version id and etag of the upload: the record may use either. */
  readonly versions: readonly string[];
}

const concurrentUploads = 4;
const pauseMillis = 150;

/** An image takes seconds, but one that fails takes five attempts, at least a minute apart in an account. */
const patienceMillis = ({ emulated }: Stack) => (emulated ? 180_000 : 1_200_000);

export function isDecided({ outcome }: UploadResult): boolean {
  return outcome !== undefined && outcome !== 'failed';
}

/** Returns the results in the order of the files. */
export async function sendUploads(
  files: readonly UploadFile[],
  stack: Stack,
  onDecided: OnDecided,
): Promise<UploadResult[]> {
  const results = new Map<string, UploadResult>();
  const decide = (result: UploadResult): void => {
    results.set(result.key, result);
    onDecided(result, results.size);
  };
  async function* sent(): AsyncGenerator<Sent> {
    const options = { concurrency: concurrentUploads, preserveOrder: false };
    for await (const each of pMapIterable(files, (file) => put(file, stack), options)) {
      if ('startedAt' in each) yield each;
      else decide(each);
    }
  }
  const giveUp = (quietMillis: number) => quietMillis >= patienceMillis(stack);
  for await (const { upload, outcome, record } of follow(sent(), stack, { pauseMillis, giveUp })) {
    decide(outcome === undefined ? await withoutOutcome(upload, stack) : withOutcome(upload, outcome, record));
  }
  return files.map(({ key }) => results.get(key)).filter((result) => result !== undefined);
}

async function put({ file, key }: UploadFile, stack: Stack): Promise<Sent | UploadResult> {
  const { UploadBucketName: Bucket } = stack.outputs;
  const startedAt = performance.now();
  try {
    const imageId = await imageIdOf(Bucket, key);
    const before = (await readRecords(stack, [imageId])).get(imageId)?.sequencer;
    const Body = await readFile(file);
    // A stack in an account has other users, whose uploads must not be overwritten.
    const IfNoneMatch = stack.emulated ? undefined : '*';
    const stored = await stack.clients.s3.send(new PutObjectCommand({ Bucket, Key: key, Body, IfNoneMatch }));
    const versions = versionsOf(stored);
    const outcomeIn = (record: ImageRecord | undefined) => outcomeOf(versions, before, record);
    return { file, key, imageId, bytes: Body.length, startedAt, versions, outcomeIn };
  } catch (error) {
    const problem = `The file could not be sent: ${error instanceof Error ? error.message : String(error)}`;
    return { file, key, bytes: 0, problem, took: performance.now() - startedAt };
  }
}

/** @param before the sequencer of the record before the upload */
function outcomeOf(
  versions: readonly string[],
  before: string | undefined,
  record: ImageRecord | undefined,
): Outcome | undefined {
  if (record === undefined || record.sequencer === before) return undefined;
  // Another client has since written or deleted the key, and the record describes that change.
  if (!versions.includes(record.version)) return 'superseded';
  // Until the event is announced, the workflow is still running, and the stack may end with this process.
  return record.announced ? record.outcome : undefined;
}

function withOutcome(upload: Sent, outcome: Outcome, record: ImageRecord | undefined): UploadResult {
  return { ...resultOf(upload), outcome, ...(record !== undefined && outcome !== 'superseded' && { record }) };
}

/** `superseded` and `vanished` uploads leave no record, but the bucket shows what happened. */
async function withoutOutcome(upload: Sent, stack: Stack): Promise<UploadResult> {
  const at = { Bucket: stack.outputs.UploadBucketName, Key: upload.key };
  const current = await stack.clients.s3.send(new HeadObjectCommand(at)).catch((error: unknown) => {
    if (error instanceof NotFound) return undefined;
    throw error;
  });
  if (current === undefined) return { ...resultOf(upload), outcome: 'vanished' };
  if (!versionsOf(current).some((version) => upload.versions.includes(version))) {
    return { ...resultOf(upload), outcome: 'superseded' };
  }
  const problem = `No outcome after ${patienceMillis(stack) / 1000} seconds. ${await queueReport(stack)}`;
  return { ...resultOf(upload), problem };
}

function resultOf({ file, key, bytes, startedAt }: Sent): UploadResult {
  return { file, key, bytes, took: performance.now() - startedAt };
}

/** The version id and etag of an object: events and records may use either. */
function versionsOf({ VersionId, ETag }: { VersionId?: string | undefined; ETag?: string | undefined }): string[] {
  return [VersionId, ETag?.replaceAll('"', '')].filter((version) => version !== undefined);
}

async function queueReport({ clients, outputs }: Stack): Promise<string> {
  const { UploadQueueUrl, OverflowQueueUrl, UploadDeadLetterQueueUrl, UndeliveredEventQueueUrl } = outputs;
  try {
    const [waiting, setAside, dead, undelivered] = await Promise.all(
      [UploadQueueUrl, OverflowQueueUrl, UploadDeadLetterQueueUrl, UndeliveredEventQueueUrl].map((url) =>
        messagesIn(clients.sqs, url),
      ),
    );
    return `Messages: ${waiting} in the upload queue, ${setAside} in the overflow queue, ${dead} in their dead-letter queue, ${undelivered} undelivered.`;
  } catch (error) {
    return `The queues could not be read either (${error instanceof Error ? error.message : String(error)}).`;
  }
}
