import type { PriceName } from './prices.ts';

/**
 * Values that neither the code nor a benchmark on this machine can provide. Each is one number, so that a month of real
 * traffic can correct it.
 */
export const assumptions = {
  /**
   * CPU time of the benchmark's reference job on Lambda, in ms. It converts times measured on any machine to
   * Lambda's. lab/docs/cost.md lists the sources.
   */
  referenceMillis: {
    arm64: { low: 64, likely: 72, high: 88 },
    x86_64: { low: 61, likely: 72, high: 86 },
  },
  /** Time to the first byte of a GET, and to a PUT's response, in ms. The PUTs of a group run in parallel. */
  s3GetMillis: 20,
  s3PutMillis: 30,
  /** From S3's response until the event is in the queue. S3 says "in seconds"; EventBridge adds a fraction of one. */
  deliveryMillis: 1000,
  /** From S3 to one worker, in MB per second. */
  s3MegabytesPerSecond: 90,
  /**
   * CPU time of decoding, per megapixel of the upload, and of encoding, per megapixel of the rendition, at WebP effort 2 and
   * AVIF effort 0: lab/docs/performance.md, "Each step alone". Used only for presets that were not measured.
   */
  decodeMillisPerMegapixel: 11,
  encodeMillisPerMegapixel: { webp: 60, avif: 120, jpeg: 15 },
  /** CPU time at another effort, relative to that: lab/docs/quality.md. */
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
  /** CPU time on Lambda of a worker that rejects or removes, in ms of one vCPU. */
  refusalCpuMillis: 10,
  /** Time of an EXPRESS workflow outside its workers: about twenty states, four calls to other services. */
  workflowMillis: 150,
  /** The dispatcher's own time per batch, and for an event whose outcome it already knows. */
  dispatcherMillis: 30,
  repeatMillis: 20,
  /** The slowest image of a batch relative to the average: the dispatcher is billed until that one is decided. */
  slowestOfBatch: 1.5,
  /** Share of all invocations; each loads its modules. docs/decisions/0004. */
  coldStarts: 0.01,
  coldStartMillis: 400,

  /** Bytes per log line as CloudWatch counts them: 26 more than the line. A test compares these three with real lines. */
  workerLogBytes: 650,
  decisionLogBytes: 930,
  /** Three metrics in EMF. */
  metricsLogBytes: 570,
  /** `platform.start` and `platform.report`, which Lambda writes per invocation unless configured otherwise. */
  platformLogBytes: 710,
  /** Stored bytes per byte of log, after compression. */
  logCompression: 0.15,
  /** A workflow's log with data at level ALL: one line each for entering and leaving a state. */
  historyBytesPerState: 1400,

  /** A record of a photograph with a key of 46 characters, and the addition per rendition, by DynamoDB's rules for item sizes. */
  recordBytes: 690,
  renditionRecordBytes: 185,
  idempotencyRecordBytes: 300,

  /**
   * Objects of history per image, for a million images in a month: one for each of 4 shards and five minutes. Fewer images share an object
   * less, up to two objects per image.
   */
  historyObjectsPerImage: 0.035,
  /** Time of one invocation of record-history, and the bytes that it writes for an image with its renditions. */
  recordHistoryMillis: 200,
  historyBytes: 3500,

  /** X-Ray's default rule: this share of the dispatcher's calls, plus the first one each second, which hardly counts here. */
  tracedShare: 0.05,
  /** Share of requests that still reach KMS with a bucket key, which saves "up to 99 %". */
  bucketKeyRequests: 0.01,
  /** A probe waits for its renditions and for their removal. */
  probeSeconds: 5,
  /**
   * KMS is asked for the key of each queue, bucket and table that a probe meets: services remember a key for about five minutes,
   * the time between two probes.
   */
  kmsRequestsPerProbe: 8,
  /** Its image and the marker of its deletion expire after a day, and each expiry is an event. */
  expiriesPerProbe: 2,
  /** Pollers of each event source mapping; each polls three times per minute even when the queue is empty. */
  pollers: 5,
  pollsPerMinute: 3,
} as const;

interface OtherWorker {
  /** CPU time on one vCPU on Lambda, and time waiting for other services, in ms. */
  readonly cpuMillis: number;
  readonly waitMillis: number;
  /** GETs of the upload. */
  readonly reads: number;
  /** The price in prices.ts of the other service that each call uses. */
  readonly service?: PriceName;
}

/**
 * Workers that no benchmark measures, by the names of their steps in core/steps.ts. A worker that is neither here nor
 * measured is an error, because a price without it would be wrong.
 */
export const otherWorkers: Readonly<Record<string, OtherWorker>> = {};
