/** Makes every AWS call of the functions and the workflow fail in every way, and checks what happens to the image. */
import { CloudWatchLogsClient, FilterLogEventsCommand } from '@aws-sdk/client-cloudwatch-logs';
import { PutFunctionConcurrencyCommand } from '@aws-sdk/client-lambda';
import type { UploadEvent } from '../../core/image.ts';
import { renditionGroups } from '../../core/presets.ts';
import type { ImageRecord } from '../../core/record.ts';
import { steps } from '../../core/steps.ts';
import { causesOf, type Found } from '../../scripts/redrive/dead-letter-cause.ts';
import { findLetters, moveLetters } from '../../scripts/redrive/redrive-stack.ts';
import type { Stack } from '../../scripts/stack/stack.ts';
import type { Report } from '../../scripts/terminal/progress.ts';
import { emulatedPipeline } from '../support/emulated-pipeline.ts';
import { fastClock } from './fast-clock.ts';
import { type FaultKind, faultKinds } from './fault-kinds.ts';
import type { Fault, FaultProxy } from './fault-proxy.ts';
import { defectsOfDead, defectsOfDecided, defectsOfProof } from './judge.ts';
import { type Expected, type ImageName, imageNamed, imageStories } from './stories.ts';

export interface Call {
  /** `ResizeImage` of ResizeImageFunction, or `ImagePipeline`. */
  readonly stem: string;
  /** The call's IAM action; prefixed with the state's name if the workflow makes it. */
  readonly action: string;
}

/** An AWS call, and the story of the image for which it is made. */
export interface CrashPoint extends Call {
  readonly story: string;
}

export interface Case extends CrashPoint {
  readonly kind: FaultKind;
  /** The fault occurs until it is repaired, rather than once. */
  readonly lasting: boolean;
}

export interface Ending {
  readonly tried: Case;
  readonly happened: number;
  /** Why there was a dead letter; absent if the image succeeded by itself. */
  readonly deadLetter: string | undefined;
  /** What is wrong, including after dead letters were redriven. */
  readonly defects: readonly string[];
}

interface Begun {
  readonly tried: Case;
  readonly image: ImageName;
  readonly fault: Fault;
  readonly troubles: readonly Fault[];
  readonly goOn: () => Promise<Expected>;
}

const together = 8;
const beginTogether = 40;

export const everyKind = Object.keys(faultKinds) as FaultKind[];

