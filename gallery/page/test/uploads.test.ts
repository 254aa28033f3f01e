import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Api, Trouble } from '../source/api.ts';
import { emptyGallery, type Image, itemsOf, reduceGallery } from '../source/gallery-state.ts';
import type { SendFile, Sent } from '../source/send-file.ts';
import { createStore } from '../source/store.ts';
import { uploadsTo } from '../source/uploads.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const TICKET_LASTS = 300_000;
/** Longer than any pause between attempts. */
const PAUSE = 31_000;
const after = (milliseconds: number) => vi.advanceTimersByTimeAsync(milliseconds);

const unreachable = { kind: 'unreachable' } as const;
const refused = { kind: 'refused', message: 'No.' } as const;
/** The file is on its way until the page aborts it. */
const underWay = 'under way';
/** The bucket stores the file, and the connection breaks before it says so. */
const answerLost = 'answer lost';

/** The API and the bucket. They work, unless a test says what happens to the next call. */
class Server {
  isDown = false;
  /** Names of files that never arrive. */
  readonly unlucky = new Set<string>();
  readonly nextTickets: Trouble[] = [];
  readonly nextFiles: (Sent | typeof answerLost | typeof underWay)[] = [];
  /** What pages asked to replace. */
  readonly asked: (string | undefined)[] = [];
  /** Each version that is in the bucket, in the order of arrival. */
  readonly stored: { readonly name: string; readonly id: string }[] = [];
  underWay = 0;
  sentTooLate = 0;
  #tickets = 0;

  readonly createUpload: Api['createUpload'] = async ({ replaces }) => {
    const trouble = this.isDown ? unreachable : this.nextTickets.shift();
    if (trouble !== undefined) return { ok: false, trouble };
    this.asked.push(replaces);
    if (replaces !== undefined && !this.has(replaces)) return { ok: false, trouble: { kind: 'gone' } };
    this.#tickets += 1;
    const imageId = replaces ?? `image-${this.#tickets}`;
    const expiresAt = new Date(Date.now() + TICKET_LASTS).toISOString();
    return { ok: true, value: { imageId, url: '/uploads', fields: { imageId, expiresAt }, expiresAt } };
  };

  readonly sendFile: SendFile = async ({ fields: { imageId = '', expiresAt = '' } }, { name }, signal) => {
    const fails = this.isDown || this.unlucky.has(name);
    const fate = fails ? unreachable : (this.nextFiles.shift() ?? ({ kind: 'sent' } as const));
    if (Date.now() >= Date.parse(expiresAt)) {
      this.sentTooLate += 1;
      return { kind: 'expired' };
    }
    if (fate === underWay) {
      this.underWay += 1;
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
      this.underWay -= 1;
      return unreachable;
    }
    if (fate !== answerLost && fate.kind !== 'sent') return fate;
    this.stored.push({ name, id: imageId });
    return fate === answerLost ? unreachable : fate;
  };

  has(id: string): boolean {
    return this.stored.some((one) => one.id === id);
  }

  get images(): ReadonlySet<string> {
    return new Set(this.stored.map(({ id }) => id));
  }
}

type Page = ReturnType<typeof openPage>;

function openPage(server: Server) {
  const store = createStore(reduceGallery, emptyGallery);
  store.dispatch({ kind: 'listed', list: { images: [], cursor: 0, hasMore: false } });
  const unreadable = new Set<string>();
  const { createUpload, sendFile } = server;
  const uploads = uploadsTo({ createUpload }, store, {
    isReadable: async ({ name }) => !unreadable.has(name),
    sendFile,
    previewOf: async () => undefined,
  });
  let cursor = 0;
  return {
    store,
    uploads,
    unreadable,
    add: (...names: readonly string[]) => uploads.add(names.map((name) => new File(['x'], name))),
    replace: (name: string, id: string) => uploads.add([new File(['x'], name)], id),
    stageOf: (name: string) => itemsOf(store.state()).find((item) => item.name === name)?.stage,
    keyOf: (name: string) => store.state().uploads.find((upload) => upload.name === name)?.key ?? '',
    /** A live message. */
    hear: (id: string, name: string, state: Image['state']) => {
      cursor += 1;
      const changedAt = new Date(cursor * 1000).toISOString();
      store.dispatch({ kind: 'image-changed', image: { id, name, state, cursor, changedAt, renditions: [] } });
    },
  };
}

