import { InvokeCommand, type LambdaClient } from '@aws-sdk/client-lambda';
import type { ImageTask, MetadataResult, RemovalResult, RenditionResult } from '../../core/image-task.ts';
import { rejectionReasons } from '../../core/outcome.ts';
import type { Steps } from '../../core/watch/ports.ts';
import { imageDescription } from '../contracts/image-description.ts';
import * as z from '../contracts/zod.ts';

// Unknown properties are ignored: a new version may return more.
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

/** Invokes a given version of a function as the workflow and the queue invoke its alias. */
export function lambdaSteps({ client }: { readonly client: LambdaClient }): Steps {
  const call = async <Result>(functionName: string, task: object, schema: z.ZodMiniType<Result>): Promise<Result> => {
    const { FunctionError, Payload } = await client.send(
      new InvokeCommand({ FunctionName: functionName, Payload: JSON.stringify(task) }),
    );
    const response = new TextDecoder().decode(Payload);
    const found = parsedOrText(response);
    if (FunctionError !== undefined) {
      const error = thrown.safeParse(found);
      throw new Error(`${functionName} failed: ${shortened(error.success ? error.data.errorMessage : response)}`);
    }
    const result = schema.safeParse(found);
    if (result.success) return result.data;
    throw new Error(
      `${functionName} returned a response of an unexpected shape: ${shortened(response)} ${z.prettifyError(result.error)}`,
    );
  };
  return {
    async dispatch(functionName, task) {
      const { batchItemFailures } = await call(functionName, { Records: [messageOf(task)] }, batchResult);
      return { undecided: batchItemFailures.length };
    },
    extractMetadata: (functionName, task) => call(functionName, task, metadataResult),
    resizeImage: (functionName, task) => call(functionName, task, renditionResult),
    removeRenditions: (functionName, task) => call(functionName, task, removalResult),
  };
}

/** S3's event for an upload that has just arrived, as EventBridge and SQS deliver it. */
function messageOf({ correlationId, image }: ImageTask) {
  const { bucket, key, sequencer, versionId, etag, size } = image;
  const object = { key, sequencer, 'version-id': versionId, etag, size };
  const detail = { bucket: { name: bucket }, object };
  const time = new Date().toISOString();
  return {
    messageId: correlationId,
    // Not in any queue: the dispatcher cannot set a retry delay, and continues without.
    receiptHandle: correlationId,
    body: JSON.stringify({ id: correlationId, time, 'detail-type': 'Object Created', detail }),
    attributes: { ApproximateReceiveCount: '1' },
    messageAttributes: {},
    eventSource: 'aws:sqs',
    // Of no queue, so that the dispatcher does not set the message aside.
    eventSourceARN: 'release-check',
  };
}

function parsedOrText(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function shortened(text: string): string {
  return text.length <= 300 ? text : `${text.slice(0, 300)} …`;
}
