/** Moves dead letters of one stack back, and follows them to their ends. */
import { setTimeout as sleep } from 'node:timers/promises';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { SQSClient } from '@aws-sdk/client-sqs';
import { rememberedOutcomes } from '../../adapters/aws/idempotent-pipeline.ts';
import type { UploadEvent } from '../../core/image.ts';
import { output } from '../local/deploy.ts';
import type { TargetStack } from '../local/target-stack.ts';
import { type DeadLetterQueueName, deadLetterQueue, resourceOf } from '../stack/dead-letter-queue.ts';
import { stackCatalogue } from '../stack/stack-catalogue.ts';
import type { Report } from '../terminal/step.ts';
import type { Found } from './dead-letter-cause.ts';
import { failedAtOf, type Moved, totalsOf, type Verdict, verdictOf } from './redrive-verdict.ts';

/** A queue can only be sampled: so many messages of each are looked at. */
const sampleSize = 1000;
const concurrentLooks = 20;
const firstPause = 500;
const longestPause = 15_000;

export interface Ending {
  readonly moved: Moved;
  readonly verdict: Verdict;
}

export function redriveStack({
  outputs,
  clientConfig,
  emulated,
}: Pick<TargetStack, 'outputs' | 'clientConfig' | 'emulated'>) {
  const sqs = new SQSClient(clientConfig);
  const dynamoDb = new DynamoDBClient(clientConfig);
  const catalogue = stackCatalogue(dynamoDb, outputs);
  const memory = rememberedOutcomes({ client: dynamoDb, tableName: output(outputs, 'IdempotencyTableName') });
  const queueOf = (name: DeadLetterQueueName) =>
    deadLetterQueue({
      sqs,
      url: output(outputs, `${resourceOf[name]}Url`),
      destination: output(outputs, 'UploadQueueUrl'),
    });
  const recordOf = async (event: UploadEvent | undefined) =>
    event === undefined ? undefined : await catalogue.find(event.image.imageId);

  /** SQS itself moves uploads only, and all of them; that of the emulator moves none. */
  const allCanGo = async (name: DeadLetterQueueName, seen: readonly Found[], max: number): Promise<boolean> =>
    !emulated &&
    name === 'uploads' &&
    seen.length > 0 &&
    seen.every(({ letter }) => letter.event !== undefined) &&
    Math.min(seen.length, max) >= (await queueOf(name).count());

  async function* moveSome(
    name: DeadLetterQueueName,
    max: number,
    perSecond: number,
  ): AsyncGenerator<readonly Moved[]> {
    const queue = queueOf(name);
    const startedAt = performance.now();
    // What dies again while we move must not be moved for ever.
    const ours = new Set<string>();
    for await (const letters of queue.take(max, ours)) {
      // Before the move: from then on the record may speak of its result.
      const failedAt = new Map(
        await Promise.all(letters.map(async ({ event }) => [event, failedAtOf(await recordOf(event))] as const)),
      );
      const forwarded = await queue.forward(letters);
      for (const { newMessageId } of forwarded) ours.add(newMessageId);
      yield forwarded.map((one) => ({ ...one, failedAt: failedAt.get(one.event) }));
      await sleep(Math.max(0, startedAt + (ours.size / perSecond) * 1000 - performance.now()));
    }
  }

  return {
    /** Changes nothing. */
    async look(queues: readonly DeadLetterQueueName[]): Promise<Found[]> {
      const found: Found[] = [];
      for (const queue of queues) {
        const letters = await queueOf(queue).sample(sampleSize);
        found.push(
          ...(await inTurns(letters, async (letter) => ({ queue, letter, record: await recordOf(letter.event) }))),
        );
      }
      return found;
    },

    async count(queues: readonly DeadLetterQueueName[]): Promise<number> {
      const counts = await Promise.all(queues.map((queue) => queueOf(queue).count()));
      return counts.reduce((sum, count) => sum + count, 0);
    },

    /** What was moved until then stays moved, if it throws. */
    async move(
      queues: readonly DeadLetterQueueName[],
      found: readonly Found[],
      { max, perSecond }: { readonly max: number; readonly perSecond: number },
      report: Report,
    ): Promise<Moved[]> {
      const moved: Moved[] = [];
      for (const name of queues) {
        const seen = found.filter((one) => one.queue === name);
        if (await allCanGo(name, seen, max - moved.length)) {
          await queueOf(name).moveAll(perSecond, (count) => report(`${count} moved`));
          moved.push(...seen.flatMap(asMoved));
        } else {
          for await (const some of moveSome(name, max - moved.length, perSecond)) {
            moved.push(...some);
            report(`${moved.length} moved`);
          }
        }
      }
      return moved;
    },

    /** Waits until each was decided or died again, or nothing was for so long. */
    async follow(
      moved: readonly Moved[],
      { patienceMillis }: { readonly patienceMillis: number },
      report: Report,
    ): Promise<Ending[]> {
      let open: readonly Ending[] = moved.map((message) => ({ moved: message, verdict: 'undecided' }));
      const ended: Ending[] = [];
      let pause = firstPause;
      for (let lastNews = performance.now(); ; ) {
        const letters = await queueOf('uploads').sample(sampleSize);
        const dead = new Set(letters.flatMap(({ messageId, event }) => [messageId, event?.correlationId ?? messageId]));
        const seen = await inTurns(open, async ({ moved: message }) => {
          const [decided, record] = await Promise.all([memory.find(message.event), recordOf(message.event)]);
          return { moved: message, verdict: verdictOf(message, { decided, record, dead }) };
        });
        const news = seen.filter(({ verdict }) => verdict !== 'undecided');
        open = seen.filter(({ verdict }) => verdict === 'undecided');
        ended.push(...news);
        if (news.length > 0) lastNews = performance.now();
        if (open.length === 0 || performance.now() - lastNews >= patienceMillis) return [...ended, ...open];
        if (news.length > 0)
          report(`${ended.length} of ${moved.length}: ${totalsOf(ended.map(({ verdict }) => verdict))}`);
        pause = news.length > 0 ? firstPause : Math.min(pause * 1.5, longestPause);
        await sleep(pause);
      }
    },

    close(): void {
      sqs.destroy();
      dynamoDb.destroy();
    },
  };
}

function asMoved({ letter: { event }, record }: Found): Moved[] {
  return event === undefined ? [] : [{ event, newMessageId: undefined, failedAt: failedAtOf(record) }];
}

/** Some at a time: asking for thousands at once would slow down what answers. */
async function inTurns<Item, Result>(items: readonly Item[], work: (item: Item) => Promise<Result>): Promise<Result[]> {
  const results: Result[] = [];
  for (let next = 0; next < items.length; next += concurrentLooks) {
    results.push(...(await Promise.all(items.slice(next, next + concurrentLooks).map(work))));
  }
  return results;
}
