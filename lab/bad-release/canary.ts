/**
 * A bad version of the workflow on the emulator, from its first 20 % of the traffic to its rollback: real uploads, the real
 * queue, real executions.
 *
 * The emulator stores a state machine's versions and the weights of its alias, but uses neither: it cannot run an alias
 * synchronously, and always runs the newest definition. So this reads the weights from the alias, draws a version as Step
 * Functions does, and starts it on a state machine with that version's definition.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { ListEventSourceMappingsCommand, UpdateEventSourceMappingCommand } from '@aws-sdk/client-lambda';
import { DeleteObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import {
  CreateStateMachineAliasCommand,
  CreateStateMachineCommand,
  DeleteStateMachineAliasCommand,
  DeleteStateMachineCommand,
  DescribeStateMachineAliasCommand,
  DescribeStateMachineCommand,
  PublishStateMachineVersionCommand,
  SFNClient,
  UpdateStateMachineAliasCommand,
  UpdateStateMachineCommand,
} from '@aws-sdk/client-sfn';
import {
  ChangeMessageVisibilityCommand,
  DeleteMessageCommand,
  type Message,
  ReceiveMessageCommand,
} from '@aws-sdk/client-sqs';
import pWaitFor from 'p-wait-for';
import * as z from 'zod';
import { knownImage } from '../../adapters/aws/known-image.ts';
import { sfnPipeline } from '../../adapters/aws/sfn-pipeline.ts';
import { parseS3Event } from '../../adapters/contracts/s3-event.ts';
import { dispatchImage } from '../../core/dispatch-images.ts';
import { imageIdOf } from '../../core/image.ts';
import type { Pipeline } from '../../core/ports.ts';
import { renditionGroups } from '../../core/presets.ts';
import { readRecords } from '../../scripts/stack/follow.ts';
import { messagesIn } from '../../scripts/stack/queues.ts';
import { physicalId, type Stack } from '../../scripts/stack/stack.ts';
import { Failure } from '../../scripts/terminal/failure.ts';
import { type RollbackAlarm, stateOf } from './rollback-alarm.ts';

export interface Route {
  readonly version: number;
  readonly weight: number;
}

/** What CloudWatch would show for one minute; here, a minute lasts as long as its images take. */
export interface Minute {
  readonly routes: readonly Route[];
  readonly runs: readonly Run[];
  readonly alarm: 'OK' | 'ALARM';
}

export interface Run {
  readonly key: string;
  readonly version: number;
  readonly succeeded: boolean;
}

export interface PlayedRelease {
  readonly minutes: readonly Minute[];
  readonly rolledBack: boolean;
  /** Images that the bad version processed. */
  readonly touched: number;
  readonly images: number;
  /** Images without renditions at the end. */
  readonly lost: number;
}

export interface CanaryOptions {
  readonly alarm: RollbackAlarm;
  readonly canaryPercent: number;
  readonly imagesAMinute: number;
  readonly showMinute: (minute: Minute) => void;
  readonly stopped: AbortSignal;
}

const GOOD = 1;
const BAD = 2;
const KEY_PREFIX = 'bad-release/';
// At 20 % of ten images per minute, one in ten million runs ends here without a call of the bad version.
const MOST_MINUTES = 8;
const allTrafficTo = (version: number): readonly Route[] => [{ version, weight: 100 }];

/** By weight, as Step Functions chooses the version of each execution. */
export function drawVersion(routes: readonly Route[], random: number): number {
  let upTo = 0;
  for (const { version, weight } of routes) {
    upTo += weight;
    if (random * 100 < upTo) return version;
  }
  throw new Failure(`The alias's weights add up to ${upTo} instead of 100.`);
}

export async function playCanary(stack: Stack, options: CanaryOptions): Promise<PlayedRelease> {
  const sfn = new SFNClient({ ...stack.clientConfig, disableHostPrefix: true, maxAttempts: 1 });
  const release = await publishRelease(stack, sfn);
  try {
    const uploads = await uploadsOf(stack);
    try {
      return await play(release, uploads, options);
    } finally {
      await uploads.giveBack();
    }
  } finally {
    await release.withdraw();
    sfn.destroy();
  }
}

