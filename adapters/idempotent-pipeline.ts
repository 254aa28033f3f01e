import { IdempotencyConfig, makeIdempotent } from '@aws-lambda-powertools/idempotency';
import { DynamoDBPersistenceLayer } from '@aws-lambda-powertools/idempotency/dynamodb';
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { Context } from 'aws-lambda';
import type { Pipeline, PipelineInput } from '../core/ports.ts';
import { workflowDecision } from './sfn-pipeline.ts';

/**
 * Spares a repeated event its work: a decision made once is answered from memory. It saves and does not lock (its
 * writes are unconditional in places): that a repeat does no harm rests on the workflow's conditional write alone.
 */
export function idempotentPipeline(
  pipeline: Pipeline,
  options: { readonly client: DynamoDBClient; readonly tableName: string; readonly keepSeconds: number },
): Pipeline & { startInvocation(context: Context): void } {
  const config = new IdempotencyConfig({
    expiresAfterSeconds: options.keepSeconds,
    hashFunction: 'sha256',
    responseHook: (remembered) => ({ ...workflowDecision.parse(remembered), repeated: true }),
  });
  const persistenceStore = new DynamoDBPersistenceLayer({
    tableName: options.tableName,
    awsSdkV3Client: options.client,
  });
  const runOnce = makeIdempotent((_state: StateKey, input: PipelineInput) => pipeline.run(input), {
    persistenceStore,
    config,
    keyPrefix: 'image-pipeline',
    dataIndexArgument: 0,
  });
  return {
    run: (input) => runOnce(stateKeyOf(input), input),
    // With the time that this invocation has left, the record of a killed worker expires instead of blocking retries.
    startInvocation: (context) => config.registerLambdaContext(context),
  };
}

/** Image, version and sequencer; never the SQS message id, which differs when S3 sends one event twice. */
type StateKey = { readonly imageId: string; readonly version: string; readonly sequencer: string };

function stateKeyOf({ image }: PipelineInput): StateKey {
  const version = image.versionId ?? ('etag' in image ? image.etag : 'deleted');
  return { imageId: image.imageId, version, sequencer: image.sequencer };
}
