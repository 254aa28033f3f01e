import { IdempotencyConfig, IdempotencyItemNotFoundError, makeIdempotent } from '@aws-lambda-powertools/idempotency';
import { DynamoDBPersistenceLayer } from '@aws-lambda-powertools/idempotency/dynamodb';
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { Context } from 'aws-lambda';
import type { ImageId, UploadEvent } from '../../core/image.ts';
import { type DecidedOutcome, decidedOutcomes } from '../../core/outcome.ts';
import type { Pipeline, PipelineInput, RepeatedDecision } from '../../core/ports.ts';
import * as z from '../contracts/zod.ts';

const keyPrefix = 'image-pipeline';
const idPattern = new RegExp(`^${keyPrefix}#([0-9a-f]{32})#`);
const hashFunction = 'sha256';

// Store only the outcome: records written by older code may have another shape.
const storedDecision = z.object({ outcome: z.enum(decidedOutcomes) });

/**
 * Returns the stored decision for a repeated event instead of running the workflow again. This saves work but is not a lock
 * (some writes are unconditional): only the workflow's conditional write makes repeats harmless.
 *
 * @returns the pipeline for one invocation. It passes on the remaining time, so that a killed worker's record expires
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
  const run = (_state: StateKey, input: PipelineInput) => pipeline.run(input);
  return (context) => {
    config.registerLambdaContext(context);
    return {
      run: (input) => {
        // One for each image: its id is part of the prefix, and a layer has one prefix at a time.
        const persistenceStore = new DynamoDBPersistenceLayer({
          tableName: options.tableName,
          awsSdkV3Client: options.client,
        });
        const runOnce = makeIdempotent(run, {
          ...{ persistenceStore, config, dataIndexArgument: 0 },
          keyPrefix: prefixOf(input),
        });
        return runOnce(stateKeyOf(input), input);
      },
    };
  };
}

/** Looks up the outcomes of recent events, and holds up an event on purpose. */
export function rememberedOutcomes({
  client,
  tableName,
}: {
  readonly client: DynamoDBClient;
  readonly tableName: string;
}) {
  const recordsOf = (event: UploadEvent) => {
    const records = new DynamoDBPersistenceLayer({ tableName, awsSdkV3Client: client });
    records.configure({ config: new IdempotencyConfig({ hashFunction }), keyPrefix: prefixOf(event) });
    return records;
  };
  return {
    async find(event: UploadEvent): Promise<DecidedOutcome | undefined> {
      try {
        const found = await recordsOf(event).getRecord(stateKeyOf(event));
        return found.getStatus() === 'COMPLETED' ? storedDecision.parse(found.getResponse()).outcome : undefined;
      } catch (error) {
        if (error instanceof IdempotencyItemNotFoundError) return undefined;
        throw error;
      }
    },

    /** As if an attempt were in progress: until `release`, or for `millis`, every attempt at the event fails. */
    hold: (event: UploadEvent, millis: number): Promise<void> =>
      recordsOf(event).saveInProgress(stateKeyOf(event), millis),
    release: (event: UploadEvent): Promise<void> => recordsOf(event).deleteRecord(stateKeyOf(event)),
  };
}

/** The image is readable in the id, so that `npm run erase` finds what belongs to it. */
function prefixOf({ image }: UploadEvent): string {
  return `${keyPrefix}#${image.imageId}`;
}

/** The image that an item of the table is about; undefined for items of another kind. */
export function decidedImageOf(id: string): ImageId | undefined {
  return idPattern.exec(id)?.[1];
}

/** Never the SQS message id, which differs when S3 sends one event twice. */
type StateKey = { readonly imageId: string; readonly version: string; readonly sequencer: string };

function stateKeyOf({ change, image }: UploadEvent): StateKey {
  const version = image.versionId ?? ('etag' in image ? image.etag : 'deleted');
  return { imageId: image.imageId, version, sequencer: 'sequencer' in image ? image.sequencer : change };
}
