/** What one image uses of each service, and what that costs. */
import { isDeepStrictEqual } from 'node:util';
import type { Preset, RenditionGroup } from '../../core/presets.ts';
import { presetsFor, renditionSize } from '../../core/rendition.ts';
import { folderOf, workers as workerSteps } from '../../core/steps.ts';
import { POLL_INTERVAL_MILLIS } from '../../core/watch/probe-pipeline.ts';
import { assumptions, otherWorkers } from './assumptions.ts';
import { type Deployment, deploymentOf, MONTH_SECONDS } from './deployment.ts';
import { renderingMillis } from './estimate.ts';
import { keptMeasurements, type Measured, type MeasuredUpload, type Times } from './measured.ts';
import { type PriceName, prices } from './prices.ts';
import { callsOn, invocationsOn, refuseUnknownTasks, statesOn, waysOf } from './workflow-path.ts';

export const services = [
  'S3',
  'Lambda',
  'DynamoDB',
  'Step Functions',
  'CloudWatch Logs',
  'EventBridge',
  'SQS',
  'X-Ray',
  'KMS',
  'Other services',
] as const;
export type Service = (typeof services)[number];

export interface Usage {
  readonly service: Service;
  readonly what: string;
  readonly price: PriceName;
  /** For one image. */
  readonly quantity: number;
}

/** What happens to an upload; `upload` names a measured one. */
type Image =
  | { readonly becomes: 'processed'; readonly upload: string }
  /** Rejected because of its header. */
  | { readonly becomes: 'rejected' }
  | { readonly becomes: 'deleted' }
  /** An event whose outcome is already known. */
  | { readonly becomes: 'repeat' }
  /** A metadata-only update: the same path with no rendition group. */
  | { readonly becomes: 'described'; readonly upload: string };

export interface Mix {
  readonly name: string;
  readonly images: readonly { readonly share: number; readonly image: Image }[];
}

export const photographs = ['photo-3mp', 'photo-8mp', 'photo-12mp', 'photo-12mp-detailed'];
const processed = (uploads: readonly string[], share = 1) =>
  uploads.map((upload) => ({ share: share / uploads.length, image: { becomes: 'processed' as const, upload } }));

export const mixes = {
  photographs: { name: 'photographs, 3–12 megapixels', images: processed(photographs) },
  web: { name: 'web images, 0.3 megapixels', images: processed(['web-jpeg', 'web-png']) },
  repeats: {
    name: '½ repeated events, ⅓ rejected files, ⅙ photographs',
    images: [
      { share: 1 / 2, image: { becomes: 'repeat' } },
      { share: 1 / 3, image: { becomes: 'rejected' } },
      ...processed(photographs, 1 / 6),
    ],
  },
  described: {
    name: 'metadata only',
    images: photographs.map((upload) => ({ share: 1 / photographs.length, image: { becomes: 'described', upload } })),
  },
} as const satisfies Readonly<Record<string, Mix>>;

export type Bill = Readonly<Record<Service, number>>;

/**
 * Images that arrive one by one: no batch fills, and X-Ray records the first call of each second. A million spread evenly over
 * a month is one every 2.6 seconds.
 */
export function oneByOne(deployment: Deployment): Deployment {
  return { ...deployment, batchSize: 1, tracing: 'every call' };
}

/** US dollars per image of the mix, on average, without the monthly costs. */
export function costPerImage(
  mix: Mix = mixes.photographs,
  deployment: Deployment = deploymentOf('prod'),
  measured: Measured = keptMeasurements(),
): number {
  return total(billOf(usageOf(mix, deployment, measured)));
}

export function usageOf(mix: Mix, deployment: Deployment, measured: Measured): Usage[] {
  refuseUnknownTasks();
  return mix.images.flatMap(({ share, image }) =>
    usageOfImage(image, deployment, measured).map((usage) => ({ ...usage, quantity: usage.quantity * share })),
  );
}

