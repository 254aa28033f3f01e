import { readFileSync } from 'node:fs';
import * as z from 'zod';

/** statemachine/image-pipeline.asl.json, read for tests and tools: every state, those within Parallel and Map too. */

const retrier = z.looseObject({
  ErrorEquals: z.array(z.string()),
  MaxAttempts: z.int(),
  JitterStrategy: z.string().optional(),
  MaxDelaySeconds: z.number().optional(),
});
const catcher = z.looseObject({ ErrorEquals: z.array(z.string()), Next: z.string() });

export interface Machine {
  readonly StartAt: string;
  readonly States: Readonly<Record<string, State>>;
}
export interface State {
  readonly Type: string;
  readonly Resource?: string | undefined;
  readonly Arguments?: Readonly<Record<string, unknown>> | undefined;
  readonly Assign?: Readonly<Record<string, unknown>> | undefined;
  readonly Output?: unknown;
  readonly TimeoutSeconds?: number | undefined;
  readonly Next?: string | undefined;
  readonly Choices?: readonly { readonly Condition: string; readonly Next: string }[] | undefined;
  readonly Default?: string | undefined;
  readonly Retry?: readonly z.infer<typeof retrier>[] | undefined;
  readonly Catch?: readonly z.infer<typeof catcher>[] | undefined;
  readonly Branches?: readonly Machine[] | undefined;
  readonly ItemProcessor?: Machine | undefined;
  readonly Error?: string | undefined;
  readonly Cause?: string | undefined;
}

const machine: z.ZodType<Machine> = z.lazy(() =>
  z.looseObject({ StartAt: z.string(), States: z.record(z.string(), state) }),
);
const state: z.ZodType<State> = z.looseObject({
  Type: z.string(),
  Resource: z.string().optional(),
  Arguments: z.record(z.string(), z.unknown()).optional(),
  Assign: z.record(z.string(), z.unknown()).optional(),
  TimeoutSeconds: z.int().optional(),
  Next: z.string().optional(),
  Choices: z.array(z.looseObject({ Condition: z.string(), Next: z.string() })).optional(),
  Default: z.string().optional(),
  Retry: z.array(retrier).optional(),
  Catch: z.array(catcher).optional(),
  Branches: z.array(machine).optional(),
  ItemProcessor: machine.optional(),
  Error: z.string().optional(),
  Cause: z.string().optional(),
});

const definition = JSON.parse(
  readFileSync(new URL('../../statemachine/image-pipeline.asl.json', import.meta.url), 'utf8'),
);
const root = z.looseObject({ TimeoutSeconds: z.int(), QueryLanguage: z.literal('JSONata') }).parse(definition);
const main = machine.parse(definition);
const states = [...allStates(main)];

function* allStates({ States }: Machine): Generator<readonly [name: string, state: State]> {
  for (const [name, found] of Object.entries(States)) {
    yield [name, found];
    for (const inner of [
      ...(found.Branches ?? []),
      ...(found.ItemProcessor === undefined ? [] : [found.ItemProcessor]),
    ]) {
      yield* allStates(inner);
    }
  }
}

export const workflow = {
  machine: main,
  timeoutSeconds: root.TimeoutSeconds,
  states: new Map(states),
  /** The Task states; `functionId` where one invokes a function of the template. */
  tasks: states
    .filter(([, { Type }]) => Type === 'Task')
    .map(([name, task]) => ({
      state: name,
      timeoutSeconds: z.int({ error: `${name} has no TimeoutSeconds` }).parse(task.TimeoutSeconds),
      resource: z.string().parse(task.Resource),
      functionId: /^\$\{(\w+)\}$/.exec(String(task.Arguments?.['FunctionName']))?.[1],
      definition: task,
    })),
};
