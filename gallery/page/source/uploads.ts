/** Sends files to the bucket, a few at a time, each until it is stored or refused. */
import type { components } from '../../api/schema.ts';
import type { Answer, Api, Trouble } from './api.ts';
import { backoff } from './backoff.ts';
import { canBeTriedAgain, type GalleryEvent, type GalleryState, type UploadStep } from './gallery-state.ts';
import { previewOf } from './preview.ts';
import { isReadable, type SendFile, type Sent, sendFile } from './send-file.ts';
import type { Store } from './store.ts';

type UploadType = components['schemas']['UploadRequest']['type'];
type UploadTicket = components['schemas']['UploadTicket'];

/** More would only make each slower. */
const AT_ONCE = 3;
const LONGEST_NAME = 255;

const knownTypes: ReadonlySet<string> = new Set<UploadType>([
  'image/jpeg',
  'image/png',
  'image/webp',
  'image/avif',
  'image/gif',
  'image/tiff',
  'image/heic',
  'image/heif',
  'image/bmp',
  'image/x-icon',
  'image/vnd.microsoft.icon',
]);

type Refusal = Extract<UploadStep, { kind: 'refused' }>;

interface Job {
  readonly key: string;
  readonly file: File;
  readonly replaces: string | undefined;
  readonly cancelled: AbortController;
  /** Cancelled, or the page is closed. */
  readonly signal: AbortSignal;
  /** The latest. The file may be stored with it although no answer said so, so it is used for as long as it works. */
  ticket?: UploadTicket;
  ticketWorks: boolean;
}

export interface Uploads {
  readonly add: (files: readonly File[], replaces?: string) => void;
  readonly retry: (key: string) => void;
  /** Also one that was not sent: the person no longer wants it. */
  readonly cancel: (key: string) => void;
  /** All that were not sent. */
  readonly retryAll: () => void;
  /** The connection is there again: nothing waits any longer. */
  readonly hurry: () => void;
  readonly stop: () => void;
}

/** What only a browser can do. */
interface Browser {
  readonly isReadable: (file: File) => Promise<boolean>;
  readonly sendFile: SendFile;
  readonly previewOf: typeof previewOf;
}

