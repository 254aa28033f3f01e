/** An account: each worker on its own vCPU, and services that wait in parallel. */
import { renditionGroups } from '../../core/presets.ts';
import { type PlannedChange, planChanges, sizeClasses } from '../../load-tests/runner/plan.ts';
import { arrivalTimes, type Scenario } from '../../load-tests/runner/scenario.ts';
import type { Stage } from '../../scripts/template/template.ts';
import { assumptions } from '../cost/assumptions.ts';
import { deploymentOf } from '../cost/deployment.ts';
import type { Measured } from '../cost/measured.ts';
import { photographs, workerSeconds } from '../cost/model.ts';
import type { Costs } from './calibrate.ts';
import type { ConcurrencyLimits } from './concurrency.ts';
import type { Arrival, Setup, Work } from './pipeline.ts';
import { randomFrom } from './random.ts';
import { SEED, stageSettings } from './stage.ts';

/** Of the dispatcher itself, for each image. */
const DISPATCHER_SECONDS = 0.005;

/** Concurrent executions, the default: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html */
export const EXECUTIONS = 1000;

export interface AccountLoad {
  readonly stage: Exclude<Stage, 'local'>;
  readonly arrivals: readonly Arrival[];
  /** How many batches at once, where that is not the stage's own. */
  readonly dispatchers?: number | undefined;
  /** At once, of all functions, where that is not the default quota. */
  readonly executions?: number | undefined;
  /** With pollers that have come up already, and environments that have started. */
  readonly warm: boolean;
}

export function accountSetup({ stage, arrivals, warm, ...load }: AccountLoad): Setup {
  const { dispatchers: shipped, metadataConcurrency: _, resizeConcurrency: __, ...settings } = stageSettings(stage);
  const dispatchers = load.dispatchers ?? shipped;
  const inWork = dispatchers * settings.batchSize;
  const scaling = (most: number): ConcurrencyLimits =>
    warm
      ? { most, burst: most, perSecond: 0, startSeconds: 0 }
      : // https://docs.aws.amazon.com/lambda/latest/dg/scaling-behavior.html: 1,000 in ten seconds.
        { most, burst: 1000, perSecond: 100, startSeconds: assumptions.coldStartMillis / 1000 };
  return {
    ...settings,
    arrivals,
    // https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html: five at once, and 300 more a minute.
    pollers: { most: dispatchers, first: warm ? dispatchers : 5, perSecond: warm ? 0 : 5 },
    executions: load.executions ?? EXECUTIONS,
    dispatcher: scaling(dispatchers),
    metadata: scaling(inWork),
    resize: scaling(inWork * deploymentOf(stage).groups.length),
    cores: Number.POSITIVE_INFINITY,
    // Nothing of it is anybody's work here.
    servicesShares: { arrival: 0, begin: 0, workers: 0, end: 0 },
    servicesStartSeconds: 0,
    deliverySeconds: assumptions.deliveryMillis / 1000,
    // Some of it comes after the record is written; how much, nobody has measured, so users are told to wait for all.
    waitSeconds: assumptions.workflowMillis / 1000,
    endWaitSeconds: 0,
    lookSeconds: 0,
    upkeep: { sender: 0, services: 0 },
  };
}

/** Photographs as the bench measured them, evenly; which of them comes is chance. */
export function photographsAt(measured: Measured, rate: number, seconds: number): Arrival[] {
  const deployment = deploymentOf('prod');
  const works = measured.uploads
    .filter(({ name }) => photographs.includes(name))
    .map((upload) => ({
      sender: 0,
      dispatcher: DISPATCHER_SECONDS,
      ...workerSeconds(upload, measured, deployment),
      services: 0,
    }));
  const random = randomFrom(SEED);
  return Array.from({ length: Math.round(rate * seconds) }, (_, index) => {
    const work = works[Math.floor(random() * works.length)];
    if (work === undefined) throw new Error('No photograph was measured.');
    return { at: index / rate, work };
  });
}

/** The users of a load scenario as an account would get them, with pictures that cost what they cost in a ramp. */
export function scenarioArrivals({ phases, mix }: Scenario, costs: Costs): Arrival[] {
  const counts = phases.map(({ arrivalCount }) => arrivalCount);
  const images = { thumb: ['thumb'], small: ['small'], medium: ['medium'], large: ['large'], corrupt: ['corrupt'] };
  const users = planChanges({ seed: SEED, prefix: '', phases: counts, mix, images });
  const times = arrivalTimes(phases);
  return users.flatMap((changes, user) =>
    changes.map((change) => ({ at: times[user] ?? 0, work: accountWork(change, costs) })),
  );
}

/** What is no picture, and a deletion, cost a worker the call alone. */
function accountWork(change: PlannedChange, { functions }: Costs): Work {
  const size = sizeClasses.find((one) => change.kind === 'upload' && change.image === one);
  const cpuSeconds = (name: 'metadata' | 'resize') => (size === undefined ? 0 : functions[name].image[size]);
  const read = assumptions.s3GetMillis / 1000;
  const write = assumptions.s3PutMillis / 1000;
  return {
    sender: 0,
    dispatcher: DISPATCHER_SECONDS,
    metadata: cpuSeconds('metadata') + read,
    resize: renditionGroups.map(() => cpuSeconds('resize') / renditionGroups.length + read + write),
    services: 0,
  };
}
