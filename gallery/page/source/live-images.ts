/**
 * Keeps the page up to date: the first list, then live messages, and what was missed whenever one was. Reconnects for as long as the
 * person is signed in.
 */
import { serverMessage } from '../../api/live.ts';
import type { Answer, Api, Credentials } from './api.ts';
import { backoff } from './backoff.ts';
import {
  type GalleryEvent,
  type GalleryState,
  type ImageList,
  isBehind,
  isInProgress,
  itemsOf,
} from './gallery-state.ts';
import type { Store } from './store.ts';

export type Connection = 'connecting' | 'live' | 'offline';

/** API Gateway closes a socket after ten silent minutes. */
const HELLO_EVERY = 5 * 60_000;
/** While results are due, the answer also shows whether one was lost on its way. */
const HELLO_EVERY_WHILE_WAITING = 15_000;
/** A socket that neither opens nor answers by then is dead, whatever the browser says. */
const ANSWER_WITHIN = 15_000;
/** Messages overtake each other by less. */
const GAP_CLOSES_WITHIN = 300;

export interface LiveImages {
  readonly stop: () => void;
}

export function followImages(
  api: Api,
  credentials: Credentials,
  store: Store<GalleryState, GalleryEvent>,
  report: (connection: Connection) => void,
): LiveImages {
  const stopped = new AbortController();
  const { signal } = stopped;
  let socket: WebSocket | undefined;
  let failures = 0;
  let wake: (() => void) | undefined;
  let catchingUp = false;
  /** The highest cursor that the page had heard of when the connection was opened. A lower one is that of another store. */
  let knownBefore = 0;

  /** Ends early when the network comes back, or the person looks at the page again. */
  const pause = (milliseconds: number) =>
    new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, milliseconds);
      wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });

  async function follow(): Promise<void> {
    while (!signal.aborted) {
      report(navigator.onLine ? 'connecting' : 'offline');
      if (await isListed()) await connectOnce();
      if (signal.aborted) return;
      report('offline');
      await pause(backoff(failures));
      failures += 1;
    }
  }

  async function isListed(): Promise<boolean> {
    // A socket does not say why it is refused. If it is the token, this renews it.
    if (store.state().cursor === undefined || failures > 0) await catchUpOnce();
    return !signal.aborted && store.state().cursor !== undefined;
  }

  /** Resolves when the connection has ended. */
  function connectOnce(): Promise<void> {
    const token = credentials.token();
    if (token === undefined) return Promise.resolve();
    return new Promise((resolve) => {
      const opened = new WebSocket(`${location.origin.replace(/^http/, 'ws')}/live?token=${encodeURIComponent(token)}`);
      socket = opened;
      let ended = false;
      // The browser may take minutes to close a socket whose network is gone, so close() does not wait for it.
      const end = () => {
        if (ended) return;
        ended = true;
        clearInterval(heartbeat);
        clearTimeout(deadline);
        opened.close();
        resolve();
      };
      knownBefore = store.state().newest;
      let lastHello = 0;
      const sayHello = () => {
        if (opened.readyState !== WebSocket.OPEN) return;
        lastHello = Date.now();
        opened.send(JSON.stringify({ kind: 'hello' }));
        clearTimeout(deadline);
        deadline = setTimeout(end, ANSWER_WITHIN);
      };
      let deadline = setTimeout(() => end(), ANSWER_WITHIN);
      const heartbeat = setInterval(() => {
        if (isWaiting() || Date.now() - lastHello >= HELLO_EVERY) sayHello();
      }, HELLO_EVERY_WHILE_WAITING);
      signal.addEventListener('abort', end, { once: true });
      addEventListener('offline', end, { once: true });
      opened.addEventListener('open', sayHello);
      opened.addEventListener('close', end);
      opened.addEventListener('message', ({ data }) => {
        if (!ended && receive(data) === 'hello') {
          clearTimeout(deadline);
          failures = 0;
          report('live');
        }
      });
    });
  }

  const isWaiting = () => itemsOf(store.state()).some(({ stage }) => isInProgress(stage));

  function receive(data: unknown): string | undefined {
    const message = serverMessage.safeParse(parsed(data));
    if (!message.success) return undefined;
    switch (message.data.kind) {
      case 'hello':
        store.dispatch({ kind: 'greeted', cursor: message.data.cursor, knownBefore });
        if (store.state().cursor === undefined) knownBefore = 0;
        void catchUp(0);
        break;
      case 'image':
        store.dispatch({ kind: 'image-changed', image: message.data.image });
        void catchUp(GAP_CLOSES_WITHIN);
        break;
    }
    return message.data.kind;
  }

  /** Gets what is missing, until nothing is. */
  async function catchUp(patience: number): Promise<void> {
    if (catchingUp || !isBehind(store.state())) return;
    catchingUp = true;
    await pauseFor(patience);
    for (let attempts = 0; !signal.aborted && navigator.onLine && isBehind(store.state()); ) {
      if (await catchUpOnce()) continue;
      // The list can be a moment behind the message that announced the change.
      await pauseFor(backoff(attempts));
      attempts += 1;
    }
    catchingUp = false;
  }

  /** Whether it brought anything. */
  async function catchUpOnce(): Promise<boolean> {
    const before = store.state().cursor;
    const list = await api.listImages(before === undefined ? {} : { since: before });
    if (signal.aborted) return false;
    if (list.ok) store.dispatch({ kind: before === undefined ? 'listed' : 'caught-up', list: list.value });
    else await waitIfBusy(list);
    return store.state().cursor !== before;
  }

  const hurry = () => {
    if (document.visibilityState === 'visible') wake?.();
  };
  addEventListener('online', hurry, { signal });
  document.addEventListener('visibilitychange', hurry, { signal });
  void follow();
  return {
    stop: () => {
      stopped.abort();
      socket?.close();
      wake?.();
    },
  };
}

async function waitIfBusy(answer: Answer<ImageList>): Promise<void> {
  if (!answer.ok && answer.trouble.kind === 'busy') await pauseFor(answer.trouble.seconds * 1000);
}

const pauseFor = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

function parsed(data: unknown): unknown {
  try {
    return typeof data === 'string' ? JSON.parse(data) : undefined;
  } catch {
    return undefined;
  }
}
