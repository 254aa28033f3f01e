import { readFileSync } from 'node:fs';
import jsonata from 'jsonata';
import * as z from 'zod';

/**
 * Runs statemachine/image-pipeline.asl.json itself, with its tasks bound to whatever a test wants. It knows the states and
 * fields that this workflow uses, and refuses any other: what it does not understand it must not guess.
 */

const expression = z.templateLiteral(['{%', z.string(), '%}']);
const catcher = z.strictObject({
  ErrorEquals: z.array(z.string()),
  Assign: z.record(z.string(), z.json()).optional(),
  Next: z.string(),
});
const retrier = z.strictObject({
  ErrorEquals: z.array(z.string()),
  MaxAttempts: z.int(),
  IntervalSeconds: z.number().optional(),
  BackoffRate: z.number().optional(),
  MaxDelaySeconds: z.number().optional(),
  JitterStrategy: z.literal('FULL').optional(),
});
const assigns = { Comment: z.string().optional(), Assign: z.record(z.string(), z.json()).optional() };
const leads = { Next: z.string().optional(), End: z.literal(true).optional() };
const outputs = { Output: z.json().optional() };

const state = z.discriminatedUnion('Type', [
  z.strictObject({ Type: z.literal('Pass'), ...assigns, ...outputs, ...leads }),
  z.strictObject({
    Type: z.literal('Choice'),
    Comment: z.string().optional(),
    Choices: z.array(z.strictObject({ Condition: expression, Next: z.string() })),
    Default: z.string(),
  }),
  z.strictObject({
    Type: z.literal('Task'),
    Resource: z.string(),
    Arguments: z.json(),
    TimeoutSeconds: z.int(),
    Retry: z.array(retrier).default([]),
    Catch: z.array(catcher).default([]),
    ...assigns,
    ...outputs,
    ...leads,
  }),
  z.strictObject({
    Type: z.literal('Parallel'),
    get Branches() {
      return z.array(machine);
    },
    Catch: z.array(catcher).default([]),
    ...assigns,
    ...leads,
  }),
  z.strictObject({
    Type: z.literal('Map'),
    Items: expression,
    ItemSelector: z.json(),
    get ItemProcessor() {
      return machine;
    },
    ...assigns,
    ...leads,
  }),
  z.strictObject({ Type: z.literal('Fail'), Comment: z.string().optional(), Error: expression, Cause: expression }),
]);
const machine = z.strictObject({
  Comment: z.string().optional(),
  QueryLanguage: z.literal('JSONata').optional(),
  TimeoutSeconds: z.int().optional(),
  ProcessorConfig: z.strictObject({ Mode: z.literal('INLINE') }).optional(),
  StartAt: z.string(),
  get States() {
    return z.record(z.string(), state);
  },
});
export type StateMachine = z.infer<typeof machine>;
type State = z.infer<typeof state>;

// Made once: a history parses thousands of times.
const anyItems = z.array(z.unknown());
const anyFields = z.record(z.string(), z.unknown());
const anyText = z.string();
const anyJson = z.json();

const source: unknown = JSON.parse(
  readFileSync(new URL('../../statemachine/image-pipeline.asl.json', import.meta.url), 'utf8'),
);

/** @param change what a test breaks on purpose */
export function imagePipeline(change: (text: string) => string = (text) => text): StateMachine {
  // CloudFormation puts names in; here a resource is called by its logical id.
  const text = JSON.stringify(source).replaceAll(/\$\{(\w+)\}/g, '$1');
  return machine.parse(JSON.parse(change(text)));
}

/** An error that the workflow may retry and catch, by its name. */
export class TaskError extends Error {
  override readonly name = 'TaskError';
  readonly error: string;
  readonly reason: string;
  constructor(error: string, reason: string) {
    super(`${error}: ${reason}`);
    this.error = error;
    this.reason = reason;
  }
}

/** What a dead worker answers. */
export const never = new Promise<never>(() => undefined);

export type Task = (call: {
  readonly state: string;
  readonly resource: string;
  readonly parameters: z.core.util.JSONType;
}) => Promise<unknown>;

type Variables = Readonly<Record<string, unknown>>;
interface Scope {
  variables: Variables;
  /** Of the innermost Parallel or Map: once a branch has failed, its siblings begin nothing more. */
  readonly stopped: () => boolean;
}

export function runStateMachine(definition: StateMachine, input: unknown, task: Task): Promise<unknown> {
  return run(definition, input, { variables: {}, stopped: () => false }, task);
}

async function run({ StartAt, States }: StateMachine, given: unknown, scope: Scope, task: Task): Promise<unknown> {
  let name: string | undefined = StartAt;
  let input = given;
  while (name !== undefined) {
    const found: State | undefined = States[name];
    if (found === undefined) throw new Error(`The workflow leads to ${name}, which it has not.`);
    if (scope.stopped()) return never;
    const { next, output } = await step(name, found, input, scope, task);
    input = output;
    name = next;
  }
  return input;
}

interface Step {
  readonly next: string | undefined;
  readonly output: unknown;
}