export function uploadsTo(
  api: Pick<Api, 'createUpload'>,
  store: Store<GalleryState, GalleryEvent>,
  browser: Browser = { isReadable, sendFile, previewOf },
): Uploads {
  const jobs = new Map<string, Job>();
  const waiting: Job[] = [];
  const unpreviewed: Job[] = [];
  const stopped = new AbortController();
  const pauses = new Set<() => void>();
  let workers = 0;
  let previewing = false;

  const step = (key: string, to: UploadStep, imageId?: string) =>
    store.dispatch({ kind: 'upload-stepped', key, step: to, ...(imageId !== undefined && { imageId }) });

  function pump(): void {
    while (workers < AT_ONCE && waiting.length > 0) void work();
  }

  /** For as long as the page is open: a file whose connection fails is still wanted. */
  async function work(): Promise<void> {
    workers += 1;
    let failures = 0;
    for (let job = waiting.shift(); job !== undefined; job = waiting.shift()) {
      if (job.signal.aborted) continue;
      const milliseconds = await attempt(job, failures);
      if (milliseconds === undefined) {
        failures = 0;
        continue;
      }
      // Behind the others: one file that always fails holds up none.
      waiting.push(job);
      failures = (await pause(milliseconds)) === 'over' ? failures + 1 : 0;
    }
    workers -= 1;
  }

  /** Returns how long to wait before another attempt; undefined if there is none. */
  async function attempt(job: Job, failures: number): Promise<number | undefined> {
    const sent = await send(job);
    if (job.signal.aborted) return undefined;
    switch (sent.kind) {
      case 'sent':
        jobs.delete(job.key);
        step(job.key, { kind: 'stored' });
        return undefined;
      case 'refused':
        step(job.key, sent);
        return undefined;
      case 'gone':
        step(job.key, { kind: 'refused', message: 'The photograph to replace no longer exists.', final: true });
        return undefined;
      case 'unreachable':
        step(job.key, { kind: 'waiting', unreachable: true });
        return backoff(failures);
      case 'busy':
        step(job.key, { kind: 'waiting' });
        return sent.seconds * 1000 + backoff(0);
      // Whoever is really signed out has no uploads any more.
      case 'signed-out':
      case 'expired':
        step(job.key, { kind: 'waiting' });
        return backoff(failures);
    }
  }

  async function send(job: Job): Promise<Sent | Trouble | Refusal> {
    const { file, signal, ticket: earlier } = job;
    // Nobody else knows this id, so the file has been stored, and only the answer was lost.
    if (job.replaces === undefined && earlier !== undefined && store.state().images.has(earlier.imageId))
      return { kind: 'sent' };
    const fault = await faultOf(file);
    if (fault !== undefined) return fault;
    const ticket = await ticketFor(job);
    if (!ticket.ok) return withoutRetry(ticket.trouble);
    if (signal.aborted) return { kind: 'unreachable' };
    step(job.key, { kind: 'sending', share: 0 }, ticket.value.imageId);
    const sent = await browser.sendFile(ticket.value, file, signal, (share) =>
      step(job.key, { kind: 'sending', share }),
    );
    if (sent.kind === 'expired' || sent.kind === 'refused') job.ticketWorks = false;
    return sent;
  }

  async function faultOf(file: File): Promise<Refusal | undefined> {
    if (!(await browser.isReadable(file))) return { kind: 'refused', message: UNREADABLE, final: true };
    return file.size === 0 ? { kind: 'refused', message: 'The file is empty.', final: true } : undefined;
  }

  async function ticketFor(job: Job): Promise<Answer<UploadTicket>> {
    const { file, ticket: earlier, replaces } = job;
    if (earlier !== undefined && job.ticketWorks && Date.now() < Date.parse(earlier.expiresAt))
      return { ok: true, value: earlier };
    const ask = (replaced: string | undefined) =>
      api.createUpload({
        name: nameOf(file),
        type: isKnown(file.type) ? file.type : 'application/octet-stream',
        bytes: file.size,
        ...(replaced !== undefined && { replaces: replaced }),
      });
    // If the file was stored with the earlier ticket, this is a new version of the same photograph instead of a second one.
    let answer = await ask(replaces ?? earlier?.imageId);
    const wasNotStored =
      replaces === undefined && earlier !== undefined && !answer.ok && answer.trouble.kind === 'gone';
    if (wasNotStored) answer = await ask(undefined);
    if (answer.ok) {
      job.ticket = answer.value;
      job.ticketWorks = true;
    }
    return answer;
  }

  const pause = (milliseconds: number) =>
    new Promise<'over' | 'hurried'>((resolve) => {
      const end = (how: 'over' | 'hurried') => {
        clearTimeout(timer);
        pauses.delete(hurry);
        resolve(how);
      };
      const hurry = () => end('hurried');
      const timer = setTimeout(() => end('over'), milliseconds);
      pauses.add(hurry);
    });
  const hurry = () => {
    for (const end of [...pauses]) end();
  };

  /** One after another: a browser needs 50 MB to decode 12 megapixels. */
  async function previewAll(): Promise<void> {
    if (previewing) return;
    previewing = true;
    for (let job = unpreviewed.shift(); job !== undefined; job = unpreviewed.shift()) {
      if (job.signal.aborted) continue;
      const preview = await browser.previewOf(job.file);
      if (preview !== undefined) store.dispatch({ kind: 'upload-previewed', key: job.key, preview });
    }
    previewing = false;
  }

  const refused = () => store.state().uploads.filter((upload) => canBeTriedAgain(upload.step));

  function cancel(job: Job): void {
    job.cancelled.abort();
    jobs.delete(job.key);
    store.dispatch({ kind: 'upload-dismissed', key: job.key });
  }

  // Otherwise the upload would bring back what the person has deleted, here or in another window.
  const unsubscribe = store.subscribe(() => {
    const { images, deleting } = store.state();
    for (const job of jobs.values()) {
      const target = job.replaces ?? job.ticket?.imageId;
      if (target !== undefined && (deleting.has(target) || images.get(target)?.state === 'deleted')) cancel(job);
    }
  });

  function retry(keys: readonly string[]): void {
    for (const key of keys) {
      const job = jobs.get(key);
      if (job === undefined) continue;
      step(key, { kind: 'waiting' });
      waiting.push(job);
    }
    pump();
  }

  return {
    add: (files, replaces) => {
      const added = files.map((file): Job => {
        const cancelled = new AbortController();
        const signal = AbortSignal.any([stopped.signal, cancelled.signal]);
        return { key: crypto.randomUUID(), file, replaces, cancelled, signal, ticketWorks: false };
      });
      const uploads = added.map(({ key, file }) => ({ key, name: nameOf(file), bytes: file.size, replaces }));
      store.dispatch({ kind: 'uploads-added', uploads, now: Date.now() });
      for (const job of added) jobs.set(job.key, job);
      // The last one is sent first, because the newest photograph comes first in lists: so the files keep their order there, more or less.
      waiting.push(...added.toReversed());
      unpreviewed.push(...added.toReversed());
      pump();
      void previewAll();
    },
    // A second click finds that it is no longer refused.
    retry: (key) => retry(refused().flatMap((upload) => (upload.key === key ? key : []))),
    retryAll: () => retry(refused().map(({ key }) => key)),
    cancel: (key) => {
      const job = jobs.get(key);
      if (job !== undefined) cancel(job);
    },
    hurry,
    stop: () => {
      unsubscribe();
      stopped.abort();
      hurry();
    },
  };
}

/** The API refuses a ticket because of the file's size or name, which another attempt cannot change. */
function withoutRetry(trouble: Trouble): Trouble | Refusal {
  return trouble.kind === 'refused' ? { ...trouble, final: true } : trouble;
}

const UNREADABLE = 'The browser cannot read it. It may have been moved or changed since you chose it. Add it again.';

function isKnown(type: string): type is UploadType {
  return knownTypes.has(type);
}

const nameOf = ({ name }: File) => name.slice(0, LONGEST_NAME) || 'photograph';
