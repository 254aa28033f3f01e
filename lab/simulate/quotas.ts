/** The quotas that an image uses up, and the rate at which each of them binds. Defaults of us-east-1. */
import { workers } from '../../core/steps.ts';
import { assumptions } from '../cost/assumptions.ts';
import type { Deployment } from '../cost/deployment.ts';
import type { Measured } from '../cost/measured.ts';
import { mixes, photographs, usageOf, workerSeconds } from '../cost/model.ts';
import { statesOn, waysOf } from '../cost/workflow-path.ts';
import { EXECUTIONS } from './account-setup.ts';

export interface Quota {
  readonly name: string;
  readonly limit: number;
  readonly unit: string;
  /** Of the limit, for one image a second. */
  readonly needs: number;
  readonly change: string;
  readonly source: string;
}

/** Seconds and counts of an average photograph. */
export function averages(deployment: Deployment, measured: Measured) {
  const uploads = measured.uploads.filter(({ name }) => photographs.includes(name));
  const each = uploads.map((upload) => workerSeconds(upload, measured, deployment));
  const average = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const workflow =
    average(each.map(({ metadata, resize, others }) => Math.max(metadata, ...resize, ...Object.values(others)))) +
    assumptions.workflowMillis / 1000;
  const slowest = deployment.batchSize === 1 ? 1 : assumptions.slowestOfBatch;
  return {
    metadata: average(each.map(({ metadata }) => metadata)),
    resize: average(each.map(({ resize }) => resize.reduce((sum, value) => sum + value, 0))),
    others: average(each.map(({ others }) => Object.values(others).reduce((sum, value) => sum + value, 0))),
    workflow,
    dispatcher: workflow * slowest,
  };
}

/** Of the account's default: a hundred stay with the functions that reserve nothing. */
const RESERVABLE = EXECUTIONS - 100;

/** One dispatcher and, for each image in its batch, every worker, the resize worker once per rendition group. */
function reservedByDispatcher({ batchSize, groups }: Deployment): number {
  return 1 + batchSize * workers.reduce((sum, { takes }) => sum + (takes === 'rendition' ? groups.length : 1), 0);
}

export function reservableDispatchers(deployment: Deployment): number {
  return Math.floor(RESERVABLE / reservedByDispatcher(deployment));
}

/** Lambda environments that one image a second keeps busy: Little's law. */
export function concurrencyPerImage(deployment: Deployment, measured: Measured): number {
  const { metadata, resize, others, dispatcher } = averages(deployment, measured);
  return metadata + resize + others + dispatcher / deployment.batchSize;
}

export function quotas(deployment: Deployment, measured: Measured): Quota[] {
  const usage = usageOf(mixes.photographs, deployment, measured);
  const used = (what: string) =>
    usage.filter((line) => line.what === what).reduce((sum, { quantity }) => sum + quantity, 0);
  const { dispatcher } = averages(deployment, measured);
  const transitions = [...statesOn(waysOf.processed, deployment.groups.length).values()].reduce(
    (sum, times) => sum + times,
    0,
  );
  const stepFunctions = 'https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html';
  const s3 = 'https://docs.aws.amazon.com/AmazonS3/latest/userguide/optimizing-performance.html';
  const dynamoDb = 'https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html';
  const eventBridge = 'https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html';
  return [
    {
      name: 'Lambda: what of it can be reserved',
      ...{
        limit: RESERVABLE,
        unit: 'executions',
        needs: (dispatcher / deployment.batchSize) * reservedByDispatcher(deployment),
      },
      change: 'ask for more (L-B99A9384); without ReserveConcurrency the next row counts',
      source: 'https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html',
    },
    {
      name: 'Lambda: concurrent executions of the account',
      ...{ limit: EXECUTIONS, unit: 'executions', needs: concurrencyPerImage(deployment, measured) },
      change: 'ask for more (L-B99A9384), then raise the stage’s row; a new account has 10',
      source: 'https://docs.aws.amazon.com/lambda/latest/dg/lambda-concurrency.html',
    },
    {
      name: 'SQS → Lambda: MaximumConcurrency of an event source mapping',
      ...{ limit: 1000, unit: 'batches', needs: dispatcher / deployment.batchSize },
      change: 'larger batches (above 10 with a batching window), provisioned pollers, or a second queue',
      source: 'https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html',
    },
    {
      name: 'SQS: messages in flight',
      ...{ limit: 120_000, unit: 'messages', needs: dispatcher },
      change: 'a second queue',
      source: 'https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html',
    },
    {
      name: 'S3: writes of renditions, in one prefix',
      ...{ limit: 3500, unit: 'PUT/s', needs: used('renditions, PUT') },
      change:
        'nothing: keys begin with a hash, so S3 splits them evenly; it answers 503 while it does, and a try comes again',
      source: s3,
    },
    {
      name: 'S3: reads of uploads, in one prefix',
      ...{ limit: 5500, unit: 'GET/s', needs: used('upload, GET by each worker') },
      change: 'let uploaders spread their keys over prefixes',
      source: s3,
    },
    {
      name: 'DynamoDB: ImageTable, as new',
      ...{ limit: 4000, unit: 'write units/s', needs: used('record: written, marked as announced') },
      change: 'nothing: it doubles with use, within 30 minutes; for a date known before, WarmThroughput',
      source: 'https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/on-demand-capacity-mode.html',
    },
    {
      name: 'DynamoDB: IdempotencyTable, as new',
      ...{ limit: 4000, unit: 'write units/s', needs: used('the dispatcher’s memory') },
      change: 'the same',
      source: 'https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/on-demand-capacity-mode.html',
    },
    {
      name: 'DynamoDB: write units of a table',
      ...{ limit: 40_000, unit: 'write units/s', needs: used('record: written, marked as announced') },
      change: 'ask for more; a partition takes 1,000, and keys that are hashes spread over all',
      source: dynamoDb,
    },
    {
      name: 'EventBridge: PutEvents',
      ...{ limit: 10_000, unit: 'requests/s', needs: used('domain event') },
      change: 'ask for more',
      source: eventBridge,
    },
    {
      name: 'EventBridge: invocations of targets, one rule here and one of a consumer',
      ...{ limit: 18_750, unit: 'invocations/s', needs: used('the upload’s event') + used('domain event') },
      change: 'ask for more; what is over it comes late, and is not lost',
      source: eventBridge,
    },
    {
      name: 'KMS: requests, were each object’s key asked for',
      ...{ limit: 100_000, unit: 'requests/s', needs: used('renditions, PUT') + used('upload, GET by each worker') },
      change: 'bucket keys: a hundredth of it',
      source: 'https://docs.aws.amazon.com/kms/latest/developerguide/requests-per-second.html',
    },
    {
      name: 'Step Functions: StateTransition, were the workflow Standard',
      ...{ limit: 5000, unit: 'transitions/s', needs: transitions },
      change: 'EXPRESS, as it is: no such quota',
      source: stepFunctions,
    },
    {
      name: 'Step Functions: StartExecution, were the workflow Standard',
      ...{ limit: 300, unit: 'requests/s', needs: 1 },
      change:
        'StartSyncExecution, as it is: no fixed quota, “scales with sustained workload”; what is throttled comes again',
      source: stepFunctions,
    },
  ];
}

export function bindsAt({ limit, needs }: Quota): number {
  return limit / needs;
}
