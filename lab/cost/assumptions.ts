import type { PriceName } from './prices.ts';

/**
 * What the model has to assume because neither the code nor a bench on this machine can tell. Each is one number, so
 * that a month of real traffic can correct it.
 */
export const assumptions = {
  /**
   * What the bench's yardstick takes of CPU on Lambda, in ms: with it the times of the bench become Lambda's, however fast
   * the machine of the bench was. lab/docs/cost.md has the sources.
   */
  yardstickMillis: {
    arm64: { low: 64, likely: 72, high: 88 },
    x86_64: { low: 61, likely: 72, high: 86 },
  },
  /** Waiting for the first byte of a GET, and for a PUT's answer, in ms. The PUTs of a group go out side by side. */
  s3GetMillis: 20,
  s3PutMillis: 30,
  /** From S3's answer until the event is in the queue. S3 says "in seconds", EventBridge adds a fraction of one. */
  deliveryMillis: 1000,
  /** From S3 into one worker, in MB a second. */
  s3MegabytesPerSecond: 90,
  /**
   * CPU of a decode per megapixel of the upload, and of an encoding per megapixel of the rendition, at the efforts of
   * WebP 2 and AVIF 0: lab/docs/performance.md, "Each step alone". Only for presets that were not measured.
   */
  decodeMillisPerMegapixel: 11,
  encodeMillisPerMegapixel: { webp: 60, avif: 120, jpeg: 15 },
  /** CPU at another effort over that: lab/docs/quality.md. */
  effortFactors: {
    webp: [
      [0, 0.57],
      [1, 0.71],
      [2, 1],
      [4, 2.07],
      [6, 4.91],
    ],
    avif: [
      [0, 1],
      [1, 3.06],
      [2, 6.33],
      [4, 39],
    ],
  },
  /** CPU time on Lambda of a worker that refuses or removes, in ms of one vCPU. */
  refusalCpuMillis: 10,
  /** What an EXPRESS workflow needs beside its workers: about twenty states, four calls of other services. */
  workflowMillis: 150,
  /** Of the dispatcher for a batch beside the wait, and for an event that it remembers. */
  dispatcherMillis: 30,
  repeatMillis: 20,
  /** The slowest image of a batch over the average one: the dispatcher is paid until that is decided. */
  slowestOfBatch: 1.5,
  /** Of all invocations; each pays for the load of its modules. docs/decisions/0004. */
  coldStarts: 0.01,
  coldStartMillis: 400,

  /** Bytes of one line as CloudWatch counts them: 26 more than the line. A test compares these three with what is written. */
  workerLogBytes: 650,
  decisionLogBytes: 930,
  /** Two metrics in EMF. */
  metricsLogBytes: 500,
  /** `platform.start` and `platform.report`, which Lambda writes for every invocation unless told otherwise. */
  platformLogBytes: 710,
  /** Of stored logs: what is left of a byte once it is compressed. */
  logCompression: 0.15,
  /** A workflow's history with its data at level ALL: one line each for the entry and exit of a state. */
  historyBytesPerState: 1400,

  /** A record, and what each rendition adds to it. */
  recordBytes: 800,
  renditionRecordBytes: 165,
  idempotencyRecordBytes: 300,

  /** X-Ray's default rule: the first call of the dispatcher each second, which is little here, and this share of the others. */
  tracedShare: 0.05,
  /** Requests that still reach KMS with a bucket key: "up to 99 %" are saved. */
  bucketKeyRequests: 0.01,
  /** A probe waits for its renditions and for their removal, and looks once a second. */
  probeSeconds: 5,
  /** Waiting pollers of the event source mapping ask three times a minute each, also when nothing comes. */
  pollers: 5,
  pollsPerMinute: 3,
} as const;

interface OtherWorker {
  /** Of one vCPU on Lambda, and what it waits for others, in ms. */
  readonly cpuMillis: number;
  readonly waitMillis: number;
  /** GETs of the upload. */
  readonly reads: number;
  /** What each call pays another service, by its name in prices.ts. */
  readonly service?: PriceName;
}

/**
 * Workers of the workflow that no bench measures, by the names of their steps in core/steps.ts. One that is neither here nor
 * measured is refused: a price that leaves it out would be wrong.
 */
export const otherWorkers: Readonly<Record<string, OtherWorker>> = {};
