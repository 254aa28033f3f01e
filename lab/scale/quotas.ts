/** The quotas that an image uses, and the rate at which each one is reached. Defaults of us-east-1. */
import { mean, sum } from 'simple-statistics';
import { workers } from '../../core/steps.ts';
import { assumptions } from '../cost/assumptions.ts';
import type { Deployment } from '../cost/deployment.ts';
import type { Measured } from '../cost/measured.ts';
import { mixes, photographs, usageOf, workerSeconds } from '../cost/model.ts';
import { statesOn, waysOf } from '../cost/workflow-path.ts';

/** Concurrent executions, the default: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html */
export const EXECUTIONS = 1000;

export interface Quota {
  readonly name: string;
  readonly limit: number;
  readonly unit: string;
  /** How much of the limit one image per second uses. */
  readonly needs: number;
  readonly change: string;
  readonly source: string;
}

/** Seconds and counts of an average photograph. */
export function averages(deployment: Deployment, measured: Measured) {
  const uploads = measured.uploads.filter(({ name }) => photographs.includes(name));
  const each = uploads.map((upload) => workerSeconds(upload, measured, deployment));
  const workflow =
    mean(each.map(({ metadata, resize, others }) => Math.max(metadata, ...resize, ...Object.values(others)))) +
    assumptions.workflowMillis / 1000;
  const slowest = deployment.batchSize === 1 ? 1 : assumptions.slowestOfBatch;
  return {
    metadata: mean(each.map(({ metadata }) => metadata)),
    resize: mean(each.map(({ resize }) => sum(resize))),
    others: mean(each.map(({ others }) => sum(Object.values(others)))),
    workflow,
    dispatcher: workflow * slowest,
  };
}

/** Of the account's default quota: Lambda keeps 100 for functions without reserved concurrency. */
const RESERVABLE = EXECUTIONS - 100;

/** One dispatcher and, for each image in its batch, every worker, the resize worker once per rendition group. */
function reservedByDispatcher({ batchSize, groups }: Deployment): number {
  return 1 + batchSize * workers.reduce((sum, { takes }) => sum + (takes === 'rendition' ? groups.length : 1), 0);
}

export function reservableDispatchers(deployment: Deployment): number {
  return Math.floor(RESERVABLE / reservedByDispatcher(deployment));
}

/** Lambda executions in progress at one image per second: Little's law. */
export function concurrencyPerImage(deployment: Deployment, measured: Measured): number {
  const { metadata, resize, others, dispatcher } = averages(deployment, measured);
  return metadata + resize + others + dispatcher / deployment.batchSize;
}

export function quotas(deployment: Deployment, measured: Measured): Quota[] {
  const usage = usageOf(mixes.photographs, deployment, measured);
  const used = (what: string) => sum(usage.filter((line) => line.what === what).map(({ quantity }) => quantity));
  const { dispatcher } = averages(deployment, measured);
  const transitions = sum([...statesOn(waysOf.processed, deployment.groups.length).values()]);
  const stepFunctions = 'https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html';
  const s3 = 'https://docs.aws.amazon.com/AmazonS3/latest/userguide/optimizing-performance.html';
  const dynamoDb = 'https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html';
  const eventBridge = 'https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html';
  return [
    {
      name: 'Lambda: reserved concurrency',
      ...{
        limit: RESERVABLE,
        unit: 'executions',
        needs: (dispatcher / deployment.batchSize) * reservedByDispatcher(deployment),
      },
      change: 'request an increase (L-B99A9384); without ReserveConcurrency only the next row applies',
      source: 'https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html',
    },
    {
      name: 'Lambda: concurrent executions of the account',
      ...{ limit: EXECUTIONS, unit: 'executions', needs: concurrencyPerImage(deployment, measured) },
      change: 'request an increase (L-B99A9384), then raise the stage’s row; a new account has 10',
      source: 'https://docs.aws.amazon.com/lambda/latest/dg/lambda-concurrency.html',
    },
    {
      name: 'SQS → Lambda: concurrency of one event source mapping',
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
      name: 'S3: rendition PUTs in one prefix',
      ...{ limit: 3500, unit: 'PUT/s', needs: used('renditions, PUT') },
      change:
        'nothing: keys begin with a hash, so S3 splits the prefix evenly; until then it returns 503, and the attempt is repeated',
      source: s3,
    },
    {
      name: 'S3: upload GETs in one prefix',
      ...{ limit: 5500, unit: 'GET/s', needs: used('upload, GET by each worker') },
      change: 'spread upload keys over several prefixes',
      source: s3,
    },
    {
      name: 'DynamoDB: ImageTable when new',
      ...{ limit: 4000, unit: 'write units/s', needs: used('record, written and marked as announced') },
      change: 'nothing: capacity doubles with use within 30 minutes; set WarmThroughput before a planned peak',
      source: 'https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/on-demand-capacity-mode.html',
    },
    {
      name: 'DynamoDB: IdempotencyTable when new',
      ...{ limit: 4000, unit: 'write units/s', needs: used('idempotency records') },
      change: 'the same',
      source: 'https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/on-demand-capacity-mode.html',
    },
    {
      name: 'DynamoDB: write units of a table',
      ...{ limit: 40_000, unit: 'write units/s', needs: used('record, written and marked as announced') },
      change: 'request an increase; one partition takes 1,000, and hashed keys use them all',
      source: dynamoDb,
    },
    {
      name: 'EventBridge: PutEvents',
      ...{ limit: 10_000, unit: 'requests/s', needs: used('domain event') },
      change: 'request an increase',
      source: eventBridge,
    },
    {
      name: 'EventBridge: target invocations, with one rule here and one consumer',
      ...{ limit: 18_750, unit: 'invocations/s', needs: used('upload event') + used('domain event') },
      change: 'request an increase; events above it are delayed, not lost',
      source: eventBridge,
    },
    {
      name: 'KMS: requests, if bucket keys were off',
      ...{ limit: 100_000, unit: 'requests/s', needs: used('renditions, PUT') + used('upload, GET by each worker') },
      change: 'nothing: bucket keys reduce them to a hundredth',
      source: 'https://docs.aws.amazon.com/kms/latest/developerguide/requests-per-second.html',
    },
    {
      name: 'Step Functions: StateTransition, if the workflow were STANDARD',
      ...{ limit: 5000, unit: 'transitions/s', needs: transitions },
      change: 'nothing: EXPRESS has no such quota',
      source: stepFunctions,
    },
    {
      name: 'Step Functions: StartExecution, if the workflow were STANDARD',
      ...{ limit: 300, unit: 'requests/s', needs: 1 },
      change: 'nothing: StartSyncExecution has no fixed quota; throttled attempts are repeated',
      source: stepFunctions,
    },
  ];
}

export function reachedAt({ limit, needs }: Quota): number {
  return limit / needs;
}
