import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { workers } from '../../core/steps.ts';
import { releasedSteps } from '../../core/watch/release.ts';
import { isolatedEnvironment } from '../../scripts/local/isolated-environment.ts';
import { installLinters } from '../../scripts/local/toolchain.ts';
import {
  deployedParameters,
  deployedTemplate,
  ofType,
  readTemplate,
  type Stage,
  stages,
  type Template,
  templateFor,
} from '../../scripts/template/template.ts';
import { projectDirectory } from '../../scripts/terminal/project.ts';

/** The template as SAM translates it for CloudFormation: what the source does not show. */

const INSTALLATION_MILLIS = 600_000;
const resources = z.record(z.string(), z.looseObject({ Type: z.string() }));
type Resources = z.infer<typeof resources>;

let byStage: ReadonlyMap<Stage, Resources>;
/** With all conditions resolved, as `sam deploy` creates it. */
let deployed: ReadonlyMap<Stage, Template>;
beforeAll(async () => {
  byStage = translate(join(await installLinters(() => undefined), 'python'));
}, INSTALLATION_MILLIS);

function translate(python: string): ReadonlyMap<Stage, Resources> {
  const directory = mkdtempSync(join(tmpdir(), 'translated-'));
  try {
    const outputs = stages.map((stage) => [stage, join(directory, `${stage}.json`)] as const);
    // One process for all stages: loading SAM's translator takes longer than translating.
    const files = outputs.flatMap(([stage, output]) => [output, `Stage=${stage}`]);
    execFileSync(python, ['scripts/template/translate.py', ...files], {
      cwd: projectDirectory,
      env: isolatedEnvironment(),
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    deployed = new Map(
      outputs.map(([stage, output]) => [
        stage,
        templateFor(stage, deployedParameters(stage), readTemplate(relative(projectDirectory, output))),
      ]),
    );
    return new Map(
      outputs.map(([stage, output]) => [
        stage,
        z.object({ Resources: resources }).parse(JSON.parse(readFileSync(output, 'utf8'))).Resources,
      ]),
    );
  } finally {
    rmSync(directory, { recursive: true });
  }
}

function translated(stage: Stage): Resources {
  const found = byStage.get(stage);
  if (found === undefined) throw new Error(`Stage ${stage} was not translated.`);
  return found;
}

/** Every logical id that a value depends on: Ref, GetAtt, Sub and DependsOn. */
function waitedFor(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(waitedFor);
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, inner]) => {
    if (name === 'Ref' || name === 'DependsOn') return [inner].flat().map(String);
    if (name === 'Fn::GetAtt') return [String(Array.isArray(inner) ? inner[0] : String(inner).split('.')[0])];
    if (name === 'Fn::Sub') {
      const [text, ...variables] = [inner].flat();
      return [...[...String(text).matchAll(/\$\{([A-Za-z0-9]+)/g)].map(([, id = '']) => id), ...waitedFor(variables)];
    }
    return waitedFor(inner);
  });
}

function circleIn(all: Resources): readonly string[] | undefined {
  const done = new Set<string>();
  const visit = (id: string, path: readonly string[]): readonly string[] | undefined => {
    if (path.includes(id)) return [...path.slice(path.indexOf(id)), id];
    if (done.has(id) || all[id] === undefined) return undefined;
    for (const next of waitedFor(all[id])) {
      const circle = visit(next, [...path, id]);
      if (circle !== undefined) return circle;
    }
    done.add(id);
    return undefined;
  };
  return Object.keys(all)
    .map((id) => visit(id, []))
    .find((circle) => circle !== undefined);
}

describe.each(stages)('stage %s', (stage) => {
  it('has no circular dependency', () => {
    expect(circleIn(translated(stage))).toBeUndefined();
  });
});

describe.each(['dev', 'prod'] as const)('stage %s', (stage) => {
  it.each(['AWS::CloudWatch::Alarm', 'AWS::CloudWatch::CompositeAlarm', 'AWS::ApplicationAutoScaling::ScalingPolicy'])(
    'has the %ss that its monthly price counts, and SAM adds none',
    (type) => {
      const translatedTo = deployed.get(stage);
      if (translatedTo === undefined) throw new Error(`Stage ${stage} was not translated.`);
      const idsIn = (template: Template) => ofType(template, type).map(([id]) => id);
      expect(idsIn(translatedTo).sort()).toEqual(idsIn(deployedTemplate(stage)).sort());
    },
  );
});

describe('in prod', () => {
  it.each(releasedSteps)('only CodeDeploy moves the alias of %s, after the check', (step) => {
    const all = translated('prod');
    expect(all[`${step}FunctionAliaslive`]).toMatchObject({
      UpdatePolicy: {
        CodeDeployLambdaAliasUpdate: {
          DeploymentGroupName: { Ref: `${step}FunctionDeploymentGroup` },
          BeforeAllowTrafficHook: { 'Fn::If': ['IsAccount', { Ref: 'CheckReleaseFunction' }, expect.anything()] },
        },
      },
    });
    const group = JSON.stringify(all[`${step}FunctionDeploymentGroup`]);
    for (const part of [`${step}ErrorsRollbackAlarm`, `${step}DurationRollbackAlarm`, 'DEPLOYMENT_STOP_ON_ALARM']) {
      expect(group).toContain(part);
    }
    // An alarm on the version that this deployment publishes.
    expect(JSON.stringify(all[`${step}ErrorsRollbackAlarm`])).toMatch(
      new RegExp(`"ExecutedVersion","Value":\\{"Fn::GetAtt":\\["${step}FunctionVersion[0-9a-f]+","Version"\\]`),
    );
  });

  it('SAM adds no broader role for CodeDeploy', () => {
    expect(Object.keys(translated('prod'))).not.toContain('CodeDeployServiceRole');
  });

  it('workers are deployed first, then the workflow, then the dispatcher', () => {
    const all = translated('prod');
    const reaches = (from: string, to: string, seen = new Set<string>()): boolean => {
      if (from === to) return true;
      if (seen.has(from) || all[from] === undefined) return false;
      seen.add(from);
      return waitedFor(all[from]).some((next) => reaches(next, to, seen));
    };
    for (const { name: worker } of workers) {
      expect(reaches('ImagePipelineLiveAlias', `${worker}FunctionAliaslive`), worker).toBe(true);
      expect(reaches(`${worker}FunctionAliaslive`, 'ImagePipelineLiveAlias'), worker).toBe(false);
    }
    expect(reaches('DispatchImagesFunctionAliaslive', 'ImagePipelineLiveAlias')).toBe(true);
  });
});

it('stage local has no CodeDeploy', () => {
  const conditional = Object.values(translated('local')).filter(
    ({ Type, ...rest }) => Type.startsWith('AWS::CodeDeploy') && !('Condition' in rest),
  );
  expect(conditional).toEqual([]);
});
