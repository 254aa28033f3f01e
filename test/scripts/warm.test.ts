import {
  CloudFormationClient,
  CreateChangeSetCommand,
  DescribeChangeSetCommand,
  DescribeStackResourceCommand,
  DescribeStacksCommand,
  ExecuteChangeSetCommand,
} from '@aws-sdk/client-cloudformation';
import {
  DeleteProvisionedConcurrencyConfigCommand,
  LambdaClient,
  ListProvisionedConcurrencyConfigsCommand,
  type ProvisionedConcurrencyConfigListItem,
  ProvisionedConcurrencyConfigNotFoundException,
  PutProvisionedConcurrencyConfigCommand,
} from '@aws-sdk/client-lambda';
import { beforeEach, describe, expect, it } from 'vitest';
import { warmFunctions } from '../../scripts/stack/warm-functions.ts';
import { ofType, templateFor } from '../../scripts/template/template.ts';
import { parsedOptions } from '../../scripts/terminal/command.ts';
import { warmCommand } from '../../scripts/warm/warm.ts';
import { describeWarm, planOf } from '../../scripts/warm/warm-report.ts';
import { switchOff, switchOn, warmStatus } from '../../scripts/warm/warm-workers.ts';
import { mockClient } from '../support/mock-client.ts';
import { mockedStack } from '../support/mocked-stack.ts';

const cloudFormation = mockClient(CloudFormationClient);
const lambda = mockClient(LambdaClient);
const stack = mockedStack();
const patience = { interval: 1, milliseconds: 1000 };

/** The deployed value of ProvisionConcurrency, and what Lambda keeps warm. */
let inTemplate: boolean;
let warm: Map<string, ProvisionedConcurrencyConfigListItem[]>;
const ready = (name: string, qualifier = 'live'): ProvisionedConcurrencyConfigListItem => ({
  FunctionArn: `arn:aws:lambda:eu-west-1:111122223333:function:${name}:${qualifier}`,
  RequestedProvisionedConcurrentExecutions: 2,
  AvailableProvisionedConcurrentExecutions: 2,
  Status: 'READY',
});
const allReady = () => new Map(warmFunctions.map((name) => [name, [ready(name)]]));

beforeEach(() => {
  cloudFormation.reset();
  lambda.reset();
  inTemplate = true;
  warm = new Map();
  cloudFormation.on(DescribeStacksCommand).callsFake(() => ({
    Stacks: [
      {
        StackName: stack.name,
        StackStatus: 'UPDATE_COMPLETE',
        Parameters: [
          { ParameterKey: 'Stage', ParameterValue: 'prod' },
          { ParameterKey: 'ProvisionConcurrency', ParameterValue: String(inTemplate) },
        ],
      },
    ],
  }));
  cloudFormation
    .on(DescribeStackResourceCommand)
    .callsFake(({ LogicalResourceId }) => ({ StackResourceDetail: { PhysicalResourceId: LogicalResourceId } }));
  cloudFormation.on(CreateChangeSetCommand).callsFake(({ Parameters }) => {
    inTemplate =
      Parameters.find(({ ParameterKey = '' }) => ParameterKey === 'ProvisionConcurrency').ParameterValue === 'true';
    return {};
  });
  cloudFormation.on(DescribeChangeSetCommand).resolves({ Status: 'CREATE_COMPLETE' });
  cloudFormation.on(ExecuteChangeSetCommand).resolves({});
  lambda
    .on(ListProvisionedConcurrencyConfigsCommand)
    .callsFake(({ FunctionName }) => ({ ProvisionedConcurrencyConfigs: warm.get(FunctionName) ?? [] }));
  lambda.on(DeleteProvisionedConcurrencyConfigCommand).callsFake(({ FunctionName, Qualifier }) => {
    const left = (warm.get(FunctionName) ?? []).filter(({ FunctionArn }) => !FunctionArn?.endsWith(`:${Qualifier}`));
    warm.set(FunctionName, left);
    return {};
  });
  lambda.on(PutProvisionedConcurrencyConfigCommand).callsFake(({ FunctionName }) => {
    warm.set(FunctionName, [ready(FunctionName)]);
    return {};
  });
});

const calls = (command: typeof PutProvisionedConcurrencyConfigCommand) =>
  lambda.commandCalls(command).map(({ args: [{ input }] }) => input);

it('the command knows every function that the template keeps warm', () => {
  const kept = ofType(templateFor('prod'), 'AWS::Serverless::Function')
    .filter(([, { Properties }]) => Properties['ProvisionedConcurrencyConfig'] !== undefined)
    .map(([id]) => id);
  expect([...warmFunctions]).toEqual(kept);
});

