import {
  DeleteStackCommand,
  DescribeStacksCommand,
  waitUntilStackDeleteComplete,
} from '@aws-sdk/client-cloudformation';
import type { NamedStack } from '../stack/stack.ts';
import { setTermination } from '../stack/stack-protection.ts';
import { listResources } from '../stack/stack-resources.ts';
import { Failure } from '../terminal/failure.ts';

// Lambda takes up to 20 minutes to remove the network interfaces of functions in a VPC.
const MOST_SECONDS = 3600;

/** @throws {Failure} naming what CloudFormation could not delete, and why. */
export async function deleteStack(stack: NamedStack): Promise<void> {
  const { name: StackName, clients } = stack;
  const { Stacks: [found] = [] } = await clients.cloudFormation.send(new DescribeStacksCommand({ StackName }));
  if (found?.EnableTerminationProtection) await setTermination(stack, false);
  await clients.cloudFormation.send(new DeleteStackCommand({ StackName }));
  try {
    // By its id: a deleted stack has no name.
    await waitUntilStackDeleteComplete(
      { client: clients.cloudFormation, minDelay: 5, maxDelay: 30, maxWaitTime: MOST_SECONDS },
      { StackName: found?.StackId ?? StackName },
    );
  } catch (error) {
    const left = (await listResources(stack))
      .filter(({ status }) => status === 'DELETE_FAILED')
      .map(({ logicalId, reason }) => `${logicalId} (${reason ?? 'no reason given'})`);
    if (left.length === 0) throw error;
    throw new Failure(
      `CloudFormation could not delete ${left.join('; ')}. Remove the cause and run this again: what is deleted stays deleted.`,
    );
  }
}
