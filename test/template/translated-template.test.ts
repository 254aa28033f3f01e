import { execFileSync } from 'node:child_process';
import { globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
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

/** Most of what holds, moves or guards images, and the alarm that pages. */
const lastOnes = [
  ...['AWS::S3::Bucket', 'AWS::S3::BucketPolicy', 'AWS::SQS::Queue', 'AWS::SQS::QueuePolicy', 'AWS::DynamoDB::Table'],
  ...['AWS::Lambda::Function', 'AWS::Lambda::EventSourceMapping', 'AWS::StepFunctions::StateMachine'],
  ...['AWS::Events::Rule', 'AWS::IAM::Role', 'AWS::Logs::LogGroup'],
  'AWS::CloudWatch::CompositeAlarm',
];

let byStage: ReadonlyMap<Stage, Resources>;
/** The folder of their executables. */
let linters: string;
/** With all conditions resolved, as `sam deploy` creates it. */
let deployed: ReadonlyMap<Stage, Template>;
beforeAll(async () => {
  linters = await installLinters(() => undefined);
  byStage = translate(join(linters, 'python'));
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

/** Every resource that CloudFormation creates and updates before this one. */
function waitsFor(all: Resources, id: string, seen = new Set<string>()): ReadonlySet<string> {
  for (const next of waitedFor(all[id])) {
    if (seen.has(next) || all[next] === undefined) continue;
    seen.add(next);
    waitsFor(all, next, seen);
  }
  return seen;
}

describe.each(stages)('stage %s', (stage) => {
  it('changes the probe after every part of the pipeline, because it expects the presets of its own release', () => {
    const before = waitsFor(translated(stage), 'ProbePipelineFunction');
    expect(releasedSteps.filter((step) => !before.has(`${step}FunctionAliaslive`))).toEqual([]);
  });

  it('has no layer that shares its name, and so its list of versions, with another stack', () => {
    const layers = Object.values(translated(stage)).filter(({ Type }) => Type === 'AWS::Lambda::LayerVersion');
    expect(layers.length).toBeGreaterThan(0);
    for (const layer of layers)
      expect(JSON.stringify(layer['Properties'])).toMatch(/"LayerName":\{"Fn::Sub":"\$\{AWS::StackName\}-/);
  });

  it('has no circular dependency', () => {
    expect(circleIn(translated(stage))).toBeUndefined();
  });
});

describe.each(['dev', 'prod'] as const)('stage %s', (stage) => {
  it('starts the probe last: what it writes would keep a failed first deployment from being removed', () => {
    const all = translated(stage);
    const before = waitsFor(all, 'ProbeSchedule');
    const early = Object.entries(all)
      // A DependsOn may not name what depends on another condition.
      .filter(([, { Condition }]) => Condition === undefined || Condition === 'IsAccount')
      .filter(([id, { Type }]) => lastOnes.includes(Type) && !before.has(id))
      .map(([id]) => id);
    expect(early).toEqual([]);
  });

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
    const reaches = (from: string, to: string) => waitsFor(translated('prod'), from).has(to);
    for (const { name: worker } of workers) {
      expect(reaches('ImagePipelineLiveAlias', `${worker}FunctionAliaslive`), worker).toBe(true);
      expect(reaches(`${worker}FunctionAliaslive`, 'ImagePipelineLiveAlias'), worker).toBe(false);
    }
    expect(reaches('DispatchImagesFunctionAliaslive', 'ImagePipelineLiveAlias')).toBe(true);
  });
});

describe('docs/regions.md', () => {
  const text = readFileSync(join(projectDirectory, 'docs/regions.md'), 'utf8').replaceAll('\n', ' ');
  const regionsAfter = (title: string) => {
    const [, section = ''] = text.split(`**${title}`);
    return (section.split('**')[1] ?? '').match(/\b[a-z]{2}(-gov)?-[a-z]+-\d\b/g) ?? [];
  };
  /** The types that a region lacks, according to cfn-lint's copy of CloudFormation's lists. */
  const missingIn = (region: string): string[] => {
    const [file = ''] = globSync('lib/python*/site-packages/cfnlint/data/schemas/providers', {
      cwd: dirname(linters),
    }).map((folder) => join(dirname(linters), folder, `${region}.json`));
    const known = readFileSync(file, 'utf8');
    const types = new Set(Object.values(translated('prod')).map(({ Type }) => Type));
    return [...types].filter((type) => !known.includes(`"${type}"`));
  };

  it('names regions that have every type of the template', () => {
    const regions = regionsAfter('Every type:');
    expect(regions.length).toBeGreaterThan(20);
    expect(regions.filter((region) => missingIn(region).length > 0)).toEqual([]);
  });

  it('names regions that lack code signing only', () => {
    const regions = regionsAfter('All but code signing');
    expect(regions.length).toBeGreaterThan(10);
    for (const region of regions) expect(missingIn(region), region).toEqual(['AWS::Lambda::CodeSigningConfig']);
  });
});

it('stage local has no CodeDeploy', () => {
  const conditional = Object.values(translated('local')).filter(
    ({ Type, ...rest }) => Type.startsWith('AWS::CodeDeploy') && !('Condition' in rest),
  );
  expect(conditional).toEqual([]);
});