describe('an upload whose answer is lost', () => {
  it('is sent again as the same photograph', async () => {
    const server = new Server();
    const page = openPage(server);
    server.nextFiles.push(answerLost, answerLost);
    page.add('once.jpg');
    await after(3 * PAUSE);
    expect(server.stored).toHaveLength(3);
    expect([...server.images]).toEqual(['image-1']);
    expect(server.asked).toEqual([undefined]);
    expect(page.stageOf('once.jpg')).toEqual({ kind: 'uploaded' });
  });

  it('is a new version of the same photograph, if the ticket has ended meanwhile', async () => {
    const server = new Server();
    const page = openPage(server);
    server.nextFiles.push(answerLost);
    page.add('once.jpg');
    await after(0);
    server.isDown = true;
    await after(TICKET_LASTS + PAUSE);
    server.isDown = false;
    await after(PAUSE);
    expect(server.stored).toHaveLength(2);
    expect([...server.images]).toEqual(['image-1']);
    expect(server.asked).toEqual([undefined, 'image-1']);
    expect(server.sentTooLate).toBe(0);
  });

  it('is not sent again once the photograph has appeared', async () => {
    const server = new Server();
    const page = openPage(server);
    server.nextFiles.push(answerLost);
    page.add('once.jpg');
    await after(0);
    page.hear('image-1', 'once.jpg', 'ready');
    await after(PAUSE);
    expect(server.stored).toHaveLength(1);
    expect(page.stageOf('once.jpg')).toEqual({ kind: 'ready' });
  });

  it('gets a new ticket that replaces nothing, if nothing was stored', async () => {
    const server = new Server();
    const page = openPage(server);
    server.nextFiles.push(unreachable);
    page.add('late.jpg');
    await after(0);
    server.isDown = true;
    await after(TICKET_LASTS + PAUSE);
    server.isDown = false;
    await after(PAUSE);
    expect(server.stored).toEqual([{ name: 'late.jpg', id: 'image-2' }]);
    expect(server.asked).toEqual([undefined, 'image-1', undefined]);
  });

  it('gets a new ticket if the storage says that it has ended, whatever the clock of the page says', async () => {
    const server = new Server();
    const page = openPage(server);
    server.nextFiles.push({ kind: 'expired' });
    page.add('clock.jpg');
    await after(PAUSE);
    expect(server.stored).toEqual([{ name: 'clock.jpg', id: 'image-2' }]);
  });
});

describe('an outage', () => {
  it('ends no file, however long it is', async () => {
    const server = new Server();
    const page = openPage(server);
    server.isDown = true;
    const names = Array.from({ length: 12 }, (_, index) => `${index}.jpg`);
    page.add(...names);
    await after(3_600_000);
    for (const name of names) expect(page.stageOf(name)).toEqual({ kind: 'waiting', unreachable: true });
    server.isDown = false;
    await after(PAUSE);
    for (const name of names) expect(page.stageOf(name)).toEqual({ kind: 'uploaded' });
  });

  it('is over as soon as the browser notices', async () => {
    const server = new Server();
    const page = openPage(server);
    server.isDown = true;
    page.add('eager.jpg');
    await after(3_600_000);
    server.isDown = false;
    page.uploads.hurry();
    await after(0);
    expect(page.stageOf('eager.jpg')).toEqual({ kind: 'uploaded' });
  });

  it('of one file delays no other', async () => {
    const server = new Server();
    const page = openPage(server);
    for (const name of ['a.jpg', 'b.jpg', 'c.jpg']) server.unlucky.add(name);
    page.add('d.jpg', 'e.jpg', 'a.jpg', 'b.jpg', 'c.jpg');
    await after(PAUSE);
    expect(server.stored.map(({ name }) => name)).toEqual(['e.jpg', 'd.jpg']);
    expect(page.stageOf('a.jpg')).toEqual({ kind: 'waiting', unreachable: true });
  });
});

