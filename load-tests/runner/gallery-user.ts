/** People who use the gallery as its page does: a ticket, the form with the file, a live message, and the picture. */
import { setTimeout as sleep } from 'node:timers/promises';
import * as z from 'zod';

export const galleryUnderLoad = z.object({
  /** Only on this machine. */
  address: z.string().regex(/^http:\/\/localhost:\d+$/),
});

const config = z.object({ signIn: z.object({ people: z.array(z.string()).min(1) }) });
const signedIn = z.object({ access_token: z.string() });
const uploadTicket = z.object({ imageId: z.string(), url: z.string(), fields: z.record(z.string(), z.string()) });
/** What a page needs of an image to show it. */
const image = z.object({
  id: z.string(),
  state: z.string(),
  renditions: z.array(z.object({ url: z.string(), bytes: z.int() })),
});
type Image = z.infer<typeof image>;
const imageList = z.object({ images: z.array(image), cursor: z.int(), hasMore: z.boolean() });
const liveMessage = z.object({ kind: z.literal('image'), image });

/** An image in any other state is on its way. */
const outcomes = { ready: 'processed', rejected: 'rejected', failed: 'failed' } as const;
type Outcome = (typeof outcomes)[keyof typeof outcomes];

/** What a person learns of an upload. */
export interface Told {
  readonly outcome: Outcome;
  /** Epoch milliseconds. */
  readonly toldAt: number;
  /** Whether a message said so; otherwise, it was found in the list. */
  readonly live: boolean;
}

export interface Stored {
  readonly imageId: string;
  readonly key: string;
  readonly etag: string;
}

export interface GalleryUser {
  /** @throws {Error} if the gallery or S3 refuses it */
  upload(name: string, body: Uint8Array<ArrayBuffer>): Promise<Stored>;
  /** Of an image that is ready, once its picture is loaded. Undefined if time runs out first. */
  outcomeOf(imageId: string): Promise<Told | undefined>;
}

interface GalleryOptions {
  readonly address: string;
  /** Epoch milliseconds: until then, people wait. */
  readonly deadline: number;
  /** Milliseconds until a person looks in the list for what no message has said. */
  readonly patience?: number;
}

export interface GalleryUsers {
  /** Users share the few people whom the demo sign-in knows. Each of these has one window open. */
  user(number: number): Promise<GalleryUser>;
  close(): void;
}

export function galleryUsers(options: GalleryOptions): GalleryUsers {
  const { address } = options;
  const windows = new Map<string, Promise<Window>>();
  let people: Promise<readonly string[]> | undefined;
  return {
    async user(number) {
      people ??= answer(config, fetch(`${address}/config.json`)).then(({ signIn }) => signIn.people);
      const names = await people;
      const name = names[number % names.length] ?? '';
      const opened = windows.get(name) ?? openWindow(name, options);
      windows.set(name, opened);
      return await opened;
    },
    close() {
      for (const opened of windows.values()) opened.then((window) => window.close()).catch(() => undefined);
    },
  };
}

type Window = GalleryUser & { close(): void };

async function openWindow(person: string, { address, deadline, patience = 5_000 }: GalleryOptions): Promise<Window> {
  const told = new Map<string, Told & { readonly image: Image }>();
  const waiting = new Map<string, () => void>();
  const signIn = { method: 'POST', body: JSON.stringify({ person }) };
  const { access_token: token } = await answer(signedIn, fetch(`${address}/demo/token`, signIn));
  const authorization = `Bearer ${token}`;

  const tell = (shown: Image, live: boolean): void => {
    const outcome = outcomeIn(shown);
    if (outcome === undefined || told.has(shown.id)) return;
    told.set(shown.id, { outcome, toldAt: Date.now(), live, image: shown });
    waiting.get(shown.id)?.();
  };
  const socket = new WebSocket(`${address.replace('http', 'ws')}/live?token=${token}`);
  socket.addEventListener('message', ({ data }) => {
    const { data: message } = liveMessage.safeParse(JSON.parse(String(data)));
    if (message !== undefined) tell(message.image, true);
  });
  const { promise: isOpen, resolve, reject } = Promise.withResolvers<void>();
  socket.addEventListener('open', () => resolve());
  socket.addEventListener('error', () => reject(new Error(`The gallery refused a connection for ${person}.`)));
  await isOpen;

  const listed = (query: string) =>
    answer(imageList, fetch(`${address}/v1/images?${query}`, { headers: { authorization } }));
  let { cursor } = await listed('limit=1');
  let foundBefore: readonly Image[] = [];
  /** Not at once: a change is in the list a moment before its message arrives. */
  const look = async (): Promise<void> => {
    for (const found of foundBefore) tell(found, false);
    const changed: Image[] = [];
    for (let hasMore = waiting.size > 0; hasMore; ) {
      const page = await listed(`since=${cursor}&limit=100`);
      changed.push(...page.images);
      ({ cursor, hasMore } = page);
    }
    foundBefore = changed;
  };
  const closed = new AbortController();
  const looking = (async () => {
    for (;;) {
      await sleep(patience, undefined, { signal: closed.signal });
      // A list that fails is asked for again.
      await look().catch(() => undefined);
    }
  })();
  // It ends when the window is closed.
  looking.catch(() => undefined);

  return {
    async upload(name, body) {
      const { imageId, url, fields } = await answer(
        uploadTicket,
        fetch(`${address}/v1/uploads`, {
          method: 'POST',
          headers: { authorization, 'content-type': 'application/json' },
          body: JSON.stringify({ name, type: 'application/octet-stream', bytes: body.length }),
        }),
      );
      const form = new FormData();
      for (const [field, value] of Object.entries(fields)) form.append(field, value);
      form.append('file', new Blob([body]), name);
      const stored = await successful(fetch(new URL(url, address), { method: 'POST', body: form }));
      await stored.arrayBuffer();
      const etag = stored.headers.get('etag')?.replaceAll('"', '') ?? '';
      return { imageId, key: fields['key'] ?? '', etag };
    },

    async outcomeOf(imageId) {
      const { promise, resolve: wake } = Promise.withResolvers<void>();
      waiting.set(imageId, wake);
      if (told.has(imageId)) wake();
      const timer = setTimeout(wake, Math.max(0, deadline - Date.now()));
      await promise;
      clearTimeout(timer);
      waiting.delete(imageId);
      const found = told.get(imageId);
      if (found === undefined) return undefined;
      const { image: shown, ...outcome } = found;
      // The page's grid takes a small one, too.
      const [smallest] = shown.renditions.toSorted((one, other) => one.bytes - other.bytes);
      if (outcome.outcome === 'processed') {
        if (smallest === undefined) throw new Error(`Image ${imageId} is ready and has no rendition.`);
        await (await successful(fetch(new URL(smallest.url, address)))).arrayBuffer();
      }
      return outcome;
    },

    close() {
      closed.abort();
      socket.close();
    },
  };
}

function outcomeIn({ state }: Image): Outcome | undefined {
  return Object.entries(outcomes).find(([name]) => name === state)?.[1];
}

async function answer<Schema extends z.ZodType>(schema: Schema, asked: Promise<Response>): Promise<z.infer<Schema>> {
  return schema.parse(await (await successful(asked)).json());
}

/** @throws {Error} for any other answer, with its status as the name: the ledger keeps it. */
async function successful(asked: Promise<Response>): Promise<Response> {
  const response = await asked;
  if (response.ok) return response;
  const path = new URL(response.url).pathname;
  throw Object.assign(new Error(`${path} answered ${response.status}: ${await response.text()}`), {
    name: `Status${response.status}`,
  });
}
