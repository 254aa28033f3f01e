/** What a stage allows, from template.yaml and the workflow. */
import * as z from 'zod';
import { at, numberAt, type Stage, templateFor } from '../../scripts/template/template.ts';
import { stateNamed } from '../../scripts/template/workflow.ts';
import type { Setup, ThrottleRetry } from './pipeline.ts';

export const SEED = 20261121;
/** How much times of one kind differ: sigma of a log-normal distribution. An estimate, see emulator-setup.ts. */
export const SPREAD = 0.2;

type StageSettings = Pick<Setup, 'seed' | 'spread' | 'batchSize' | 'maxReceives' | 'retryBaseSeconds' | 'failures'> & {
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
    spread: SPREAD,
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
  const retries = stateNamed('ResizeImage', 'Task').Retry;
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