export function billOf(usage: readonly Usage[]): Bill {
  const cost = (service: Service) =>
    usage
      .filter((line) => line.service === service)
      .reduce((sum, { price, quantity }) => sum + quantity * prices[price].usd, 0);
  return {
    S3: cost('S3'),
    Lambda: cost('Lambda'),
    DynamoDB: cost('DynamoDB'),
    'Step Functions': cost('Step Functions'),
    'CloudWatch Logs': cost('CloudWatch Logs'),
    EventBridge: cost('EventBridge'),
    SQS: cost('SQS'),
    'X-Ray': cost('X-Ray'),
    KMS: cost('KMS'),
    'Other services': cost('Other services'),
  };
}

export function total(bill: Bill): number {
  return services.reduce((sum, service) => sum + bill[service], 0);
}

// ── One image ───────────────────────────────────────────────────────────────────────────────────────────────────────

function usageOfImage(image: Image, deployment: Deployment, measured: Measured): Usage[] {
  const work = workOf(image, deployment, measured);
  return [...arrival(work, deployment), ...workers(work, deployment), ...coordination(work, deployment)];
}

/** Seconds and counts for one image. */
interface Work {
  /** Undefined for a repeat: the dispatcher already knows its outcome. */
  readonly workflow: Workflow | undefined;
  readonly dispatcherSeconds: number;
}

interface Workflow {
  readonly states: ReadonlyMap<string, number>;
  readonly seconds: number;
  readonly metadataSeconds: number;
  readonly resizeSeconds: readonly number[];
  readonly removalSeconds: number;
  readonly renditions: number;
  readonly reads: number;
}

function workOf(image: Image, deployment: Deployment, measured: Measured): Work {
  if (image.becomes === 'repeat') return { workflow: undefined, dispatcherSeconds: seconds(assumptions.repeatMillis) };
  const workflow = workflowOf(image, deployment, measured);
  // An image that is alone in its batch waits for no slower one.
  const slowest = deployment.batchSize === 1 ? 1 : assumptions.slowestOfBatch;
  return {
    workflow,
    dispatcherSeconds: (workflow.seconds * slowest + seconds(assumptions.dispatcherMillis)) / deployment.batchSize,
  };
}

function workflowOf(
  image: Exclude<Image, { becomes: 'repeat' }>,
  deployment: Deployment,
  measured: Measured,
): Workflow {
  if (image.becomes === 'rejected') return refusal(deployment);
  if (image.becomes === 'deleted') return deletion(deployment);
  const upload = uploadNamed(image.upload, measured);
  const groups = image.becomes === 'described' ? [] : deployment.groups;
  const { metadata, resize, others } = workerSeconds(upload, measured, { ...deployment, groups });
  return {
    states: statesOn(waysOf.processed, groups.length),
    seconds: Math.max(metadata, ...resize, ...Object.values(others)) + seconds(assumptions.workflowMillis),
    metadataSeconds: metadata,
    resizeSeconds: resize,
    removalSeconds: 0,
    renditions: groups.reduce((sum, { presets }) => sum + presetsFor(upload.header, presets).length, 0),
    reads: 1 + groups.length,
  };
}

function refusal(deployment: Deployment): Workflow {
  const { groups, memory } = deployment;
  const reading = seconds(assumptions.s3GetMillis);
  const removalSeconds = removing(deployment);
  const metadataSeconds = briefly(memory.metadata) + reading;
  return {
    states: statesOn(waysOf.rejected, groups.length),
    seconds: metadataSeconds + removalSeconds + seconds(assumptions.workflowMillis),
    metadataSeconds,
    resizeSeconds: groups.map(() => briefly(memory.resize) + reading),
    removalSeconds,
    renditions: 0,
    reads: 1 + groups.length,
  };
}

function deletion(deployment: Deployment): Workflow {
  const removalSeconds = removing(deployment);
  return {
    states: statesOn(waysOf.deleted, deployment.groups.length),
    seconds: removalSeconds + seconds(assumptions.workflowMillis),
    metadataSeconds: 0,
    resizeSeconds: [],
    removalSeconds,
    renditions: 0,
    reads: 0,
  };
}

