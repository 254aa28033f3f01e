import { type SFNClient, StartSyncExecutionCommand } from '@aws-sdk/client-sfn';
import * as z from 'zod/mini';
import { rejectionReasons } from '../core/outcome.ts';
import type { Pipeline } from '../core/ports.ts';

export const decisionSchema = z.object({
  outcome: z.enum(['processed', 'rejected', 'superseded', 'vanished', 'deleted']),
  reason: z.optional(z.enum(rejectionReasons)),
});

/**
 * The client must not retry: the queue does, and a second StartSyncExecution runs beside the first one.
 * https://docs.aws.amazon.com/step-functions/latest/dg/express-at-least-once-execution.html
 */
export function sfnPipeline({
  client,
  stateMachineArn,
}: {
  readonly client: SFNClient;
  readonly stateMachineArn: string;
}): Pipeline {
  return {
    async run(input) {
      const execution = await client.send(
        new StartSyncExecutionCommand({ stateMachineArn, input: JSON.stringify(input), traceHeader: traceHeader() }),
      );
      // A failed execution answers HTTP 200.
      if (execution.status !== 'SUCCEEDED') {
        throw new Error(
          `The workflow ended ${execution.status} for ${input.image.bucket}/${input.image.key}: ${execution.error ?? 'no error name'}, ` +
            `${execution.cause ?? 'no cause'}. Execution ${execution.executionArn}. The message goes back to the queue.`,
        );
      }
      return decisionSchema.parse(JSON.parse(execution.output ?? 'null'));
    },
  };
}

/** Lambda puts the trace of the current invocation here; passing it on makes one trace of queue, function and workflow. */
function traceHeader(): string | undefined {
  return process.env['_X_AMZN_TRACE_ID'];
}
