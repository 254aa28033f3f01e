/** Puts files into the upload bucket and waits for what becomes of them. */
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { HeadObjectCommand, NotFound, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { GetQueueAttributesCommand, SQSClient } from '@aws-sdk/client-sqs';
import { imageIdOf } from '../../core/image.ts';
import type { Outcome } from '../../core/outcome.ts';
import type { ImageRecord } from '../../core/record.ts';
import { output, type StackOutputs } from '../local/deploy.ts';
import { clientConfig, type EmulatorAddress } from '../local/emulator.ts';
import { mapConcurrently } from '../terminal/map-concurrently.ts';
import { stackCatalogue } from './stack-catalogue.ts';
import type { UploadFile } from './upload-files.ts';

export interface UploadResult extends UploadFile {
  readonly bytes: number;
  /** Absent where there was none in time, or the file could not be sent. */
  readonly outcome?: Outcome;
  readonly record?: ImageRecord;
  /** Why there is no outcome. */
  readonly problem?: string;
  /** Milliseconds from the start of the upload to the record. */
  readonly took: number;
}

export interface Destination {
  readonly address: EmulatorAddress;
  readonly outputs: StackOutputs;
}

export type OnDecided = (result: UploadResult, decided: number) => void;

interface Pending extends UploadFile {
  readonly imageId: string;
  readonly bytes: number;
  readonly startedAt: number;
  /** The state that was put, as the record may name it. */
  readonly versions: readonly string[];
  readonly previousSequencer: string | undefined;
}

interface Services {
  readonly s3: S3Client;
  readonly sqs: SQSClient;
  readonly catalogue: ReturnType<typeof stackCatalogue>;
  readonly bucket: string;
  readonly outputs: StackOutputs;
}

const concurrentUploads = 4;
const concurrentLooks = 20;
const pollInterval = 150;
/** An image takes seconds, five tries of one that fails minutes; with no news for this long, none is to be expected. */
const patience = 180_000;

export function isDecided({ outcome }: UploadResult): boolean {
  return outcome !== undefined && outcome !== 'failed';
}

/** The results are in the order of the files. */
export async function sendUploads(
  files: readonly UploadFile[],
  { address, outputs }: Destination,
  onDecided: OnDecided,
): Promise<UploadResult[]> {
  const config = clientConfig(address);
  const s3 = new S3Client({ ...config, forcePathStyle: true });
  const sqs = new SQSClient(config);
  const dynamoDb = new DynamoDBClient(config);
  const catalogue = stackCatalogue(dynamoDb, outputs);
  try {
    const services = { s3, sqs, catalogue, bucket: output(outputs, 'UploadBucketName'), outputs };
    const results = await sendAndWait(files, services, onDecided);
    return files.map(({ key }) => results.get(key)).filter((result) => result !== undefined);
  } finally {
    for (const client of [s3, sqs, dynamoDb]) client.destroy();
  }
}

async function sendAndWait(
  files: readonly UploadFile[],
  services: Services,
  onDecided: OnDecided,
): Promise<ReadonlyMap<string, UploadResult>> {
  const results = new Map<string, UploadResult>();
  const pending = new Map<string, Pending>();
  let lastNews = Date.now();

  const decide = (result: UploadResult): void => {
    lastNews = Date.now();
    pending.delete(result.key);
    results.set(result.key, result);
    onDecided(result, results.size);
  };
  const sending = mapConcurrently(files, concurrentUploads, async (file) => {
    const sent = await put(file, services);
    lastNews = Date.now();
    if ('startedAt' in sent) pending.set(sent.key, sent);
    else decide(sent);
  });
  while (results.size < files.length && Date.now() - lastNews < patience) {
    // Some at a time and in turn: asking for hundreds of records at once would slow down what makes them.
    const asked = [...pending.values()].slice(0, concurrentLooks);
    for (const waiting of asked) {
      pending.delete(waiting.key);
      pending.set(waiting.key, waiting);
    }
    for (const result of await Promise.all(asked.map((waiting) => look(waiting, services)))) {
      if (result !== undefined) decide(result);
    }
    await sleep(pollInterval);
  }
  await sending;
  for (const waiting of [...pending.values()]) decide(await giveUp(waiting, services));
  return results;
}

async function put({ file, key }: UploadFile, { s3, catalogue, bucket }: Services): Promise<Pending | UploadResult> {
  const startedAt = performance.now();
  try {
    const imageId = await imageIdOf(bucket, key);
    const previousSequencer = (await catalogue.find(imageId))?.sequencer;
    const body = await readFile(file);
    const { VersionId, ETag } = await s3.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: body }));
    const versions = statesOf({ VersionId, ETag });
    return { file, key, imageId, bytes: body.length, startedAt, versions, previousSequencer };
  } catch (error) {
    const problem = `It could not be sent: ${error instanceof Error ? error.message : String(error)}`;
    return { file, key, bytes: 0, problem, took: performance.now() - startedAt };
  }
}