async function play(
  release: Awaited<ReturnType<typeof publishRelease>>,
  uploads: Awaited<ReturnType<typeof uploadsOf>>,
  { alarm, canaryPercent, imagesAMinute, showMinute, stopped }: CanaryOptions,
): Promise<PlayedRelease> {
  const minutes: Minute[] = [];
  const playMinute = async (): Promise<Minute> => {
    const routes = await release.routes();
    const runs = await uploads.takeEach(() => {
      const version = drawVersion(routes, Math.random());
      return { version, pipeline: release.pipelineOf(version) };
    }, imagesAMinute);
    // As AWS publishes it: the failed executions of this version only, and nothing if it did not run.
    const sums = [...minutes.map(({ runs: earlier }) => earlier), runs].map(failuresOf);
    const minute = { routes, runs, alarm: stateOf(alarm, sums) };
    minutes.push(minute);
    showMinute(minute);
    return minute;
  };

  await uploads.put(imagesAMinute);
  await playMinute();

  await release.route([
    { version: GOOD, weight: 100 - canaryPercent },
    { version: BAD, weight: canaryPercent },
  ]);
  let rolledBack = false;
  while (!rolledBack && minutes.length < MOST_MINUTES && !stopped.aborted) {
    await uploads.put(imagesAMinute);
    rolledBack = (await playMinute()).alarm === 'ALARM';
  }

  await release.route(allTrafficTo(GOOD));
  await uploads.put(imagesAMinute);
  while (uploads.undecided() > 0 && minutes.length < 2 * MOST_MINUTES && !stopped.aborted) await playMinute();

  const touched = minutes.flatMap(({ runs }) => runs.filter(({ version }) => version === BAD).map(({ key }) => key));
  return {
    minutes,
    rolledBack,
    touched: new Set(touched).size,
    images: uploads.keys.length,
    lost: await uploads.withoutRenditions(),
  };
}

function failuresOf(runs: readonly Run[]): number | undefined {
  const ofBad = runs.filter(({ version }) => version === BAD);
  return ofBad.length === 0 ? undefined : ofBad.filter(({ succeeded }) => !succeeded).length;
}

/** Version 1 is the deployed one; version 2 asks its workers for an unknown rendition group. */
async function publishRelease(stack: Stack, sfn: SFNClient) {
  const liveArn = stack.outputs.StateMachineArn;
  const { definition = '', roleArn } = await sfn.send(new DescribeStateMachineCommand({ stateMachineArn: liveArn }));
  const badDefinition = definition.replace('{% $states.input.group %}', 'poster');
  if (badDefinition === definition)
    throw new Failure(
      'The workflow no longer passes a rendition group to its workers. Choose another way to break it.',
    );

  const { stateMachineArn } = await sfn.send(
    new CreateStateMachineCommand({
      name: `${stack.name}-bad-release-${Date.now()}`,
      type: 'EXPRESS',
      definition,
      roleArn,
    }),
  );
  const publish = async () =>
    z
      .string()
      .parse((await sfn.send(new PublishStateMachineVersionCommand({ stateMachineArn }))).stateMachineVersionArn);
  const versionArns = new Map([[GOOD, await publish()]]);
  const routing = (routes: readonly Route[]) =>
    routes.map(({ version, weight }) => ({ stateMachineVersionArn: versionArns.get(version), weight }));
  const { stateMachineAliasArn } = await sfn.send(
    new CreateStateMachineAliasCommand({ name: 'live', routingConfiguration: routing(allTrafficTo(GOOD)) }),
  );
  await sfn.send(new UpdateStateMachineCommand({ stateMachineArn, definition: badDefinition }));
  versionArns.set(BAD, await publish());

  return {
    pipelineOf: (version: number): Pipeline =>
      sfnPipeline({ client: sfn, stateMachineArn: version === BAD ? z.string().parse(stateMachineArn) : liveArn }),

    async routes(): Promise<readonly Route[]> {
      const { routingConfiguration = [] } = await sfn.send(
        new DescribeStateMachineAliasCommand({ stateMachineAliasArn }),
      );
      return routingConfiguration.map(({ stateMachineVersionArn, weight = 0 }) => ({
        version: Number(stateMachineVersionArn?.split(':').at(-1)),
        weight,
      }));
    },

    async route(routes: readonly Route[]): Promise<void> {
      await sfn.send(
        new UpdateStateMachineAliasCommand({ stateMachineAliasArn, routingConfiguration: routing(routes) }),
      );
    },

    async withdraw(): Promise<void> {
      await sfn.send(new DeleteStateMachineAliasCommand({ stateMachineAliasArn }));
      await sfn.send(new DeleteStateMachineCommand({ stateMachineArn }));
    },
  };
}

