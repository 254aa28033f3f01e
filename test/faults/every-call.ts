/** The calls of AWS that have to be among the crash points: the workflow's own, and what the functions' roles allow. */
import { workflow } from '../../scripts/template/workflow.ts';
import { functionPermissions } from '../support/function-permissions.ts';
import { actionOf } from './workflow-task.ts';

export interface Call {
  /** `ResizeImage` of ResizeImageFunction, or `ImagePipeline`. */
  readonly stem: string;
  /** IAM's name of the call, with the state's before it where the workflow makes it. */
  readonly action: string;
}

/** The functions through which an image goes. */
export const functionStems = ['DispatchImages', 'ExtractMetadata', 'ResizeImage', 'RemoveRenditions'];

export function everyCall(): readonly Call[] {
  return [
    ...workflow.tasks.map((task) => ({ stem: 'ImagePipeline', action: actionOf(task) })),
    // That a role allows nothing that is not called, test/pipeline/permissions.test.ts sees to.
    ...functionPermissions
      .filter(({ stem }) => functionStems.includes(stem))
      .map(({ stem, action }) => ({ stem, action })),
  ];
}

/** @lab */
export function missingCalls(found: readonly Call[]): readonly Call[] {
  return everyCall().filter(({ stem, action }) => !found.some((call) => call.stem === stem && call.action === action));
}
