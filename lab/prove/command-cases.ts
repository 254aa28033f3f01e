/** Which call of a command fails, and how; and what is wrong after it was run again. */
import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import type { FaultKind } from '../../test/faults/fault-kinds.ts';
import type { Command } from './command.ts';

/** Other faults are repeated by the SDK, or end the command as a refusal does. */
export const endings = ['dies before', 'dies after', 'denied'] as const satisfies readonly FaultKind[];

export interface CommandCase {
  readonly command: Command['name'];
  readonly action: string;
  readonly kind: (typeof endings)[number];
  /** Calls of this action that succeed before it. */
  readonly skipped: number;
}

/**
 * Each action that a command uses, with every fault; at one of its calls, selected by the seed.
 *
 * @param calls the actions of each command, in order, without faults
 */
export function commandCases(
  calls: Readonly<Record<Command['name'], readonly string[]>>,
  seed: number,
): readonly CommandCase[] {
  const all = (['erase', 'backfill', 'rerender'] as const).flatMap((command) =>
    [...Map.groupBy(calls[command], (action) => action)].flatMap(([action, of]) =>
      endings.map((kind) => ({ command, action, kind, most: of.length - 1 })),
    ),
  );
  const draws = all.map(({ most, ...given }) =>
    fc.integer({ min: 0, max: most }).map((skipped): CommandCase => ({ ...given, skipped })),
  );
  const [cases = []] = fc.sample(fc.noBias(fc.tuple(...draws)), { seed, numRuns: 1 });
  const [shuffled = []] = fc.sample(fc.shuffledSubarray(cases, { minLength: cases.length }), { seed, numRuns: 1 });
  return shuffled;
}

/** How often a command waits differs from run to run: if it ended before that call, an earlier one is tried. */
export function earlier({ skipped, ...given }: CommandCase): CommandCase | undefined {
  return skipped === 0 ? undefined : { ...given, skipped: Math.floor(skipped / 2) };
}

export interface Rerun {
  readonly happened: number;
  /** Of the second run. */
  readonly exitCode: number | null;
  readonly end: object;
  /** The end of a run without faults. */
  readonly control: object;
}

export function defectsOfRerun({ happened, exitCode, end, control }: Rerun): readonly string[] {
  return [
    ...(happened === 0 ? ['The fault never occurred.'] : []),
    ...(exitCode === 0 ? [] : [`Run again, it ended with exit code ${exitCode}.`]),
    ...(isDeepStrictEqual(end, control)
      ? []
      : [`It ends with ${JSON.stringify(end)}, and without a fault with ${JSON.stringify(control)}.`]),
  ];
}

export function nameOf({ command, action, kind, skipped }: CommandCase): string {
  return `${command}: ${action} ${kind}, call ${skipped + 1}`;
}