/** The average share of a cold start in each call. */
const COLD_STARTS = seconds(assumptions.coldStarts * assumptions.coldStartMillis);

/** A worker that renders nothing. */
const briefly = (megabytes: number) => seconds(assumptions.refusalCpuMillis) / vcpus(megabytes) + COLD_STARTS;
const removing = ({ memory }: Deployment) => briefly(memory.removal) + seconds(assumptions.s3PutMillis);

/** The billed time of each worker for an upload. */
export function workerSeconds(upload: MeasuredUpload, measured: Measured, deployment: Deployment, threads = 1) {
  const { groups, memory } = deployment;
  const waits = waitSeconds(upload);
  const factor = cpuFactor(upload, deployment);
  const metadata = millisAt(upload.metadata, memory.metadata, threads);
  return {
    metadata: busySeconds(metadata, factor, waits.metadata),
    others: otherSeconds(deployment),
    resize: groups.map((group) =>
      busySeconds(groupMillis(group, upload, measured, deployment, threads), factor, waits.resize),
    ),
  };
}

/** The workers that no benchmark measures, by step. */
function otherSeconds({ otherMemory }: Deployment): Readonly<Record<string, number>> {
  return Object.fromEntries(
    Object.entries(otherWorkers).map(([name, { cpuMillis, waitMillis }]) => [
      name,
      seconds(cpuMillis) / vcpus(otherMemory[name] ?? Number.NaN) + seconds(waitMillis) + COLD_STARTS,
    ]),
  );
}

/** Lambda's CPU time divided by that of the benchmark machine. */
export function cpuFactor(
  { referenceCpuMillis }: MeasuredUpload,
  { architecture, referenceMillis }: Deployment,
): number {
  return (referenceMillis ?? assumptions.referenceMillis[architecture].likely) / referenceCpuMillis;
}

/** How long one worker waits for S3; more vCPU does not shorten it. */
export function waitSeconds({ bytes }: MeasuredUpload) {
  const reading = seconds(assumptions.s3GetMillis) + bytes / 1e6 / assumptions.s3MegabytesPerSecond;
  return { metadata: reading, resize: reading + seconds(assumptions.s3PutMillis) };
}

/** S3's client works while the bytes are in transit, so only the longer of the two counts. */
function busySeconds({ work, client }: Spent, factor: number, waits: number): number {
  return seconds(work * factor) + Math.max(seconds(client * factor), waits) + COLD_STARTS;
}

/** Milliseconds. */
interface Spent {
  readonly work: number;
  readonly client: number;
}

/** The measured work at this memory size, and the CPU time of S3's client there. */
function millisAt({ runs, clientCpuMillis }: Times, memory: number, threads: number): Spent {
  const found = runs.find((run) => run.memory === memory && run.threads === threads);
  if (found === undefined) {
    throw new Error(`No measurement at ${memory} MB: run npm run lab -- bench durations, on Linux as root.`);
  }
  return { work: found.millis, client: clientCpuMillis / vcpus(memory) };
}

/** Measured, if its presets were; otherwise estimated from the group with the same name, or from all groups. */
function groupMillis(
  group: RenditionGroup,
  upload: MeasuredUpload,
  { presets }: Measured,
  { rendering, memory }: Deployment,
  threads: number,
): Spent {
  const hasName = ({ name }: { readonly name: string }) => name === group.name;
  const alike = upload.groups.some(hasName) ? upload.groups.filter(hasName) : upload.groups;
  const measuredPresets = presets.filter(({ name }) => alike.some((each) => each.name === name));
  const total = (value: (presets: readonly Preset[]) => number) =>
    measuredPresets.reduce((sum, each) => sum + value(each.presets), 0);
  const share = (value: (presets: readonly Preset[]) => number) => value(group.presets) / total(value);
  const times = alike.map((each) => millisAt(each, memory.resize, threads));
  return {
    work:
      share((some) => renderingMillis(upload.header, some)) *
      renderingFactor(upload, rendering) *
      times.reduce((sum, { work }) => sum + work, 0),
    // Each PUT takes S3's client about the same time.
    client:
      share((some) => presetsFor(upload.header, some).length) * times.reduce((sum, { client }) => sum + client, 0),
  };
}

