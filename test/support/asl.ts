import jsonata from 'jsonata';
import * as z from 'zod';
import { type Branch, readStateMachine, type State, type StateMachine, type StateOf } from './workflow.ts';

/**
 * Runs the real state machines in statemachine/, with the services, clock and waits that a test provides. Implements only
 * what workflow.ts accepts.
 */

/**
 * A state machine with every `${Name}` substituted: by its logical id, unless `values` has another value.
 * @param change breaks the workflow on purpose
 */
export function substituted(
  name: Parameters<typeof readStateMachine>[0],
  {
    values = {},
    change = (text) => text,
  }: { values?: Readonly<Record<string, string>>; change?: (text: string) => string } = {},
): StateMachine {
  return readStateMachine(name, (text) => change(text.replaceAll(/\$\{(\w+)\}/g, (_, id: string) => values[id] ?? id)));
}

/** An error that a workflow may retry and catch by name. */
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

/** The answer of a worker that died. */
export const never = new Promise<never>(() => undefined);

type Variables = Readonly<Record<string, unknown>>;

/** What a workflow needs from the outside world. */
export interface Surroundings {
  readonly task: (call: {
    readonly state: string;
    readonly resource: string;
    readonly parameters: Readonly<Record<string, z.core.util.JSONType>>;
  }) => Promise<unknown>;
  /** Resolves when a Wait state is over. Absent where the workflow has none. */
  readonly wait?: (seconds: number) => Promise<void>;
  /** `$states.context`. */
  readonly context?: Readonly<Record<string, unknown>>;
  /** `$now()`; the real time unless given. */
  readonly now?: () => string;
}

interface Scope {
  variables: Variables;
  /** True once a branch of the innermost Parallel or Map has failed: its siblings start nothing more. */
  readonly stopped: () => boolean;
}

interface Ended {
  /** The name of the last state. */
  readonly state: string;
  readonly output: unknown;
}

export function runStateMachine(definition: Branch, input: unknown, surroundings: Surroundings): Promise<Ended> {
  return run(definition, input, { variables: {}, stopped: () => false }, surroundings);
}

/** The variables after these consecutive Pass states, given those before. */
export async function variablesAfter(
  passes: readonly StateOf<'Pass'>[],
  { variables, input }: { readonly variables: Variables; readonly input?: unknown },
): Promise<Variables> {
  const scope = { variables, stopped: () => false };
  for (const { Assign } of passes) await assign(Assign, { input }, scope, {});
  return scope.variables;
}

async function run({ StartAt, States }: Branch, given: unknown, scope: Scope, around: Surroundings): Promise<Ended> {
  let state = StartAt;
  let input = given;
  for (;;) {
    const found = States[state];
    if (found === undefined) throw new Error(`The workflow leads to ${state}, but has no such state.`);
    if (scope.stopped()) return never;
    const { next, output } = await step(state, found, input, scope, around);
    if (next === undefined) return { state, output };
    input = output;
    state = next;
  }
}

interface Step {
  readonly next: string | undefined;
  readonly output: unknown;
}

async function step(name: string, found: State, input: unknown, scope: Scope, around: Surroundings): Promise<Step> {
  const known = { input, context: around.context };
  switch (found.Type) {
    case 'Pass':
      return finish(found, known, input, scope, around);
    case 'Choice':
      for (const { Condition, Next } of found.Choices) {
        if ((await evaluated(Condition, known, scope, around)) === true) return { next: Next, output: input };
      }
      return { next: found.Default, output: input };
    case 'Wait':
      if (around.wait === undefined) throw new Error(`The test provides no wait for ${name}.`);
      await around.wait(found.Seconds);
      return { next: found.Next, output: input };
    case 'Succeed':
      return { next: undefined, output: input };
    case 'Fail': {
      const { Error: error, Cause: cause } = found;
      const failure = z
        .object({ error: z.string(), cause: z.string() })
        .parse(await evaluated({ error, cause }, known, scope, around));
      throw new TaskError(failure.error, failure.cause);
    }
    case 'Task':
      return orCaught(found.Catch, known, scope, around, async () => {
        const result = await attempt(name, found, known, scope, around);
        return finish(found, { ...known, result }, result, scope, around);
      });
    case 'Parallel':
      return orCaught(found.Catch, known, scope, around, async () => {
        const result = await together(found.Branches, scope, (branch, inner) => run(branch, input, inner, around));
        return finish(found, { ...known, result }, result, scope, around);
      });
    case 'Map': {
      const items = anyItems.parse(await evaluated(found.Items, known, scope, around));
      const result = await together(items, scope, async (item, inner) => {
        const context = { ...around.context, Map: { Item: { Value: item } } };
        const selected = await evaluated(found.ItemSelector, { ...known, context }, inner, around);
        return run(found.ItemProcessor, selected, inner, { ...around, context });
      });
      return finish(found, { ...known, result }, result, scope, around);
    }
  }
}

async function finish(
  found: Pick<StateOf<'Pass'>, 'Assign' | 'Output' | 'Next'>,
  known: object,
  result: unknown,
  scope: Scope,
  around: Pick<Surroundings, 'now'>,
): Promise<Step> {
  const output = found.Output === undefined ? result : await evaluated(found.Output, known, scope, around);
  await assign(found.Assign, known, scope, around);
  return { next: found.Next, output };
}

