/** The AWS calls that must be among the crash points: those of the workflow, and those the functions' roles allow. */
import { steps } from '../../core/steps.ts';
import type { Call } from '../../test/faults/crash-points.ts';
import { actionOf } from '../../test/faults/workflow-task.ts';
import { functionPermissions } from '../../test/support/function-permissions.ts';
import { workflow } from '../../test/support/workflow.ts';

/**
 * Made only if a sender has several uploads in progress, and crash points follow one image at a time. If it fails, the message
 * stays in its queue: test/adapters/sqs-uploads.test.ts.
 */
const neededByCrowds = 'SetUploadsAside';
const stems: readonly string[] = steps.map(({ name }) => name);

export function everyCall(): readonly Call[] {
  const calls = [
    ...workflow.tasks.map((task) => ({ stem: 'ImagePipeline', action: actionOf(task) })),
    // test/pipeline/permissions.test.ts checks that roles allow no other calls.
    ...functionPermissions
      .filter(({ stem, sid }) => stems.includes(stem) && sid !== neededByCrowds)
      .map(({ stem, action }) => ({ stem, action })),
  ];
  // A role may allow one action for several queues.
  return [...new Map(calls.map((call) => [`${call.stem} ${call.action}`, call])).values()];
}

export function missingCalls(found: readonly Call[]): readonly Call[] {
  return everyCall().filter(({ stem, action }) => !found.some((call) => call.stem === stem && call.action === action));
}
