/** The estimated cost of a run, shown before it starts. */
import { allPresets } from '../../core/presets.ts';
import type { PlannedChange } from './plan.ts';

/**
 * US dollars for one change in any stage: the change itself, up to 20 looks at its record until it is decided, and its
 * removal at the end of the run. Rounded up, as if each change filled a batch alone: an estimate that asks for consent
 * must not be too low.
 */
export function dollarsFor(kind: PlannedChange['kind'], presets = configuredPresets): number {
  switch (kind) {
    case 'upload':
      return 0.000053 + presets * 0.0000085;
    case 'delete':
      return 0.0000475;
  }
}

const configuredPresets = allPresets.length;

/** US dollars, rounded up to the cent. */
export function estimatedCost(changes: readonly Pick<PlannedChange, 'kind'>[]): number {
  const dollars = changes.reduce((total, { kind }) => total + dollarsFor(kind), 0);
  return Math.ceil(dollars * 100) / 100;
}
