import { readFileSync } from 'node:fs';
import * as z from 'zod';

/**
 * Reads the state machines in statemachine/. The schema accepts only the states and fields that they use, so code that
 * walks or runs a workflow never encounters a field it does not handle.
 */

const expression = z.templateLiteral(['{%', z.string(), '%}']);
const variables = z.record(z.string(), z.json());
const catcher = z.strictObject({
  ErrorEquals: z.array(z.string()),
  Assign: variables.optional(),
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
const described = { Comment: z.string().optional() };
const assigning = { ...described, Assign: variables.optional() };
const leading = { Next: z.string().optional(), End: z.literal(true).optional() };

const state = z.discriminatedUnion('Type', [
  z.strictObject({ Type: z.literal('Pass'), ...assigning, Output: z.json().optional(), ...leading }),
  z.strictObject({
    Type: z.literal('Choice'),
    ...described,
    Choices: z.array(z.strictObject({ Condition: expression, Next: z.string() })),
    Default: z.string(),
  }),
  z.strictObject({
    Type: z.literal('Task'),
    ...assigning,
    Resource: z.string(),
    Arguments: z.record(z.string(), z.json()),
    // Required: without it, a call that hangs blocks the whole workflow.
    TimeoutSeconds: z.int(),
    Retry: z.array(retrier),
    Catch: z.array(catcher).default([]),
    Output: z.json().optional(),
    ...leading,
  }),
  z.strictObject({
    Type: z.literal('Parallel'),
    ...assigning,
    get Branches() {
      return z.array(branch);
    },
    Catch: z.array(catcher).default([]),
    ...leading,
  }),
  z.strictObject({
    Type: z.literal('Map'),
    ...assigning,
    Items: expression,
    ItemSelector: z.json(),
    get ItemProcessor() {
      return branch.extend({ ProcessorConfig: z.strictObject({ Mode: z.literal('INLINE') }) });
    },
    ...leading,
  }),
  z.strictObject({ Type: z.literal('Wait'), ...described, Seconds: z.int(), Next: z.string() }),
  z.strictObject({ Type: z.literal('Succeed'), ...described }),
  z.strictObject({ Type: z.literal('Fail'), ...described, Error: expression, Cause: expression }),
]);
const branch = z.strictObject({
  StartAt: z.string(),
  get States() {
    return z.record(z.string(), state);
  },
});
const stateMachine = branch.extend({
  Comment: z.string(),
  QueryLanguage: z.literal('JSONata'),
  TimeoutSeconds: z.int(),
});

export type StateMachine = z.infer<typeof stateMachine>;
/** The states of a workflow, of a branch of a Parallel, or of a Map. */
export type Branch = Pick<StateMachine, 'StartAt' | 'States'>;
export type State = z.infer<typeof state>;
export type StateOf<Type extends State['Type']> = Extract<State, { Type: Type }>;

/**
 * The resources of its tasks are those of the commercial regions.
 * @param change applied to the compact JSON text before it is read
 */
export function readStateMachine(
  name: 'image-pipeline' | 'intake-breaker',
  change: (text: string) => string = (text) => text,
): StateMachine {
  const file = new URL(`../../statemachine/${name}.asl.json`, import.meta.url);
  const text = JSON.stringify(JSON.parse(readFileSync(file, 'utf8'))).replaceAll(/\$\{Partition\}/g, 'aws');
  return stateMachine.parse(JSON.parse(change(text)));
}

export function* branchesOf(found: State): Generator<Branch> {
  if (found.Type === 'Parallel') yield* found.Branches;
  if (found.Type === 'Map') yield found.ItemProcessor;
}

function* allStates({ States }: Branch): Generator<readonly [name: string, state: State]> {
  for (const [name, found] of Object.entries(States)) {
    yield [name, found];
    for (const inner of branchesOf(found)) yield* allStates(inner);
  }
}

const machine = readStateMachine('image-pipeline');
const states = new Map(allStates(machine));

/** statemachine/image-pipeline.asl.json. */
export const workflow = {
  machine,
  timeoutSeconds: machine.TimeoutSeconds,
  /** Every state, including those inside a Parallel or Map. */
  states,
  /** The Task states; `functionId` where one invokes a function of the template. */
  tasks: [...states].flatMap(([name, found]) =>
    found.Type === 'Task'
      ? {
          state: name,
          timeoutSeconds: found.TimeoutSeconds,
          resource: found.Resource,
          functionId: /^\$\{(\w+)\}$/.exec(String(found.Arguments['FunctionName']))?.[1],
          definition: found,
        }
      : [],
  ),
};

export function stateNamed<Type extends State['Type']>(name: string, type: Type): StateOf<Type> {
  const found = workflow.states.get(name);
  if (found === undefined || !isOf(type, found)) throw new Error(`The workflow has no ${type} state ${name}.`);
  return found;
}

function isOf<Type extends State['Type']>(type: Type, found: State): found is StateOf<Type> {
  return found.Type === type;
}
