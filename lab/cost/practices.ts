/** What each practice saves: the same model, with the practice left out. */
import type { Preset } from '../../core/presets.ts';
import type { Deployment } from './deployment.ts';
import type { Measured } from './measured.ts';
import { costPerImage, type Mix, mixes } from './model.ts';

export interface Practice {
  readonly name: string;
  /** Where it is done. */
  readonly where: string;
  /** US dollars for one image. */
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
    compared('EXPRESS, not Standard', 'ADR 1', { workflow: 'STANDARD' }),
    compared('encoder efforts chosen by measurement, and one decode', 'core/presets.ts, ADR 6', {
      rendering: 'a decode each, default efforts',
    }),
    compared('… of this, one decode for all renditions of a group', 'ADR 6', { rendering: 'a decode each' }),
    ...(sharesAvif(deployment)
      ? [compared('AVIF in the group of the others (estimate)', 'core/presets.ts, ADR 6', avifApart(deployment))]
      : []),
    {
      ...{ name: 'customer-managed keys with bucket keys', where: 'BucketKeyEnabled' },
      withIt: cost({ bucketKeys: 'customer-managed, bucket keys' }),
      without: cost({ bucketKeys: 'customer-managed, asked each time' }),
    },
    compared('workflow logs errors only', 'ImagePipeline, Logging', { workflowLog: 'ALL' }),
    compared('workers report on their calls themselves', 'SystemLogLevel', { platformLog: 'every call' }),
    compared('batches of ten', 'Stages, BatchSize', { batchSize: 1 }),
    compared('arm64', 'Architecture', { architecture: 'x86_64' }),
    compared('traces sampled', 'Tracing: Active, X-Ray’s default rule', { tracing: 'every call' }),
    compared('logs expire', 'Stages, LogRetentionDays', { logRetentionDays: Number.POSITIVE_INFINITY }),
    {
      ...{ name: 'a repeated event is remembered', where: 'IdempotencyTable' },
      withIt: cost({}, { name: 'repeats', images: [{ share: 1, image: { becomes: 'repeat' } }] }),
      without: shipped,
    },
    {
      ...{ name: 'metadata-only update instead of all anew', where: 'not built: see below' },
      withIt: cost({}, mixes.described),
      without: shipped,
    },
  ];
}

/**
 * What the first thing that works would cost: a Standard workflow on x86 for each message by itself, a pipeline of sharp
 * for each rendition at its default efforts, every trace, and logs that nobody lets expire.
 */
export function naive(deployment: Deployment): Deployment {
  return {
    ...deployment,
    workflow: 'STANDARD',
    architecture: 'x86_64',
    batchSize: 1,
    rendering: 'a decode each, default efforts',
    tracing: 'every call',
    platformLog: 'every call',
    logRetentionDays: Number.POSITIVE_INFINITY,
  };
}

const isAvif = ({ format }: Preset) => format === 'avif';

/** Whether AVIF shares a group with other formats: only then can it be set apart. */
export function sharesAvif({ groups }: Pick<Deployment, 'groups'>): boolean {
  return groups.some(({ presets }) => presets.some(isAvif) && !presets.every(isAvif));
}

/** AVIF by a worker of its own: one call, GET, wait and decode more. */
export function avifApart({ groups }: Pick<Deployment, 'groups'>): Pick<Deployment, 'groups'> {
  const split = groups.flatMap(({ name, presets }) => [
    { name, presets: presets.filter((preset) => !isAvif(preset)) },
    { name: `${name}, AVIF`, presets: presets.filter(isAvif) },
  ]);
  return { groups: split.filter(({ presets }) => presets.length > 0) };
}