async function assign(
  values: StateOf<'Pass'>['Assign'] = {},
  known: object,
  scope: Scope,
  around: Pick<Surroundings, 'now'>,
): Promise<void> {
  const assigned = anyFields.parse(await evaluated(values, known, scope, around));
  scope.variables = { ...scope.variables, ...assigned };
}

/** All in parallel, each with its own variables; the first failure fails all. */
function together<Item>(
  items: readonly Item[],
  scope: Scope,
  work: (item: Item, inner: Scope) => Promise<Ended>,
): Promise<unknown[]> {
  let failed = false;
  const stopped = () => failed || scope.stopped();
  return Promise.all(
    items.map(async (item) => {
      try {
        return (await work(item, { variables: scope.variables, stopped })).output;
      } catch (error) {
        failed = true;
        throw error;
      }
    }),
  );
}

async function attempt(
  state: string,
  { Resource: resource, Arguments, Retry }: StateOf<'Task'>,
  known: object,
  scope: Scope,
  around: Surroundings,
): Promise<unknown> {
  const parameters = anyJsonFields.parse(await evaluated(Arguments, known, scope, around));
  const retries = new Map<(typeof Retry)[number], number>();
  for (;;) {
    try {
      return plain(await around.task({ state, resource, parameters }));
    } catch (error) {
      const rule = matching(Retry, error);
      const before = rule === undefined ? 0 : (retries.get(rule) ?? 0);
      if (rule === undefined || before >= rule.MaxAttempts) throw error;
      // A sibling has failed: nothing more is started, and no caller waits for a result.
      if (scope.stopped()) return never;
      retries.set(rule, before + 1);
    }
  }
}

async function orCaught(
  catchers: StateOf<'Task'>['Catch'],
  known: object,
  scope: Scope,
  around: Surroundings,
  work: () => Promise<Step>,
): Promise<Step> {
  try {
    return await work();
  } catch (error) {
    const rule = matching(catchers, error);
    if (rule === undefined || !(error instanceof TaskError)) throw error;
    const errorOutput = { Error: error.error, Cause: error.reason };
    await assign(rule.Assign, { ...known, errorOutput }, scope, around);
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

function evaluated(value: unknown, known: object, scope: Pick<Scope, 'variables'>, { now }: Pick<Surroundings, 'now'>) {
  return evaluate(value, { ...scope.variables, states: known, ...(now && { now }) });
}

// Created once: a history parses and compiles thousands of times.
const anyItems = z.array(z.unknown());
const anyFields = z.record(z.string(), z.unknown());
const anyJsonFields = z.record(z.string(), z.json());

/** Evaluates every `{% … %}` in a value. As in Step Functions, an expression without a result is an error. */
export async function evaluate(value: unknown, variables: Variables): Promise<unknown> {
  return evaluatorOf(value)?.(variables) ?? value;
}

type Evaluator = (variables: Variables) => Promise<unknown>;

const expressions = new Map<string, Evaluator>();
const evaluators = new WeakMap<object, Evaluator | 'constant'>();

/** `undefined` for a value without expressions. */
function evaluatorOf(value: unknown): Evaluator | undefined {
  if (typeof value === 'string') return expressionIn(value);
  if (typeof value !== 'object' || value === null) return undefined;
  const known = evaluators.get(value) ?? (Array.isArray(value) ? itemsOf(value) : fieldsOf(value)) ?? 'constant';
  evaluators.set(value, known);
  return known === 'constant' ? undefined : known;
}

function expressionIn(value: string): Evaluator | undefined {
  const [, text] = /^\{%(.*)%\}$/s.exec(value) ?? [];
  if (text === undefined) return undefined;
  const known = expressions.get(text);
  if (known !== undefined) return known;
  const ready = jsonata(text);
  const evaluator = async (variables: Variables) => {
    const result = plain(await ready.evaluate({}, { ...variables }));
    if (result === undefined) throw new Error(`States.QueryEvaluationError: ${text} has no result.`);
    return result;
  };
  expressions.set(text, evaluator);
  return evaluator;
}

function itemsOf(values: readonly unknown[]): Evaluator | undefined {
  if (!values.some((value) => evaluatorOf(value))) return undefined;
  return (variables) => Promise.all(values.map((value) => evaluate(value, variables)));
}

function fieldsOf(value: object): Evaluator | undefined {
  const dynamic = Object.entries(value).flatMap(([name, item]) => {
    const evaluator = evaluatorOf(item);
    return evaluator === undefined ? [] : [[name, evaluator] as const];
  });
  if (dynamic.length === 0) return undefined;
  return async (variables) => {
    const evaluated = dynamic.map(async ([name, evaluator]) => [name, await evaluator(variables)] as const);
    return { ...value, ...Object.fromEntries(await Promise.all(evaluated)) };
  };
}

/** States exchange JSON. */
function plain(value: unknown): unknown {
  return value === undefined ? undefined : JSON.parse(JSON.stringify(value));
}