describe('a server that is busy', () => {
  it('is asked again after the time that it names', async () => {
    const server = new Server();
    const page = openPage(server);
    server.nextTickets.push(...Array.from({ length: 10 }, () => ({ kind: 'busy', seconds: 60 }) as const));
    page.add('patient.jpg');
    await after(9 * 60_500);
    expect(page.stageOf('patient.jpg')).toEqual({ kind: 'waiting' });
    await after(60_500);
    expect(page.stageOf('patient.jpg')).toEqual({ kind: 'uploaded' });
  });
});

describe('a file that was not sent', () => {
  it('says why, and is sent when the person tries again, also by a second click', async () => {
    const server = new Server();
    const page = openPage(server);
    server.nextFiles.push(refused);
    page.add('again.jpg');
    await after(PAUSE);
    const key = page.keyOf('again.jpg');
    expect(page.stageOf('again.jpg')).toEqual({ ...refused, upload: key });
    page.uploads.retry(key);
    page.uploads.retry(key);
    await after(PAUSE);
    expect(server.stored).toHaveLength(1);
  });

  it('is the same photograph, if an earlier answer was lost', async () => {
    const server = new Server();
    const page = openPage(server);
    server.nextFiles.push(answerLost, refused);
    page.add('again.jpg');
    await after(PAUSE);
    expect(page.stageOf('again.jpg')?.kind).toBe('refused');
    page.uploads.retryAll();
    await after(PAUSE);
    expect([...server.images]).toEqual(['image-1']);
  });

  it('is sent with all others by one action', async () => {
    const server = new Server();
    const page = openPage(server);
    server.nextFiles.push(refused, refused, refused);
    page.add('one.jpg', 'two.jpg', 'three.jpg');
    await after(PAUSE);
    expect(server.stored).toEqual([]);
    page.uploads.retryAll();
    await after(PAUSE);
    expect(server.stored.map(({ name }) => name)).toEqual(['one.jpg', 'two.jpg', 'three.jpg']);
  });

  it('has its own sentence if it is empty', async () => {
    const page = openPage(new Server());
    page.uploads.add([new File([], 'empty.jpg')]);
    await after(0);
    const stage = { kind: 'refused', message: 'The file is empty.', upload: page.keyOf('empty.jpg'), final: true };
    expect(page.stageOf('empty.jpg')).toEqual(stage);
  });

  it('has its own sentence if it was moved or changed while it waited', async () => {
    const server = new Server();
    const page = openPage(server);
    server.isDown = true;
    page.add('moved.jpg');
    await after(0);
    page.unreadable.add('moved.jpg');
    await after(PAUSE);
    expect(page.stageOf('moved.jpg')).toMatchObject({
      kind: 'refused',
      message: expect.stringContaining('It may have been moved or changed'),
      final: true,
    });
  });

  it('is not sent again, by any action, if that cannot change anything', async () => {
    const server = new Server();
    const page = openPage(server);
    page.uploads.add([new File([], 'empty.jpg')]);
    await after(0);
    // The API says no to what it is told about the file.
    server.nextTickets.push(refused);
    page.add('huge.jpg');
    await after(PAUSE);
    expect(page.stageOf('huge.jpg')).toEqual({ ...refused, upload: page.keyOf('huge.jpg'), final: true });
    let changes = 0;
    page.store.subscribe(() => {
      changes += 1;
    });
    for (const name of ['empty.jpg', 'huge.jpg']) page.uploads.retry(page.keyOf(name));
    page.uploads.retryAll();
    await after(PAUSE);
    expect([changes, server.stored]).toEqual([0, []]);
  });
});

