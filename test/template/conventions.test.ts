import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { probePrefix, releaseCheckPrefix } from '../../core/names.ts';
import { folderOf, steps, workers } from '../../core/steps.ts';
import {
  at,
  type Json,
  ofType,
  parameterDefault,
  type Resource,
  type Stage,
  stages,
  templateFor,
} from '../../scripts/template/template.ts';
import { workflow } from '../support/workflow.ts';

const template = templateFor('prod');
const projectFile = (path: string) => new URL(`../../${path}`, import.meta.url);
const stems = readdirSync(projectFile('functions')).sort();
const pascal = (stem: string) => stem.replace(/(^|-)([a-z])/g, (_, _dash, letter: string) => letter.toUpperCase());
const camel = (stem: string) => stem.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
const resource = (id: string): Resource => {
  const found = template.resources.get(id);
  if (found === undefined) throw new Error(`template.yaml has no resource ${id}.`);
  return found;
};

// One watches the pipeline from outside, one checks releases.
const besideTheWay = ['probe-pipeline', 'check-release'];

it('has a map at its head that names every section, in order', () => {
  const text = readFileSync(projectFile('template.yaml'), 'utf8');
  const sections = [...text.matchAll(/^ {2}# ── (\d+ [A-Z][a-z]+(?: [a-z]+)?) ─+$/gm)].map(([, section]) => section);
  const [head = ''] = text.split('\nParameters:');
  const named = [...head.matchAll(/\b\d+ [A-Z][a-z]+(?: [a-z]+)?(?= {2}|$)/gm)].map(([section]) => section);
  expect(sections.length).toBeGreaterThan(10);
  expect(named).toEqual(sections);
});

describe('one stem a step', () => {
  it('has as many functions in the template as folders in functions/', () => {
    expect(
      ofType(template, 'AWS::Serverless::Function')
        .map(([id]) => id)
        .sort(),
    ).toEqual(stems.map((stem) => `${pascal(stem)}Function`));
  });

  it.each(stems)('%s: folder, function, role, log group, use case and runbook bear one name', (stem) => {
    expect(readdirSync(projectFile(`functions/${stem}`)).sort()).toEqual(['handler.ts']);
    expect(resource(`${pascal(stem)}Function`).Properties['CodeUri']).toBe(`functions/${stem}`);
    expect(resource(`${pascal(stem)}Role`).Type).toBe('AWS::IAM::Role');
    expect(resource(`${pascal(stem)}LogGroup`).Type).toBe('AWS::Logs::LogGroup');
    const useCase = [`core/${stem}.ts`, `core/watch/${stem}.ts`].filter((path) => existsSync(projectFile(path)));
    expect(useCase).toHaveLength(1);
    expect(readFileSync(projectFile(useCase.join()), 'utf8')).toMatch(
      new RegExp(`export (async )?function ${camel(stem).replace(/s$/, '')}`),
    );
    expect(existsSync(projectFile(`docs/runbooks/${stem}.md`)), `docs/runbooks/${stem}.md`).toBe(true);
  });

  it('has each function that an image passes through in core/steps.ts', () => {
    const missing = stems.filter(
      (stem) => ![...besideTheWay, ...steps.map(({ name }) => folderOf(name))].includes(stem),
    );
    expect(missing.map((stem) => `core/steps.ts has no ${pascal(stem)}: add the step of functions/${stem}.`)).toEqual(
      [],
    );
  });

  it.each(steps)('$name has all that a step needs', ({ name, takes }) => {
    const folder = folderOf(name);
    const state = workflow.tasks.find((task) => task.state === name);
    const lacks = [
      existsSync(projectFile(`functions/${folder}/handler.ts`))
        ? []
        : `functions/ has no ${folder}: add functions/${folder}/handler.ts.`,
      template.resources.has(`${name}Function`)
        ? []
        : `template.yaml has no ${name}Function: copy the block of another worker.`,
      takes === 'messages' || state?.functionId === `${name}Function`
        ? []
        : `statemachine/image-pipeline.asl.json has no Task ${name} that invokes \${${name}Function}: add it.`,
      existsSync(projectFile(`events/${folder}`))
        ? []
        : `events/ has no sample event for ${folder}: add events/${folder}/photo.json.`,
      existsSync(projectFile(`docs/runbooks/${folder}.md`))
        ? []
        : `docs/runbooks has no ${folder}.md: say what an operator sees and does.`,
    ];
    expect(lacks.flat()).toEqual([]);
  });
});

describe.each(ofType(template, 'AWS::Serverless::Function'))('%s', (id, { Properties }) => {
  const stem = id.replace(/Function$/, '');

  it('runs as a role of its own and logs to a group of its own', () => {
    expect(Properties['Role']).toEqual({ 'Fn::GetAtt': `${stem}Role.Arn` });
    expect(Properties['LoggingConfig']).toMatchObject({ LogFormat: 'JSON', LogGroup: { Ref: `${stem}LogGroup` } });
    expect(Properties['Policies']).toBeUndefined();
  });

  it('says its memory and timeout itself', () => {
    expect(Properties['MemorySize']).toBeGreaterThanOrEqual(512);
    expect(Properties['Timeout']).toBeGreaterThan(0);
  });
});

it('leaves out Lambda’s own lines of what went well for exactly those functions that report on it themselves', () => {
  const quiet = ofType(template, 'AWS::Serverless::Function').filter(
    ([, { Properties }]) => at(Properties['LoggingConfig'], 'SystemLogLevel') === 'WARN',
  );
  const reporting = stems.filter((stem) =>
    readFileSync(projectFile(`functions/${stem}/handler.ts`), 'utf8').includes('workflowTask('),
  );
  expect(quiet.map(([id]) => id).sort()).toEqual(reporting.map((stem) => `${pascal(stem)}Function`).sort());
});

it('runs every function on Node.js 24, traced, behind the alias live', () => {
  expect(template.functionGlobals).toMatchObject({
    Runtime: 'nodejs24.x',
    Tracing: 'Active',
    AutoPublishAlias: 'live',
  });
});

it.each(steps.filter(({ decodes }) => decodes))('$name has what its limits were measured with', ({ name }) => {
  const { MemorySize, Environment } = resource(`${name}Function`).Properties;
  expect(MemorySize).toBe(1769);
  expect(at(Environment, 'Variables')).toMatchObject({ MALLOC_ARENA_MAX: '2' });
});

describe('the workflow', () => {
  const { Properties } = resource('ImagePipeline');

  it('is EXPRESS, traced, and logs errors without the images’ data', () => {
    expect(Properties).toMatchObject({ Type: 'EXPRESS', Tracing: { Enabled: true } });
    expect(Properties['Logging']).toMatchObject({ Level: 'ERROR', IncludeExecutionData: false });
  });

  it('calls the functions’ aliases, so that a canary deployment of one gets traffic', () => {
    for (const worker of workers.map(({ name }) => `${name}Function`)) {
      expect(at(Properties['DefinitionSubstitutions'], worker)).toEqual({ Ref: `${worker}.Alias` });
    }
  });

  it('can be run as by nobody but Step Functions of this account', () => {
    expect(at(resource('ImagePipelineRole').Properties['AssumeRolePolicyDocument'], 'Statement', 0)).toMatchObject({
      Principal: { Service: 'states.amazonaws.com' },
      Condition: { StringEquals: { 'aws:SourceAccount': { Ref: 'AWS::AccountId' } } },
    });
  });
});

it('calls the workflow by its alias in an account', () => {
  const called = (stage: Stage) => {
    const dispatcher = templateFor(stage).resources.get('DispatchImagesFunction');
    return at(dispatcher?.Properties['Environment'], 'Variables', 'STATE_MACHINE_ARN');
  };
  expect(stages.map(called)).toEqual([
    { Ref: 'ImagePipeline' },
    { Ref: 'ImagePipelineLiveAlias' },
    { Ref: 'ImagePipelineLiveAlias' },
  ]);
});

it('keeps an image’s position to itself unless it is asked', () => {
  expect(parameterDefault('KeepLocation')).toBe('false');
});

it.each([
  ['ImageTable', 'expiresAt'],
  ['IdempotencyTable', 'expiration'],
])('%s forgets by the attribute that is written: %s', (table, attribute) => {
  expect(at(resource(table).Properties['TimeToLiveSpecification'], 'AttributeName')).toBe(attribute);
});

it('keeps the records when the stack goes', () => {
  const { DeletionPolicy, UpdateReplacePolicy } = resource('ImageTable');
  expect([DeletionPolicy, UpdateReplacePolicy]).toEqual(['RetainExceptOnCreate', 'Retain']);
});

describe.each(stages)('stage %s', (stage) => {
  it('keeps every log for a stated time', () => {
    for (const [id, group] of ofType(templateFor(stage), 'AWS::Logs::LogGroup')) {
      expect(group.Properties['RetentionInDays'], id).toBeGreaterThan(0);
    }
  });
});

const policyStatements = (type: string, id: string, target: 'Bucket' | 'Queues'): Json[] =>
  ofType(template, type)
    .filter(([, policy]) => [policy.Properties[target] ?? []].flat().some((item) => at(item, 'Ref') === id))
    .flatMap(([, policy]) => [at(policy.Properties['PolicyDocument'], 'Statement') ?? []].flat());

const refusesPlainHttp = (statements: Json[], action: string, id: string) =>
  statements.some(
    (statement) =>
      at(statement, 'Effect') === 'Deny' &&
      at(statement, 'Action') === action &&
      at(statement, 'Principal') === '*' &&
      at(statement, 'Condition', 'Bool', 'aws:SecureTransport') === 'false' &&
      JSON.stringify(at(statement, 'Resource')).includes(`"${id}.Arn"`),
  );

it('traces an image through all steps', () => {
  expect(template.functionGlobals['Tracing']).toBe('Active');
  for (const [id, { Properties }] of ofType(template, 'AWS::Serverless::Function')) {
    expect(Properties['Tracing'], id).toBeUndefined();
  }
  expect(at(resource('ImagePipeline').Properties['Tracing'], 'Enabled')).toBe(true);
});

it('keeps an image’s data out of the workflow’s log', () => {
  expect(resource('ImagePipeline').Properties['Logging']).toMatchObject({
    Level: 'ERROR',
    IncludeExecutionData: false,
  });
});

describe.each(ofType(template, 'AWS::S3::Bucket'))('%s', (id, { Properties, DeletionPolicy, UpdateReplacePolicy }) => {
  it('refuses requests without TLS', () => {
    expect(refusesPlainHttp(policyStatements('AWS::S3::BucketPolicy', id, 'Bucket'), 's3:*', id)).toBe(true);
  });

  it('is private and its owner’s', () => {
    expect(Properties['PublicAccessBlockConfiguration']).toEqual({
      BlockPublicAcls: true,
      BlockPublicPolicy: true,
      IgnorePublicAcls: true,
      RestrictPublicBuckets: true,
    });
    expect(at(Properties['OwnershipControls'], 'Rules', 0, 'ObjectOwnership')).toBe('BucketOwnerEnforced');
  });

  it('drops what an interrupted upload left behind', () => {
    const rules = at(Properties['LifecycleConfiguration'], 'Rules');
    expect(JSON.stringify(rules)).toContain('AbortIncompleteMultipartUpload');
  });

  it('survives the stack', () => {
    expect([DeletionPolicy, UpdateReplacePolicy]).toEqual(['RetainExceptOnCreate', 'Retain']);
  });
});

it('keeps the versions of an upload, for a stated time', () => {
  const { Properties } = resource('UploadBucket');
  expect(Properties['VersioningConfiguration']).toEqual({ Status: 'Enabled' });
  const rules = [at(Properties['LifecycleConfiguration'], 'Rules') ?? []].flat();
  const forAll = rules.filter((rule) => at(rule, 'Prefix') === undefined);
  expect(forAll.flatMap((rule) => at(rule, 'NoncurrentVersionExpiration') ?? [])).toEqual([{ NoncurrentDays: 30 }]);
  expect(at(Properties['NotificationConfiguration'], 'EventBridgeConfiguration', 'EventBridgeEnabled')).toBe(true);
});

it('keeps no probe and no check of a release for longer than a day, and nothing else for less than a month', () => {
  const rules = at(resource('UploadBucket').Properties['LifecycleConfiguration'], 'Rules');
  const expiring = [rules ?? []].flat().filter((rule) => at(rule, 'ExpirationInDays') !== undefined);
  expect(expiring.map((rule) => [at(rule, 'Prefix'), at(rule, 'ExpirationInDays')])).toEqual([
    [probePrefix, 1],
    [releaseCheckPrefix, 1],
  ]);
});

describe.each(ofType(template, 'AWS::SQS::Queue'))('%s', (id) => {
  it('refuses requests without TLS', () => {
    expect(refusesPlainHttp(policyStatements('AWS::SQS::QueuePolicy', id, 'Queues'), 'sqs:*', id)).toBe(true);
  });
});

describe.each(ofType(template, 'AWS::DynamoDB::Table'))('%s', (_id, { Properties }) => {
  it('can be restored to any second, and forgets what has expired', () => {
    expect(Properties['PointInTimeRecoverySpecification']).toEqual({ PointInTimeRecoveryEnabled: true });
    expect(at(Properties['TimeToLiveSpecification'], 'Enabled')).toBe(true);
  });
});

it('builds the layer with the same sharp as the tests run on', () => {
  const version = (path: string) => at(JSON.parse(readFileSync(projectFile(path), 'utf8')), 'dependencies', 'sharp');
  expect(version('layers/sharp/package.json')).toBe(version('package.json'));
});
