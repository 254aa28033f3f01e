import { InvokeCommand, type LambdaClient } from '@aws-sdk/client-lambda';
import * as z from 'zod/mini';
import type { UploadEvent } from '../../core/image.ts';
import type { MetadataResult, RemovalResult, RenditionResult } from '../../core/image-task.ts';
import { rejectionReasons } from '../../core/outcome.ts';
import type { Steps } from '../../core/watch/ports.ts';
import { imageDescription } from '../contracts/image-description.ts';

// A new version may answer more than this one knows.
const { metadata, rendition } = imageDescription(z.object);

const rejection = z.object({ outcome: z.literal('rejected'), reason: z.enum(rejectionReasons), message: z.string() });
const missing = z.object({ outcome: z.enum(['superseded', 'vanished']) });

const metadataResult = z.discriminatedUnion('outcome', [
  z.object({ outcome: z.literal('processed'), metadata }),
  rejection,
  missing,
]) satisfies z.ZodMiniType<MetadataResult>;

const renditionResult = z.discriminatedUnion('outcome', [
  z.object({ outcome: z.literal('processed'), renditions: z.array(rendition) }),
  rejection,
  missing,
]) satisfies z.ZodMiniType<RenditionResult>;

const removalResult = z.object({
  outcome: z.literal('removed'),
  count: z.int().check(z.nonnegative()),
}) satisfies z.ZodMiniType<RemovalResult>;
const thrown = z.object({ errorMessage: z.string() });
const batchResult = z.object({ batchItemFailures: z.array(z.unknown()) });

/** The functions of the pipeline, called as the workflow and the queue call them, but by a version of one's choice. */
export function lambdaSteps({ client }: { readonly client: LambdaClient }): Steps {
  const call = async <Result>(functionName: string, task: object, schema: z.ZodMiniType<Result>): Promise<Result> => {
    const { FunctionError, Payload } = await client.send(
      new InvokeCommand({ FunctionName: functionName, Payload: JSON.stringify(task) }),
    );
    const answer = new TextDecoder().decode(Payload);
    const found = parsedOrText(answer);
    if (FunctionError !== undefined) {
      const error = thrown.safeParse(found);
      throw new Error(`${functionName} failed: ${shortened(error.success ? error.data.errorMessage : answer)}`);
    }
    const result = schema.safeParse(found);
    if (result.success) return result.data;
    throw new Error(
      `${functionName} gave an answer of an unknown shape: ${shortened(answer)} ${z.prettifyError(result.error)}`,
    );
  };
  return {
    async dispatch(functionName, upload) {
      const { batchItemFailures } = await call(functionName, { Records: [messageOf(upload)] }, batchResult);
      return { undecided: batchItemFailures.length };
    },
    extractMetadata: (functionName, task) => call(functionName, task, metadataResult),
    resizeImage: (functionName, task) => call(functionName, task, renditionResult),
    removeRenditions: (functionName, task) => call(functionName, task, removalResult),
  };
}

/** S3's event as EventBridge and SQS deliver it. */
function messageOf({ correlationId, occurredAt, image }: UploadEvent & { readonly change: 'created' }) {
  const { bucket, key, sequencer, versionId, etag, size } = image;
  const object = { key, sequencer, 'version-id': versionId, etag, size };
  const detail = { bucket: { name: bucket }, object };
  return {
    messageId: correlationId,
    // No queue has it, so it cannot be postponed: the dispatcher goes on without.
    receiptHandle: correlationId,
    body: JSON.stringify({ id: correlationId, time: occurredAt, 'detail-type': 'Object Created', detail }),
    attributes: { ApproximateReceiveCount: '1' },
    messageAttributes: {},
    eventSource: 'aws:sqs',
  };
}

function parsedOrText(answer: string): unknown {
  try {
    return JSON.parse(answer);
  } catch {
    return answer;
  }
}

function shortened(text: string): string {
  return text.length <= 300 ? text : `${text.slice(0, 300)} …`;
}