describe('an upload that is cancelled', () => {
  it('is not sent if it has waited', async () => {
    const server = new Server();
    const page = openPage(server);
    server.isDown = true;
    page.add('one.jpg', 'two.jpg');
    await after(PAUSE);
    page.uploads.cancel(page.keyOf('one.jpg'));
    expect(page.stageOf('one.jpg')).toBeUndefined();
    server.isDown = false;
    await after(PAUSE);
    expect(server.stored.map(({ name }) => name)).toEqual(['two.jpg']);
    expect(server.asked).toEqual([undefined]);
  });

  it('is aborted if it was being sent, and makes room for the next', async () => {
    const server = new Server();
    const page = openPage(server);
    server.nextFiles.push(underWay, underWay, underWay);
    page.add('four.jpg', 'three.jpg', 'two.jpg', 'one.jpg');
    await after(PAUSE);
    expect(page.stageOf('one.jpg')).toEqual({ kind: 'uploading', share: 0 });
    expect(page.stageOf('four.jpg')).toEqual({ kind: 'waiting' });
    page.uploads.cancel(page.keyOf('one.jpg'));
    await after(0);
    expect(page.stageOf('one.jpg')).toBeUndefined();
    expect(server.stored.map(({ name }) => name)).toEqual(['four.jpg']);
  });

  it('is not sent if it was about to be', async () => {
    const server = new Server();
    const page = openPage(server);
    page.add('one.jpg');
    page.uploads.cancel(page.keyOf('one.jpg'));
    await after(PAUSE);
    expect(server.stored).toEqual([]);
    expect(page.stageOf('one.jpg')).toBeUndefined();
  });

  it('is not sent with the others that were not sent', async () => {
    const server = new Server();
    const page = openPage(server);
    server.nextFiles.push(refused, refused);
    page.add('one.jpg', 'two.jpg');
    await after(PAUSE);
    page.uploads.cancel(page.keyOf('one.jpg'));
    page.uploads.retryAll();
    await after(PAUSE);
    expect(server.stored.map(({ name }) => name)).toEqual(['two.jpg']);
  });
});

describe('a photograph that is deleted', () => {
  const id = 'image-1';
  /** With a photograph that is ready, and new versions of it: one that is under way, and one that waits. */
  async function replacing() {
    const server = new Server();
    const page = openPage(server);
    server.stored.push({ name: 'first.jpg', id });
    page.hear(id, 'first.jpg', 'ready');
    server.nextFiles.push(underWay);
    server.unlucky.add('third.jpg');
    page.replace('second.jpg', id);
    await after(0);
    page.replace('third.jpg', id);
    page.add('other.jpg');
    await after(0);
    expect(server.underWay).toBe(1);
    expect(page.store.state().uploads).toHaveLength(3);
    return { server, page };
  }

  it.each([
    ['here', ({ store }: Page) => store.dispatch({ kind: 'deletion-asked', id })],
    ['in another window', ({ hear }: Page) => hear(id, 'first.jpg', 'deleted')],
  ])('%s takes the uploads that would replace it with it, and no others', async (_, remove) => {
    const { server, page } = await replacing();
    remove(page);
    server.unlucky.clear();
    expect(page.store.state().uploads.map(({ name }) => name)).toEqual(['other.jpg']);
    await after(PAUSE);
    expect(server.underWay).toBe(0);
    expect(server.stored.map(({ name }) => name)).toEqual(['first.jpg', 'other.jpg']);
  });

  it('stays deleted if the answer to its own upload was lost, and it is being sent again', async () => {
    const server = new Server();
    const page = openPage(server);
    server.nextFiles.push(answerLost, underWay);
    page.add('once.jpg');
    await after(PAUSE);
    expect(server.underWay).toBe(1);
    page.hear(id, 'once.jpg', 'deleted');
    await after(PAUSE);
    expect(server.underWay).toBe(0);
    expect(server.stored).toHaveLength(1);
    expect(page.stageOf('once.jpg')).toBeUndefined();
  });
});

describe('a page that is closed', () => {
  it('sends nothing more', async () => {
    const server = new Server();
    const page = openPage(server);
    server.isDown = true;
    page.add('late.jpg');
    await after(PAUSE);
    page.uploads.stop();
    server.isDown = false;
    await after(PAUSE);
    page.add('later.jpg');
    await after(PAUSE);
    expect(server.stored).toEqual([]);
  });

  it('aborts what it is sending', async () => {
    const server = new Server();
    const page = openPage(server);
    server.nextFiles.push(underWay);
    page.add('one.jpg');
    await after(PAUSE);
    page.uploads.stop();
    await after(PAUSE);
    expect(server.underWay).toBe(0);
  });
});