async function step(name: string, found: State, input: unknown, scope: Scope, task: Task): Promise<Step> {
  const known = { input };
  switch (found.Type) {
    case 'Pass':
      return finish(found, known, input, scope);
    case 'Choice':
      for (const { Condition, Next } of found.Choices) {
        if ((await evaluate(Condition, known, scope)) === true) return { next: Next, output: input };
      }
      return { next: found.Default, output: input };
    case 'Fail': {
      const [error, cause] = await Promise.all([found.Error, found.Cause].map((text) => evaluate(text, known, scope)));
      throw new TaskError(anyText.parse(error), anyText.parse(cause));
    }
    case 'Task':
      return orCaught(found.Catch, known, scope, async () => {
        const result = await attempt(name, found, known, scope, task);
        return finish(found, { ...known, result }, result, scope);
      });
    case 'Parallel':
      return orCaught(found.Catch, known, scope, async () => {
        const result = await together(found.Branches, scope, (branch, inner) => run(branch, input, inner, task));
        return finish(found, { ...known, result }, result, scope);
      });
    case 'Map': {
      const items = anyItems.parse(await evaluate(found.Items, known, scope));
      const result = await together(items, scope, async (item, inner) => {
        const context = { Map: { Item: { Value: item } } };
        return run(found.ItemProcessor, await evaluate(found.ItemSelector, { ...known, context }, inner), inner, task);
      });
      return finish(found, { ...known, result }, result, scope);
    }
  }
}

async function finish(
  {
    Assign = {},
    Output,
    Next,
  }: { [Field in 'Assign' | 'Output']?: z.core.util.JSONType | undefined } & {
    Next?: string | undefined;
  },
  known: object,
  result: unknown,
  scope: Scope,
): Promise<Step> {
  const output = Output === undefined ? result : await evaluate(Output, known, scope);
  await assign(Assign, known, scope);
  return { next: Next, output };
}

async function assign(values: z.core.util.JSONType, known: object, scope: Scope): Promise<void> {
  const assigned = anyFields.parse(await evaluate(values, known, scope));
  scope.variables = { ...scope.variables, ...assigned };
}

/** All side by side, each with variables of its own; the first to fail fails all. */
function together<Item>(
  items: readonly Item[],
  scope: Scope,
  work: (item: Item, inner: Scope) => Promise<unknown>,
): Promise<unknown[]> {
  let failed = false;
  const stopped = () => failed || scope.stopped();
  return Promise.all(
    items.map((item) =>
      work(item, { variables: scope.variables, stopped }).catch((error: unknown) => {
        failed = true;
        throw error;
      }),
    ),
  );
}

async function attempt(
  name: string,
  { Resource, Arguments, Retry }: Extract<State, { Type: 'Task' }>,
  known: object,
  scope: Scope,
  task: Task,
): Promise<unknown> {
  const parameters = anyJson.parse(await evaluate(Arguments, known, scope));
  const retries = new Map<(typeof Retry)[number], number>();
  for (;;) {
    try {
      return plain(await task({ state: name, resource: Resource, parameters }));
    } catch (error) {
      const rule = matching(Retry, error);
      const before = rule === undefined ? 0 : (retries.get(rule) ?? 0);
      if (rule === undefined || before >= rule.MaxAttempts) throw error;
      // A sibling has failed: nothing is begun any more, and nobody waits for an answer.
      if (scope.stopped()) return never;
      retries.set(rule, before + 1);
    }
  }
}

async function orCaught(
  catchers: readonly z.infer<typeof catcher>[],
  known: object,
  scope: Scope,
  work: () => Promise<Step>,
): Promise<Step> {
  try {
    return await work();
  } catch (error) {
    const rule = matching(catchers, error);
    if (rule === undefined || !(error instanceof TaskError)) throw error;
    const errorOutput = { Error: error.error, Cause: error.reason };
    await assign(rule.Assign ?? {}, { ...known, errorOutput }, scope);
    return { next: rule.Next, output: errorOutput };
  }
}

function matching<Rule extends { readonly ErrorEquals: readonly string[] }>(
  rules: readonly Rule[],
  error: unknown,
): Rule | undefined {
  if (!(error instanceof TaskError)) return undefined;
  return rules.find(({ ErrorEquals }) => ErrorEquals.some((name) => name === 'States.ALL' || name === error.error));
}

const compiled = new Map<string, jsonata.Expression>();

/** Every `{% … %}` in a value. An expression that yields nothing is an error in Step Functions, too. */
async function evaluate(value: unknown, known: object, { variables }: Pick<Scope, 'variables'>): Promise<unknown> {
  if (typeof value === 'string') {
    const [, text] = /^\{%(.*)%\}$/s.exec(value) ?? [];
    if (text === undefined) return value;
    const ready = compiled.get(text) ?? jsonata(text);
    compiled.set(text, ready);
    const result = plain(await ready.evaluate({}, { ...variables, states: known }));
    if (result === undefined) throw new Error(`States.QueryEvaluationError: ${text} yields nothing.`);
    return result;
  }
  if (Array.isArray(value)) return Promise.all(value.map((item) => evaluate(item, known, { variables })));
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(async ([name, item]) => [name, await evaluate(item, known, { variables })]);
  return Object.fromEntries(await Promise.all(entries));
}

/** What crosses from state to state is JSON. */
function plain(value: unknown): unknown {
  return value === undefined ? undefined : JSON.parse(JSON.stringify(value));
}
