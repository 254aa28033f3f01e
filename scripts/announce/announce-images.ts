import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { PutEventsCommand } from '@aws-sdk/client-eventbridge';
import pThrottle from 'p-throttle';
import * as z from 'zod';
import { eventSource } from '../../core/names.ts';
import type { ImageRecord, NamedRecord } from '../../core/record.ts';
import { stackNamed } from '../local/running-stack.ts';
import { batchesOf } from '../stack/batches.ts';
import { requestPrices, scanPrice, shownPrice } from '../stack/prices.ts';
import { type Place, recordPages } from '../stack/record-pages.ts';
import type { Stack } from '../stack/stack.ts';
import { tableSize } from '../stack/table-size.ts';
import { confirm } from '../terminal/confirm.ts';
import { Failure } from '../terminal/failure.ts';
import { print } from '../terminal/print.ts';
import { outputFor, showStep } from '../terminal/progress.ts';
import { workDirectory } from '../terminal/project.ts';
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
export async function announceStack(options: AnnounceOptions, signal: AbortSignal): Promise<number> {
  const stack = await stackNamed(options.stack);
  const { say } = outputFor(options.json);
  try {
    const { images, tableBytes } = await tableSize(stack);
    say(`${stack.name}: ${describeAnnouncement(images, tableBytes, options.perSecond)}`);
    if (options.dryRun) return 0;
    const question = `Publish the state of ${options.prefix === undefined ? 'all images' : `images below ${options.prefix}`}?`;
    if (!options.yes && !(await confirm(question, signal))) return 0;
    const file = join(workDirectory, 'announce', `${stack.name}.json`);
    if (options.restart) rmSync(file, { force: true });
    const progress = placeIn(file, options.prefix);
    const publish = (report: (progress: string) => void) =>
      announceImages(stack, { ...options, ...progress, report, signal });
    const result = options.json ? await publish(() => undefined) : await showStep('Announce', publish);
    progress.forget();
    if (options.json) print(JSON.stringify(result));
    else print(describeResult(result));
    return 0;
  } finally {
    stack.close();
  }
}

export function describeAnnouncement(images: number, tableBytes: number, perSecond: number): string {
  const usd = images * requestPrices.customEvent + scanPrice(tableBytes);
  return `about ${images} images, ${shownPrice(usd)}, ${Math.ceil(images / perSecond / 60)} minutes at ${perSecond} events per second.`;
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
  readonly from?: Place | undefined;
  readonly remember?: (place: Place) => void;
  readonly report?: (progress: string) => void;
  readonly signal?: AbortSignal | undefined;
}

/** The newest state in the table at the time. If a newer one is published first, the rules of consumers order the two. */
export async function announceImages(
  stack: Stack,
  { prefix, perSecond, from, remember, report, signal }: Pace,
): Promise<Announced> {
  const turn = pThrottle({ limit: perSecond, interval: 1000 })(() => undefined);
  let [published, inProgress] = [0, 0];
  for await (const { records, next } of recordPages(stack, { prefix, from })) {
    const finished = records.filter(({ announced }) => announced);
    inProgress += records.length - finished.length;
    for (const batch of batchesOf(finished.filter(isNamed), batchSize)) {
      signal?.throwIfAborted();
      await Promise.all(batch.map(() => turn()));
      await publish(stack.clients.events, stack.outputs.DomainEventBusName, batch.map(snapshotOf));
      published += batch.length;
      report?.(`${published} events`);
    }
    if (next !== undefined) remember?.(next);
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

const stored = z.object({ prefix: z.string().optional(), place: z.record(z.string(), z.unknown()) });

/** Where a stopped run was, if it had the same prefix. */
function placeIn(file: string, prefix: string | undefined) {
  return {
    from: readPlace(file, prefix),
    remember(place: Place) {
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, JSON.stringify({ prefix, place }));
    },
    forget: () => rmSync(file, { force: true }),
  };
}

function readPlace(file: string, prefix: string | undefined): Place | undefined {
  try {
    const found = stored.parse(JSON.parse(readFileSync(file, 'utf8')));
    return found.prefix === prefix ? found.place : undefined;
  } catch {
    return undefined;
  }
}
