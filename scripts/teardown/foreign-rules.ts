/** Rules that consumers have put on the domain event bus. EventBridge does not delete a bus that has any. */
import {
  DeleteRuleCommand,
  EventBridgeServiceException,
  ListRulesCommand,
  ListTargetsByRuleCommand,
  RemoveTargetsCommand,
} from '@aws-sdk/client-eventbridge';
import type { NamedStack } from '../stack/stack.ts';

export interface ForeignRule {
  readonly name: string;
  readonly targets: readonly { readonly id: string; readonly arn: string }[];
}

/** All rules of the bus: this stack itself has none there. Empty if the bus is gone. */
export async function foreignRules({ clients: { events } }: NamedStack, EventBusName: string): Promise<ForeignRule[]> {
  const found: ForeignRule[] = [];
  let NextToken: string | undefined;
  try {
    do {
      const page = await events.send(new ListRulesCommand({ EventBusName, NextToken }));
      for (const { Name: name = '' } of page.Rules ?? []) {
        const { Targets = [] } = await events.send(new ListTargetsByRuleCommand({ EventBusName, Rule: name }));
        found.push({ name, targets: Targets.map(({ Id = '', Arn = '' }) => ({ id: Id, arn: Arn })) });
      }
      NextToken = page.NextToken;
    } while (NextToken !== undefined);
  } catch (error) {
    if (error instanceof EventBridgeServiceException && error.name === 'ResourceNotFoundException') return [];
    throw error;
  }
  return found;
}

export async function removeRules(
  { clients: { events } }: NamedStack,
  EventBusName: string,
  rules: readonly ForeignRule[],
): Promise<void> {
  for (const { name, targets } of rules) {
    if (targets.length > 0) {
      const Ids = targets.map(({ id }) => id);
      await events.send(new RemoveTargetsCommand({ EventBusName, Rule: name, Ids }));
    }
    await events.send(new DeleteRuleCommand({ EventBusName, Name: name }));
  }
}
