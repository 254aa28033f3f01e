/** The parameters of a deployed stack, and a deployment that changes some of them and nothing else. */
import {
  CreateChangeSetCommand,
  ExecuteChangeSetCommand,
  waitUntilChangeSetCreateComplete,
  waitUntilStackUpdateComplete,
} from '@aws-sdk/client-cloudformation';
import { Failure } from '../terminal/failure.ts';
import { describeStack, type Stack } from './stack.ts';

// Warm workers take minutes to start, and to stop, and so does a distribution; nothing else in the stack changes.
const UPDATE_SECONDS = 1800;
const CHANGE_SET_SECONDS = 300;

export type StackParameters = ReadonlyMap<string, string>;

export async function readParameters(stack: Pick<Stack, 'name' | 'clients'>): Promise<StackParameters> {
  const { Parameters = [] } = await describeStack(stack);
  return new Map(Parameters.map(({ ParameterKey = '', ParameterValue = '' }) => [ParameterKey, ParameterValue]));
}

/** Deploys the same template again with other values. */
export async function changeParameters(
  stack: Pick<Stack, 'name' | 'clients'>,
  values: Readonly<Record<string, string>>,
): Promise<void> {
  const { name: StackName, clients } = stack;
  const parameters = await readParameters(stack);
  for (const parameter of Object.keys(values).filter((name) => !parameters.has(name))) {
    throw new Failure(`The stack ${StackName} has no parameter ${parameter}: deploy the current template first.`);
  }
  const ChangeSetName = `${Object.keys(values).join('-')}-${Date.now()}`;
  await clients.cloudFormation.send(
    new CreateChangeSetCommand({
      StackName,
      ChangeSetName,
      UsePreviousTemplate: true,
      Capabilities: ['CAPABILITY_IAM', 'CAPABILITY_AUTO_EXPAND'],
      Parameters: [...parameters.keys()].map((ParameterKey) => {
        const ParameterValue = values[ParameterKey];
        return ParameterValue === undefined
          ? { ParameterKey, UsePreviousValue: true }
          : { ParameterKey, ParameterValue };
      }),
    }),
  );
  const waiter = { client: clients.cloudFormation, minDelay: 5, maxDelay: 15 };
  // The waiters' own errors are the last answer of CloudFormation as JSON, without the reason.
  const explain = (events: string) => (cause: unknown) => {
    const names = Object.keys(values).join(' and ');
    throw new Failure(`CloudFormation did not change ${names} of ${StackName}. For the reason: aws ${events}`, {
      cause,
    });
  };
  await waitUntilChangeSetCreateComplete(
    { ...waiter, maxWaitTime: CHANGE_SET_SECONDS },
    { StackName, ChangeSetName },
  ).catch(explain(`cloudformation describe-change-set --stack-name ${StackName} --change-set-name ${ChangeSetName}`));
  await clients.cloudFormation.send(new ExecuteChangeSetCommand({ StackName, ChangeSetName }));
  await waitUntilStackUpdateComplete({ ...waiter, maxWaitTime: UPDATE_SECONDS }, { StackName }).catch(
    explain(`cloudformation describe-stack-events --stack-name ${StackName}`),
  );
}
