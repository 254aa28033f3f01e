/** Warm workers: the provisioned concurrency of the functions that the template keeps warm. */
import {
  DeleteProvisionedConcurrencyConfigCommand,
  type ProvisionedConcurrencyConfigListItem,
  ProvisionedConcurrencyConfigNotFoundException,
  PutProvisionedConcurrencyConfigCommand,
  paginateListProvisionedConcurrencyConfigs,
} from '@aws-sdk/client-lambda';
import pWaitFor from 'p-wait-for';
import * as z from 'zod';
import { physicalId, type Stack } from '../stack/stack.ts';
import { changeParameters, readParameters } from '../stack/stack-parameters.ts';
import { type WarmFunction, warmFunctions } from '../stack/warm-functions.ts';
import { numberAt, stages, templateFor } from '../template/template.ts';
import { Failure } from '../terminal/failure.ts';

const PARAMETER = 'ProvisionConcurrency';
const ALIAS = 'live';

/** What one alias or version keeps warm. */
export interface WarmWorkers {
  readonly function: WarmFunction;
  readonly functionName: string;
  /** An alias or a version. */
  readonly qualifier: string;
  readonly requested: number;
  readonly ready: number;
  readonly status: string;
  readonly reason?: string | undefined;
}

export interface WarmStatus {
  /** Whether the deployed template asks for warm workers. */
  readonly inTemplate: boolean;
  readonly workers: readonly WarmWorkers[];
}

export async function warmStatus(stack: Stack): Promise<WarmStatus> {
  const parameters = await readParameters(stack);
  return { inTemplate: parameters.get(PARAMETER) === 'true', workers: await findWorkers(stack) };
}

/**
 * Deploys ProvisionConcurrency=false, and then deletes what is still warm: CloudFormation removes the scaling, and what the
 * scaling has set stays, and is paid for (https://github.com/aws/serverless-application-model/issues/1846). In this order,
 * because a deployment fails if the template asks for warm workers that somebody deleted.
 */
export async function switchOff(stack: Stack): Promise<void> {
  const { inTemplate } = await warmStatus(stack);
  if (inTemplate) await changeParameters(stack, { [PARAMETER]: 'false' });
  for (const { functionName, qualifier } of await findWorkers(stack)) {
    await stack.clients.lambda.send(
      new DeleteProvisionedConcurrencyConfigCommand({ FunctionName: functionName, Qualifier: qualifier }),
    );
  }
  const left = await findWorkers(stack);
  if (left.length > 0) {
    const names = left.map(({ functionName, qualifier }) => `${functionName}:${qualifier}`).join(', ');
    throw new Failure(
      `Still warm, and paid for: ${names}. A deployment may be running: run this again when it has ended.`,
    );
  }
}

/**
 * Deploys ProvisionConcurrency=true, and waits until all workers are ready. If CloudFormation has not applied it to an alias
 * that existed (https://github.com/aws/serverless-application-model/issues/1425), sets it.
 */
export async function switchOn(stack: Stack, patience = { interval: 5000, milliseconds: 900_000 }): Promise<void> {
  const parameters = await readParameters(stack);
  if (parameters.get(PARAMETER) !== 'true') await changeParameters(stack, { [PARAMETER]: 'true' });
  const stage = z.enum(stages).parse(parameters.get('Stage'));
  const found = await findWorkers(stack);
  for (const name of warmFunctions.filter((each) => !found.some((warm) => isLive(warm, each)))) {
    const FunctionName = await physicalId(stack, name);
    const ProvisionedConcurrentExecutions = wantedBy(stage, name);
    await stack.clients.lambda.send(
      new PutProvisionedConcurrencyConfigCommand({ FunctionName, Qualifier: ALIAS, ProvisionedConcurrentExecutions }),
    );
  }
  await pWaitFor(() => areReady(stack), {
    interval: patience.interval,
    timeout: {
      milliseconds: patience.milliseconds,
      message: new Failure(`Workers are still starting. Look again: npm run warm -- --stack ${stack.name} status`),
    },
  });
}

async function areReady(stack: Stack): Promise<boolean> {
  const workers = await findWorkers(stack);
  const failed = workers.find(({ status }) => status === 'FAILED');
  if (failed !== undefined) {
    throw new Failure(
      `Lambda cannot keep ${failed.functionName}:${failed.qualifier} warm (${failed.reason ?? 'no reason given'}): docs/runbooks/warm-workers.md says what to do.`,
    );
  }
  return warmFunctions.every((name) => workers.some((warm) => isLive(warm, name) && warm.status === 'READY'));
}

function isLive({ function: name, qualifier }: WarmWorkers, wanted: WarmFunction): boolean {
  return name === wanted && qualifier === ALIAS;
}

/** As in the template of this checkout. */
function wantedBy(stage: (typeof stages)[number], name: WarmFunction): number {
  const found = templateFor(stage, { [PARAMETER]: 'true' }).resources.get(name);
  return numberAt(found?.Properties['ProvisionedConcurrencyConfig'], 'ProvisionedConcurrentExecutions');
}

async function findWorkers(stack: Stack): Promise<WarmWorkers[]> {
  const found: WarmWorkers[] = [];
  for (const name of warmFunctions) {
    const functionName = await physicalId(stack, name);
    for (const config of await configsOf(stack, functionName)) {
      found.push({
        ...{ function: name, functionName },
        qualifier: config.FunctionArn?.split(':').at(-1) ?? '',
        requested: config.RequestedProvisionedConcurrentExecutions ?? 0,
        ready: config.AvailableProvisionedConcurrentExecutions ?? 0,
        status: config.Status ?? 'unknown',
        reason: config.StatusReason,
      });
    }
  }
  return found;
}

async function configsOf({ clients }: Stack, FunctionName: string): Promise<ProvisionedConcurrencyConfigListItem[]> {
  const found: ProvisionedConcurrencyConfigListItem[] = [];
  try {
    for await (const page of paginateListProvisionedConcurrencyConfigs({ client: clients.lambda }, { FunctionName })) {
      found.push(...(page.ProvisionedConcurrencyConfigs ?? []));
    }
  } catch (error) {
    // Some answer this instead of an empty list.
    if (!(error instanceof ProvisionedConcurrencyConfigNotFoundException)) throw error;
  }
  return found;
}
