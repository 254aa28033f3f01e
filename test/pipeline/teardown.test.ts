import { PutRuleCommand, PutTargetsCommand } from '@aws-sdk/client-eventbridge';
import { expect, it } from 'vitest';
import { eventSource } from '../../core/names.ts';
import { protect, readProtection, unprotect } from '../../scripts/stack/stack-protection.ts';
import { foreignRules, removeRules } from '../../scripts/teardown/foreign-rules.ts';
import { readTeardown } from '../../scripts/teardown/teardown-plan.ts';
import { warmStatus } from '../../scripts/warm/warm-workers.ts';
import { providedStack } from '../support/provided-stack.ts';

/** What the commands for a stack in an account read and change, as far as the emulator has it. Nothing is deleted. */

const stack = providedStack();
const { DomainEventBusName: EventBusName } = stack.outputs;

it('a consumer’s rule on the event bus is found and removed, with its targets', async () => {
  const Name = 'thumbnail-index';
  await stack.clients.events.send(
    new PutRuleCommand({ EventBusName, Name, EventPattern: JSON.stringify({ source: [eventSource] }) }),
  );
  const target = { Id: 'images', Arn: 'arn:aws:sqs:us-east-1:000000000000:images' };
  await stack.clients.events.send(new PutTargetsCommand({ EventBusName, Rule: Name, Targets: [target] }));
  // Other tests on this stack listen to the bus, too.
  const own = async () => (await foreignRules(stack, EventBusName)).filter(({ name }) => name === Name);
  const found = await own();
  expect(found).toEqual([{ name: Name, targets: [{ id: target.Id, arn: target.Arn }] }]);
  await removeRules(stack, EventBusName, found);
  expect(await own()).toEqual([]);
});

it('what stays after a deletion is found by its name in the stack', async () => {
  const { retained, busName, isProtected } = await readTeardown(stack);
  expect({ busName, isProtected }).toEqual({ busName: EventBusName, isProtected: false });
  const physical = new Map(retained.map(({ logicalId, physicalId }) => [logicalId, physicalId]));
  expect(physical.get('UploadBucket')).toBe(stack.outputs.UploadBucketName);
  expect(physical.get('ImageTable')).toBe(stack.outputs.ImageTableName);
  expect(physical.has('DataKey')).toBe(true);
});

it('a stack can be protected, and the protection turned off', async () => {
  await protect(stack);
  expect(await readProtection(stack)).toMatchObject({ termination: true });
  await unprotect(stack);
  expect(await readProtection(stack)).toEqual({ termination: false, resources: [] });
});

it('the emulator keeps no workers warm', async () => {
  expect(await warmStatus(stack)).toEqual({ inTemplate: false, workers: [] });
});
