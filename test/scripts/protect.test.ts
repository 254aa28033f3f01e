import {
  CloudFormationClient,
  DescribeStacksCommand,
  GetStackPolicyCommand,
  SetStackPolicyCommand,
  UpdateTerminationProtectionCommand,
} from '@aws-sdk/client-cloudformation';
import { beforeEach, describe, expect, it } from 'vitest';
import { describeProtection, protectCommand } from '../../scripts/protect/protect.ts';
import { deniedBy, ownPolicy, protect, readProtection, unprotect } from '../../scripts/stack/stack-protection.ts';
import { templateFor } from '../../scripts/template/template.ts';
import { parsedOptions } from '../../scripts/terminal/command.ts';
import { mockClient } from '../support/mock-client.ts';
import { mockedStack } from '../support/mocked-stack.ts';

const cloudFormation = mockClient(CloudFormationClient);
const stack = mockedStack();

let body: string | undefined;
let termination: boolean;
beforeEach(() => {
  cloudFormation.reset();
  [body, termination] = [undefined, false];
  cloudFormation
    .on(DescribeStacksCommand)
    .callsFake(() => ({ Stacks: [{ StackName: stack.name, EnableTerminationProtection: termination }] }));
  cloudFormation.on(GetStackPolicyCommand).callsFake(() => ({ StackPolicyBody: body }));
  cloudFormation.on(SetStackPolicyCommand).callsFake(({ StackPolicyBody }) => {
    body = StackPolicyBody;
    return {};
  });
  cloudFormation.on(UpdateTerminationProtectionCommand).callsFake(({ EnableTerminationProtection }) => {
    termination = EnableTerminationProtection;
    return {};
  });
});

describe('the stack policy', () => {
  it('keeps updates from replacing or deleting exactly what outlives the stack and holds data', async () => {
    const kept = [...templateFor('prod').resources]
      .filter(
        ([, { DeletionPolicy, Type }]) => DeletionPolicy === 'RetainExceptOnCreate' && Type !== 'AWS::S3::BucketPolicy',
      )
      .map(([id]) => id);
    expect(deniedBy(await ownPolicy()).sort()).toEqual(kept.sort());
  });

  it('allows every other update, and changes in place of these', async () => {
    const { Statement } = JSON.parse(await ownPolicy());
    expect(Statement).toEqual([
      { Effect: 'Allow', Principal: '*', Action: 'Update:*', Resource: '*' },
      expect.objectContaining({ Effect: 'Deny', Principal: '*', Action: ['Update:Replace', 'Update:Delete'] }),
    ]);
  });
});

describe('protecting a stack', () => {
  it('sets the policy and turns on termination protection', async () => {
    await protect(stack);
    expect(await readProtection(stack)).toEqual({ termination: true, resources: deniedBy(await ownPolicy()) });
  });

  it('can be undone, although a stack policy cannot be deleted', async () => {
    await protect(stack);
    await unprotect(stack);
    expect(await readProtection(stack)).toEqual({ termination: false, resources: [] });
  });
});

it('the report says what can happen to the stack', () => {
  expect(describeProtection('x', { termination: true, resources: ['ImageTable'] })).toEqual([
    'x cannot be deleted.',
    'No update can replace or delete ImageTable.',
  ]);
});

it('npm run protect needs a stack', () => {
  expect(parsedOptions(protectCommand, ['on', '--stack', 'x'])).toEqual({ arguments: ['on'], stack: 'x' });
  expect(() => parsedOptions(protectCommand, ['on'])).toThrow('--stack');
});
