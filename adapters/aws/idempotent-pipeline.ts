import { IdempotencyConfig, IdempotencyItemNotFoundError, makeIdempotent } from '@aws-lambda-powertools/idempotency';
import { DynamoDBPersistenceLayer } from '@aws-lambda-powertools/idempotency/dynamodb';
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { Context } from 'aws-lambda';
import type { UploadEvent } from '../../core/image.ts';
import { type DecidedOutcome, decidedOutcomes } from '../../core/outcome.ts';
import type { Pipeline, PipelineInput, RepeatedDecision } from '../../core/ports.ts';
import * as z from '../contracts/zod.ts';

const keyPrefix = 'image-pipeline';
const hashFunction = 'sha256';

// The outcome alone: the code of eight days ago may have remembered less of a decision, or more.
const storedDecision = z.object({ outcome: z.enum(decidedOutcomes) });

/**
 * Spares a repeated event its work: a decision made once is answered from memory. It saves work and does not lock (some
 * of its writes are unconditional): only the workflow's conditional write makes a repeat harmless.
 *
 * @returns the pipeline within an invocation: with the time that it has left, the record of a killed worker expires
 * instead of blocking retries.
 */
export function idempotentPipeline(
  pipeline: Pipeline,
  options: { readonly client: DynamoDBClient; readonly tableName: string; readonly keepSeconds: number },
): (context: Context) => Pipeline {
  const config = new IdempotencyConfig({
    expiresAfterSeconds: options.keepSeconds,
    hashFunction,
    responseHook: (answer) =>
      ({ outcome: storedDecision.parse(answer).outcome, repeated: true }) satisfies RepeatedDecision,
  });
  const persistenceStore = new DynamoDBPersistenceLayer({
    tableName: options.tableName,
    awsSdkV3Client: options.client,
  });
  const runOnce = makeIdempotent((_state: StateKey, input: PipelineInput) => pipeline.run(input), {
    persistenceStore,
    config,
    keyPrefix,
    dataIndexArgument: 0,
  });
  return (context) => {
    config.registerLambdaContext(context);
    return { run: (input) => runOnce(stateKeyOf(input), input) };
  };
}

/** How events ended in the last days, for those who ask afterwards. */
export function rememberedOutcomes({
  client,
  tableName,
}: {
  readonly client: DynamoDBClient;
  readonly tableName: string;
}) {
  const memory = new DynamoDBPersistenceLayer({ tableName, awsSdkV3Client: client });
  memory.configure({ config: new IdempotencyConfig({ hashFunction }), keyPrefix });
  return {
    async find(event: UploadEvent): Promise<DecidedOutcome | undefined> {
      try {
        const found = await memory.getRecord(stateKeyOf(event));
        return found.getStatus() === 'COMPLETED' ? storedDecision.parse(found.getResponse()).outcome : undefined;
      } catch (error) {
        if (error instanceof IdempotencyItemNotFoundError) return undefined;
        throw error;
      }
    },
  };
}

/** Image, version and sequencer; never the SQS message id, which differs when S3 sends one event twice. */
type StateKey = { readonly imageId: string; readonly version: string; readonly sequencer: string };

function stateKeyOf({ image }: UploadEvent): StateKey {
  const version = image.versionId ?? ('etag' in image ? image.etag : 'deleted');
  return { imageId: image.imageId, version, sequencer: image.sequencer };
}
