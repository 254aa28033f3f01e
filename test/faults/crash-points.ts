/** Every call of AWS that the functions and the workflow make, gone wrong in every way: what becomes of the image? */
import { CloudWatchLogsClient, FilterLogEventsCommand } from '@aws-sdk/client-cloudwatch-logs';
import { PutFunctionConcurrencyCommand } from '@aws-sdk/client-lambda';
import fc from 'fast-check';
import { renditionGroups } from '../../core/presets.ts';
import type { ImageRecord } from '../../core/record.ts';
import { causesOf, type Found } from '../../scripts/dead-letter-cause.ts';
import { clientConfig } from '../../scripts/emulator.ts';
import type { LocalStack } from '../../scripts/local-stack.ts';
import { redriveStack } from '../../scripts/redrive-stack.ts';
import type { Report } from '../../scripts/toolchain.ts';
import { type DomainEvent, emulatedPipeline } from '../support/emulated-pipeline.ts';
import { fastClock } from './fast-clock.ts';
import { type Fault, type FaultKind, type FaultProxy, faultKinds } from './fault-proxy.ts';
import { type Expected, type ImageName, imageNamed, imageStories } from './stories.ts';

/** A call of AWS, and what happens to an image for which it is made. */
export interface CrashPoint {
  /** `ResizeImage` of ResizeImageFunction, or `ImagePipeline`. */
  readonly stem: string;
  /** IAM's name of the call, with the state's before it where the workflow makes it. */
  readonly action: string;
  readonly story: string;
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

interface Begun {
  readonly tried: Case;
  readonly image: ImageName;
  readonly fault: Fault;
  readonly troubles: readonly Fault[];
  readonly goOn: () => Promise<Expected>;
}

const functionStems = ['DispatchImages', 'ExtractMetadata', 'ResizeImage', 'RemoveRenditions'];
const together = 8;
const beginTogether = 40;

export const everyKind = Object.keys(faultKinds) as FaultKind[];

/** Each call in every way, once and for good; of the stories in which it is made, one each time, by the seed. */
export function casesOf(points: readonly CrashPoint[], seed: number): Case[] {
  const everyWay = [...Map.groupBy(points, ({ stem, action }) => `${stem} ${action}`).values()].flatMap((stories) =>
    [false, true].flatMap((lasting) => everyKind.map((kind) => ({ stories, kind, lasting }))),
  );
  const one = fc.tuple(...everyWay.map(({ stories }) => fc.constantFrom(...stories)));
  return fc
    .sample(one, { seed, numRuns: 1 })
    .flatMap((drawn) =>
      drawn.flatMap((point, index) =>
        everyWay.slice(index, index + 1).map(({ kind, lasting }) => ({ ...point, kind, lasting })),
      ),
    );
}

export async function crashPoints(stack: Pick<LocalStack, 'address' | 'outputs'>, proxy: FaultProxy) {
  const pipeline = emulatedPipeline(stack);
  const config = clientConfig(stack.address);
  const clock = fastClock(stack, pipeline);
  const logs = new CloudWatchLogsClient(config);
  const letters = redriveStack({ outputs: stack.outputs, clientConfig: config, emulated: true });
  const heard = await pipeline.subscribe();
  const physicalIds = new Map([['ImagePipeline', await pipeline.physicalId('ImagePipeline')]]);
  for (const stem of functionStems) physicalIds.set(stem, await pipeline.physicalId(`${stem}Function`));
  const physicalId = (stem: string): string => physicalIds.get(stem) ?? stem;
  const stories = await imageStories(pipeline, physicalId);
  let serial = 0;

  const storyNamed = (name: string) => {
    const story = stories[name];
    if (story === undefined) throw new Error(`There is no story of an image that is ${name}.`);
    return story;
  };
  const nextImage = () => {
    serial += 1;
    return imageNamed(`crash-point-${serial}-.png`, pipeline.bucket);
  };

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

  async function begin(tried: Case): Promise<Begun> {
    const image = await nextImage();
    const { begin, troubles } = storyNamed(tried.story);
    const times = tried.lasting ? Number.POSITIVE_INFINITY : 1;
    return {
      tried,
      image,
      goOn: await begin(image),
      fault: { caller: physicalId(tried.stem), action: tried.action, kind: tried.kind, image, times },
      troubles: troubles?.(image) ?? [],
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

  async function undisturbed(): Promise<ImageRecord> {
    const { key } = await nextImage();
    const goOn = await storyNamed('uploaded').begin({ key, imageId: '' });
    await goOn();
    return pipeline.recordWhen(key, ({ outcome }) => outcome === 'processed');
  }

  async function defectsByKey(expected: ReadonlyMap<string, Expected>, control: ImageRecord) {
    const events = Map.groupBy(await heard(), ({ detail }) => detail.image.key);
    const defects = new Map<string, string[]>();
    for (const [key, due] of expected) {
      const [record, renditionKeys] = await Promise.all([pipeline.record(key), pipeline.renditionKeys(key)]);
      defects.set(key, defectsOf({ record, expected: due, control, renditionKeys, events: events.get(key) ?? [] }));
    }
    return defects;
  }

  return {
    /** One message an invocation, so that a fault meets one image; more of them at once, for most of them wait. */
    async takeOneByOne(): Promise<void> {
      await pipeline.takeInBatches({ BatchSize: 1, ScalingConfig: { MaximumConcurrency: together } });
      for (const stem of functionStems) {
        const ReservedConcurrentExecutions = together * renditionGroups.length;
        await pipeline.lambda.send(
          new PutFunctionConcurrencyCommand({ FunctionName: physicalId(stem), ReservedConcurrentExecutions }),
        );
      }
      await clock.start();
    },

    /** The calls that are made in each story. */
    async discover(): Promise<CrashPoint[]> {
      const begun = await Promise.all(
        Object.entries(stories).map(async ([name, story]) => {
          const image = await nextImage();
          return { name, image, goOn: await story.begin(image), troubles: story.troubles?.(image) ?? [] };
        }),
      );
      await clock.until(0);
      const from = proxy.calls.length;
      proxy.plan(begun.flatMap(({ troubles }) => troubles));
      for (const { goOn } of begun) await goOn();
      await clock.until(0);
      proxy.plan([]);
      const points = proxy.calls.slice(from).flatMap(({ caller, action, invocation }) => {
        const stem = [...physicalIds.keys()].find((each) => physicalId(each) === caller);
        const story = begun.find(
          ({ image: { key, imageId } }) => invocation.includes(key) || invocation.includes(imageId),
        );
        return stem === undefined || story === undefined ? [] : [{ stem, action, story: story.name }];
      });
      return [...new Map(points.map((point) => [JSON.stringify(point), point])).values()];
    },

    async run(cases: readonly Case[], report: Report = () => undefined): Promise<Ending[]> {
      proxy.plan([]);
      const control = await undisturbed();
      const begun: Begun[] = [];
      for (let from = 0; from < cases.length; from += beginTogether)
        begun.push(...(await Promise.all(cases.slice(from, from + beginTogether).map(begin))));
      await clock.until(0, report);
      const plan = proxy.plan(begun.flatMap(({ fault, troubles }) => [fault, ...troubles]));
      const expected = new Map<string, Expected>();
      for (const { image, goOn } of begun) expected.set(image.key, await goOn());
      await clock.until(0, report);
      const deadLetters = await lettersByKey();
      const cameThrough = [...expected].filter(([key]) => !deadLetters.has(key));
      const early = await defectsByKey(new Map(cameThrough), control);

      proxy.plan([]);
      await letters.move(['uploads'], [], { max: 10_000, perSecond: 100 }, () => undefined);
      await clock.until(0, report);
      const stillDead = await lettersByKey();
      const late = await defectsByKey(expected, control);
      return begun.map(({ tried, fault, image: { key } }) => ({
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

const eventTypes = { processed: 'ImageProcessed', rejected: 'ImageRejected', deleted: 'ImageDeleted' } as const;

function defectsOf({
  record,
  expected,
  control,
  renditionKeys,
  events,
}: {
  readonly record: ImageRecord | undefined;
  readonly expected: Expected;
  readonly control: ImageRecord;
  readonly renditionKeys: readonly string[];
  readonly events: readonly DomainEvent[];
}): string[] {
  if (record?.outcome !== expected.outcome) return [`The record says ${record?.outcome ?? 'nothing'}.`];
  const shown = record.outcome === 'processed' ? record.renditions.map(({ key }) => key).sort() : [];
  const told = events.filter(
    (event) =>
      event['detail-type'] === eventTypes[expected.outcome] && event.detail.image.sequencer === record.sequencer,
  );
  return [
    ...(record.announced ? [] : ['The record is not announced.']),
    ...(told.length > 0 ? [] : ['Nobody was told.']),
    ...(new Set(told.map(({ detail }) => detail.id)).size <= 1 ? [] : ['Repeats of one event differ in their id.']),
    ...(same(shown, [...renditionKeys].sort()) ? [] : ['The bucket holds other renditions than the record shows.']),
    ...(expected.outcome === 'processed' ? differences(record, expected.version, control) : []),
  ];
}

function differences(record: ImageRecord, version: string, control: ImageRecord): string[] {
  if (record.outcome !== 'processed' || control.outcome !== 'processed')
    return ['There is nothing to compare it with.'];
  const withoutKeys = ({ renditions }: typeof record) => renditions.map(({ key: _, ...rendition }) => rendition);
  return [
    ...(record.version === version ? [] : ['The record speaks of another version.']),
    ...(same(record.metadata, control.metadata) ? [] : ['The description differs.']),
    ...(same(withoutKeys(record), withoutKeys(control)) ? [] : ['The renditions differ.']),
  ];
}

const same = (one: unknown, other: unknown) => JSON.stringify(one) === JSON.stringify(other);
