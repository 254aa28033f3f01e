import { type SFNClient, StartSyncExecutionCommand } from '@aws-sdk/client-sfn';
import { rejectionReasons } from '../../core/outcome.ts';
import type { Decision, Pipeline } from '../../core/ports.ts';
import * as z from '../contracts/zod.ts';

const workflowDecision = z.discriminatedUnion('outcome', [
  z.object({ outcome: z.literal('processed'), bytesOut: z.int().check(z.nonnegative()) }),
  z.object({ outcome: z.literal('rejected'), reason: z.enum(rejectionReasons) }),
  z.object({ outcome: z.enum(['superseded', 'vanished', 'deleted']) }),
]) satisfies z.ZodMiniType<Decision>;

/**
 * The client must not retry: the queue does, and a second StartSyncExecution would run in parallel with the first.
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
        new StartSyncExecutionCommand({
          stateMachineArn,
          name: executionName(input.correlationId),
          input: JSON.stringify(input),
          traceHeader: traceHeader(),
        }),
      );
      // A failed execution returns HTTP 200.
      if (execution.status !== 'SUCCEEDED') {
        throw new Error(
          `The workflow ended with status ${execution.status} for ${input.image.bucket}/${input.image.key}: ` +
            `${execution.error ?? 'no error name'}, ${execution.cause ?? 'no cause'}. Execution ${execution.executionArn}. ` +
            'The message returns to the queue.',
        );
      }
      return workflowDecision.parse(JSON.parse(execution.output ?? 'null'));
    },
  };
}

/**
 * The workflow's own log lines contain only the execution's ARN; with the correlation id as its name, they can be found too.
 * EXPRESS allows names to repeat: https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartSyncExecution.html
 */
function executionName(correlationId: string): string {
  return correlationId.replaceAll(/[^\w-]/g, '-').slice(0, 80);
}

/** The invocation's trace, as set by Lambda; passing it on joins queue, function and workflow in one trace. */
function traceHeader(): string | undefined {
  return process.env['_X_AMZN_TRACE_ID'];
}