/** CPU time of this rendering divided by ours. */
function renderingFactor(
  { groups, separateCpuMillis, naiveCpuMillis }: MeasuredUpload,
  rendering: Deployment['rendering'],
): number {
  const ours = groups.reduce((sum, { cpuMillis }) => sum + cpuMillis, 0);
  switch (rendering) {
    case 'one decode':
      return 1;
    case 'a decode each':
      return separateCpuMillis / ours;
    case 'a decode each, default efforts':
      return naiveCpuMillis / ours;
  }
}

function arrival({ workflow, dispatcherSeconds }: Work, deployment: Deployment): Usage[] {
  const { batchSize, memory, tracing } = deployment;
  return [
    line('EventBridge', 'upload event', 'eventBridgeDataEvent', 1),
    line('SQS', 'send, receive, delete', 'sqsRequest', 1 + 2 / batchSize),
    line('Lambda', 'requests', 'lambdaRequest', 1 / batchSize),
    line(
      'Lambda',
      'dispatch-images, waiting',
      gigabyteSecond(deployment),
      gigabytes(memory.dispatcher) * dispatcherSeconds,
    ),
    // Powertools writes at the beginning and at the end; a repeat stops at the first write.
    line(
      'DynamoDB',
      'idempotency records',
      'dynamoDbWrite',
      (workflow === undefined ? 1 : 2) * units(assumptions.idempotencyRecordBytes),
    ),
    // Added to when an upload of a sender begins, and subtracted from when it ends.
    line('DynamoDB', 'uploads in progress, counted for each sender', 'dynamoDbWrite', 2),
    // Each call of the dispatcher starts one trace for all images in its batch.
    line(
      'X-Ray',
      'traces',
      'trace',
      { none: 0, sampled: assumptions.tracedShare, 'every call': 1 }[tracing] / batchSize,
    ),
  ];
}

function workers({ workflow }: Work, deployment: Deployment): Usage[] {
  if (workflow === undefined) return [];
  const { memory, bucketKeys } = deployment;
  const { states, metadataSeconds, resizeSeconds, removalSeconds, renditions, reads } = workflow;
  const removals = invocationsOn(states, 'RemoveRenditionsFunction');
  const invocations =
    invocationsOn(states, 'ExtractMetadataFunction') + invocationsOn(states, 'ResizeImageFunction') + removals;
  const duration = (what: string, megabytes: number, spent: number) =>
    line('Lambda', what, gigabyteSecond(deployment), gigabytes(megabytes) * spent);
  const askedShare = {
    'S3’s own': 0,
    'customer-managed, bucket keys': assumptions.bucketKeyRequests,
    'customer-managed, asked each time': 1,
  }[bucketKeys];
  return [
    line('Lambda', 'requests', 'lambdaRequest', invocations),
    duration('extract-metadata', memory.metadata, metadataSeconds),
    duration(
      'resize-image',
      memory.resize,
      resizeSeconds.reduce((sum, spent) => sum + spent, 0),
    ),
    duration('remove-renditions', memory.removal, removalSeconds),
    ...otherLines(states, deployment),
    line('S3', 'renditions, PUT', 's3Write', renditions),
    // The removal lists the existing renditions.
    line('S3', 'renditions, LIST', 's3Write', removals),
    line('S3', 'upload, GET by each worker', 's3Read', reads),
    line('KMS', 'keys of the objects', 'kmsRequest', (renditions + reads) * askedShare),
  ];
}