describe('switching warm workers off', () => {
  it('deploys the same template without them first, because a deployment fails if they are asked for and gone', async () => {
    warm = allReady();
    const order: string[] = [];
    cloudFormation.on(ExecuteChangeSetCommand).callsFake(() => {
      order.push('deploy');
      return {};
    });
    lambda.on(DeleteProvisionedConcurrencyConfigCommand).callsFake(({ FunctionName }) => {
      order.push('delete');
      warm.set(FunctionName, []);
      return {};
    });
    await switchOff(stack);
    expect(order).toEqual(['deploy', 'delete', 'delete', 'delete']);
    const [created] = cloudFormation.commandCalls(CreateChangeSetCommand);
    expect(created?.args[0].input).toMatchObject({
      StackName: stack.name,
      UsePreviousTemplate: true,
      Parameters: [
        { ParameterKey: 'Stage', UsePreviousValue: true },
        { ParameterKey: 'ProvisionConcurrency', ParameterValue: 'false' },
      ],
    });
  });

  it('deletes what an earlier deployment has left warm, on any alias or version, without another deployment', async () => {
    inTemplate = false;
    warm = new Map([['ResizeImageFunction', [ready('ResizeImageFunction'), ready('ResizeImageFunction', '7')]]]);
    await switchOff(stack);
    expect(cloudFormation.commandCalls(CreateChangeSetCommand)).toHaveLength(0);
    const deleted = lambda.commandCalls(DeleteProvisionedConcurrencyConfigCommand);
    expect(deleted.map(({ args: [{ input }] }) => input.Qualifier)).toEqual(['live', '7']);
    expect((await warmStatus(stack)).workers).toEqual([]);
  });

  it('says what is still warm and paid for', async () => {
    warm = allReady();
    lambda.on(DeleteProvisionedConcurrencyConfigCommand).resolves({});
    await expect(switchOff(stack)).rejects.toThrow(/Still warm, and paid for: DispatchImagesFunction:live/);
  });
});

describe('switching warm workers on', () => {
  it('deploys the same template with them, and waits until they are ready', async () => {
    inTemplate = false;
    cloudFormation.on(ExecuteChangeSetCommand).callsFake(() => {
      warm = allReady();
      return {};
    });
    await switchOn(stack, patience);
    expect(inTemplate).toBe(true);
    expect(calls(PutProvisionedConcurrencyConfigCommand)).toEqual([]);
  });

  it('starts those that CloudFormation did not apply to an existing alias, as many as the stage has', async () => {
    warm = allReady();
    warm.delete('ResizeImageFunction');
    await switchOn(stack, patience);
    expect(calls(PutProvisionedConcurrencyConfigCommand)).toEqual([
      { FunctionName: 'ResizeImageFunction', Qualifier: 'live', ProvisionedConcurrentExecutions: 2 },
    ]);
  });

  it('fails with Lambda’s reason if a version cannot start', async () => {
    warm = allReady();
    warm.set('ResizeImageFunction', [
      { ...ready('ResizeImageFunction'), Status: 'FAILED', StatusReason: 'FUNCTION_ERROR' },
    ]);
    await expect(switchOn(stack, patience)).rejects.toThrow(
      /ResizeImageFunction:live warm \(FUNCTION_ERROR\).*warm-workers\.md/,
    );
  });
});

it('a function without warm workers may be answered with an error', async () => {
  lambda
    .on(ListProvisionedConcurrencyConfigsCommand)
    .rejects(new ProvisionedConcurrencyConfigNotFoundException({ message: 'none', $metadata: {} }));
  expect((await warmStatus(stack)).workers).toEqual([]);
});

describe('the report', () => {
  it('warns of workers that nothing scales down any more', async () => {
    inTemplate = false;
    warm = new Map([['ResizeImageFunction', [ready('ResizeImageFunction')]]]);
    const text = describeWarm('images-dev', await warmStatus(stack)).join('\n');
    expect(text).toMatch(/ResizeImageFunction:live +2 +2 +READY/);
    expect(text).toContain(
      'These workers cost money, and nothing scales them down: npm run warm -- --stack images-dev off',
    );
  });

  it('says that none are warm', () => {
    expect(describeWarm('x', { inTemplate: false, workers: [] })).toEqual([
      'x keeps no workers warm. Its template does not ask for warm workers.',
    ]);
  });

  it('says before a change whether it deploys', () => {
    expect(planOf('off', { inTemplate: true, workers: [] })[0]).toContain('ProvisionConcurrency=false');
    expect(planOf('off', { inTemplate: false, workers: [] }).join()).not.toContain('ProvisionConcurrency');
    expect(planOf('on', { inTemplate: false, workers: [] })[0]).toContain('ProvisionConcurrency=true');
  });
});

it('npm run warm accepts an action, a stack, --dry-run and --json', () => {
  expect(parsedOptions(warmCommand, ['off', '--stack', 'x', '--dry-run', '--json'])).toEqual({
    arguments: ['off'],
    ...{ stack: 'x', dryRun: true, json: true },
  });
  expect(() => parsedOptions(warmCommand, ['statu'])).toThrow('Did you mean status?');
});
