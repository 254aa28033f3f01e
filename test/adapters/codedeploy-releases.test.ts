import {
  CodeDeployClient,
  GetDeploymentCommand,
  PutLifecycleEventHookExecutionStatusCommand,
} from '@aws-sdk/client-codedeploy';
import { beforeEach, describe, expect, it } from 'vitest';
import { codeDeployReleases } from '../../adapters/aws/codedeploy-releases.ts';
import { releasedSteps } from '../../core/watch/release.ts';
import { mockClient } from '../support/mock-client.ts';

const codeDeploy = mockClient(CodeDeployClient);
const releases = codeDeployReleases({
  client: new CodeDeployClient({ region: 'us-east-1' }),
  steps: releasedSteps,
});
beforeEach(() => {
  codeDeploy.reset();
});

const appSpec = (Name: string, TargetVersion: string | number = '8') =>
  JSON.stringify({
    version: 0.0,
    Resources: [
      {
        [Name]: {
          Type: 'AWS::Lambda::Function',
          Properties: { Name, Alias: 'live', CurrentVersion: '7', TargetVersion },
        },
      },
    ],
    Hooks: [{ BeforeAllowTraffic: 'images-prod-CheckReleaseFunction-1' }],
  });

describe('the new version of a deployment', () => {
  it.each(releasedSteps)('is read from the AppSpec: %s', async (step) => {
    const functionName = `images-prod-${step}Function-1A2B3C`;
    codeDeploy.on(GetDeploymentCommand, { deploymentId: 'd-1' }).resolves({
      deploymentInfo: {
        revision: { revisionType: 'AppSpecContent', appSpecContent: { content: appSpec(functionName) } },
      },
    });
    expect(await releases.newVersion('d-1')).toEqual({ step, functionName, version: '8' });
  });

  it('is read from the plain string that CloudFormation sends, with a numeric version', async () => {
    codeDeploy.on(GetDeploymentCommand).resolves({
      deploymentInfo: {
        revision: { revisionType: 'String', string: { content: appSpec('p-ResizeImageFunction-1', 8) } },
      },
    });
    expect(await releases.newVersion('d-1')).toMatchObject({ version: '8' });
  });

  it('given a function without a check, is an error that says where to add one', async () => {
    codeDeploy.on(GetDeploymentCommand).resolves({
      deploymentInfo: { revision: { appSpecContent: { content: appSpec('images-prod-SendPostcardFunction-1') } } },
    });
    await expect(releases.newVersion('d-1')).rejects.toThrow(/SendPostcardFunction.*add one to check-release\.ts/);
  });

  it('given a name that CloudFormation truncated, is an error that says so', async () => {
    codeDeploy.on(GetDeploymentCommand).resolves({
      deploymentInfo: {
        revision: { appSpecContent: { content: appSpec('a-stack-with-a-very-long-n-ResizeImageFu-1A2B') } },
      },
    });
    await expect(releases.newVersion('d-1')).rejects.toThrow(/ResizeImageFu.*at most 25 characters/);
  });

  it.each([
    ['no revision', undefined],
    ['an AppSpec without resources', { appSpecContent: { content: '{"Resources":[]}' } }],
  ])('given %s, is an error', async (_, revision) => {
    codeDeploy.on(GetDeploymentCommand).resolves({ deploymentInfo: { revision } });
    await expect(releases.newVersion('d-1')).rejects.toThrow();
  });
});

it.each([
  [{ verdict: 'passed' } as const, 'Succeeded'],
  [{ verdict: 'refused', reason: 'no' } as const, 'Failed'],
])('reports %j as %s', async (verdict, status) => {
  codeDeploy.on(PutLifecycleEventHookExecutionStatusCommand).resolves({});
  await releases.report({ deploymentId: 'd-1', executionId: 'e-1' }, verdict);
  expect(codeDeploy.commandCalls(PutLifecycleEventHookExecutionStatusCommand)[0]?.args[0].input).toEqual({
    deploymentId: 'd-1',
    lifecycleEventHookExecutionId: 'e-1',
    status,
  });
});
