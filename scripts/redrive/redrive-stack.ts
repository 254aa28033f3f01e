/** Moves dead letters of a stack back to the upload queue, and follows each to its outcome. */
import { setTimeout as sleep } from 'node:timers/promises';
import { rememberedOutcomes } from '../../adapters/aws/idempotent-pipeline.ts';
import {
  countLetters,
  type DeadLetter,
  forwardLetters,
  moveAllLetters,
  sampleLetters,
  takeLetters,
} from '../stack/dead-letter-queue.ts';
import type { DeadLetterQueueName } from '../stack/dead-letter-queue-names.ts';
import { follow, readRecords } from '../stack/follow.ts';
import type { Stack } from '../stack/stack.ts';
import type { Report } from '../terminal/progress.ts';
import type { Found } from './dead-letter-cause.ts';
import { failedAtOf, type Moved, totalsOf, type Verdict, verdictOf } from './redrive-verdict.ts';

/** A queue can only be sampled: at most this many messages of each are read. */
const sampleSize = 1000;
const pauses = { pauseMillis: 500, longestPauseMillis: 15_000 };
const deadLetterInterval = 3_000;

export interface Ending {
  readonly moved: Moved;
  readonly verdict: Verdict;
}

/** Has no side effects. */
export async function findLetters(stack: Stack, queues: readonly DeadLetterQueueName[]): Promise<Found[]> {
  const found: Found[] = [];
  for (const queue of queues) {
    const letters = await sampleLetters(stack, queue, sampleSize);
    const records = await recordsOf(stack, letters);
    for (const letter of letters) found.push({ queue, letter, record: records.get(letter.event?.image.imageId ?? '') });
  }
  return found;
}

async function recordsOf(stack: Stack, letters: readonly DeadLetter[]) {
  return await readRecords(
    stack,
    letters.flatMap(({ event }) => event?.image.imageId ?? []),
  );
}

interface Pace {
  readonly max: number;
  readonly perSecond: number;
}

/** If it throws, the messages already moved stay moved. */
export async function moveLetters(
  stack: Stack,
  queues: readonly DeadLetterQueueName[],
  found: readonly Found[],
  { max, perSecond }: Pace,
  report: Report,
): Promise<Moved[]> {
  const moved: Moved[] = [];
  for (const queue of queues) {
    const seen = found.filter((one) => one.queue === queue);
    const pace = { max: max - moved.length, perSecond };
    if (await canMoveAll(stack, queue, seen, pace.max)) {
      await moveAllLetters(stack, queue, perSecond, (count) => report(`${count} moved`));
      moved.push(...seen.flatMap(toMoved));
    } else {
      for await (const some of moveSome(stack, queue, pace)) {
        moved.push(...some);
        report(`${moved.length} moved`);
      }
    }
  }
  return moved;
}

/** SQS can only move all messages of the uploads queue; the emulator's SQS cannot move any. */
async function canMoveAll(stack: Stack, queue: DeadLetterQueueName, seen: readonly Found[], max: number) {
  return (
    !stack.emulated &&
    queue === 'uploads' &&
    seen.length > 0 &&
    seen.every(({ letter }) => letter.event !== undefined) &&
    Math.min(seen.length, max) >= (await countLetters(stack, [queue]))
  );
}

async function* moveSome(
  stack: Stack,
  queue: DeadLetterQueueName,
  { max, perSecond }: Pace,
): AsyncGenerator<readonly Moved[]> {
  const startedAt = performance.now();
  // A message that fails again during the move must not be moved a second time.
  const movedIds = new Set<string>();
  for await (const letters of takeLetters(stack, queue, max, ({ messageId }) => !movedIds.has(messageId))) {
    // Before the move, because afterwards the record may already hold the new outcome.
    const records = await recordsOf(stack, letters);
    const forwarded = await forwardLetters(stack, queue, letters);
    for (const { newMessageId } of forwarded) movedIds.add(newMessageId);
    yield forwarded.map((one) => ({ ...one, failedAt: failedAtOf(records.get(one.event.image.imageId)) }));
    await sleep(Math.max(0, startedAt + (movedIds.size / perSecond) * 1000 - performance.now()));
  }
}

/** Waits until each message has an outcome or has failed again, or nothing happens for `patienceMillis`. */
export async function followLetters(
  stack: Stack,
  moved: readonly Moved[],
  { patienceMillis }: { readonly patienceMillis: number },
  report: Report,
): Promise<Ending[]> {
  const memory = rememberedOutcomes({
    client: stack.clients.dynamoDb,
    tableName: stack.outputs.IdempotencyTableName,
  });
  const deadLetters = deadLetterIds(stack);
  const followed = moved.map((message) => ({
    message,
    imageId: message.event.image.imageId,
    outcomeIn: async (record: Found['record']) =>
      verdictOf(message, { decided: await memory.find(message.event), record, dead: await deadLetters() }),
  }));
  const endings: Ending[] = [];
  const giveUp = (quietMillis: number) => quietMillis >= patienceMillis;
  for await (const { upload, outcome } of follow(followed, stack, { ...pauses, giveUp })) {
    endings.push({ moved: upload.message, verdict: outcome ?? 'undecided' });
    report(`${endings.length} of ${moved.length}: ${totalsOf(endings.map(({ verdict }) => verdict))}`);
  }
  return endings;
}

/** The message ids and correlation ids in the dead-letter queue of uploads, refreshed every few seconds. */
function deadLetterIds(stack: Stack): () => Promise<ReadonlySet<string>> {
  let readAt = Number.NEGATIVE_INFINITY;
  let ids: Promise<ReadonlySet<string>> = Promise.resolve(new Set<string>());
  const read = async () => {
    const letters = await sampleLetters(stack, 'uploads', sampleSize);
    return new Set(letters.flatMap(({ messageId, event }) => [messageId, event?.correlationId ?? messageId]));
  };
  return () => {
    if (performance.now() - readAt > deadLetterInterval) {
      readAt = performance.now();
      ids = read();
    }
    return ids;
  };
}

function toMoved({ letter: { event }, record }: Found): Moved[] {
  return event === undefined ? [] : [{ event, newMessageId: undefined, failedAt: failedAtOf(record) }];
}
