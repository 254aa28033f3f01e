/** The states that an image passes on its way through the workflow, counted on the definition itself. */
import { type Machine, type State, workflow } from '../../scripts/template/workflow.ts';
import { Failure } from '../../scripts/terminal/failure.ts';
import { otherWorkers } from './assumptions.ts';

/** What each Choice decides on the way, by its name. */
export type Turns = Readonly<Record<string, string>>;

export const waysOf = {
  /** A first upload, all well: nothing older to remove. */
  processed: {
    WhatChanged: 'ProcessImage',
    WasThereAnUpload: 'ComposeRecord',
    HasVersion: 'LookForMark',
    IsVersionErased: 'IsAnythingObsolete',
    IsAnythingObsolete: 'Announce',
    IsItDecided: 'Decided',
  },
  /** Nothing was rendered, and what an older state has is removed. */
  rejected: {
    WhatChanged: 'ProcessImage',
    WasThereAnUpload: 'ComposeRecord',
    HasVersion: 'LookForMark',
    IsVersionErased: 'IsAnythingObsolete',
    IsAnythingObsolete: 'RemoveRenditions',
    NeedsAnnouncement: 'Announce',
    IsItDecided: 'Decided',
  },
  /** A deletion: a tombstone, and what was rendered is removed. */
  deleted: {
    WhatChanged: 'DecideDeletion',
    HasVersion: 'IsAnythingObsolete',
    IsAnythingObsolete: 'RemoveRenditions',
    NeedsAnnouncement: 'Announce',
    IsItDecided: 'Decided',
  },
} as const satisfies Readonly<Record<string, Turns>>;

/** How often each state is entered, with so many rendition groups in the Map. */
export function statesOn(
  turns: Turns,
  groups: number,
  machine: Machine = workflow.machine,
): ReadonlyMap<string, number> {
  const visits = new Map<string, number>();
  for (const [name, times] of walk(machine, turns, groups)) visits.set(name, (visits.get(name) ?? 0) + times);
  return visits;
}

function* walk(machine: Machine, turns: Turns, groups: number): Generator<readonly [name: string, times: number]> {
  for (let name: string | undefined = machine.StartAt; name !== undefined; ) {
    const state: State | undefined = machine.States[name];
    if (state === undefined) throw new Error(`The workflow has no state ${name}: lab/cost/workflow-path.ts.`);
    yield [name, 1];
    for (const branch of state.Branches ?? []) yield* walk(branch, turns, groups);
    if (state.ItemProcessor !== undefined) {
      for (const [inner, times] of walk(state.ItemProcessor, turns, groups)) yield [inner, times * groups];
    }
    name = state.Type === 'Choice' ? turnAt(name, state, turns) : state.Next;
  }
}

function turnAt(name: string, { Choices = [], Default }: State, turns: Turns): string {
  const turn = turns[name];
  if (turn === undefined || ![Default, ...Choices.map(({ Next }) => Next)].includes(turn)) {
    throw new Error(`Where an image goes from ${name} is not known any more: say it in lab/cost/workflow-path.ts.`);
  }
  return turn;
}

const pricedWorkers = ['ExtractMetadata', 'ResizeImage', 'RemoveRenditions', ...Object.keys(otherWorkers)];
const pricedCalls = ['dynamodb:putItem', 'dynamodb:updateItem', 'dynamodb:getItem', 'events:putEvents'];

/** Throws where the workflow has a task that no line of the bill is for. */
export function refuseUnknownTasks(
  tasks: readonly Pick<(typeof workflow.tasks)[number], 'state' | 'resource' | 'functionId'>[] = workflow.tasks,
): void {
  for (const { state, resource, functionId } of tasks) {
    if (functionId !== undefined && !pricedWorkers.some((name) => functionId === `${name}Function`)) {
      const name = functionId.replace(/Function$/, '');
      throw new Failure(
        `The workflow's task ${state} invokes ${functionId}, which has no price: add ${name} to otherWorkers in lab/cost/assumptions.ts.`,
      );
    }
    if (functionId === undefined && !pricedCalls.some((call) => resource.endsWith(`:${call}`))) {
      throw new Failure(
        `The workflow's task ${state} calls ${resource}, which has no price: add it to pricedCalls in lab/cost/workflow-path.ts and its line to lab/cost/model.ts.`,
      );
    }
  }
}

/** Calls of another service on the way, by the last part of the resource, such as `dynamodb:putItem`. */
export function callsOn(visits: ReadonlyMap<string, number>, resource: string): number {
  return workflow.tasks
    .filter((task) => task.resource.endsWith(`:${resource}`))
    .reduce((sum, { state }) => sum + (visits.get(state) ?? 0), 0);
}

/** Invocations of a function on the way, by its logical id. */
export function invocationsOn(visits: ReadonlyMap<string, number>, functionId: string): number {
  return workflow.tasks
    .filter((task) => task.functionId === functionId)
    .reduce((sum, { state }) => sum + (visits.get(state) ?? 0), 0);
}
