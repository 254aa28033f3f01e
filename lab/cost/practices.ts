/** What each practice saves: the price without it, from the same model. */
import type { Preset } from '../../core/presets.ts';
import type { Deployment } from './deployment.ts';
import type { Measured } from './measured.ts';
import { costPerImage, type Mix, mixes } from './model.ts';

export interface Practice {
  readonly name: string;
  /** Where it is implemented. */
  readonly where: string;
  /** US dollars per image. */
  readonly withIt: number;
  readonly without: number;
}

export function practices(deployment: Deployment, measured: Measured): Practice[] {
  const cost = (change: Partial<Deployment> = {}, mix: Mix = mixes.photographs) =>
    costPerImage(mix, { ...deployment, ...change }, measured);
  const shipped = cost();
  const compared = (name: string, where: string, without: Partial<Deployment>): Practice => ({
    ...{ name, where, withIt: shipped },
    without: cost(without),
  });
  return [
    compared('EXPRESS instead of Standard', 'ADR 1', { workflow: 'STANDARD' }),
    compared('measured encoder efforts and one decode', 'core/presets.ts, ADR 6', {
      rendering: 'a decode each, default efforts',
    }),
    compared('… of which: one decode per rendition group', 'ADR 6', { rendering: 'a decode each' }),
    ...(sharesAvif(deployment)
      ? [
          compared(
            'AVIF in the same group as the other formats (estimate)',
            'core/presets.ts, ADR 6',
            avifApart(deployment),
          ),
        ]
      : []),
    {
      ...{ name: 'bucket keys for customer-managed keys', where: 'BucketKeyEnabled' },
      withIt: cost({ bucketKeys: 'customer-managed, bucket keys' }),
      without: cost({ bucketKeys: 'customer-managed, asked each time' }),
    },
    compared('workflow logs only errors', 'ImagePipeline, Logging', { workflowLog: 'ALL' }),
    compared('no Lambda log lines for successful calls', 'SystemLogLevel', { platformLog: 'every call' }),
    compared('batches of ten', 'Stages, BatchSize', { batchSize: 1 }),
    compared('arm64 instead of x86_64', 'Architecture', { architecture: 'x86_64' }),
    compared('sampled traces', 'Tracing: Active, X-Ray’s default rule', { tracing: 'every call' }),
    compared('logs that expire', 'Stages, LogRetentionDays', { logRetentionDays: Number.POSITIVE_INFINITY }),
    {
      ...{ name: 'idempotency for repeated events', where: 'IdempotencyTable' },
      withIt: cost({}, { name: 'repeats', images: [{ share: 1, image: { becomes: 'repeat' } }] }),
      without: shipped,
    },
    {
      ...{ name: 'metadata-only update instead of reprocessing', where: 'not built: cost.md says why' },
      withIt: cost({}, mixes.described),
      without: shipped,
    },
  ];
}

/** States of {@link naive}'s own workflow, not of ours: ExtractMetadata, ResizeImage, PutRecord, PutEvent and Succeed. */
export const NAIVE_TRANSITIONS = 5;

/**
 * The straightforward design: a short Standard workflow per message, x86, one sharp pipeline per rendition at sharp's default
 * efforts, a trace of every call, and logs that never expire.
 */
export function naive(deployment: Deployment): Deployment {
  return {
    ...deployment,
    workflow: 'STANDARD',
    otherTransitions: NAIVE_TRANSITIONS,
    architecture: 'x86_64',
    batchSize: 1,
    rendering: 'a decode each, default efforts',
    tracing: 'every call',
    platformLog: 'every call',
    logRetentionDays: Number.POSITIVE_INFINITY,
  };
}

const isAvif = ({ format }: Preset) => format === 'avif';

/** Whether AVIF shares a group with other formats: only then can it be split off. */
export function sharesAvif({ groups }: Pick<Deployment, 'groups'>): boolean {
  return groups.some(({ presets }) => presets.some(isAvif) && !presets.every(isAvif));
}

/** AVIF in its own group: one more call, GET, wait and decode. */
export function avifApart({ groups }: Pick<Deployment, 'groups'>): Pick<Deployment, 'groups'> {
  const split = groups.flatMap(({ name, presets }) => [
    { name, presets: presets.filter((preset) => !isAvif(preset)) },
    { name: `${name}, AVIF`, presets: presets.filter(isAvif) },
  ]);
  return { groups: split.filter(({ presets }) => presets.length > 0) };
}
