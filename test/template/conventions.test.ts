import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { probePrefix, releaseCheckPrefix, verifyPrefix } from '../../core/names.ts';
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

// One watches the pipeline from outside, one checks releases, one follows the table, one sends what has no record.
const watchers = ['probe-pipeline', 'check-release', 'record-history', 'backfill-images'];

it('the template begins with a list of its sections, in order', () => {
  const text = readFileSync(projectFile('template.yaml'), 'utf8');
  const sections = [...text.matchAll(/^ {2}# ── (\d+ [A-Z][a-z]+(?: [a-z]+)?) ─+$/gm)].map(([, section]) => section);
  const [head = ''] = text.split('\nParameters:');
  const named = [...head.matchAll(/\b\d+ [A-Z][a-z]+(?: [a-z]+)?(?= {2}|$)/gm)].map(([section]) => section);
  expect(sections.length).toBeGreaterThan(10);
  expect(named).toEqual(sections);
});

describe('each step has one name', () => {
  it('template.yaml has one function for each folder in functions/', () => {
    expect(
      ofType(template, 'AWS::Serverless::Function')
        .map(([id]) => id)
        .sort(),
    ).toEqual(stems.map((stem) => `${pascal(stem)}Function`));
  });

  it.each(stems)('%s: folder, function, role, log group, use case and runbook share the name', (stem) => {
    const { Metadata, Properties } = resource(`${pascal(stem)}Function`);
    expect(readdirSync(projectFile(`functions/${stem}`)).sort()).toEqual(
      at(Metadata, 'BuildProperties', 'EntryPoints'),
    );
    expect(Properties['CodeUri']).toBe(`functions/${stem}`);
    expect(resource(`${pascal(stem)}Role`).Type).toBe('AWS::IAM::Role');
    expect(resource(`${pascal(stem)}LogGroup`).Type).toBe('AWS::Logs::LogGroup');
    const useCase = [`core/${stem}.ts`, `core/watch/${stem}.ts`].filter((path) => existsSync(projectFile(path)));
    expect(useCase).toHaveLength(1);
    expect(readFileSync(projectFile(useCase.join()), 'utf8')).toMatch(
      new RegExp(`export (async )?function ${camel(stem).replace(/s$/, '')}`),
    );
    expect(existsSync(projectFile(`docs/runbooks/${stem}.md`)), `docs/runbooks/${stem}.md`).toBe(true);
  });

  it('core/steps.ts lists each function that an image passes through', () => {
    const missing = stems.filter((stem) => ![...watchers, ...steps.map(({ name }) => folderOf(name))].includes(stem));
    expect(missing.map((stem) => `core/steps.ts has no ${pascal(stem)}: add the step of functions/${stem}.`)).toEqual(
      [],
    );
  });

  it.each(steps)('$name has everything that a step needs', ({ name, takes }) => {
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

  it('has a separate role and log group', () => {
    expect(Properties['Role']).toEqual({ 'Fn::GetAtt': `${stem}Role.Arn` });
    expect(Properties['LoggingConfig']).toMatchObject({ LogFormat: 'JSON', LogGroup: { Ref: `${stem}LogGroup` } });
    expect(Properties['Policies']).toBeUndefined();
  });

  it('sets its own memory size and timeout', () => {
    expect(Properties['MemorySize']).toBeGreaterThanOrEqual(512);
    expect(Properties['Timeout']).toBeGreaterThan(0);
  });
});

it('Lambda’s report lines are turned off for exactly those functions that log the same figures', () => {
  const quiet = ofType(template, 'AWS::Serverless::Function').filter(
    ([, { Properties }]) => at(Properties['LoggingConfig'], 'SystemLogLevel') === 'WARN',
  );
  const reporting = stems.filter((stem) =>
    readFileSync(projectFile(`functions/${stem}/handler.ts`), 'utf8').includes('workflowTask('),
  );
  expect(quiet.map(([id]) => id).sort()).toEqual(reporting.map((stem) => `${pascal(stem)}Function`).sort());
});

it('every function runs on Node.js 24, with tracing, behind the alias live', () => {
  expect(template.functionGlobals).toMatchObject({
    Runtime: 'nodejs24.x',
    Tracing: 'Active',
    AutoPublishAlias: 'live',
  });
});

it.each(steps.filter(({ decodes }) => decodes))(
  '$name has the memory size and environment that its limits were measured with',
  ({ name }) => {
    const { MemorySize, Environment } = resource(`${name}Function`).Properties;
    expect(MemorySize).toBe(1769);
    expect(at(Environment, 'Variables')).toMatchObject({ MALLOC_ARENA_MAX: '2' });
  },
);

describe('the workflow', () => {
  const { Properties } = resource('ImagePipeline');

  it('is EXPRESS, traced, and logs errors without the images’ data', () => {
    expect(Properties).toMatchObject({ StateMachineType: 'EXPRESS', TracingConfiguration: { Enabled: true } });
    expect(Properties['LoggingConfiguration']).toMatchObject({ Level: 'ERROR', IncludeExecutionData: false });
  });

  it('calls functions by alias, so that a canary deployment gets traffic', () => {
    for (const worker of workers.map(({ name }) => `${name}Function`)) {
      expect(at(Properties['DefinitionSubstitutions'], worker)).toEqual({ Ref: `${worker}.Alias` });
    }
  });

  it('has a role that only Step Functions in this account can assume', () => {
    expect(at(resource('ImagePipelineRole').Properties['AssumeRolePolicyDocument'], 'Statement', 0)).toMatchObject({
      Principal: { Service: 'states.amazonaws.com' },
      Condition: { StringEquals: { 'aws:SourceAccount': { Ref: 'AWS::AccountId' } } },
    });
  });
});

it('the dispatcher calls the workflow by its alias in an account', () => {
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

it('omits an image’s location unless it is enabled', () => {
  expect(parameterDefault('KeepLocation')).toBe('false');
});

it.each([
  ['ImageTable', 'expiresAt'],
  ['IdempotencyTable', 'expiration'],
])('%s expires items by the attribute that the code writes: %s', (table, attribute) => {
  expect(at(resource(table).Properties['TimeToLiveSpecification'], 'AttributeName')).toBe(attribute);
});

it('the table of records is retained when the stack is deleted', () => {
  const { DeletionPolicy, UpdateReplacePolicy } = resource('ImageTable');
  expect([DeletionPolicy, UpdateReplacePolicy]).toEqual(['RetainExceptOnCreate', 'Retain']);
});

describe.each(stages)('stage %s', (stage) => {
  it('sets a retention period for every log group', () => {
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

it('all steps have tracing', () => {
  expect(template.functionGlobals['Tracing']).toBe('Active');
  for (const [id, { Properties }] of ofType(template, 'AWS::Serverless::Function')) {
    expect(Properties['Tracing'], id).toBeUndefined();
  }
  expect(at(resource('ImagePipeline').Properties['TracingConfiguration'], 'Enabled')).toBe(true);
});

it('the workflow’s log contains no execution data', () => {
  expect(resource('ImagePipeline').Properties['LoggingConfiguration']).toMatchObject({
    Level: 'ERROR',
    IncludeExecutionData: false,
  });
});

it.each(ofType(template, 'AWS::S3::BucketPolicy'))(
  '%s stays when the stack is deleted, as its bucket does',
  (_id, { Properties, DeletionPolicy, UpdateReplacePolicy }) => {
    const bucket = resource(String(at(Properties['Bucket'], 'Ref')));
    expect([DeletionPolicy, UpdateReplacePolicy]).toEqual([bucket.DeletionPolicy, bucket.UpdateReplacePolicy]);
  },
);

it('the table of records cannot be deleted in prod while its protection is on', () => {
  const isProtected = (stage: Stage) =>
    templateFor(stage).resources.get('ImageTable')?.Properties['DeletionProtectionEnabled'];
  expect(stages.map(isProtected)).toEqual([false, false, true]);
});

it('updates of the runtime pass the gates of a release', () => {
  expect(template.functionGlobals['RuntimeManagementConfig']).toEqual({ UpdateRuntimeOn: 'FunctionUpdate' });
  for (const [id, { Properties }] of ofType(template, 'AWS::Serverless::Function'))
    expect(Properties['RuntimeManagementConfig'], id).toBeUndefined();
});

describe.each(ofType(template, 'AWS::S3::Bucket'))('%s', (id, { Properties, DeletionPolicy, UpdateReplacePolicy }) => {
  it('refuses requests without TLS', () => {
    expect(refusesPlainHttp(policyStatements('AWS::S3::BucketPolicy', id, 'Bucket'), 's3:*', id)).toBe(true);
  });

  it('blocks public access and ACLs', () => {
    expect(Properties['PublicAccessBlockConfiguration']).toEqual({
      BlockPublicAcls: true,
      BlockPublicPolicy: true,
      IgnorePublicAcls: true,
      RestrictPublicBuckets: true,
    });
    expect(at(Properties['OwnershipControls'], 'Rules', 0, 'ObjectOwnership')).toBe('BucketOwnerEnforced');
  });

  it('aborts incomplete multipart uploads', () => {
    const rules = at(Properties['LifecycleConfiguration'], 'Rules');
    expect(JSON.stringify(rules)).toContain('AbortIncompleteMultipartUpload');
  });

  it('is retained when the stack is deleted', () => {
    expect([DeletionPolicy, UpdateReplacePolicy]).toEqual(['RetainExceptOnCreate', 'Retain']);
  });
});

it('older versions of an upload are kept for 30 days', () => {
  const { Properties } = resource('UploadBucket');
  expect(Properties['VersioningConfiguration']).toEqual({ Status: 'Enabled' });
  const rules = [at(Properties['LifecycleConfiguration'], 'Rules') ?? []].flat();
  const forAll = rules.filter((rule) => at(rule, 'Prefix') === undefined);
  expect(forAll.flatMap((rule) => at(rule, 'NoncurrentVersionExpiration') ?? [])).toEqual([{ NoncurrentDays: 30 }]);
  expect(at(Properties['NotificationConfiguration'], 'EventBridgeConfiguration', 'EventBridgeEnabled')).toBe(true);
});

it('images of the probe, of release checks and of verifications expire after a day, and no others do', () => {
  const rules = at(resource('UploadBucket').Properties['LifecycleConfiguration'], 'Rules');
  const expiring = [rules ?? []].flat().filter((rule) => at(rule, 'ExpirationInDays') !== undefined);
  expect(expiring.map((rule) => [at(rule, 'Prefix'), at(rule, 'ExpirationInDays')])).toEqual([
    [probePrefix, 1],
    [releaseCheckPrefix, 1],
    [verifyPrefix, 1],
  ]);
});

describe.each(ofType(template, 'AWS::SQS::Queue'))('%s', (id) => {
  it('refuses requests without TLS', () => {
    expect(refusesPlainHttp(policyStatements('AWS::SQS::QueuePolicy', id, 'Queues'), 'sqs:*', id)).toBe(true);
  });
});

describe.each(ofType(template, 'AWS::DynamoDB::Table'))('%s', (_id, { Properties }) => {
  it('has point-in-time recovery and TTL', () => {
    expect(Properties['PointInTimeRecoverySpecification']).toEqual({ PointInTimeRecoveryEnabled: true });
    expect(at(Properties['TimeToLiveSpecification'], 'Enabled')).toBe(true);
  });
});

it.each([
  ['sharp', 'sharp'],
  ['heif', 'libheif-js'],
])('the %s layer has the same version of %s as the tests', (layer, name) => {
  const version = (path: string) => at(JSON.parse(readFileSync(projectFile(path), 'utf8')), 'dependencies', name);
  expect(version(`layers/${layer}/package.json`)).toBe(version('package.json'));
});