function otherLines(states: ReadonlyMap<string, number>, deployment: Deployment): Usage[] {
  const busy = otherSeconds(deployment);
  return Object.entries(otherWorkers).flatMap(([name, { reads, service }]) => {
    const calls = invocationsOn(states, `${name}Function`);
    const memory = gigabytes(deployment.otherMemory[name] ?? Number.NaN);
    return [
      line('Lambda', 'requests', 'lambdaRequest', calls),
      line('Lambda', folderOf(name), gigabyteSecond(deployment), calls * memory * (busy[name] ?? Number.NaN)),
      line('S3', 'upload, GET by each worker', 's3Read', calls * reads),
      ...(service === undefined ? [] : [line('Other services', folderOf(name), service, calls)]),
    ];
  });
}

function coordination({ workflow }: Work, deployment: Deployment): Usage[] {
  const { batchSize, logRetentionDays, platformLog, workflowLog } = deployment;
  const { decisionLogBytes, metricsLogBytes, platformLogBytes, workerLogBytes } = assumptions;
  const dispatcherBytes = decisionLogBytes + metricsLogBytes + platformLogBytes / batchSize;
  if (workflow === undefined) return logs(dispatcherBytes, logRetentionDays);
  const { states, renditions } = workflow;
  const transitions = [...states.values()].reduce((sum, times) => sum + times, 0);
  const invocations = workerSteps.reduce((sum, { name }) => sum + invocationsOn(states, `${name}Function`), 0);
  const workerBytes = workerLogBytes + (platformLog === 'every call' ? platformLogBytes : 0);
  const historyBytes = workflowLog === 'ALL' ? transitions * assumptions.historyBytesPerState : 0;
  const recordUnits = units(assumptions.recordBytes + renditions * assumptions.renditionRecordBytes);
  return [
    ...(deployment.workflow === 'EXPRESS'
      ? [
          line('Step Functions', 'executions', 'expressRequest', 1),
          // Billed in steps of 64 MB; our data fits in one.
          line('Step Functions', 'duration', 'expressDuration', (64 / 1024) * (Math.ceil(workflow.seconds * 10) / 10)),
        ]
      : [
          line('Step Functions', 'state transitions', 'standardTransition', deployment.otherTransitions ?? transitions),
        ]),
    line(
      'DynamoDB',
      'record, written and marked as announced',
      'dynamoDbWrite',
      recordUnits * (callsOn(states, 'dynamodb:putItem') + callsOn(states, 'dynamodb:updateItem')),
    ),
    line('DynamoDB', 'record, read', 'dynamoDbRead', callsOn(states, 'dynamodb:getItem')),
    line('EventBridge', 'domain event', 'eventBridgeCustomEvent', callsOn(states, 'events:putEvents')),
    ...history(deployment),
    ...logs(dispatcherBytes + invocations * workerBytes + historyBytes, logRetentionDays),
  ];
}

/** Lambda reads the stream of the table for free. */
function history(deployment: Deployment): Usage[] {
  const { historyObjectsPerImage: objects, recordHistoryMillis, platformLogBytes, workerLogBytes } = assumptions;
  const gigabyteSeconds = gigabytes(deployment.memory.history) * (recordHistoryMillis / 1000);
  return [
    line('S3', 'history, PUT', 's3Write', objects),
    line('Lambda', 'requests', 'lambdaRequest', objects),
    line('Lambda', 'record-history', gigabyteSecond(deployment), objects * gigabyteSeconds),
    ...logs(objects * (platformLogBytes + workerLogBytes), deployment.logRetentionDays),
  ];
}

/** Logs that never expire count as kept for ten years. */
const FOR_EVER_DAYS = 3650;

function logs(bytes: number, retentionDays: number): Usage[] {
  const months = Math.min(retentionDays, FOR_EVER_DAYS) / 30;
  return [
    line('CloudWatch Logs', 'ingestion', 'logIngestion', bytes / 1e9),
    line(
      'CloudWatch Logs',
      'storage until they expire',
      'logStorage',
      (bytes / 1e9) * assumptions.logCompression * months,
    ),
  ];
}

