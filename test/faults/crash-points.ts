/** Every call of AWS that the functions make, gone wrong in every way: what becomes of the image? */
import { CloudWatchLogsClient, FilterLogEventsCommand } from '@aws-sdk/client-cloudwatch-logs';
import { PutFunctionConcurrencyCommand } from '@aws-sdk/client-lambda';
import { imageIdOf } from '../../core/image.ts';
import { renditionGroups } from '../../core/presets.ts';
import type { ImageRecord } from '../../core/record.ts';
import { causesOf, type Found } from '../../scripts/dead-letter-cause.ts';
import { clientConfig } from '../../scripts/emulator.ts';
import type { LocalStack } from '../../scripts/local-stack.ts';
import { redriveStack } from '../../scripts/redrive-stack.ts';
import { type DomainEvent, emulatedPipeline } from '../support/emulated-pipeline.ts';
import { smallPicture } from '../support/photos.ts';
import { fastClock } from './fast-clock.ts';
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
  /** As the record is to name it. */
  readonly version: string;
}

const stems = ['DispatchImages', 'ExtractMetadata', 'ResizeImage', 'RemoveRenditions'];
const LAST_SEQUENCER = 'F'.repeat(16);
const together = 8;

export const everyKind = Object.keys(faultKinds) as FaultKind[];

export function casesOf(points: readonly CrashPoint[]): Case[] {
  return [false, true].flatMap((lasting) =>
    points.flatMap((point) => everyKind.map((kind) => ({ ...point, kind, lasting }))),
  );
}

export async function crashPoints(stack: Pick<LocalStack, 'address' | 'outputs'>, proxy: FaultProxy) {
  const pipeline = emulatedPipeline(stack);
  const config = clientConfig(stack.address);
  const clock = fastClock(stack, pipeline);
  const logs = new CloudWatchLogsClient(config);
  const letters = redriveStack({ outputs: stack.outputs, clientConfig: config, emulated: true });
  const heard = await pipeline.subscribe();
  const pictures = await Promise.all([smallPicture('#b35900'), smallPicture('#0059b3')]);
  const functionNames = new Map(
    await Promise.all(stems.map(async (stem) => [stem, await pipeline.physicalId(`${stem}Function`)] as const)),
  );
  const nameOf = (stem: string): string => functionNames.get(stem) ?? stem;
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
    const { versionId: _, ...unversioned } = second;
    await pipeline.enqueue({ ...unversioned, sequencer: record.sequencer });
    await pipeline.enqueue({ ...second, sequencer: LAST_SEQUENCER });
    await clock.until(0);
    return record;
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

  async function send({ tried, image }: Pick<Upload, 'tried' | 'image'>): Promise<string> {
    const upload = await put(image.key, 1);
    if (tried.action !== 's3:GetObjectVersion') return upload.etag;
    // The emulator's own events name no version.
    await pipeline.enqueue({ ...upload, sequencer: LAST_SEQUENCER });
    return upload.versionId;
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
      version,
    } of uploads) {
      const [record, renditionKeys] = await Promise.all([pipeline.record(key), pipeline.renditionKeys(key)]);
      defects.set(key, defectsOf({ record, version, control, renditionKeys, events: events.get(key) ?? [] }));
    }
    return defects;
  }

  return {
    /** One message an invocation, so that a fault meets one image; more of them at once, for most of them wait. */
    async takeOneByOne(): Promise<void> {
      await pipeline.takeInBatches({ BatchSize: 1, ScalingConfig: { MaximumConcurrency: together } });
      for (const FunctionName of functionNames.values()) {
        const ReservedConcurrentExecutions = together * renditionGroups.length;
        await pipeline.lambda.send(new PutFunctionConcurrencyCommand({ FunctionName, ReservedConcurrentExecutions }));
      }
      await clock.start();
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
      for (const each of prepared) uploads.push({ ...each, version: await send(each) });
      await clock.until(0);
      const deadLetters = await lettersByKey();
      const cameThrough = uploads.filter(({ image: { key } }) => !deadLetters.has(key));
      const early = await defectsByKey(cameThrough, control);

      proxy.plan([]);
      await letters.move(['uploads'], [], { max: 10_000, perSecond: 100 }, () => undefined);
      await clock.until(0);
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
      clock.close();
    },
  };
}

function defectsOf({
  record,
  version,
  control,
  renditionKeys,
  events,
}: {
  readonly record: ImageRecord | undefined;
  readonly version: string;
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
    ...(record.version === version ? [] : ['The record speaks of another version.']),
    ...(record.announced ? [] : ['The record is not announced.']),
    ...(told.length > 0 ? [] : ['Nobody was told.']),
    ...(new Set(told.map(({ detail }) => detail.id)).size <= 1 ? [] : ['Repeats of one event differ in their id.']),
    ...(same(record.metadata, control.metadata) ? [] : ['The description differs.']),
    ...(same(withoutKeys(record), withoutKeys(control)) ? [] : ['The renditions differ.']),
    ...(same(shown, [...renditionKeys].sort()) ? [] : ['The bucket holds other renditions than the record shows.']),
  ];
}
