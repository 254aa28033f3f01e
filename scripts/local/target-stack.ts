import {
  CloudFormationClient,
  type CloudFormationClientConfig,
  DescribeStacksCommand,
} from '@aws-sdk/client-cloudformation';
import { Failure } from '../terminal/failure.ts';
import { type StackOutputs, stackName } from './deploy.ts';
import { clientConfig } from './emulator.ts';
import { findRunningStack } from './running-stack.ts';

/** The stack that a command speaks to: that of `npm start` on this machine, or one of an account, which the user names. */
export interface TargetStack {
  readonly name: string;
  /** On this machine: nothing costs money, and some calls of AWS do not exist. */
  readonly emulated: boolean;
  readonly outputs: StackOutputs;
  /** Settings for any SDK client; of an account those of the user's own profile and region. */
  readonly clientConfig: Pick<CloudFormationClientConfig, 'endpoint' | 'region' | 'credentials' | 'requestHandler'>;
}

/** @throws {Failure} where there is no such stack. */
export async function targetStack(name: string | undefined): Promise<TargetStack> {
  return name === undefined ? await runningStack() : await accountStack(name);
}

async function runningStack(): Promise<TargetStack> {
  const running = await findRunningStack();
  if (running === undefined) {
    throw new Failure(
      'No stack is up on this machine: run `npm start` in another terminal, or name one of your account with --stack NAME.',
    );
  }
  return {
    name: stackName,
    emulated: true,
    outputs: running.outputs,
    clientConfig: clientConfig(running.address),
  };
}

async function accountStack(name: string): Promise<TargetStack> {
  const cloudFormation = new CloudFormationClient();
  try {
    const { Stacks: [stack] = [] } = await cloudFormation.send(new DescribeStacksCommand({ StackName: name }));
    const outputs = (stack?.Outputs ?? []).map(({ OutputKey = '', OutputValue = '' }) => [OutputKey, OutputValue]);
    return { name, emulated: false, outputs: Object.fromEntries(outputs), clientConfig: {} };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Failure(
      `The stack ${name} cannot be read (${reason.replace(/\.$/, '')}): check --stack, and your AWS profile and region.`,
    );
  } finally {
    cloudFormation.destroy();
  }
}
