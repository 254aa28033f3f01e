/** The parts of a stage that affect the bill, read from template.yaml, the workflow and the presets. */
import { rejectionReasons } from '../../core/outcome.ts';
import { type RenditionGroup, renditionGroups } from '../../core/presets.ts';
import {
  at,
  deployedTemplate,
  metricsOf,
  numberAt,
  ofType,
  parameterDefault,
  type Resource,
  type Stage,
  type Template,
} from '../../scripts/template/template.ts';
import { otherWorkers } from './assumptions.ts';

export interface Deployment {
  readonly workflow: 'EXPRESS' | 'STANDARD';
  /** State transitions per image of a workflow other than ours, to price it as STANDARD. */
  readonly otherTransitions?: number;
  /** `ALL` writes a line for entering and for leaving each state. */
  readonly workflowLog: 'OFF' | 'ERROR' | 'ALL';
  readonly architecture: 'arm64' | 'x86_64';
  /** Replaces the likely value in {@link assumptions}. */
  readonly referenceMillis?: number;
  /** MB by function. */
  readonly memory: {
    readonly dispatcher: number;
    readonly metadata: number;
    readonly resize: number;
    readonly removal: number;
    readonly probe: number;
    readonly history: number;
  };
  /** MB by step name, for {@link otherWorkers}. */
  readonly otherMemory: Readonly<Record<string, number>>;
  /** Whether provisioned concurrency serves all calls or none. */
  readonly environments: 'on demand' | 'kept warm';
  readonly batchSize: number;
  readonly groups: readonly RenditionGroup[];
  /** How a group is rendered: from one decode, with a decode per rendition, or that with sharp's default efforts. */
  readonly rendering: 'one decode' | 'a decode each' | 'a decode each, default efforts';
  /** Whether Lambda writes its own log lines for every call of a worker, or only for failed ones. */
  readonly platformLog: 'every call' | 'failed calls';
  /** `Infinity`: the logs never expire. */
  readonly logRetentionDays: number;
  readonly tracing: 'sampled' | 'every call' | 'none';
  /** S3's own keys are free. A customer-managed key costs a request per object unless the bucket has a bucket key. */
  readonly bucketKeys: 'S3’s own' | 'customer-managed, bucket keys' | 'customer-managed, asked each time';
  /** Billed per month, with or without uploads. */
  readonly standing: Standing;
}

interface Standing {
  /** Alarms are billed per metric they watch. */
  readonly alarmMetrics: number;
  readonly compositeAlarms: number;
  /** Application Auto Scaling makes two alarms for each policy that tracks a target. */
  readonly scalingAlarms: number;
  readonly keys: number;
  readonly dashboards: number;
  /** Published without users' uploads. */
  readonly probeMetrics: number;
  /** Published while there are uploads of every kind. */
  readonly uploadMetrics: number;
  readonly polledQueues: number;
  /** GB of provisioned concurrency. */
  readonly provisionedGigabytes: number;
  readonly probesAMonth: number;
}

export const MONTH_SECONDS = 730 * 3600;

/** In the pipeline's own namespace, dimension `service`: of adapters/lambda/decision-log.ts and adapters/lambda/scheduled-probe.ts; a test compares them. */
export const customMetrics = [
  ...['ImagesProcessed', 'ImagesRejected', 'ImagesSuperseded', 'ImagesVanished', 'ImagesDeleted', 'ImagesRepeated'],
  ...['AttemptsFailed', 'ImagesFailed', 'EventsRefused', 'UploadToReady', 'ObjectiveMissed', 'BytesIn', 'BytesOut'],
  ...['ProbeFailed', 'ProbeUploadToReady'],
  ...rejectionReasons.map((reason) => `ImagesRejected ${reason}`),
];

