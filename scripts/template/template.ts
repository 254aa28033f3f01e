import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse as parseToml } from 'smol-toml';
import { parse } from 'yaml';
import * as z from 'zod';
import { projectDirectory } from '../terminal/project.ts';

/** Reads template.yaml for one stage. Mappings and conditions are resolved; `{ Ref }` and `{ 'Fn::GetAtt' }` are kept. */

export const stages = ['local', 'dev', 'prod'] as const;
export type Stage = (typeof stages)[number];

export type Json = string | number | boolean | null | Json[] | { [name: string]: Json };

// Not z.json(), which takes as long as reading the YAML, for a template of 2,700 lines.
const json = z.custom<Json>(isJson, 'Not JSON.');

function isJson(value: unknown): value is Json {
  if (Array.isArray(value)) return value.every(isJson);
  if (typeof value === 'object') return value === null || Object.values(value).every(isJson);
  return ['string', 'number', 'boolean'].includes(typeof value);
}

const resource = z.object({
  Type: z.string(),
  Condition: z.string().optional(),
  DeletionPolicy: z.string().optional(),
  UpdateReplacePolicy: z.string().optional(),
  Metadata: json.optional(),
  Properties: z.record(z.string(), json).default({}),
});
export type Resource = z.infer<typeof resource>;

const templateSchema = z.object({
  // Those without a default are names of another stack's resources.
  Parameters: z.record(z.string(), z.object({ Default: z.string().default('') })),
  Mappings: z.record(z.string(), z.record(z.string(), z.record(z.string(), json))),
  Conditions: z.record(z.string(), json),
  // SAM removes it during translation.
  Globals: z.object({ Function: z.record(z.string(), json) }).default({ Function: {} }),
  Resources: z.record(z.string(), resource),
  Outputs: z.record(z.string(), z.object({ Value: json })),
});

const shortForm = (name: string) => (name === 'Ref' || name === 'Condition' ? name : `Fn::${name}`);
const customTags = [
  ...['Ref', 'Condition', 'Sub', 'GetAtt', 'GetAZs'].map((name) => ({
    tag: `!${name}`,
    resolve: (value: string) => ({ [shortForm(name)]: value }),
  })),
  ...['And', 'Or', 'If', 'Not', 'Equals', 'FindInMap', 'Join', 'Select', 'Split', 'Sub'].map((name) => ({
    tag: `!${name}`,
    collection: 'seq' as const,
    resolve: (value: unknown) => ({ [shortForm(name)]: JSON.parse(JSON.stringify(value)) }),
  })),
];

type Source = z.infer<typeof templateSchema>;

/** Expands the short forms of functions, but resolves nothing. */
export function parseTemplate(file: string): Json {
  return parseTemplateText(readFileSync(join(projectDirectory, file), 'utf8'));
}

export function parseTemplateText(text: string): Json {
  // Alarms merge shared properties by alias, more often than the default limit, which protects against hostile files.
  return json.parse(parse(text, { customTags, merge: true, maxAliasCount: -1 }));
}

export function readTemplate(file: string): Source {
  return templateSchema.parse(parseTemplate(file));
}

let parsed: Source | undefined;
/** Read when it is first needed: reading it takes longer than starting most commands. */
function ownSource(): Source {
  parsed ??= readTemplate('template.yaml');
  return parsed;
}

export interface Template {
  readonly resources: ReadonlyMap<string, Resource>;
  readonly outputs: readonly string[];
  readonly functionGlobals: Readonly<Record<string, Json>>;
}

/** Reserves concurrency in every stage, so that its arithmetic can be checked, and has all that is optional. */
export function templateFor(
  stage: Stage,
  overrides: Readonly<Record<string, string>> = {},
  source: Source = ownSource(),
): Template {
  const defaults = Object.entries(source.Parameters).map(([name, { Default }]) => [name, Default]);
  const parameters: Readonly<Record<string, string>> = {
    ...Object.fromEntries(defaults),
    Stage: stage,
    DeployBackfill: 'true',
    ReserveConcurrency: 'true',
    ProvisionConcurrency: String(stage === 'prod'),
    ...overrides,
  };

  const holds = (condition: string): boolean => {
    const expression = source.Conditions[condition];
    if (expression === undefined) throw new Error(`template.yaml has no condition ${condition}.`);
    return z
      .boolean({
        error: `The condition ${condition} does not evaluate to a boolean: it may use a function that this reader does not support.`,
      })
      .parse(evaluate(expression));
  };
  const intrinsics: Readonly<Record<string, (argument: Json) => Json | undefined>> = {
    Ref: (name) => (name === 'AWS::NoValue' ? NO_VALUE : parameters[String(name)]),
    Condition: (name) => holds(String(name)),
    'Fn::FindInMap': (path) => {
      const [map, row, column] = z.tuple([z.string(), z.string(), z.string()]).parse(evaluate(path));
      const found = source.Mappings[map]?.[row]?.[column];
      if (found === undefined) throw new Error(`template.yaml has no mapping ${map}.${row}.${column}.`);
      return found;
    },
    'Fn::If': (choice) => {
      const [condition, whenTrue = null, whenFalse = null] = z.array(json).parse(choice);
      return evaluate(holds(String(condition)) ? whenTrue : whenFalse);
    },
    'Fn::Equals': (pair) => {
      const [left, right] = z.array(json).parse(evaluate(pair));
      return left === right;
    },
    'Fn::And': (conditions) =>
      z
        .array(json)
        .parse(evaluate(conditions))
        .every((condition) => condition === true),
    'Fn::Or': (conditions) =>
      z
        .array(json)
        .parse(evaluate(conditions))
        .some((condition) => condition === true),
    'Fn::Not': (condition) => z.array(json).parse(evaluate(condition))[0] !== true,
  };
  const evaluate = (value: Json): Json => {
    if (Array.isArray(value)) return value.map(evaluate).filter((item) => item !== NO_VALUE);
    if (typeof value !== 'object' || value === null) return value;
    const [[name, argument] = ['', null], ...others] = Object.entries(value);
    const evaluated = others.length === 0 ? intrinsics[name]?.(argument) : undefined;
    if (evaluated !== undefined) return evaluated;
    const entries = Object.entries(value).map(([key, item]): [string, Json] => [key, evaluate(item)]);
    return Object.fromEntries(entries.filter(([, item]) => item !== NO_VALUE));
  };

  const present = Object.entries(source.Resources)
    .filter(([, { Condition }]) => Condition === undefined || holds(Condition))
    .map(([id, found]): [string, Resource] => [
      id,
      { ...found, Properties: z.record(z.string(), json).parse(evaluate(found.Properties)) },
    ]);
  return {
    resources: new Map(present),
    outputs: Object.keys(source.Outputs),
    functionGlobals: z.record(z.string(), json).parse(evaluate(source.Globals.Function)),
  };
}

