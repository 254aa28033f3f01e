/** Sends files to the bucket, a few at a time. */
import type { components } from '../../api/schema.ts';
import type { Api, Trouble } from './api.ts';
import { backoff } from './backoff.ts';
import type { GalleryEvent, GalleryState, UploadStep } from './gallery-state.ts';
import { previewOf } from './preview.ts';
import type { Store } from './store.ts';

type UploadType = components['schemas']['UploadRequest']['type'];

/** More would only make each slower. */
const AT_ONCE = 3;
const ATTEMPTS = 6;
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

interface Job {
  readonly key: string;
  readonly file: File;
  readonly replaces: string | undefined;
}

export interface Uploads {
  readonly add: (files: readonly File[], replaces?: string) => void;
  readonly retry: (key: string) => void;
  readonly stop: () => void;
}

type Sent = { readonly kind: 'sent' } | Trouble;

export function uploadsTo(api: Api, store: Store<GalleryState, GalleryEvent>): Uploads {
  const jobs = new Map<string, Job>();
  const waiting: Job[] = [];
  const unpreviewed: Job[] = [];
  const stopped = new AbortController();
  const { signal } = stopped;
  let running = 0;
  let previewing = false;

  const step = (key: string, to: UploadStep, imageId?: string) =>
    store.dispatch({ kind: 'upload-stepped', key, step: to, ...(imageId !== undefined && { imageId }) });

  function pump(): void {
    while (running < AT_ONCE) {
      const job = waiting.shift();
      if (job === undefined) return;
      running += 1;
      void upload(job).finally(() => {
        running -= 1;
        pump();
      });
    }
  }

  async function upload(job: Job): Promise<void> {
    for (let attempt = 0; attempt < ATTEMPTS && !signal.aborted; attempt += 1) {
      await online(signal);
      const sent = await uploadOnce(job);
      if (signal.aborted) return;
      switch (sent.kind) {
        case 'sent':
          jobs.delete(job.key);
          return step(job.key, { kind: 'stored' });
        case 'refused':
          return step(job.key, { kind: 'refused', message: sent.message });
        case 'gone':
          return step(job.key, { kind: 'refused', message: 'The photograph to replace no longer exists.' });
        case 'signed-out':
          return;
        case 'busy':
        case 'unreachable':
          step(job.key, { kind: 'waiting' });
          await pauseFor(sent.kind === 'busy' ? sent.seconds * 1000 : backoff(attempt));
      }
    }
    step(job.key, { kind: 'refused', message: 'The file could not be uploaded. Check your connection and try again.' });
  }

  async function uploadOnce({ key, file, replaces }: Job): Promise<Sent> {
    const ticket = await api.createUpload({
      name: nameOf(file),
      type: isKnown(file.type) ? file.type : 'application/octet-stream',
      bytes: file.size,
      ...(replaces !== undefined && { replaces }),
    });
    if (!ticket.ok) return ticket.trouble;
    const { imageId, url, fields } = ticket.value;
    step(key, { kind: 'sending', share: 0 }, imageId);
    const form = new FormData();
    for (const [name, value] of Object.entries(fields)) form.append(name, value);
    form.append('file', file);
    return sendForm(url, form, signal, (share) => step(key, { kind: 'sending', share }));
  }

  /** One after another: a browser needs 50 MB to decode 12 megapixels. */
  async function previewAll(): Promise<void> {
    if (previewing) return;
    previewing = true;
    for (let job = unpreviewed.shift(); job !== undefined && !signal.aborted; job = unpreviewed.shift()) {
      const preview = await previewOf(job.file);
      if (preview !== undefined) store.dispatch({ kind: 'upload-previewed', key: job.key, preview });
    }
    previewing = false;
  }

  return {
    add: (files, replaces) => {
      const added = files.map((file) => ({ key: crypto.randomUUID(), file, replaces }));
      const uploads = added.map(({ key, file }) => ({ key, name: nameOf(file), bytes: file.size, replaces }));
      store.dispatch({ kind: 'uploads-added', uploads, now: Date.now() });
      // The last one is sent first, because the newest photograph comes first in lists: so the files keep their order there, more or less.
      for (const job of added.toReversed()) {
        jobs.set(job.key, job);
        if (job.file.size === 0) {
          step(job.key, { kind: 'refused', message: 'The file is empty.' });
          continue;
        }
        waiting.push(job);
        unpreviewed.push(job);
      }
      pump();
      void previewAll();
    },
    retry: (key) => {
      const job = jobs.get(key);
      if (job === undefined) return;
      step(key, { kind: 'waiting' });
      waiting.push(job);
      pump();
    },
    stop: () => stopped.abort(),
  };
}

function sendForm(url: string, form: FormData, signal: AbortSignal, progress: (share: number) => void): Promise<Sent> {
  return new Promise((resolve) => {
    // fetch() cannot tell how much of a body is sent.
    const request = new XMLHttpRequest();
    request.upload.addEventListener('progress', ({ loaded, total }) => progress(total === 0 ? 0 : loaded / total));
    request.addEventListener('loadend', () => resolve(sentOf(request.status)));
    signal.addEventListener('abort', () => request.abort(), { once: true });
    request.open('POST', url);
    request.send(form);
  });
}

function sentOf(status: number): Sent {
  if (status >= 200 && status < 300) return { kind: 'sent' };
  if (status >= 400 && status < 500) {
    return { kind: 'refused', message: `The file could not be stored (status ${status}). Try again.` };
  }
  return { kind: 'unreachable' };
}

function isKnown(type: string): type is UploadType {
  return knownTypes.has(type);
}

const nameOf = ({ name }: File) => name.slice(0, LONGEST_NAME) || 'photograph';

/** Resolves when the browser has a network, as far as it can tell. */
function online(signal: AbortSignal): Promise<void> {
  if (navigator.onLine) return Promise.resolve();
  return new Promise((resolve) => {
    addEventListener('online', () => resolve(), { once: true });
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

const pauseFor = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));