type Choose = () => { readonly version: number; readonly pipeline: Pipeline };

/** Reads the upload queue in place of the dispatcher, which always starts the same workflow and is disabled in the meantime. */
async function uploadsOf(stack: Stack) {
  const { s3, sqs, lambda } = stack.clients;
  const { UploadBucketName: Bucket, UploadQueueUrl: QueueUrl } = stack.outputs;
  const keys: string[] = [];
  const decided = new Set<string>();

  const FunctionName = await physicalId(stack, 'DispatchImagesFunction');
  const { EventSourceMappings = [] } = await lambda.send(new ListEventSourceMappingsCommand({}));
  const mappings = EventSourceMappings.filter(({ FunctionArn = '' }) => FunctionArn.includes(`:${FunctionName}`));
  const dispatch = (Enabled: boolean) =>
    Promise.all(mappings.map(({ UUID }) => lambda.send(new UpdateEventSourceMappingCommand({ UUID, Enabled }))));
  // Uploads from other sources are processed as usual.
  await pWaitFor(async () => (await messagesIn(sqs, QueueUrl)) === 0, { interval: 200 });
  await dispatch(false);

  const take = async (message: Message, choose: Choose): Promise<Run> => {
    const event = await parseS3Event(message.Body ?? '', [Bucket]);
    const { version, pipeline } = choose();
    const given = { QueueUrl, ReceiptHandle: message.ReceiptHandle };
    try {
      await dispatchImage(event, { pipeline }, { lastAttempt: false, groups: renditionGroups });
      await sqs.send(new DeleteMessageCommand(given));
      if (keys.includes(event.image.key)) decided.add(event.image.key);
      return { key: event.image.key, version, succeeded: true };
    } catch {
      await sqs.send(new ChangeMessageVisibilityCommand({ ...given, VisibilityTimeout: 0 }));
      return { key: event.image.key, version, succeeded: false };
    }
  };

  return {
    keys,

    async put(count: number): Promise<void> {
      for (let left = count; left > 0; left -= 1) {
        const Key = `${KEY_PREFIX}${Date.now()}-${keys.length}.jpg`;
        keys.push(Key);
        await s3.send(new PutObjectCommand({ Bucket, Key, Body: knownImage.bytes }));
      }
    },

    /** Handles up to this many messages in parallel; failed ones wait for the next minute. */
    async takeEach(choose: Choose, most: number): Promise<readonly Run[]> {
      const messages: Message[] = [];
      for (let looks = 0; messages.length < most && looks < 20; looks += 1) {
        const { Messages = [] } = await sqs.send(
          new ReceiveMessageCommand({
            QueueUrl,
            MaxNumberOfMessages: Math.min(10, most - messages.length),
            MessageSystemAttributeNames: ['ApproximateReceiveCount'],
          }),
        );
        messages.push(...Messages);
        if (Messages.length === 0) await sleep(100);
      }
      return await Promise.all(messages.map((message) => take(message, choose)));
    },

    undecided: () => keys.length - decided.size,

    async withoutRenditions(): Promise<number> {
      const imageIds = await Promise.all(keys.map((key) => imageIdOf(Bucket, key)));
      const records = await readRecords(stack, imageIds);
      return imageIds.filter((imageId) => records.get(imageId)?.outcome !== 'processed').length;
    },

    async giveBack(): Promise<void> {
      for (const Key of keys) await s3.send(new DeleteObjectCommand({ Bucket, Key }));
      await dispatch(true);
    },
  };
}
