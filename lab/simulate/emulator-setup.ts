/** The machine of a ramp, whose cores everybody shares. */
import { renditionGroups } from '../../core/presets.ts';
import { defaultPauseMillis } from '../../scripts/stack/follow.ts';
import { percentile, sum } from '../bench/measure.ts';
import type { Costs } from './calibrate.ts';
import { type Arrival, type Setup, simulate } from './pipeline.ts';
import { calmImages, imagesOf, type PlayedRun, type Ramp } from './ramp.ts';
import { SPREAD, stageSettings, throttleRetry } from './stage.ts';

/**
 * Estimates, for no run tells: how the emulator's work for an image divides (S3 and the queue; the dispatcher's calls; the
 * workers'; the record's and the event's), and how much times differ. lab/docs/scale.md says what they matter.
 */
export const estimates = { arrival: 0.05, begin: 0.2, workers: 0.39, end: 0.36, spread: SPREAD };
export type Estimates = Readonly<typeof estimates>;
export const estimateNames = ['arrival', 'begin', 'workers', 'end', 'spread'] as const satisfies (keyof Estimates)[];
/** On average, until somebody looks at a record that is written. */
const LOOK_SECONDS = defaultPauseMillis / 2 / 1000;

/** @param played whose images come; what they cost, and wait beside the processors, is the ramp's */
export function emulatorSetup(ramp: Ramp, played: PlayedRun = ramp, estimated: Estimates = estimates): Setup {
  const setup = withoutWaiting(ramp, estimated);
  // What an image waits in the calm beside the processors: for sockets and polls, and until its record is looked at.
  const { from, to } = calmImages(ramp.phases);
  const { images } = simulate({ ...setup, arrivals: setup.arrivals.slice(0, to) }, throttleRetry);
  const worked = images.slice(from).map(({ at, decidedAt = Number.NaN }) => decidedAt - at);
  const waitSeconds = Math.max(0, percentile(ramp.waits.slice(from, to), 50) - percentile(worked, 50));
  // It waits for calls, and as many of them follow the record as the emulator's work shows.
  const { end } = setup.servicesShares;
  const endWaitSeconds = (waitSeconds * end) / (1 - end);
  return { ...setup, arrivals: arrivalsOf(played, ramp.costs), waitSeconds, endWaitSeconds };
}

function withoutWaiting(ramp: Ramp, { spread, ...parts }: Estimates): Setup {
  const {
    functions: { dispatcher, metadata, resize },
    emulator,
    load,
  } = ramp.costs;
  const { dispatchers, metadataConcurrency, resizeConcurrency, ...stage } = stageSettings('local');
  const whole = sum(Object.values(parts));
  const limits = (most: number, startSeconds: number) => ({ most, burst: most, perSecond: 0, startSeconds });
  return {
    ...stage,
    arrivals: arrivalsOf(ramp, ramp.costs),
    // It polls as soon as a batch is done.
    pollers: { most: dispatchers, first: dispatchers, perSecond: 0 },
    executions: Number.POSITIVE_INFINITY,
    dispatcher: limits(dispatchers, dispatcher.start),
    metadata: limits(metadataConcurrency, metadata.start),
    resize: limits(resizeConcurrency, resize.start),
    cores: ramp.cores,
    spread,
    servicesShares: {
      arrival: parts.arrival / whole,
      begin: parts.begin / whole,
      workers: parts.workers / whole,
      end: parts.end / whole,
    },
    servicesStartSeconds: emulator.start,
    ...{ deliverySeconds: 0, waitSeconds: 0, endWaitSeconds: 0, lookSeconds: LOOK_SECONDS },
    upkeep: { sender: load.upkeep, services: emulator.upkeep },
  };
}

function arrivalsOf(played: PlayedRun, { functions, emulator, load }: Costs): Arrival[] {
  const { dispatcher, metadata, resize } = functions;
  return imagesOf(played).map(({ at, size }) => ({
    at,
    work: {
      sender: load.image,
      dispatcher: dispatcher.image[size],
      metadata: metadata.image[size],
      resize: renditionGroups.map(() => resize.image[size] / renditionGroups.length),
      services: emulator.image,
    },
  }));
}
