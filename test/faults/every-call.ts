/** The calls of AWS that have to be among the crash points: the workflow's own, and what the functions' roles allow. */
import { steps } from '../../core/steps.ts';
import { workflow } from '../../scripts/template/workflow.ts';
import { functionPermissions } from '../support/function-permissions.ts';
import { actionOf } from './workflow-task.ts';

export interface Call {
  /** `ResizeImage` of ResizeImageFunction, or `ImagePipeline`. */
  readonly stem: string;
  /** IAM's name of the call, with the state's before it where the workflow makes it. */
  readonly action: string;
}

const stems: readonly string[] = steps.map(({ name }) => name);

export function everyCall(): readonly Call[] {
  return [
    ...workflow.tasks.map((task) => ({ stem: 'ImagePipeline', action: actionOf(task) })),
    // That a role allows nothing that is not called, test/pipeline/permissions.test.ts sees to.
    ...functionPermissions.filter(({ stem }) => stems.includes(stem)).map(({ stem, action }) => ({ stem, action })),
  ];
}

export function missingCalls(found: readonly Call[]): readonly Call[] {
  return everyCall().filter(({ stem, action }) => !found.some((call) => call.stem === stem && call.action === action));
}
