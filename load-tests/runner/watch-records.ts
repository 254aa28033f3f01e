import { setTimeout as sleep } from 'node:timers/promises';
import { BatchGetCommand, type DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import * as z from 'zod';
import type { Decided } from './ledger.ts';

export interface WatchedRecord extends Decided {
  readonly imageId: string;
}

const record = z.object({
  imageId: z.string(),
  version: z.string(),
  outcome: z.enum(['processed', 'rejected', 'deleted', 'failed']),
  announced: z.boolean(),
});

/** Milliseconds from one look at the records to the next. */
const pollInterval = 200;

// DynamoDB's most for one BatchGetItem.
const batchSize = 100;

/** The records of these images, as far as the work on them is done. */
export async function readRecords(
  client: DynamoDBDocumentClient,
  tableName: string,
  imageIds: readonly string[],
): Promise<WatchedRecord[]> {
  const found: WatchedRecord[] = [];
  const unread = [...imageIds];
  while (unread.length > 0) {
    const Keys = unread.splice(0, batchSize).map((imageId) => ({ imageId }));
    const { Responses = {}, UnprocessedKeys = {} } = await client.send(
      new BatchGetCommand({
        RequestItems: {
          [tableName]: {
            Keys,
            ConsistentRead: true,
            ProjectionExpression: 'imageId, version, outcome, announced',
          },
        },
      }),
    );
    found.push(
      ...z
        .array(record)
        .parse(Responses[tableName] ?? [])
        .filter(({ announced }) => announced),
    );
    const unprocessed = (UnprocessedKeys[tableName]?.Keys ?? []).map(({ imageId }) => z.string().parse(imageId));
    unread.push(...unprocessed);
    // DynamoDB's way to say: slower.
    if (unprocessed.length > 0) await sleep(500);
  }
  return found;
}

interface Watched {
  readonly imageId: string;
  seen(record: WatchedRecord): void;
  failed(error: unknown): void;
}

/**
 * Tells each image's watchers of its record, by one question for many images at once: a question a user and second would
 * be a load of its own.
 */
export function recordWatcher(client: DynamoDBDocumentClient, tableName: string) {
  const watched = new Set<Watched>();
  let asking = false;

  const ask = async (): Promise<void> => {
    while (watched.size > 0) {
      const turn = [...watched].slice(0, batchSize);
      const byImage = Map.groupBy(turn, ({ imageId }) => imageId);
      for (const found of await readRecords(client, tableName, [...byImage.keys()])) {
        for (const one of byImage.get(found.imageId) ?? []) one.seen(found);
      }
      // Who was asked for and still waits goes to the end, so that all have their turn.
      for (const one of turn.filter((asked) => watched.delete(asked))) watched.add(one);
      await sleep(pollInterval);
    }
  };

  return {
    /** Calls `seen` for every look at the image's record, until the returned function is called. */
    watch(one: Watched): () => void {
      watched.add(one);
      if (!asking) {
        asking = true;
        void ask()
          .catch((error: unknown) => {
            for (const waiting of watched) waiting.failed(error);
          })
          .finally(() => {
            asking = false;
          });
      }
      return () => {
        watched.delete(one);
      };
    },
  };
}