// ── Per month ────────────────────────────────────────────────────────────────────────────────────────────────────

export interface MonthlyLine {
  readonly what: string;
  readonly price: PriceName;
  readonly quantity: number;
}

/** Paid even without any upload. */
export function standingLines({ standing, architecture }: Deployment): MonthlyLine[] {
  return [
    { what: 'alarms, per metric they watch', price: 'alarm', quantity: standing.alarmMetrics },
    { what: 'alarms that scale warm workers', price: 'alarm', quantity: standing.scalingAlarms },
    { what: 'composite alarms', price: 'compositeAlarm', quantity: standing.compositeAlarms },
    { what: 'custom metrics of the probe', price: 'metric', quantity: standing.probeMetrics },
    { what: 'dashboards', price: 'dashboard', quantity: standing.dashboards },
    { what: 'KMS keys', price: 'kmsKey', quantity: standing.keys },
    {
      what: 'polling the empty queues',
      price: 'sqsRequest',
      quantity: (standing.polledQueues * assumptions.pollers * assumptions.pollsPerMinute * MONTH_SECONDS) / 60,
    },
    {
      what: 'provisioned concurrency',
      price: architecture === 'arm64' ? 'provisionedArm64' : 'provisionedX86',
      quantity: standing.provisionedGigabytes * MONTH_SECONDS,
    },
  ];
}

/** A version that a lifecycle rule deletes: the workflow sees that the record is of another one. */
export function expiredVersion(deployment: Deployment): Usage[] {
  const seconds = assumptions.workflowMillis / 1000;
  const renditions = deployment.groups.flatMap(({ presets }) => presets).length;
  const workflow: Workflow = {
    ...{ states: new Map(), seconds, metadataSeconds: 0, resizeSeconds: [], removalSeconds: 0, renditions, reads: 0 },
  };
  const dispatcher = seconds * assumptions.slowestOfBatch + assumptions.dispatcherMillis / 1000;
  const work = { workflow, dispatcherSeconds: dispatcher / deployment.batchSize };
  const record = units(assumptions.recordBytes + (renditions - 1) * assumptions.renditionRecordBytes);
  return [
    ...arrival(work, deployment),
    ...coordination(work, deployment),
    line('DynamoDB', 'mark, and an update that is refused', 'dynamoDbWrite', 1 + record),
  ];
}

/** US dollars per month: each probe uploads a small image, waits for its outcome, and deletes it. A day later it expires. */
export function probesCost(deployment: Deployment, measured: Measured): number {
  const { memory, groups, standing } = deployment;
  const { probeSeconds, kmsRequestsPerProbe, expiriesPerProbe } = assumptions;
  const { workerLogBytes, metricsLogBytes, platformLogBytes } = assumptions;
  const upload = uploadNamed('web-jpeg', measured);
  const renditions = groups.flatMap(({ presets }) => presetsFor(upload.header, presets)).length;
  const probe = [
    ...usageOfImage({ becomes: 'processed', upload: upload.name }, deployment, measured),
    ...usageOfImage({ becomes: 'deleted' }, deployment, measured),
    line('Lambda', 'requests', 'lambdaRequest', 1),
    line('Lambda', 'probe-pipeline, waiting', gigabyteSecond(deployment), gigabytes(memory.probe) * probeSeconds),
    line('S3', 'upload, PUT', 's3Write', 1),
    line('S3', 'renditions, GET', 's3Read', renditions),
    line('DynamoDB', 'record, read', 'dynamoDbRead', (1000 * probeSeconds) / POLL_INTERVAL_MILLIS),
    line('KMS', 'keys of queues, tables and buckets', 'kmsRequest', kmsRequestsPerProbe),
    ...expiredVersion(deployment).map((usage) => ({ ...usage, quantity: usage.quantity * expiriesPerProbe })),
    ...logs(workerLogBytes + metricsLogBytes + platformLogBytes, deployment.logRetentionDays),
  ];
  return standing.probesAMonth * total(billOf(probe));
}