export async function crashPoints(stack: Stack, proxy: FaultProxy) {
  const pipeline = emulatedPipeline(stack);
  const clock = fastClock(stack);
  const logs = new CloudWatchLogsClient(stack.clientConfig);
  const publishedEvents = await pipeline.subscribe();
  const physicalIds = new Map([['ImagePipeline', await pipeline.physicalId('ImagePipeline')]]);
  for (const { name } of steps) physicalIds.set(name, await pipeline.physicalId(`${name}Function`));
  const physicalId = (stem: string): string => physicalIds.get(stem) ?? stem;
  const stories = await imageStories(pipeline, physicalId);
  let serial = 0;

  const storyNamed = (name: string) => {
    const story = stories[name];
    if (story === undefined) throw new Error(`There is no story "${name}".`);
    return story;
  };
  const nextImage = () => {
    serial += 1;
    return imageNamed(`crash-point-${serial}-.png`, pipeline.bucket);
  };

  /** Searches the dispatcher's log. */
  async function linesWith(text: string): Promise<string[]> {
    const logGroupName = await pipeline.physicalId('DispatchImagesLogGroup');
    const filterPattern = JSON.stringify(text);
    const { events = [] } = await logs.send(new FilterLogEventsCommand({ logGroupName, filterPattern }));
    return events.map(({ message = '' }) => message);
  }

  async function reasonOf(found: Found, tried: Case): Promise<string> {
    const { letter, record } = found;
    if (record?.outcome === 'failed') return `record: ${record.message}`;
    const line = (await linesWith(letter.event?.correlationId ?? letter.messageId))
      .flatMap((message) => (message.startsWith('{') ? [JSON.parse(message)] : []))
      .findLast(({ level }) => level === 'ERROR');
    if (line !== undefined) return `log: ${line.error?.message ?? line.message}`;
    const cause = `${causesOf([found])[0]?.text}`;
    // Otherwise the record has this version or a newer one already: there is no failure to explain.
    const undecided = record === undefined || record.sequencer < sequencerOf(letter.event);
    if (!undecided) return `record: ${cause}`;
    // A killed dispatcher logs nothing. Lambda's own line names the request, not the image.
    const lastWords = isKilledDispatcher(tried) ? await linesWith('Worker process died') : [];
    return lastWords.length > 0 ? `Lambda’s log: ${lastWords.at(-1)}` : cause;
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

  /** The reason of each dead letter. */
  async function lettersByKey(begun: readonly Begun[]): Promise<Map<string, string>> {
    const triedOf = new Map(begun.map(({ image, tried }) => [image.key, tried]));
    const reasons = new Map<string, string>();
    for (const found of await findLetters(stack, ['uploads'])) {
      const key = found.letter.event?.image.key;
      const tried = key === undefined ? undefined : triedOf.get(key);
      if (key !== undefined && tried !== undefined) reasons.set(key, await reasonOf(found, tried));
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
    const events = Map.groupBy(await publishedEvents(), ({ detail }) => detail.image.key);
    const defects = new Map<string, string[]>();
    for (const [key, ending] of expected) {
      const [record, renditionKeys] = await Promise.all([pipeline.record(key), pipeline.renditionKeys(key)]);
      const found = { record, expected: ending, control, renditionKeys, events: events.get(key) ?? [] };
      defects.set(key, defectsOfDecided(found));
    }
    return defects;
  }

  async function defectsOfLetters(deadLetters: ReadonlyMap<string, string>) {
    const defects = new Map<string, string[]>();
    for (const [key, reason] of deadLetters) {
      const [record, renditionKeys] = await Promise.all([pipeline.record(key), pipeline.renditionKeys(key)]);
      defects.set(key, defectsOfDead({ reason, record, renditionKeys }));
    }
    return defects;
  }

  return {
    /** One message per invocation, so that a fault affects one image; many in parallel, because most only wait. */
    async takeOneByOne(): Promise<void> {
      await pipeline.takeInBatches({ BatchSize: 1, ScalingConfig: { MaximumConcurrency: together } });
      for (const { name: stem } of steps) {
        const ReservedConcurrentExecutions = together * renditionGroups.length;
        await pipeline.lambda.send(
          new PutFunctionConcurrencyCommand({ FunctionName: physicalId(stem), ReservedConcurrentExecutions }),
        );
      }
      await clock.start();
    },

    /** Finds the calls made in each story. */
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
      for (const { tried, image, goOn } of begun) {
        const ending = await goOn();
        const rejects = killsEveryWorker(tried) && storyNamed(tried.story).decidesTheRecord === true;
        expected.set(image.key, rejects ? { outcome: 'rejected' } : ending);
      }
      await clock.until(0, report);
      const deadLetters = await lettersByKey(begun);
      const succeeded = [...expected].filter(([key]) => !deadLetters.has(key));
      const early = await defectsByKey(new Map(succeeded), control);
      const dead = await defectsOfLetters(deadLetters);

      proxy.plan([]);
      await moveLetters(stack, ['uploads'], [], { max: 10_000, perSecond: 100 }, () => undefined);
      await clock.until(0, report);
      const stillDead = await lettersByKey(begun);
      const late = await defectsByKey(expected, control);
      return begun.map(({ tried, fault, image: { key } }) => ({
        tried,
        happened: plan.happened(fault),
        deadLetter: deadLetters.get(key),
        defects: [
          ...(early.get(key) ?? []),
          ...(dead.get(key) ?? []),
          ...(late.get(key) ?? []),
          ...defectsOfProof({ happened: plan.happened(fault), deadAgain: stillDead.has(key) }),
        ],
      }));
    },

    close(): void {
      logs.destroy();
    },
  };
}

/** Two dead workers decide: the upload is rejected as too complex, and no repair changes that. */
/** A malware verdict has none. */
function sequencerOf(event: UploadEvent | undefined): string {
  return event !== undefined && 'sequencer' in event.image ? event.image.sequencer : '';
}

function killsEveryWorker({ stem, kind, lasting }: Case): boolean {
  return (stem === 'ExtractMetadata' || stem === 'ResizeImage') && lasting && isKill(kind);
}

function isKill(kind: FaultKind): boolean {
  return kind === 'dies before' || kind === 'dies after';
}

function isKilledDispatcher({ stem, kind }: Case): boolean {
  return stem === 'DispatchImages' && isKill(kind);
}
