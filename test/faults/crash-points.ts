/**
 * Every call of AWS that the functions make, gone wrong in every way: what becomes of the image?
 *
 * Two clocks run faster than in an account: what a dead dispatcher held is visible again after half a minute instead of
 * half an hour, and its claim on the decision ends after seconds instead of its own timeout of five minutes.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { CloudWatchLogsClient, FilterLogEventsCommand } from '@aws-sdk/client-cloudwatch-logs';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { ListEventSourceMappingsCommand, UpdateEventSourceMappingCommand } from '@aws-sdk/client-lambda';
import { SetQueueAttributesCommand } from '@aws-sdk/client-sqs';
import { DynamoDBDocumentClient, ScanCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import sharp from 'sharp';
import { imageIdOf } from '../../core/image.ts';
import type { ImageRecord } from '../../core/record.ts';
import { causesOf, type Found } from '../../scripts/dead-letter-cause.ts';
import { output } from '../../scripts/deploy.ts';
import { clientConfig } from '../../scripts/emulator.ts';
import type { LocalStack } from '../../scripts/local-stack.ts';
import { redriveStack } from '../../scripts/redrive-stack.ts';
import { type DomainEvent, emulatedPipeline } from '../support/emulated-pipeline.ts';
import { type Fault, type FaultKind, type FaultProxy, faultKinds } from './fault-proxy.ts';

export interface CrashPoint {
  /** `ResizeImage` of ResizeImageFunction. */
  readonly stem: string;
  /** IAM's name of the call. */
  readonly action: string;
  /** The call is made only after something else has failed. */
  readonly afterFailure: boolean;
}

export interface Case extends CrashPoint {
  readonly kind: FaultKind;
  /** The fault stays until it is mended; else it happens once. */
  readonly lasting: boolean;
}

export interface Ending {
  readonly tried: Case;
  readonly happened: number;
  /** Why there was a dead letter; absent where the image came through by itself. */
  readonly deadLetter: string | undefined;
  /** What is not as it should be, also after dead letters were redriven. */
  readonly defects: readonly string[];
}

interface Upload {
  readonly tried: Case;
  readonly fault: Fault;
  readonly image: Fault['image'];
  readonly etag: string;
}

const stems = ['DispatchImages', 'ExtractMetadata', 'ResizeImage', 'RemoveRenditions'];
const hiddenSeconds = 30;
const claimMillis = 3_000;
const patienceMillis = 900_000;

export function casesOf(points: readonly CrashPoint[]): Case[] {
  const kinds = Object.keys(faultKinds) as FaultKind[];
  return [false, true].flatMap((lasting) =>
    points.flatMap((point) => kinds.map((kind) => ({ ...point, kind, lasting }))),
  );
}

