/** The AWS calls that must be among the crash points: those of the workflow, and those the functions' roles allow. */
import { steps } from '../../core/steps.ts';
import { functionPermissions } from '../support/function-permissions.ts';
import { workflow } from '../support/workflow.ts';
import { actionOf } from './workflow-task.ts';

export interface Call {
  /** `ResizeImage` of ResizeImageFunction, or `ImagePipeline`. */
  readonly stem: string;
  /** The call's IAM action; prefixed with the state's name if the workflow makes it. */
  readonly action: string;
}

const stems: readonly string[] = steps.map(({ name }) => name);

export function everyCall(): readonly Call[] {
  return [
    ...workflow.tasks.map((task) => ({ stem: 'ImagePipeline', action: actionOf(task) })),
    // test/pipeline/permissions.test.ts checks that roles allow no other calls.
    ...functionPermissions.filter(({ stem }) => stems.includes(stem)).map(({ stem, action }) => ({ stem, action })),
  ];
}

/** @lab */
export function missingCalls(found: readonly Call[]): readonly Call[] {
  return everyCall().filter(({ stem, action }) => !found.some((call) => call.stem === stem && call.action === action));
}