/** Per month, for each stored image. */
export function keptLines(mix: Mix, deployment: Deployment, measured: Measured): MonthlyLine[] {
  const gigabytesOf = (size: (upload: MeasuredUpload) => number) =>
    mix.images.reduce(
      (sum, { share, image }) =>
        image.becomes === 'processed' ? sum + share * (size(uploadNamed(image.upload, measured)) / 1e9) : sum,
      0,
    );
  const record = gigabytesOf(
    ({ header }) =>
      assumptions.recordBytes +
      deployment.groups.flatMap(({ presets }) => presetsFor(header, presets)).length * assumptions.renditionRecordBytes,
  );
  return [
    { what: 'uploads', price: 's3Storage', quantity: gigabytesOf(({ bytes }) => bytes) },
    {
      what: 'renditions',
      price: 's3Storage',
      quantity: gigabytesOf((upload) => renditionBytes(deployment.groups, upload, measured)),
    },
    { what: 'records', price: 'dynamoDbStorage', quantity: record },
    { what: 'records, point-in-time recovery', price: 'dynamoDbRecovery', quantity: record },
    { what: 'history', price: 's3Storage', quantity: assumptions.historyBytes / 1e9 },
  ];
}

/** Measured; a preset without a measurement gets the bytes per megapixel of its format, or of all formats if it is the only one. */
function renditionBytes(groups: readonly RenditionGroup[], upload: MeasuredUpload, { presets }: Measured): number {
  const { header } = upload;
  const area = (preset: Preset) => {
    const { width, height } = renditionSize(header, preset);
    return width * height;
  };
  const known = presets.flatMap((group) =>
    presetsFor(header, group.presets).map((preset) => ({
      preset,
      bytes: upload.groups
        .flatMap(({ renditions }) => renditions)
        .filter((rendition) => rendition.preset === preset.name)
        .reduce((sum, { bytes }) => sum + bytes, 0),
    })),
  );
  const bytesOf = (preset: Preset) => {
    const same = known.find((one) => isDeepStrictEqual(one.preset, preset));
    if (same !== undefined) return same.bytes;
    const alike = known.filter((one) => one.preset.format === preset.format);
    const others = alike.length > 0 ? alike : known;
    const sum = (value: (one: (typeof known)[number]) => number) => others.reduce((all, one) => all + value(one), 0);
    return (area(preset) * sum(({ bytes }) => bytes)) / sum((one) => area(one.preset));
  };
  return groups.flatMap((group) => presetsFor(header, group.presets)).reduce((sum, preset) => sum + bytesOf(preset), 0);
}

// ── Arithmetic ──────────────────────────────────────────────────────────────────────────────────────────────────────

/** Lambda gives one vCPU per 1,769 MB. https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html */
export const MEGABYTES_PER_VCPU = 1769;

/** At most the one that a single thread can use. */
function vcpus(megabytes: number): number {
  return Math.min(1, megabytes / MEGABYTES_PER_VCPU);
}

export const gigabytes = (megabytes: number) => megabytes / 1024;
export function gigabyteSecond({
  architecture,
  environments,
}: Pick<Deployment, 'architecture' | 'environments'>): PriceName {
  switch (environments) {
    case 'on demand':
      return architecture === 'arm64' ? 'lambdaArm64' : 'lambdaX86';
    case 'kept warm':
      return architecture === 'arm64' ? 'warmArm64' : 'warmX86';
  }
}

function uploadNamed(name: string, { uploads }: Measured): MeasuredUpload {
  const found = uploads.find((upload) => upload.name === name);
  if (found === undefined) throw new Error(`No measurement of ${name}: run npm run lab -- bench durations.`);
  return found;
}

function line(service: Service, what: string, price: PriceName, quantity: number): Usage {
  return { service, what, price, quantity };
}

function seconds(millis: number): number {
  return millis / 1000;
}

/** DynamoDB write units: kilobytes, rounded up. */
const units = (bytes: number) => Math.ceil(bytes / 1024);
