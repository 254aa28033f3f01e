/** Checks of what a release leaves behind: versions, weights, warm workers. */
import {
  GetAliasCommand,
  GetFunctionConfigurationCommand,
  paginateListProvisionedConcurrencyConfigs,
  paginateListVersionsByFunction,
} from '@aws-sdk/client-lambda';
import { DescribeStateMachineAliasCommand, ListStateMachineVersionsCommand } from '@aws-sdk/client-sfn';
import { warmFunctions } from '../stack/warm-functions.ts';
import { type Finding, idOf, physicalIds, type Verification } from './verification.ts';

export async function checkVersions(verification: Verification): Promise<Finding> {
  const aliases = physicalIds(verification.resources, 'AWS::Lambda::Alias');
  const faults = await Promise.all(aliases.map((alias) => aliasFaults(verification, alias)));
  const { StateMachineArn } = verification.stack.outputs;
  const seen = `functions: ${aliases.length}`;
  // On the emulator, the workflow has no alias.
  if (!StateMachineArn.endsWith(':live')) return { faults: faults.flat(), seen };
  const workflow = await workflowFaults(verification, StateMachineArn);
  return { faults: [...faults.flat(), ...workflow], seen: `${seen}, and the workflow` };
}

/** @param aliasArn `arn:aws:lambda:region:account:function:name:alias` */
async function aliasFaults({ stack }: Verification, aliasArn: string): Promise<string[]> {
  const { lambda } = stack.clients;
  const [FunctionName = '', Name = ''] = aliasArn.split(':').slice(-2);
  const alias = await lambda.send(new GetAliasCommand({ FunctionName, Name }));
  const pages = await Array.fromAsync(paginateListVersionsByFunction({ client: lambda }, { FunctionName }));
  const versions = pages.flatMap(({ Versions = [] }) => Versions.map(({ Version }) => Number(Version)));
  const { State } = await lambda.send(new GetFunctionConfigurationCommand({ FunctionName, Qualifier: Name }));
  const newest = Math.max(...versions.filter(Number.isInteger));
  const weights = Object.entries(alias.RoutingConfig?.AdditionalVersionWeights ?? {});
  return [
    ...weights.map(
      ([version, weight]) => `${FunctionName} sends ${weight * 100} % of its traffic to version ${version}.`,
    ),
    ...(Number(alias.FunctionVersion) === newest
      ? []
      : [`${FunctionName} uses version ${alias.FunctionVersion}, and version ${newest} exists.`]),
    ...(State === 'Active' ? [] : [`${FunctionName} is ${State} instead of Active.`]),
  ];
}

async function workflowFaults({ stack }: Verification, stateMachineAliasArn: string): Promise<string[]> {
  const { stepFunctions } = stack.clients;
  const { routingConfiguration = [] } = await stepFunctions.send(
    new DescribeStateMachineAliasCommand({ stateMachineAliasArn }),
  );
  const stateMachineArn = stateMachineAliasArn.slice(0, stateMachineAliasArn.lastIndexOf(':'));
  // The newest comes first.
  const { stateMachineVersions: [newest] = [] } = await stepFunctions.send(
    new ListStateMachineVersionsCommand({ stateMachineArn, maxResults: 1 }),
  );
  const [only, ...others] = routingConfiguration;
  if (others.length === 0 && only?.stateMachineVersionArn === newest?.stateMachineVersionArn) return [];
  const weights = routingConfiguration.map(
    ({ stateMachineVersionArn = '', weight }) => `${weight} % to version ${stateMachineVersionArn.split(':').at(-1)}`,
  );
  return [
    `The workflow sends ${weights.join(' and ')}; the newest is ${newest?.stateMachineVersionArn?.split(':').at(-1)}.`,
  ];
}

/** A template that no longer asks for warm workers leaves them warm, and paid for. */
export async function checkWarmWorkers(verification: Verification): Promise<Finding> {
  const { resources, parameters } = verification;
  const wanted =
    parameters.get('ProvisionConcurrency') === 'true' ? warmFunctions.map((id) => idOf(verification, id)) : [];
  const functions = physicalIds(resources, 'AWS::Lambda::Function');
  const faults = await Promise.all(functions.map((name) => warmFaults(verification, name, wanted.includes(name))));
  return { faults: faults.flat(), seen: `functions with warm workers: ${wanted.length}` };
}

async function warmFaults({ stack }: Verification, FunctionName: string, isWanted: boolean): Promise<string[]> {
  const { lambda: client } = stack.clients;
  const pages = await Array.fromAsync(paginateListProvisionedConcurrencyConfigs({ client }, { FunctionName }));
  const configs = pages.flatMap(({ ProvisionedConcurrencyConfigs = [] }) => ProvisionedConcurrencyConfigs);
  if (!isWanted)
    return configs.map(
      ({ RequestedProvisionedConcurrentExecutions: count }) =>
        `${FunctionName} keeps ${count} workers warm, which the stack does not ask for.`,
    );
  if (configs.length === 0) return [`${FunctionName} has no warm workers.`];
  return configs
    .filter(({ Status }) => Status !== 'READY')
    .map(
      ({ Status, StatusReason = 'no reason given' }) =>
        `The warm workers of ${FunctionName} are ${Status} (${StatusReason}).`,
    );
}
