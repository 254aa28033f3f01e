/** What every check has at hand: the stack, its resources, and a way to remove what the check creates. */
import { setTimeout as sleep } from 'node:timers/promises';
import { IAMClient } from '@aws-sdk/client-iam';
import { KMSClient } from '@aws-sdk/client-kms';
import { ServiceQuotasClient } from '@aws-sdk/client-service-quotas';
import { SNSClient } from '@aws-sdk/client-sns';
import pMap from 'p-map';
import pWaitFor from 'p-wait-for';
import type { Stack } from '../stack/stack.ts';
import type { StackParameters } from '../stack/stack-parameters.ts';
import { listResources, type StackResource } from '../stack/stack-resources.ts';
import { describeFailure, Failure } from '../terminal/failure.ts';

/** The result of a check that ran. */
export interface Finding {
  /** Empty if the promise is kept. One sentence each. */
  readonly faults: readonly string[];
  /** What was looked at, in a few words. */
  readonly seen: string;
}

export interface Verification {
  readonly stack: Stack;
  readonly clients: ReturnType<typeof clientsFor>;
  readonly resources: StackResources;
  readonly parameters: StackParameters;
  /** Part of every name that the check gives: unique to this run. */
  readonly runId: string;
  readonly undo: Undo;
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
  /** How long a minute is: tests do not wait that long. */
  readonly minute: number;
}

export function clientsFor({ clientConfig }: Pick<Stack, 'clientConfig'>) {
  return {
    // Hundreds of requests, which IAM throttles.
    iam: new IAMClient({ ...clientConfig, maxAttempts: 10 }),
    kms: new KMSClient(clientConfig),
    quotas: new ServiceQuotasClient(clientConfig),
    sns: new SNSClient(clientConfig),
  };
}

/** Of something that a check creates. Short enough for a rule, which may have 64 characters, whatever the stack is called. */
export function temporaryName({ stack, runId }: Pick<Verification, 'stack' | 'runId'>): string {
  return `${stack.name.slice(0, 45)}-verify-${runId}`;
}

/** Steps that remove what a check has created, in any order. */
export class Undo {
  readonly #steps = new Map<string, () => Promise<unknown>>();

  /** Call it before the creation: removing what does not exist must succeed. */
  add(what: string, remove: () => Promise<unknown>): void {
    this.#steps.set(what, remove);
  }

  /** Returns a sentence for each thing that could not be removed. */
  async all(): Promise<string[]> {
    const leftBy = async ([what, remove]: [string, () => Promise<unknown>]): Promise<string[]> => {
      try {
        await remove();
        return [];
      } catch (error) {
        return [`${what} is left behind: ${describeFailure(error)}`];
      }
    };
    const left = await pMap(this.#steps, leftBy, { concurrency: 4 });
    return left.flat();
  }
}

/** The resources of a stack by logical id. */
export type StackResources = ReadonlyMap<string, Pick<StackResource, 'type' | 'physicalId'>>;

export async function readResources(stack: Stack): Promise<StackResources> {
  return new Map((await listResources(stack)).map((resource) => [resource.logicalId, resource]));
}

export function physicalIds(resources: StackResources, type: string): string[] {
  return [...resources.values()].filter((one) => one.type === type).map(({ physicalId }) => physicalId);
}

/** @throws {Failure} if the stack has no such resource. */
export function idOf({ resources, stack }: Pick<Verification, 'resources' | 'stack'>, logicalId: string): string {
  const found = resources.get(logicalId);
  if (found === undefined) throw new Failure(`The stack ${stack.name} has no ${logicalId}: deploy it again.`);
  return found.physicalId;
}

/** Polls until `look` finds something. @throws {Failure} after `minutes`. */
export async function waitFor<Found>(
  { stack, signal, minute }: Pick<Verification, 'stack' | 'signal' | 'minute'>,
  { what, minutes }: { readonly what: string; readonly minutes: number },
  look: () => Promise<Found | undefined>,
): Promise<Found> {
  const isThere = async () => {
    const found = await look();
    return found !== undefined && pWaitFor.resolveWith(found);
  };
  const message = new Failure(`No ${what} within ${minutes} ${minutes === 1 ? 'minute' : 'minutes'}.`);
  // In an account, each look costs a request or two.
  const interval = stack.emulated ? 200 : Math.min(10_000, (minutes * minute) / 20);
  return await pWaitFor(isThere, { interval, timeout: { milliseconds: minutes * minute, message }, signal });
}

export async function pause({ signal, minute }: Pick<Verification, 'signal' | 'minute'>): Promise<void> {
  await sleep(minute, undefined, { signal });
}