export function deploymentOf(stage: Exclude<Stage, 'local'>): Deployment {
  const template = deployedTemplate(stage);
  const properties = (id: string) => {
    const found = template.resources.get(id);
    if (found === undefined) throw new Error(`template.yaml has no ${id}: lab/cost/deployment.ts reads it.`);
    return found.Properties;
  };
  const memoryOf = (id: string) => numberAt(properties(id)['MemorySize']);
  const pipeline = properties('ImagePipeline');
  const logging = at(pipeline['LoggingConfiguration'], 'Level');
  return {
    workflow: pipeline['StateMachineType'] === 'EXPRESS' ? 'EXPRESS' : 'STANDARD',
    workflowLog: logging === 'ALL' || logging === 'ERROR' ? logging : 'OFF',
    architecture: parameterDefault('Architecture') === 'arm64' ? 'arm64' : 'x86_64',
    memory: {
      dispatcher: memoryOf('DispatchImagesFunction'),
      metadata: memoryOf('ExtractMetadataFunction'),
      resize: memoryOf('ResizeImageFunction'),
      removal: memoryOf('RemoveRenditionsFunction'),
      probe: memoryOf('ProbePipelineFunction'),
      history: memoryOf('RecordHistoryFunction'),
    },
    otherMemory: Object.fromEntries(Object.keys(otherWorkers).map((name) => [name, memoryOf(`${name}Function`)])),
    environments: 'on demand',
    batchSize: numberAt(properties('DispatchImagesFunction')['Events'], 'Uploads', 'Properties', 'BatchSize'),
    groups: renditionGroups,
    rendering: 'one decode',
    platformLog:
      at(properties('ResizeImageFunction')['LoggingConfig'], 'SystemLogLevel') === 'WARN'
        ? 'failed calls'
        : 'every call',
    logRetentionDays: numberAt(properties('DispatchImagesLogGroup')['RetentionInDays']),
    tracing: template.functionGlobals['Tracing'] === 'Active' ? 'sampled' : 'none',
    bucketKeys: bucketKeysOf(properties('RenditionBucket')['BucketEncryption']),
    standing: standingOf(template),
  };
}

function bucketKeysOf(encryption: Parameters<typeof at>[0]): Deployment['bucketKeys'] {
  const rule = at(encryption, 'ServerSideEncryptionConfiguration', 0);
  if (at(rule, 'ServerSideEncryptionByDefault', 'SSEAlgorithm') !== 'aws:kms') return 'S3’s own';
  return at(rule, 'BucketKeyEnabled') === true ? 'customer-managed, bucket keys' : 'customer-managed, asked each time';
}

function standingOf(template: Template): Standing {
  const count = (type: string) => ofType(template, type).length;
  const provisioned = ofType(template, 'AWS::Serverless::Function').map(([, { Properties }]) => {
    const warm = at(Properties['ProvisionedConcurrencyConfig'], 'ProvisionedConcurrentExecutions');
    return warm === undefined ? 0 : (numberAt(warm) * numberAt(Properties['MemorySize'])) / 1024;
  });
  const probesAMonth = ofType(template, 'AWS::Scheduler::Schedule').reduce(
    (sum, [, { Properties }]) => sum + runsOf(Properties),
    0,
  );
  const probeMetrics = customMetrics.filter((metric) => metric.startsWith('Probe')).length;
  return {
    alarmMetrics: ofType(template, 'AWS::CloudWatch::Alarm').reduce((sum, [, alarm]) => sum + metricsOf(alarm), 0),
    compositeAlarms: count('AWS::CloudWatch::CompositeAlarm'),
    scalingAlarms: 2 * count('AWS::ApplicationAutoScaling::ScalingPolicy'),
    keys: count('AWS::KMS::Key'),
    dashboards: count('AWS::CloudWatch::Dashboard'),
    probeMetrics: probesAMonth === 0 ? 0 : probeMetrics,
    uploadMetrics: customMetrics.length - probeMetrics,
    polledQueues: ofType(template, 'AWS::Serverless::Function').reduce(
      (sum, [, { Properties }]) => sum + queuesOf(Properties['Events']),
      0,
    ),
    provisionedGigabytes: provisioned.reduce((sum, gigabytes) => sum + gigabytes, 0),
    probesAMonth,
  };
}

function runsOf({ State, ScheduleExpression }: Resource['Properties']): number {
  if (State !== 'ENABLED') return 0;
  const [, count, unit] = /^rate\((\d+) (minute|hour)s?\)$/.exec(String(ScheduleExpression)) ?? [];
  if (count === undefined) throw new Error(`${ScheduleExpression} is not a supported rate.`);
  return MONTH_SECONDS / (unit === 'hour' ? 3600 : 60) / Number(count);
}

function queuesOf(events: Parameters<typeof at>[0]): number {
  if (typeof events !== 'object' || events === null) return 0;
  return Object.values(events).filter((event) => at(event, 'Type') === 'SQS').length;
}
