/**
 * Stage local retries after a second where an account waits a minute. Related times run sixty times faster here too: how
 * long the messages of a killed dispatcher stay hidden, and how long its idempotency claims last.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { SetQueueAttributesCommand } from '@aws-sdk/client-sqs';
import { ScanCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { readIntake } from '../../scripts/stack/queues.ts';
import type { Stack } from '../../scripts/stack/stack.ts';
import type { Report } from '../../scripts/terminal/progress.ts';

const timesFaster = 60;
// template.yaml: the queue's visibility timeout, and the dispatcher's own.
const hiddenSeconds = 1_860 / timesFaster;
const claimMillis = 310_000 / timesFaster;
const patienceMillis = 1_800_000;

/**
 * For the emulator: speeds up waits within workflows too.
 *
 * @lab
 */
export const fastWorkflows = { SFN_WAIT_SCALE: String(1 / timesFaster) };

export function fastClock(stack: Stack) {
  const { clients, outputs } = stack;
  const { sqs, table } = clients;
  const { IdempotencyTableName: TableName, UploadQueueUrl, OverflowQueueUrl } = outputs;
  const firstSeen = new Map<string, number>();

  /** Acts as if the invocation that made the claim had timed out. */
  async function endOldClaims(): Promise<void> {
    const { Items = [] } = await table.send(
      new ScanCommand({
        TableName,
        FilterExpression: '#status = :claimed AND in_progress_expiration > :now',
        ExpressionAttributeNames: { '#status': 'status' },
        ExpressionAttributeValues: { ':claimed': 'INPROGRESS', ':now': Date.now() },
      }),
    );
    for (const { id, in_progress_expiration: claim } of Items) {
      const name = `${id} ${claim}`;
      const seen = firstSeen.get(name);
      if (seen === undefined) firstSeen.set(name, Date.now());
      if (seen === undefined || Date.now() - seen < claimMillis) continue;
      await table
        .send(
          new UpdateCommand({
            TableName,
            Key: { id },
            UpdateExpression: 'SET in_progress_expiration = :now',
            ConditionExpression: 'in_progress_expiration = :claim',
            ExpressionAttributeValues: { ':now': Date.now(), ':claim': claim },
          }),
        )
        .catch((error: unknown) => {
          // It was decided or claimed again in the meantime.
          if (!(error instanceof Error && error.name === 'ConditionalCheckFailedException')) throw error;
        });
    }
  }

  return {
    async start(): Promise<void> {
      const Attributes = { VisibilityTimeout: String(hiddenSeconds) };
      for (const QueueUrl of [UploadQueueUrl, OverflowQueueUrl])
        await sqs.send(new SetQueueAttributesCommand({ QueueUrl, Attributes }));
    },

    /** Waits until at most this many messages are waiting or in progress. */
    async until(messages: number, report: Report = () => undefined): Promise<void> {
      let before: number | undefined;
      for (const deadline = Date.now() + patienceMillis; Date.now() < deadline; await sleep(500)) {
        const { waiting, inWork } = await readIntake(stack);
        const left = waiting + inWork;
        if (left <= messages) return;
        if (left !== before) report(`${left} messages waiting or in progress`);
        before = left;
        await endOldClaims();
      }
      throw new Error(`The upload queue is not empty after ${patienceMillis / 60_000} minutes.`);
    },
  };
}
