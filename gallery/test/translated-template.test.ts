import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { isolatedEnvironment } from '../../scripts/local/isolated-environment.ts';
import { installLinters } from '../../scripts/local/toolchain.ts';
import { at } from '../../scripts/template/template.ts';
import { projectDirectory } from '../../scripts/terminal/project.ts';
import { operations } from '../api/operations.ts';
import { releasedFunctions } from '../core/check-release.ts';

/** The template as CloudFormation gets it: SAM adds the deployment groups, the aliases and the stage of the API. */

const INSTALLATION_MILLIS = 600_000;
const translatedTemplate = z.object({
  Resources: z.record(z.string(), z.looseObject({ Type: z.string(), Properties: z.unknown() })),
});
let resources: z.infer<typeof translatedTemplate>['Resources'];

beforeAll(async () => {
  const linters = await installLinters(() => undefined);
  const directory = mkdtempSync(join(tmpdir(), 'gallery-translated-'));
  try {
    const output = join(directory, 'prod.json');
    execFileSync(
      join(linters, 'python'),
      ['scripts/template/translate.py', 'gallery/template.yaml', output, 'Stage=prod'],
      { cwd: projectDirectory, env: isolatedEnvironment(), stdio: ['ignore', 'ignore', 'pipe'] },
    );
    resources = translatedTemplate.parse(JSON.parse(readFileSync(output, 'utf8'))).Resources;
  } finally {
    rmSync(directory, { recursive: true });
  }
}, INSTALLATION_MILLIS);

describe('the translated template', () => {
  it.each(releasedFunctions)('lets only CodeDeploy move the alias of %s, after the check', (stem) => {
    const update = at(
      z.json().parse(resources[`${stem}FunctionAliaslive`]),
      'UpdatePolicy',
      'CodeDeployLambdaAliasUpdate',
    );
    expect(at(update, 'DeploymentGroupName')).toEqual({ Ref: `${stem}FunctionDeploymentGroup` });
    const hook = at(update, 'BeforeAllowTrafficHook');
    // A function that exists on the emulator, too, has the check in an account only.
    expect(at(hook, 'Fn::If', 1) ?? hook).toEqual({ Ref: 'CheckReleaseFunction' });
    const group = JSON.stringify(resources[`${stem}FunctionDeploymentGroup`]);
    for (const part of ['ApiErrorsRollbackAlarm', 'FunctionErrorsRollbackAlarm', 'DEPLOYMENT_STOP_ON_ALARM']) {
      expect(group).toContain(part);
    }
    expect(group).toContain('ReleaseRole');
  });

  it('has no broader role for CodeDeploy, which SAM would add', () => {
    expect(Object.keys(resources)).not.toContain('CodeDeployServiceRole');
  });

  it('has one stage, and not a second one without limits and firewall, which SAM would add', () => {
    const ofType = (type: string) => Object.values(resources).filter(({ Type }) => Type === `AWS::ApiGateway::${type}`);
    expect(ofType('Stage')).toHaveLength(1);
    expect(ofType('Deployment').map((one) => at(z.json().parse(one), 'Properties', 'StageName'))).toEqual([undefined]);
  });

  it('names its API after the stack, whatever the title in openapi.yaml, because the alarm looks for that name', () => {
    const alarm = z.json().parse(resources['ApiErrorsRollbackAlarm']?.Properties);
    expect(at(alarm, 'Dimensions', 0, 'Name')).toBe('ApiName');
    expect(at(z.json().parse(resources['Api']?.Properties), 'Name')).toEqual(at(alarm, 'Dimensions', 0, 'Value'));
  });

  it('has the paths of openapi.yaml in its API, and the aliases of functions behind them', () => {
    const body = JSON.stringify(resources['Api']?.Properties);
    for (const [id, { path }] of Object.entries(operations)) {
      expect(body).toContain(`"${path}"`);
      expect(body).toContain(`\${${id.charAt(0).toUpperCase()}${id.slice(1)}Function.Arn}:live/invocations`);
    }
  });
});
