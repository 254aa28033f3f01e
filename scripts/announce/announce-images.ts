import { PutEventsCommand } from '@aws-sdk/client-eventbridge';
import pThrottle from 'p-throttle';
import { eventSource } from '../../core/names.ts';
import type { ImageRecord, NamedRecord } from '../../core/record.ts';
import { withStack } from '../local/running-stack.ts';
import { batchesOf } from '../stack/batches.ts';
import { deleteNotebook, notebookPath, resumed } from '../stack/notebook.ts';
import { requestPrices, scanPrice, shownPrice } from '../stack/prices.ts';
import { recordPages } from '../stack/record-pages.ts';
import type { Stack } from '../stack/stack.ts';
import { tableSize } from '../stack/table-size.ts';
import { confirm } from '../terminal/confirm.ts';
import { Failure } from '../terminal/failure.ts';
import { printPlan } from '../terminal/plan.ts';
import { print } from '../terminal/print.ts';
import { outputFor } from '../terminal/progress.ts';
import { type AnnouncementNotebook, openAnnouncementNotebook, type Reached } from './announcement-notebook.ts';
import { type Snapshot, snapshotOf } from './snapshot.ts';

interface AnnounceOptions {
  readonly prefix?: string;
  readonly perSecond: number;
  readonly dryRun?: true;
  readonly json?: true;
  readonly restart?: true;
  readonly stack?: string;
  readonly yes?: true;
}

/** Returns the exit code. */
export function announceStack(options: AnnounceOptions, signal: AbortSignal): Promise<number> {
  return withStack(options.stack, (stack) => announce(stack, options, signal));
}

/** Returns the exit code. */
export async function announce(stack: Stack, options: AnnounceOptions, signal: AbortSignal): Promise<number> {
  const { prefix, restart, dryRun } = options;
  const size = await tableSize(stack);
  // A new stack may have the name of a deleted one.
  const path = notebookPath('announce', stack, [size.tableId, prefix]);
  if (restart && !dryRun) deleteNotebook(path);
  const shown = restart && dryRun ? ':memory:' : path;
  const notebook = resumed(shown, openAnnouncementNotebook, 'announcement', outputFor(options.json).say);
  let isOver = false;
  try {
    isOver = await announceWith(notebook, stack, size, options, signal);
    return 0;
  } finally {
    // One that was stopped goes on. A dry run begins none.
    const goesOn = !isOver && notebook.reached() !== undefined;
    notebook.close();
    if (!goesOn) deleteNotebook(shown);
  }
}

/** Returns false if nothing was published. */
async function announceWith(
  notebook: AnnouncementNotebook,
  stack: Stack,
  size: Size,
  { prefix, perSecond, dryRun, json, yes }: AnnounceOptions,
  signal: AbortSignal,
): Promise<boolean> {
  const { step, say } = outputFor(json);
  const from = notebook.reached();
  const plan = planAnnouncement(size, perSecond, from);
  say(`${stack.name}: ${describeAnnouncement(plan, perSecond)}`);
  if (dryRun) {
    if (json) printPlan({ ...plan });
    return false;
  }
  const question = `Publish the state of ${prefix === undefined ? 'all images' : `images below ${prefix}`}?`;
  if (!yes && !(await confirm(question, signal))) return false;
  const result = await step('Announce', (report) =>
    announceImages(stack, { prefix, perSecond, from, remember: notebook.remember, report, signal }),
  );
  print(json ? JSON.stringify(result) : describeResult(result));
  return true;
}

interface Size {
  /** Items of the table. */
  readonly images: number;
  readonly tableBytes: number;
}

interface AnnouncementPlan {
  readonly images: number;
  readonly usd: number;
  readonly minutes: number;
}

