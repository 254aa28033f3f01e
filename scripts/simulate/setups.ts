/** The simulation's settings: from template.yaml, the workflow, the presets, and what was measured. */

import * as z from 'zod';
import { renditionGroups } from '../../core/presets.ts';
import { assumptions } from '../cost/assumptions.ts';
import { deploymentOf } from '../cost/deployment.ts';
import type { Measured } from '../cost/measured.ts';
import { photographs, workerSeconds } from '../cost/model.ts';
import { at, numberAt, type Stage, templateFor } from '../template.ts';
import { workflow } from '../workflow.ts';
import type { ConcurrencyLimits } from './concurrency.ts';
import { type Setup, simulate, type ThrottleRetry } from './pipeline.ts';
import type { Saturation, SaturationStep } from './saturation.ts';

const SEED = 20261121;
/** Sigma of the times of one kind of image. */
const SPREAD = 0.2;

/** How the emulator's time for one image divides: by its calls (S3, EventBridge; SQS, DynamoDB, workflow; the workers'; the record's). */
const emulatorShares = { arrival: 0.15, begin: 0.2, eachWorker: 0.1, end: 0.35 };

type StageSettings = Pick<Setup, 'seed' | 'batchSize' | 'maxReceives' | 'retryBaseSeconds' | 'failures'> & {
  readonly dispatchers: number;
  readonly metadataConcurrency: number;
  readonly resizeConcurrency: number;
};

export function stageSettings(stage: Stage): StageSettings {
  const { resources } = templateFor(stage);
  const properties = (id: string) => resources.get(id)?.Properties ?? {};
  const dispatcher = properties('DispatchImagesFunction');
  const mapping = at(dispatcher['Events'], 'Uploads', 'Properties');
  const reserved = (id: string) => numberAt(properties(id)['ReservedConcurrentExecutions']);
  return {
    seed: SEED,
    batchSize: numberAt(mapping, 'BatchSize'),
    dispatchers: numberAt(mapping, 'ScalingConfig', 'MaximumConcurrency'),
    metadataConcurrency: reserved('ExtractMetadataFunction'),
    resizeConcurrency: reserved('ResizeImageFunction'),
    maxReceives: numberAt(properties('UploadQueue')['RedrivePolicy'], 'maxReceiveCount'),
    retryBaseSeconds: numberAt(dispatcher['Environment'], 'Variables', 'RETRY_BASE_SECONDS'),
    failures: 0,
  };
}

/** As the workflow retries a throttled worker. */
export const throttleRetry: ThrottleRetry = (() => {
  const retries = workflow.states.get('ResizeImage')?.Retry ?? [];
  const found = retries.find(({ ErrorEquals }) => ErrorEquals.includes('Lambda.TooManyRequestsException'));
  return z
    .object({ MaxAttempts: z.int(), IntervalSeconds: z.number(), BackoffRate: z.number(), MaxDelaySeconds: z.number() })
    .transform((retry) => ({
      attempts: retry.MaxAttempts,
      intervalSeconds: retry.IntervalSeconds,
      backoffRate: retry.BackoffRate,
      longestSeconds: retry.MaxDelaySeconds,
    }))
    .parse(found);
})();

/** One machine, whose cores everybody shares: the emulator of the load tests. */
export function emulatorSetup(measured: Saturation, step: SaturationStep): Setup {
  const working = withoutWaiting(measured, step);
  const [calm] = measured.steps;
  if (calm === undefined) throw new Error('A saturation curve has at least one step.');
  // What an image waits where nobody is in its way, beside the processor: for sockets, for polls.
  const alone = simulate(withoutWaiting(measured, calm), throttleRetry);
  const waitSeconds = Math.max(0, calm.p50Seconds - alone.p50Seconds);
  // It waits for calls, and as many of them follow the record as the emulator's work shows.
  const endWaitSeconds = (waitSeconds * emulatorShares.end) / (1 - emulatorShares.end);
  return { ...working, services: { ...working.services, waitSeconds, endWaitSeconds } };
}

function withoutWaiting({ processorMillis, cores }: Saturation, { rate, images }: SaturationStep): Setup {
  const { dispatchers, metadataConcurrency, resizeConcurrency, ...stage } = stageSettings('local');
  const { dispatcher, metadata, resize, emulator, sender } = processorMillis;
  const ready = (most: number): ConcurrencyLimits => ({ most, burst: most, perSecond: 0 });
  return {
    ...stage,
    rate,
    seconds: images / rate,
    // It polls as soon as a batch is done.
    pollers: { most: dispatchers, first: dispatchers, perSecond: 0 },
    metadata: ready(metadataConcurrency),
    resize: ready(resizeConcurrency),
    cores,
    works: [
      {
        dispatcher: dispatcher / 1000,
        metadata: metadata / 1000,
        resize: renditionGroups.map(() => resize / 1000 / renditionGroups.length),
      },
    ],
    spread: SPREAD,
    services: {
      waitSeconds: 0,
      endWaitSeconds: 0,
      arrival: (sender + emulator * emulatorShares.arrival) / 1000,
      begin: (emulator * emulatorShares.begin) / 1000,
      worker: (emulator * emulatorShares.eachWorker) / 1000,
      end: (emulator * emulatorShares.end) / 1000,
    },
  };
}

/** An account: each worker on its own vCPU, and services that wait in parallel. */
export function accountSetup(
  measured: Measured,
  options: {
    readonly rate: number;
    readonly seconds: number;
    readonly dispatchers: number;
    /** With pollers that have come up already. */
    readonly warm: boolean;
  },
): Setup {
  const { dispatchers: _, metadataConcurrency: __, resizeConcurrency: ___, ...stage } = stageSettings('prod');
  const deployment = deploymentOf('prod');
  const { dispatchers, warm } = options;
  const inWork = dispatchers * stage.batchSize;
  const scaling = (most: number): ConcurrencyLimits => ({ most, burst: warm ? most : 1000, perSecond: 100 });
  return {
    ...stage,
    rate: options.rate,
    seconds: options.seconds,
    // https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html: five at once, and 300 more a minute.
    pollers: { most: dispatchers, first: warm ? dispatchers : 5, perSecond: warm ? 0 : 5 },
    metadata: scaling(inWork),
    resize: scaling(inWork * deployment.groups.length),
    cores: Number.POSITIVE_INFINITY,
    works: measured.uploads
      .filter(({ name }) => photographs.includes(name))
      .map((upload) => ({ dispatcher: 0.005, ...workerSeconds(upload, deployment) })),
    spread: SPREAD,
    services: {
      waitSeconds: ((1 - emulatorShares.end) * assumptions.workflowMillis) / 1000,
      endWaitSeconds: (emulatorShares.end * assumptions.workflowMillis) / 1000,
      ...{ arrival: 0, begin: 0, worker: 0, end: 0 },
    },
  };
}
