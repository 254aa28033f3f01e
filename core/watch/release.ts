/** Types for the pre-traffic release check. */
import type { StepName } from '../steps.ts';

/** The functions whose new versions process a real image before they get traffic. */
export const releasedSteps = [
  'DispatchImages',
  'ExtractMetadata',
  'ResizeImage',
  'RemoveRenditions',
] as const satisfies readonly StepName[];
export type ReleasedStep = (typeof releasedSteps)[number];

/** CodeDeploy waits for its verdict, for at most an hour. */
export interface ReleaseHook {
  readonly deploymentId: string;
  readonly executionId: string;
}

/** The version that is about to receive traffic, and has none yet. */
export interface NewVersion<Step extends string = ReleasedStep> {
  readonly step: Step;
  readonly functionName: string;
  readonly version: string;
}

export type Verdict = { readonly verdict: 'passed' } | { readonly verdict: 'refused'; readonly reason: string };