async function look(waiting: Pending, { catalogue }: Services): Promise<UploadResult | undefined> {
  const record = await catalogue.find(waiting.imageId);
  if (record === undefined || record.sequencer === waiting.previousSequencer) return undefined;
  if (waiting.versions.includes(record.version)) {
    // Until it is announced the workflow still works on it, and the stack may end with us.
    return record.announced ? { ...resultOf(waiting), outcome: record.outcome, record } : undefined;
  }
  // Somebody else has written or deleted the key since, and the record speaks of that.
  return { ...resultOf(waiting), outcome: 'superseded' };
}

/** `superseded` and `vanished` leave no record of their own: the bucket knows. */
async function giveUp(waiting: Pending, { s3, sqs, bucket, outputs }: Services): Promise<UploadResult> {
  const current = await s3.send(new HeadObjectCommand({ Bucket: bucket, Key: waiting.key })).catch((error: unknown) => {
    if (error instanceof NotFound) return undefined;
    throw error;
  });
  if (current === undefined) return { ...resultOf(waiting), outcome: 'vanished' };
  if (!statesOf(current).some((state) => waiting.versions.includes(state))) {
    return { ...resultOf(waiting), outcome: 'superseded' };
  }
  const problem = `Nothing was heard of it for ${patience / 1000} seconds. ${await queueReport(sqs, outputs)}`;
  return { ...resultOf(waiting), problem };
}

function resultOf({ file, key, bytes, startedAt }: Pending): UploadResult {
  return { file, key, bytes, took: performance.now() - startedAt };
}

/** The names that events and records may give to a state of an object. */
function statesOf({ VersionId, ETag }: { VersionId?: string | undefined; ETag?: string | undefined }): string[] {
  return [VersionId, ETag?.replaceAll('"', '')].filter((state) => state !== undefined);
}

async function queueReport(sqs: SQSClient, outputs: StackOutputs): Promise<string> {
  const count = async (name: string): Promise<number> => {
    const attributes = await sqs.send(
      new GetQueueAttributesCommand({
        QueueUrl: output(outputs, name),
        AttributeNames: ['ApproximateNumberOfMessages', 'ApproximateNumberOfMessagesNotVisible'],
      }),
    );
    return Object.values(attributes.Attributes ?? {}).reduce((sum, value) => sum + Number(value), 0);
  };
  try {
    const [waiting, dead, undelivered] = await Promise.all(
      ['UploadQueueUrl', 'UploadDeadLetterQueueUrl', 'UndeliveredEventQueueUrl'].map(count),
    );
    return `Messages: ${waiting} in the upload queue, ${dead} in its dead-letter queue, ${undelivered} undelivered.`;
  } catch (error) {
    return `The emulator does not answer either (${error instanceof Error ? error.message : String(error)}).`;
  }
}
