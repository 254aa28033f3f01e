import { paginateListStackResources } from '@aws-sdk/client-cloudformation';
import type { NamedStack } from './stack.ts';

export interface StackResource {
  readonly logicalId: string;
  readonly type: string;
  readonly physicalId: string;
  /** CloudFormation's name: CREATE_COMPLETE, DELETE_FAILED, … */
  readonly status: string;
  readonly reason: string | undefined;
}

/** What exists in AWS, even if the stack's deployment or deletion has failed. */
export async function listResources({ name, clients }: NamedStack): Promise<StackResource[]> {
  const found: StackResource[] = [];
  for await (const page of paginateListStackResources({ client: clients.cloudFormation }, { StackName: name })) {
    for (const each of page.StackResourceSummaries ?? []) {
      const { LogicalResourceId: logicalId, ResourceType: type, PhysicalResourceId: physicalId } = each;
      if (logicalId === undefined || type === undefined || physicalId === undefined) continue;
      const [status, reason] = [each.ResourceStatus ?? 'unknown', each.ResourceStatusReason];
      if (status !== 'DELETE_COMPLETE') found.push({ logicalId, type, physicalId, status, reason });
    }
  }
  return found;
}
