/** What an upload costs whose sender wants it to cost as much as possible: before the limits on work and ADR 9, and now. */
import { defaultLimits } from '../../core/limits.ts';
import { numberAt, templateFor } from '../../scripts/template/template.ts';
import { stateNamed } from '../../test/support/workflow.ts';
import { type Deployment, deploymentOf } from './deployment.ts';
import type { Measured } from './measured.ts';
import { costPerImage } from './model.ts';
import { prices } from './prices.ts';

/** Files that kept both workers busy until Lambda stopped them, found in November 2026. The smallest of each kind. */
export const poison = [
  { name: '60 rotations of one image, AVIF', bytes: 969 },
  { name: '35,000 elements in a colour profile, PNG', bytes: 4_110 },
  { name: '130 frames in one item, AVIF', bytes: 87_201 },
  { name: '160 metadata items that share their bytes, AVIF', bytes: 248_126 },
  { name: '60 compressed texts of 8 MB, PNG', bytes: 468_025 },
  { name: '65,535 strips that share their bytes, TIFF', bytes: 1_524_420 },
  { name: '500 pages that share their values, TIFF', bytes: 2_957_042 },
] as const;

const prod = templateFor('prod').resources;
const of = (id: string, ...path: string[]) => numberAt(prod.get(id)?.Properties, ...path);

/** Receives of one message, each with its own execution of the workflow. */
const ATTEMPTS = of('UploadQueue', 'RedrivePolicy', 'maxReceiveCount');
const workers = { metadata: 'ExtractMetadata', resize: 'ResizeImage' } as const;

function callsAllowed(step: string, error: string): number {
  const retry = stateNamed(step, 'Task').Retry.find(({ ErrorEquals }) => ErrorEquals.includes(error));
  if (retry === undefined) throw new Error(`The workflow does not retry ${step} after ${error}.`);
  return 1 + retry.MaxAttempts;
}

interface Attack {
  readonly name: string;
  /** US dollars for one upload. */
  readonly usd: number;
}

export function attacks(measured: Measured, deployment: Deployment = deploymentOf('prod')) {
  // Everything that a rejected upload costs: its events, messages, records and logs, and two workers that refuse it.
  const refused =
    prices.s3Write.usd +
    costPerImage({ name: 'refused', images: [{ share: 1, image: { becomes: 'rejected' } }] }, deployment, measured);
  return {
    refused: { name: 'now: refused from its bytes', usd: refused },
    // The image process is stopped at its bound of CPU time, once in each worker: docs/decisions/0010.
    bounded: {
      name: 'now: a new kind, stopped by the image process’s bound',
      usd:
        refused + busyUsd(deployment, { attempts: 1, calls: () => 1, seconds: () => defaultLimits.seconds.cpuSeconds }),
    },
    // It gets past that bound as well, and keeps the worker itself busy: docs/decisions/0009.
    unknown: {
      name: 'now: a new kind that gets past that bound',
      usd: refused + hangingUsd(deployment, { attempts: 1, error: 'Sandbox.Timedout' }),
    },
    // A killed worker was retried like any other error, in each of five attempts, and the upload became a dead letter.
    before: {
      name: 'before',
      usd: ATTEMPTS * refused + hangingUsd(deployment, { attempts: ATTEMPTS, error: 'States.ALL' }),
    },
  } as const satisfies Record<string, Attack>;
}

/** Both workers run until Lambda stops them, as often as the workflow calls them, while dispatcher and workflow wait. */
function hangingUsd(
  deployment: Deployment,
  { attempts, error }: { readonly attempts: number; readonly error: string },
) {
  const calls = (step: string) => callsAllowed(step, error);
  return busyUsd(deployment, { attempts, calls, seconds: (step) => of(`${step}Function`, 'Timeout') });
}

interface Busy {
  readonly attempts: number;
  /** In each attempt, by step. */
  readonly calls: (step: string) => number;
  readonly seconds: (step: string) => number;
}

function busyUsd({ memory, architecture }: Deployment, busy: Busy): number {
  const gigabyteSecond = prices[architecture === 'arm64' ? 'lambdaArm64' : 'lambdaX86'].usd;
  const calls = Object.entries(workers).map(([worker, step]) => ({
    gigabytes: memory[worker === 'metadata' ? 'metadata' : 'resize'] / 1024,
    seconds: busy.calls(step) * busy.seconds(step),
    requests: busy.calls(step),
  }));
  const waits = Math.max(...calls.map(({ seconds }) => seconds));
  const eachAttempt = [
    ...calls.map(({ gigabytes, seconds }) => gigabytes * seconds * gigabyteSecond),
    ...calls.map(({ requests }) => requests * prices.lambdaRequest.usd),
    // The wait of the dispatcher is billed to this upload alone.
    (memory.dispatcher / 1024) * waits * gigabyteSecond,
    (64 / 1024) * waits * prices.expressDuration.usd,
  ];
  return busy.attempts * eachAttempt.reduce((sum, usd) => sum + usd, 0);
}

/** US dollars of workers in an hour, if one sender's uploads keep as many busy as they may. */
export function hourUsd(imagesInProgress: number, { memory, architecture }: Deployment): number {
  const gigabytes = (memory.metadata + memory.resize) / 1024;
  return imagesInProgress * gigabytes * 3600 * prices[architecture === 'arm64' ? 'lambdaArm64' : 'lambdaX86'].usd;
}

/** Images that one sender may have in progress: with its limit, and without one. */
export function placesOfOneSender() {
  const places = (event: string) => {
    const mapping = ['Events', event, 'Properties'];
    return (
      of('DispatchImagesFunction', ...mapping, 'BatchSize') *
      of('DispatchImagesFunction', ...mapping, 'ScalingConfig', 'MaximumConcurrency')
    );
  };
  const limit = Number(of('DispatchImagesFunction', 'Environment', 'Variables', 'RUNNING_PER_SENDER'));
  return { now: limit + places('Overflow'), before: places('Uploads') };
}
