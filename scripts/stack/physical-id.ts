import { CloudFormationClient, DescribeStackResourceCommand } from '@aws-sdk/client-cloudformation';
import type { TargetStack } from '../local/target-stack.ts';
import { Failure } from '../terminal/failure.ts';

/** What a resource of the template is called in a stack. */
export async function physicalId({ name, clientConfig }: TargetStack, logicalId: string): Promise<string> {
  const cloudFormation = new CloudFormationClient(clientConfig);
  try {
    const { StackResourceDetail } = await cloudFormation.send(
      new DescribeStackResourceCommand({ StackName: name, LogicalResourceId: logicalId }),
    );
    const found = StackResourceDetail?.PhysicalResourceId;
    if (found === undefined) throw new Failure(`The stack ${name} has no ${logicalId}: deploy it again.`);
    return found;
  } finally {
    cloudFormation.destroy();
  }
}
