/**
 * How long uploads wait when they arrive faster than a stage processes them. The queue is modelled as a fluid: arrivals flow
 * in, decided images flow out. The processing time of one image comes from measurements and from Little's law.
 */
import { at, numberAt, type Stage, templateFor } from '../../scripts/template/template.ts';
import { deploymentOf } from '../cost/deployment.ts';
import type { Measured } from '../cost/measured.ts';
import { averages } from './quotas.ts';

export interface Phase {
  readonly seconds: number;
  readonly images: number;
}

export interface Dispatchers {
  readonly most: number;
  /** Images decided per second and dispatcher. */
  readonly imagesPerSecond: number;
  /** Whether the event source mapping has scaled up before the first image arrives. */
  readonly warm: boolean;
}

/** https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html: 5 batches at first, and 300 more per minute. */
const FIRST_POLLERS = 5;
const POLLERS_PER_SECOND = 300 / 60;

export interface Backlog {
  /** In images. */
  readonly longestQueue: number;
  /** Seconds in the queue that this share of the images did not exceed; 1 gives the longest wait. */
  readonly waitOf: (share: number) => number;
  /** From the last arrival until the queue is empty. */
  readonly drainSeconds: number;
}

export function dispatchersOf(
  stage: Exclude<Stage, 'local'>,
  measured: Measured,
  most = shipped(stage),
  deployment = deploymentOf(stage),
): Dispatchers {
  return { most, imagesPerSecond: deployment.batchSize / averages(deployment, measured).dispatcher, warm: true };
}

function shipped(stage: Stage): number {
  const mapping = at(templateFor(stage).resources.get('DispatchImagesFunction')?.Properties['Events'], 'Uploads');
  return numberAt(mapping, 'Properties', 'ScalingConfig', 'MaximumConcurrency');
}

export function capacityOf({ most, imagesPerSecond }: Dispatchers): number {
  return most * imagesPerSecond;
}

/** Seconds per step of the calculation. */
const STEP = 0.1;

interface Moment {
  readonly at: number;
  /** Since the start. */
  readonly images: number;
}

export function backlogOf(phases: readonly Phase[], dispatchers: Dispatchers): Backlog {
  const arrived = arrivalsOf(phases);
  const end = arrived.at(-1) ?? { at: 0, images: 0 };
  const decided: Moment[] = [{ at: 0, images: 0 }];
  let longestQueue = 0;
  for (let step = 1; (decided.at(-1)?.images ?? 0) < end.images - 1e-6; step += 1) {
    const arrivedSoFar = arrived[step]?.images ?? end.images;
    const images = Math.min(arrivedSoFar, (decided.at(-1)?.images ?? 0) + STEP * flowAt(step * STEP, dispatchers));
    longestQueue = Math.max(longestQueue, arrivedSoFar - images);
    decided.push({ at: step * STEP, images });
  }
  const waits = waitsOf(arrived, decided);
  return {
    longestQueue,
    waitOf: (share) => shareOf(waits, share),
    drainSeconds: Math.max(0, (decided.at(-1)?.at ?? 0) - end.at),
  };
}

function flowAt(second: number, { most, imagesPerSecond, warm }: Dispatchers): number {
  const polling = warm ? most : Math.min(most, FIRST_POLLERS + POLLERS_PER_SECOND * second);
  return polling * imagesPerSecond;
}

function arrivalsOf(phases: readonly Phase[]): Moment[] {
  const moments: Moment[] = [{ at: 0, images: 0 }];
  let before = 0;
  for (const { seconds, images } of phases) {
    const steps = Math.max(1, Math.round(seconds / STEP));
    for (let step = 1; step <= steps; step += 1) {
      moments.push({ at: moments.length * STEP, images: before + (images * step) / steps });
    }
    before += images;
  }
  return moments;
}

interface Wait {
  readonly images: number;
  readonly seconds: number;
}

/** Images that arrive in a step wait until as many have been decided as had arrived by then. */
function waitsOf(arrived: readonly Moment[], decided: readonly Moment[]): Wait[] {
  let turn = 0;
  return arrived.slice(1).map((moment, index) => {
    while (turn < decided.length - 1 && (decided[turn]?.images ?? 0) < moment.images - 1e-6) turn += 1;
    return {
      images: moment.images - (arrived[index]?.images ?? 0),
      seconds: Math.max(0, (decided[turn]?.at ?? 0) - moment.at),
    };
  });
}

function shareOf(waits: readonly Wait[], share: number): number {
  const sorted = waits.toSorted((one, other) => one.seconds - other.seconds);
  const wanted = share * sorted.reduce((total, { images }) => total + images, 0);
  let counted = 0;
  for (const { images, seconds } of sorted) {
    counted += images;
    if (counted >= wanted - 1e-6) return seconds;
  }
  return 0;
}