export async function crashPoints(stack: Pick<LocalStack, 'address' | 'outputs'>, proxy: FaultProxy) {
  const pipeline = emulatedPipeline(stack);
  const config = clientConfig(stack.address);
  const table = DynamoDBDocumentClient.from(new DynamoDBClient(config));
  const logs = new CloudWatchLogsClient(config);
  const letters = redriveStack({ outputs: stack.outputs, clientConfig: config });
  const heard = await pipeline.subscribe();
  const pictures = await Promise.all([draw('#b35900'), draw('#0059b3')]);
  const functionNames = new Map(
    await Promise.all(stems.map(async (stem) => [stem, await pipeline.physicalId(`${stem}Function`)] as const)),
  );
  const nameOf = (stem: string): string => functionNames.get(stem) ?? stem;
  const TableName = output(stack.outputs, 'IdempotencyTableName');
  let serial = 0;

  const put = async (key: string, picture: 0 | 1) => ({ key, ...(await pipeline.put(key, pictures[picture])) });
  const nextImage = async () => {
    serial += 1;
    const key = `crash-point-${serial}-.png`;
    return { key, imageId: await imageIdOf(pipeline.bucket, key) };
  };
  const processed = (key: string, etag: string): Promise<ImageRecord> =>
    pipeline.recordWhen(key, ({ outcome, version }) => outcome === 'processed' && version === etag);
  const troubleFor = (image: Fault['image']): Fault => ({
    functionName: nameOf('DispatchImages'),
    action: 'states:StartSyncExecution',
    kind: 'refused',
    image,
    times: 1,
  });

  async function storyOf(image: Fault['image']): Promise<ImageRecord> {
    const first = await put(image.key, 0);
    await processed(image.key, first.etag);
    const second = await put(image.key, 1);
    const record = await processed(image.key, second.etag);
    await pipeline.enqueue({ ...second, sequencer: record.sequencer });
    await untilQuiet();
    return record;
  }

  async function untilQuiet(): Promise<void> {
    const firstSeen = new Map<string, number>();
    for (const deadline = Date.now() + patienceMillis; Date.now() < deadline; await sleep(1_000)) {
      if ((await pipeline.messagesIn(pipeline.queueUrl)) === 0) return;
      await endOldClaims(firstSeen);
    }
    throw new Error(`The upload queue is not empty after ${patienceMillis / 60_000} minutes.`);
  }

  /** As if the time of the invocation that made the claim were over. */
  async function endOldClaims(firstSeen: Map<string, number>): Promise<void> {
    const { Items = [] } = await table.send(
      new ScanCommand({
        TableName,
        FilterExpression: '#status = :claimed',
        ExpressionAttributeNames: { '#status': 'status' },
        ExpressionAttributeValues: { ':claimed': 'INPROGRESS' },
      }),
    );
    for (const { id, in_progress_expiration: claim } of Items) {
      const name = `${id} ${claim}`;
      if (!firstSeen.has(name)) firstSeen.set(name, Date.now());
      if (Date.now() - (firstSeen.get(name) ?? 0) < claimMillis) continue;
      await table
        .send(
          new UpdateCommand({
            TableName,
            Key: { id },
            UpdateExpression: 'SET in_progress_expiration = :now',
            ConditionExpression: 'in_progress_expiration = :claim',
            ExpressionAttributeValues: { ':now': Date.now(), ':claim': claim },
          }),
        )
        .catch(() => undefined);
    }
  }

  async function reasonOf(found: Found): Promise<string> {
    const { letter, record } = found;
    if (record?.outcome === 'failed') return `record: ${record.message}`;
    const logGroupName = await pipeline.physicalId('DispatchImagesLogGroup');
    const { events = [] } = await logs.send(new FilterLogEventsCommand({ logGroupName }));
    const line = events
      .flatMap(({ message = '' }) => (message.startsWith('{') ? [JSON.parse(message)] : []))
      .findLast(({ correlation_id: id, level }) => id === letter.event?.correlationId && level === 'ERROR');
    return line === undefined ? `${causesOf([found])[0]?.text}` : `log: ${line.error?.message ?? line.message}`;
  }

  async function prepare(tried: Case) {
    const image = await nextImage();
    // There is something to remove only where an image replaces one.
    if (tried.stem === 'RemoveRenditions') await processed(image.key, (await put(image.key, 0)).etag);
    const times = tried.lasting ? Number.POSITIVE_INFINITY : 1;
    return {
      tried,
      image,
      fault: { functionName: nameOf(tried.stem), action: tried.action, kind: tried.kind, image, times },
    };
  }

  /** Why each died. */
  async function lettersByKey(): Promise<Map<string, string>> {
    const reasons = new Map<string, string>();
    for (const found of await letters.look(['uploads'])) {
      const key = found.letter.event?.image.key;
      if (key !== undefined) reasons.set(key, await reasonOf(found));
    }
    return reasons;
  }

  async function defectsByKey(uploads: readonly Upload[], control: ImageRecord): Promise<Map<string, string[]>> {
    const events = Map.groupBy(await heard(), ({ detail }) => detail.image.key);
    const defects = new Map<string, string[]>();
    for (const {
      image: { key },
      etag,
    } of uploads) {
      const [record, renditionKeys] = await Promise.all([pipeline.record(key), pipeline.renditionKeys(key)]);
      defects.set(key, defectsOf({ record, etag, control, renditionKeys, events: events.get(key) ?? [] }));
    }
    return defects;
  }

  return {
    /** One message an invocation, so that a fault meets one image; more of them at once, for most of them wait. */
    async takeOneByOne(): Promise<void> {
      const { EventSourceMappings: [mapping] = [] } = await pipeline.lambda.send(new ListEventSourceMappingsCommand());
      await pipeline.lambda.send(
        new UpdateEventSourceMappingCommand({
          UUID: mapping?.UUID,
          BatchSize: 1,
          ScalingConfig: { MaximumConcurrency: 8 },
        }),
      );
      await pipeline.sqs.send(
        new SetQueueAttributesCommand({
          QueueUrl: pipeline.queueUrl,
          Attributes: { VisibilityTimeout: String(hiddenSeconds) },
        }),
      );
    },

    /** The calls that are made for an image that is uploaded, replaced and repeated; then those that a failure adds. */
    async discover(): Promise<CrashPoint[]> {
      const found = new Map<string, CrashPoint>();
      for (const afterFailure of [false, true]) {
        const image = await nextImage();
        const from = proxy.calls.length;
        proxy.plan(afterFailure ? [troubleFor(image)] : []);
        await storyOf(image);
        for (const { functionName, action } of proxy.calls.slice(from)) {
          const stem = stems.find((each) => nameOf(each) === functionName);
          if (stem !== undefined && !found.has(`${stem} ${action}`))
            found.set(`${stem} ${action}`, { stem, action, afterFailure });
        }
      }
      return [...found.values()];
    },

    async run(cases: readonly Case[]): Promise<Ending[]> {
      proxy.plan([]);
      const control = await storyOf(await nextImage());
      const prepared = await Promise.all(cases.map(prepare));
      const plan = proxy.plan(
        prepared.flatMap(({ tried, fault, image }) => [fault, ...(tried.afterFailure ? [troubleFor(image)] : [])]),
      );
      const uploads: Upload[] = [];
      for (const each of prepared) uploads.push({ ...each, etag: (await put(each.image.key, 1)).etag });
      await untilQuiet();
      const deadLetters = await lettersByKey();
      const cameThrough = uploads.filter(({ image: { key } }) => !deadLetters.has(key));
      const early = await defectsByKey(cameThrough, control);

      proxy.plan([]);
      await letters.move(['uploads'], { max: 10_000, perSecond: 100 }, () => undefined);
      await untilQuiet();
      const stillDead = await lettersByKey();
      const late = await defectsByKey(uploads, control);
      return uploads.map(({ tried, fault, image: { key } }) => ({
        tried,
        happened: plan.happened(fault),
        deadLetter: deadLetters.get(key),
        defects: [
          ...(early.get(key) ?? []),
          ...(late.get(key) ?? []),
          ...(stillDead.has(key) ? ['A redrive does not repair it.'] : []),
          ...(plan.happened(fault) === 0 ? ['The fault never happened.'] : []),
        ],
      }));
    },

    close(): void {
      letters.close();
      logs.destroy();
      table.destroy();
    },
  };
}