/** @param from where it goes on: what was read before costs nothing more */
export function planAnnouncement(
  size: Size,
  perSecond: number,
  from?: Pick<Reached, 'read'> | undefined,
): AnnouncementPlan {
  const images = Math.max(0, size.images - (from?.read ?? 0));
  const bytes = size.images === 0 ? 0 : size.tableBytes * (images / size.images);
  return {
    images,
    usd: images * requestPrices.customEvent + scanPrice(bytes),
    minutes: Math.ceil(images / perSecond / 60),
  };
}

export function describeAnnouncement({ images, usd, minutes }: AnnouncementPlan, perSecond: number): string {
  return `about ${images} images, ${shownPrice(usd)}, ${minutes} minutes at ${perSecond} events per second.`;
}

export interface Announced {
  readonly published: number;
  /** Their own workflow is about to publish their event. */
  readonly inProgress: number;
}

function describeResult({ published, inProgress }: Announced): string {
  const rest = inProgress === 0 ? '' : ` ${inProgress} images were in progress; their own events follow.`;
  return `${published} events published.${rest}`;
}

interface Pace {
  readonly prefix?: string | undefined;
  readonly perSecond: number;
  /** Where to begin, and called with where to go on. */
  readonly from?: Reached | undefined;
  readonly remember?: (reached: Reached) => void;
  readonly report?: (progress: string) => void;
  readonly signal?: AbortSignal | undefined;
}

/** The newest state in the table at the time. If a newer one is published first, the rules of consumers order the two. */
export async function announceImages(
  stack: Stack,
  { prefix, perSecond, from, remember, report, signal }: Pace,
): Promise<Announced> {
  const turn = pThrottle({ limit: perSecond, interval: 1000 })(() => undefined);
  let [published, inProgress, itemsRead] = [0, 0, from?.read ?? 0];
  for await (const { records, read, next } of recordPages(stack, { prefix, from: from?.place })) {
    const finished = records.filter(({ announced }) => announced);
    inProgress += records.length - finished.length;
    for (const batch of batchesOf(finished.filter(isNamed), batchSize)) {
      signal?.throwIfAborted();
      await Promise.all(batch.map(() => turn()));
      await publish(stack.clients.events, stack.outputs.DomainEventBusName, batch.map(snapshotOf));
      published += batch.length;
      report?.(`${published} events`);
    }
    itemsRead += read;
    if (next !== undefined) remember?.({ place: next, read: itemsRead });
  }
  return { published, inProgress };
}

/** An erased image has no key. Its deletion was announced when it was erased. */
function isNamed(record: ImageRecord): record is NamedRecord {
  return record.key !== undefined;
}

// The limit of PutEvents.
const batchSize = 10;
const MOST_TRIES = 5;

async function publish(events: Stack['clients']['events'], EventBusName: string, snapshots: readonly Snapshot[]) {
  let left = snapshots;
  for (let tries = 1; left.length > 0; tries += 1) {
    const { Entries = [] } = await events.send(
      new PutEventsCommand({
        Entries: left.map(({ type, detail }) => ({
          ...{ EventBusName, Source: eventSource, DetailType: type },
          Detail: JSON.stringify(detail),
        })),
      }),
    );
    // EventBridge refuses single events, and the request still succeeds.
    const refused = Entries.findIndex(({ ErrorCode }) => ErrorCode !== undefined);
    if (refused >= 0 && tries === MOST_TRIES) throw refusal(EventBusName, left[refused], Entries[refused]);
    left = left.filter((_, index) => Entries[index]?.ErrorCode !== undefined);
  }
}

function refusal(
  bus: string,
  snapshot: Snapshot | undefined,
  error: { readonly ErrorCode?: string | undefined; readonly ErrorMessage?: string | undefined } | undefined,
): Failure {
  const { ErrorCode = 'unknown', ErrorMessage = 'no message' } = error ?? {};
  return new Failure(
    `${bus} refused ${snapshot?.detail.id} ${MOST_TRIES} times (${ErrorCode}: ${ErrorMessage}). ` +
      'If access is denied, deploy with your role as OperatorRoleArn. Then run this again: it goes on where it stopped.',
  );
}
