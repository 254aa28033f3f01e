/** Compares the account's quotas with what the stage needs at full load. */
import {
  GetAccountSettingsCommand,
  GetFunctionConcurrencyCommand,
  paginateListEventSourceMappings,
} from '@aws-sdk/client-lambda';
import { paginateListAWSDefaultServiceQuotas, paginateListServiceQuotas } from '@aws-sdk/client-service-quotas';
import { renditionGroups } from '../../core/presets.ts';
import { workers } from '../../core/steps.ts';
import { type Finding, idOf, physicalIds, type Verification } from './verification.ts';

/** Lambda keeps it for functions without reserved concurrency. */
const unreservable = 100;

/**
 * Per second, for one image in progress: images take a second or more. Step Functions publishes no quota for
 * StartSyncExecution: it adds capacity on demand (https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html).
 */
const perImage = [
  { service: 'events', quota: 'PutEvents throttle limit in transactions per second', count: 1 },
  // To the upload queue, and to one consumer.
  { service: 'events', quota: 'Invocations throttle limit in transactions per second', count: 2 },
  // Usually far fewer: buckets, queues and tables reuse their data keys.
  { service: 'kms', quota: 'Cryptographic operations (symmetric) request rate', count: 10 },
];

export async function checkQuotas(verification: Verification): Promise<Finding> {
  const { dispatchers, images } = await fullLoad(verification);
  const executions = await concurrencyFaults(verification, dispatchers, images);
  const rates = await Promise.all(
    perImage.map(async ({ service, quota, count }) => ({
      ...{ service, quota, needed: count * images },
      value: await quotaValue(verification, service, quota),
    })),
  );
  const unlisted = rates
    .filter(({ value }) => value === undefined)
    .map(({ quota }) => `; no quota “${quota}” is published`);
  const faults = rates
    .filter(({ value, needed }) => value !== undefined && value < needed)
    .map(({ service, quota, value, needed }) => `${service}: “${quota}” is ${value}, and the stage needs ${needed}.`);
  return {
    faults: [...executions, ...faults],
    seen: `images in progress at full load: ${images}${unlisted.join('')}`,
  };
}

/** How many dispatchers the pollers may start, and how many images those have in progress. */
async function fullLoad(verification: Verification): Promise<{ dispatchers: number; images: number }> {
  const client = verification.stack.clients.lambda;
  const FunctionName = idOf(verification, 'DispatchImagesFunction');
  const input = { FunctionName: `${FunctionName}:live` };
  const pages = await Array.fromAsync(paginateListEventSourceMappings({ client }, input));
  const mappings = pages.flatMap(({ EventSourceMappings = [] }) =>
    EventSourceMappings.map(({ BatchSize = 1, ScalingConfig }) => ({
      BatchSize,
      most: ScalingConfig?.MaximumConcurrency ?? 0,
    })),
  );
  return {
    dispatchers: mappings.reduce((sum, { most }) => sum + most, 0),
    images: mappings.reduce((sum, { BatchSize, most }) => sum + BatchSize * most, 0),
  };
}

async function concurrencyFaults({ stack, resources }: Verification, dispatchers: number, images: number) {
  const { lambda } = stack.clients;
  const { AccountLimit } = await lambda.send(new GetAccountSettingsCommand({}));
  const limit = AccountLimit?.ConcurrentExecutions ?? 0;
  const reserves = await Promise.all(
    physicalIds(resources, 'AWS::Lambda::Function').map((FunctionName) =>
      lambda.send(new GetFunctionConcurrencyCommand({ FunctionName })),
    ),
  );
  const reserved = reserves.reduce(
    (sum, { ReservedConcurrentExecutions = 0 }) => sum + ReservedConcurrentExecutions,
    0,
  );
  const perUpload = workers.reduce((sum, { takes }) => sum + (takes === 'rendition' ? renditionGroups.length : 1), 0);
  const busy = dispatchers + images * perUpload;
  const needed = reserved > 0 ? reserved + unreservable : busy;
  if (limit >= needed) return [];
  const why = reserved > 0 ? `reserves ${reserved}, and Lambda keeps ${unreservable} for others` : `needs ${busy}`;
  return [`Lambda: the account may run ${limit} executions at once (L-B99A9384), and the stage ${why}.`];
}

async function quotaValue({ clients }: Verification, ServiceCode: string, name: string): Promise<number | undefined> {
  // The account's own value, or else the default: Service Quotas does not list every quota in both.
  for (const list of [paginateListServiceQuotas, paginateListAWSDefaultServiceQuotas]) {
    const pages = await Array.fromAsync(list({ client: clients.quotas }, { ServiceCode }));
    const found = pages.flatMap(({ Quotas = [] }) => Quotas).find(({ QuotaName }) => QuotaName === name);
    if (found !== undefined) return found.Value;
  }
  return undefined;
}
