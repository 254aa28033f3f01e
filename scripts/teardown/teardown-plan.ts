/** What a deletion would do. */
import prettyBytes from 'pretty-bytes';
import { messagesIn } from '../stack/queues.ts';
import { describeStack, type NamedStack } from '../stack/stack.ts';
import { listResources } from '../stack/stack-resources.ts';
import { plainTable } from '../terminal/table.ts';
import { type ForeignRule, foreignRules } from './foreign-rules.ts';
import { findRetained, type Retained } from './retained.ts';

export interface Teardown {
  readonly busName: string | undefined;
  /** Consumers' rules on the event bus, which stop its deletion. */
  readonly rules: readonly ForeignRule[];
  /** Messages that are deleted with their queues. */
  readonly messages: readonly { readonly queue: string; readonly count: number }[];
  readonly isProtected: boolean;
  readonly retained: readonly Retained[];
}

export async function readTeardown(stack: NamedStack): Promise<Teardown> {
  const { clients } = stack;
  const found = await describeStack(stack);
  const resources = await listResources(stack);
  const busName = resources.find(({ logicalId }) => logicalId === 'DomainEventBus')?.physicalId;
  const messages: { queue: string; count: number }[] = [];
  for (const { logicalId, physicalId } of resources.filter(({ type }) => type === 'AWS::SQS::Queue')) {
    messages.push({ queue: logicalId, count: await messagesIn(clients.sqs, physicalId) });
  }
  return {
    busName,
    rules: busName === undefined ? [] : await foreignRules(stack, busName),
    messages: messages.filter(({ count }) => count > 0),
    isProtected: found.EnableTerminationProtection === true,
    retained: await findRetained(stack, resources),
  };
}

export function describeTeardown(stack: string, { rules, messages, isProtected, retained }: Teardown): string[] {
  const rows = retained.map(({ logicalId, physicalId, bytes, usd }) => [
    logicalId,
    physicalId,
    bytes === undefined ? '' : prettyBytes(bytes),
    usd === undefined ? '' : usd.toFixed(2),
  ]);
  const total = retained.reduce((sum, { usd = 0 }) => sum + usd, 0);
  return [
    ...(isProtected ? [`${stack} has termination protection, which would be turned off.`] : []),
    ...messages.map(
      ({ queue, count }) => `${count} ${count === 1 ? 'message' : 'messages'} in ${queue} would be lost.`,
    ),
    ...rules.map(
      ({ name, targets }) =>
        `The rule ${name} of a consumer would be removed from the event bus (to ${targets.map(({ arn }) => arn).join(', ') || 'no target'}). Delete the consumer's stack first if you can.`,
    ),
    'Everything else in the stack would be deleted, except for:',
    '',
    plainTable(['Resource', 'Name', 'Size', 'US$ per month'], rows, ['left', 'left', 'right', 'right']),
    '',
    `That costs about US$${total.toFixed(2)} per month, at list prices in us-east-1 and as of yesterday.`,
    'Also stay: the artifacts in the bucket of SAM CLI, backups of AWS Backup, and what consumers have stored.',
  ];
}