function defectsOf({
  record,
  etag,
  control,
  renditionKeys,
  events,
}: {
  readonly record: ImageRecord | undefined;
  readonly etag: string;
  readonly control: ImageRecord;
  readonly renditionKeys: readonly string[];
  readonly events: readonly DomainEvent[];
}): string[] {
  if (record?.outcome !== 'processed' || control.outcome !== 'processed')
    return [`The record says ${record?.outcome ?? 'nothing'}.`];
  const shown = record.renditions.map(({ key }) => key).sort();
  const withoutKeys = ({ renditions }: typeof record) => renditions.map(({ key: _, ...rendition }) => rendition);
  const told = events.filter(
    (event) => event['detail-type'] === 'ImageProcessed' && event.detail.image.sequencer === record.sequencer,
  );
  const same = (one: unknown, other: unknown) => JSON.stringify(one) === JSON.stringify(other);
  return [
    ...(record.version === etag ? [] : ['The record speaks of another version.']),
    ...(record.announced ? [] : ['The record is not announced.']),
    ...(told.length > 0 ? [] : ['Nobody was told.']),
    ...(new Set(told.map(({ detail }) => detail.id)).size <= 1 ? [] : ['Repeats of one event differ in their id.']),
    ...(same(record.metadata, control.metadata) ? [] : ['The description differs.']),
    ...(same(withoutKeys(record), withoutKeys(control)) ? [] : ['The renditions differ.']),
    ...(same(shown, [...renditionKeys].sort()) ? [] : ['The bucket holds other renditions than the record shows.']),
  ];
}

const draw = (background: string): Promise<Buffer> =>
  sharp({ create: { width: 48, height: 32, channels: 3, background } })
    .png()
    .toBuffer();
