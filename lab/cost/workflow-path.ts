/** The states that an image passes through, counted in the workflow definition. */

import { Failure } from '../../scripts/terminal/failure.ts';
import { type Branch, branchesOf, type State, type StateOf, workflow } from '../../test/support/workflow.ts';
import { otherWorkers } from './assumptions.ts';

/** The branch that each Choice takes, by its name. */
export type Turns = Readonly<Record<string, string>>;

export const waysOf = {
  /** A successful first upload, with nothing older to remove. */
  processed: {
    WhatChanged: 'ProcessImage',
    IsDescriptionAnnounced: 'Described',
    WasThereAnUpload: 'JoinRenditions',
    IsVersionRecorded: 'LookForMark',
    IsVersionMarked: 'IsAnythingObsolete',
    IsAnythingObsolete: 'ComposeEvent',
    IsItDecided: 'Decided',
  },
  /** Nothing is rendered; an older version's renditions are removed. */
  rejected: {
    WhatChanged: 'ProcessImage',
    IsDescriptionAnnounced: 'Described',
    WasThereAnUpload: 'ComposeRecord',
    IsVersionRecorded: 'LookForMark',
    IsVersionMarked: 'IsAnythingObsolete',
    IsAnythingObsolete: 'RemoveRenditions',
    NeedsAnnouncement: 'ComposeEvent',
    IsItDecided: 'Decided',
  },
  /** A deletion: a tombstone is written, and renditions are removed. */
  deleted: {
    WhatChanged: 'DecideDeletion',
    IsVersionRecorded: 'IsAnythingObsolete',
    IsAnythingObsolete: 'RemoveRenditions',
    NeedsAnnouncement: 'ComposeEvent',
    IsItDecided: 'Decided',
  },
} as const satisfies Readonly<Record<string, Turns>>;

/** How often each state is entered, for this number of rendition groups. */
export function statesOn(
  turns: Turns,
  groups: number,
  machine: Branch = workflow.machine,
): ReadonlyMap<string, number> {
  const visits = new Map<string, number>();
  for (const [name, times] of walk(machine, turns, groups)) visits.set(name, (visits.get(name) ?? 0) + times);
  return visits;
}

function* walk(machine: Branch, turns: Turns, groups: number): Generator<readonly [name: string, times: number]> {
  for (let name: string | undefined = machine.StartAt; name !== undefined; ) {
    const state: State | undefined = machine.States[name];
    if (state === undefined) throw new Error(`The workflow has no state ${name}: update lab/cost/workflow-path.ts.`);
    yield [name, 1];
    for (const branch of branchesOf(state)) {
      const runs = state.Type === 'Map' ? groups : 1;
      for (const [inner, times] of walk(branch, turns, groups)) yield [inner, times * runs];
    }
    name = nextOf(name, state, turns);
  }
}

function nextOf(name: string, state: State, turns: Turns): string | undefined {
  switch (state.Type) {
    case 'Choice':
      return turnAt(name, state, turns);
    case 'Succeed':
    case 'Fail':
      return undefined;
    case 'Pass':
    case 'Task':
    case 'Parallel':
    case 'Map':
    case 'Wait':
      return state.Next;
  }
}

function turnAt(name: string, { Choices, Default }: StateOf<'Choice'>, turns: Turns): string {
  const turn = turns[name];
  if (turn === undefined || ![Default, ...Choices.map(({ Next }) => Next)].includes(turn)) {
    throw new Error(`${name} no longer leads there: update waysOf in lab/cost/workflow-path.ts.`);
  }
  return turn;
}

const pricedWorkers = ['ExtractMetadata', 'ResizeImage', 'RemoveRenditions', ...Object.keys(otherWorkers)];
const pricedCalls = ['dynamodb:putItem', 'dynamodb:updateItem', 'dynamodb:getItem', 'events:putEvents'];

/** Throws if the workflow has a task that the bill has no line for. */
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

/** Calls to another service on this path, by the last part of the resource, such as `dynamodb:putItem`. */
export function callsOn(visits: ReadonlyMap<string, number>, resource: string): number {
  return workflow.tasks
    .filter((task) => task.resource.endsWith(`:${resource}`))
    .reduce((sum, { state }) => sum + (visits.get(state) ?? 0), 0);
}

/** Invocations of a function on this path, by its logical id. */
export function invocationsOn(visits: ReadonlyMap<string, number>, functionId: string): number {
  return workflow.tasks
    .filter((task) => task.functionId === functionId)
    .reduce((sum, { state }) => sum + (visits.get(state) ?? 0), 0);
}