const deployment = z.object({ deploy: z.object({ parameters: z.object({ parameter_overrides: z.string() }) }) });
const samConfig = z.object({ local: deployment, dev: deployment, prod: deployment } satisfies Record<Stage, unknown>);

/** The parameters that `sam deploy --config-env <stage>` overrides. @param application the folder of its samconfig.toml */
export function deployedParameters(stage: Stage, application = '.'): Readonly<Record<string, string>> {
  const settings = parseToml(readFileSync(join(projectDirectory, application, 'samconfig.toml'), 'utf8'));
  const { parameter_overrides: overrides } = samConfig.parse(settings)[stage].deploy.parameters;
  const pairs = overrides.split(' ').map((override): [string, string] => {
    const [name = '', value = ''] = override.split('=');
    return [name, value];
  });
  return Object.fromEntries(pairs);
}

/**
 * The template exactly as `sam deploy --config-env <stage>` deploys it.
 *
 * @lab
 */
export function deployedTemplate(stage: Stage): Template {
  const defaults = Object.entries(ownSource().Parameters).map(([name, { Default }]) => [name, Default]);
  return templateFor(stage, { ...Object.fromEntries(defaults), ...deployedParameters(stage) });
}

export function parameterDefault(name: string): string | undefined {
  return ownSource().Parameters[name]?.Default;
}

const NO_VALUE = ' no value';

export function ofType({ resources }: Template, type: string): [id: string, resource: Resource][] {
  return [...resources].filter(([, { Type }]) => Type === type);
}

/** The value at a path of names and indices; `undefined` if the path does not exist. */
export function at(value: Json | undefined, ...path: (string | number)[]): Json | undefined {
  return path.reduce<Json | undefined>((current, step) => {
    if (Array.isArray(current)) return typeof step === 'number' ? current[step] : undefined;
    if (typeof current === 'object' && current !== null) return current[step];
    return undefined;
  }, value);
}

export function numberAt(value: Json | undefined, ...path: (string | number)[]): number {
  return z.coerce.number().parse(at(value, ...path));
}

/** The logical id that `!Ref x`, `!GetAtt x.Arn`, `!Sub ${x.Arn}/*` or `!Ref x.Alias` refers to. */
export function referredId(value: Json | undefined): string | undefined {
  const text = at(value, 'Ref') ?? at(value, 'Fn::GetAtt') ?? at(value, 'Fn::Sub');
  return typeof text === 'string' ? /^(?:\$\{)?([A-Za-z0-9]+)/.exec(text)?.[1] : undefined;
}

// Strict, because NotAction, NotResource and the like would change the meaning.
const statement = z.strictObject({
  Sid: z.string(),
  Effect: z.enum(['Allow', 'Deny']),
  Action: z.union([z.string(), z.array(z.string())]).transform((value) => [value].flat()),
  Resource: z.union([json, z.array(json)]).transform((value) => (Array.isArray(value) ? value : [value])),
  Condition: json.optional(),
});
export type Statement = z.infer<typeof statement>;

/** The inline policies of a role, in one list. */
export function statementsOf(role: Resource): Statement[] {
  return z
    .array(z.object({ PolicyDocument: z.object({ Statement: z.array(statement) }) }))
    .parse(role.Properties['Policies'])
    .flatMap((policy) => policy.PolicyDocument.Statement);
}

/**
 * The metrics an alarm is billed for. An anomaly band adds two: its upper and its lower edge.
 *
 * @lab
 */
export function metricsOf({ Properties }: Resource): number {
  const metrics = [Properties['Metrics'] ?? []].flat();
  if (metrics.length === 0) return 1;
  const watched = metrics.filter((metric) => at(metric, 'MetricStat') !== undefined).length;
  return Properties['ThresholdMetricId'] === undefined ? watched : watched + 2;
}
