/** What keeps a stack from being deleted, and its data from being replaced by an update. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  GetStackPolicyCommand,
  SetStackPolicyCommand,
  UpdateTerminationProtectionCommand,
} from '@aws-sdk/client-cloudformation';
import * as z from 'zod';
import { projectDirectory } from '../terminal/project.ts';
import { describeStack, type NamedStack } from './stack.ts';

/** A stack policy cannot be deleted, only replaced. */
const allowsAll = { Statement: [{ Effect: 'Allow', Principal: '*', Action: 'Update:*', Resource: '*' }] };

const policy = z.object({
  Statement: z.array(z.object({ Effect: z.string(), Resource: z.union([z.string(), z.array(z.string())]) })),
});

export interface Protection {
  /** Against deletion of the stack. */
  readonly termination: boolean;
  /** Logical ids that no update may replace or delete. */
  readonly resources: readonly string[];
}

export async function readProtection(stack: NamedStack): Promise<Protection> {
  const { name: StackName, clients } = stack;
  const found = await describeStack(stack);
  const { StackPolicyBody } = await clients.cloudFormation.send(new GetStackPolicyCommand({ StackName }));
  return { termination: found.EnableTerminationProtection === true, resources: deniedBy(StackPolicyBody) };
}

export async function protect(stack: NamedStack): Promise<void> {
  await setPolicy(stack, await ownPolicy());
  await setTermination(stack, true);
}

export async function unprotect(stack: NamedStack): Promise<void> {
  await setPolicy(stack, JSON.stringify(allowsAll));
  await setTermination(stack, false);
}

export function ownPolicy(): Promise<string> {
  return readFile(join(projectDirectory, 'governance/stack-policy.json'), 'utf8');
}

export function deniedBy(body: string | undefined): string[] {
  if (body === undefined || body === '') return [];
  return policy
    .parse(JSON.parse(body))
    .Statement.filter(({ Effect }) => Effect === 'Deny')
    .flatMap(({ Resource }) => [Resource].flat().map((resource) => resource.replace('LogicalResourceId/', '')));
}

async function setPolicy({ name: StackName, clients }: NamedStack, StackPolicyBody: string): Promise<void> {
  await clients.cloudFormation.send(new SetStackPolicyCommand({ StackName, StackPolicyBody }));
}

export async function setTermination({ name: StackName, clients }: NamedStack, EnableTerminationProtection: boolean) {
  await clients.cloudFormation.send(new UpdateTerminationProtectionCommand({ StackName, EnableTerminationProtection }));
}
