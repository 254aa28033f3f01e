import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  emptyGallery,
  type GalleryEvent,
  type GalleryState,
  type Image,
  type ImageList,
  isBehind,
  itemOfImage,
  itemsOf,
  reduceGallery,
} from '../source/gallery-state.ts';

const idOf = (number: number) => number.toString(16).padStart(32, '0');
const after = (state: GalleryState, ...events: readonly GalleryEvent[]) => events.reduce(reduceGallery, state);

function image(id: number, cursor: number, state: Image['state'], more: Partial<Image> = {}): Image {
  const changedAt = new Date(cursor * 1000).toISOString();
  return { id: idOf(id), name: `${id}.jpg`, state, cursor, changedAt, renditions: [], ...more };
}

/** The server's side: all changes so far, and what its API returns. */
class Server {
  readonly changes: Image[] = [];

  get cursor(): number {
    return this.changes.length;
  }

  change(id: number, state: Image['state']): Image {
    const changed = image(id, this.cursor + 1, state);
    this.changes.push(changed);
    return changed;
  }

  current(): readonly Image[] {
    return [...new Map(this.changes.map((one) => [one.id, one])).values()];
  }

  list(): ImageList {
    const images = this.current().filter(({ state }) => state !== 'deleted');
    return { images: images.toReversed(), cursor: this.cursor, hasMore: false };
  }

  since(cursor: number, limit = 2): ImageList {
    const all = this.current()
      .filter((one) => one.cursor > cursor)
      .sort((one, other) => one.cursor - other.cursor);
    const images = all.slice(0, limit);
    const hasMore = all.length > limit;
    return { images, hasMore, cursor: hasMore ? (images.at(-1)?.cursor ?? cursor) : this.cursor };
  }
}

const states = ['uploaded', 'ready', 'rejected', 'failed', 'deleted'] as const;

type Step =
  | { readonly kind: 'change'; readonly id: number; readonly state: Image['state'] }
  /** A message that is on its way, any of those sent so far: late, or again. */
  | { readonly kind: 'deliver'; readonly which: number }
  | { readonly kind: 'catch-up' }
  | { readonly kind: 'hello' }
  | { readonly kind: 'list' };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({ kind: fc.constant('change'), id: fc.nat(3), state: fc.constantFrom(...states) }),
  },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('deliver'), which: fc.nat(1000) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('catch-up') }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('hello') }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('list') }) },
);

function eventOf(server: Server, state: GalleryState, next: Step): GalleryEvent | undefined {
  switch (next.kind) {
    case 'change':
      server.change(next.id, next.state);
      return undefined;
    case 'deliver': {
      const sent = server.changes[next.which % Math.max(1, server.cursor)];
      return sent && { kind: 'image-changed', image: sent };
    }
    case 'catch-up':
      return state.cursor === undefined ? undefined : { kind: 'caught-up', list: server.since(state.cursor) };
    case 'hello':
      return { kind: 'greeted', cursor: server.cursor, knownBefore: state.cursor ?? 0 };
    case 'list':
      return { kind: 'listed', list: server.list() };
  }
}

function played(server: Server, before: GalleryState, next: Step): GalleryState {
  const event = eventOf(server, before, next);
  if (event === undefined) return before;
  const state = reduceGallery(before, event);
  expect(state.cursor ?? 0).toBeGreaterThanOrEqual(before.cursor ?? 0);
  for (const [id, cursor] of cursors(before)) expect(state.images.get(id)?.cursor).toBeGreaterThanOrEqual(cursor);
  return state;
}

/** As live-images.ts does when the socket opens. */
function caughtUp(server: Server, before: GalleryState): GalleryState {
  let state = reduceGallery(before, { kind: 'greeted', cursor: server.cursor, knownBefore: before.cursor ?? 0 });
  for (let turns = 0; isBehind(state); turns += 1) {
    expect(turns).toBeLessThan(20);
    state = reduceGallery(
      state,
      state.cursor === undefined
        ? { kind: 'listed', list: server.list() }
        : { kind: 'caught-up', list: server.since(state.cursor) },
    );
  }
  return state;
}

const cursors = (state: GalleryState) => [...state.images.values()].map(({ id, cursor }) => [id, cursor] as const);

describe('whatever is lost, late, repeated or out of order', () => {
  it('in the end shows what the server has, and never steps back', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (history) => {
        const server = new Server();
        const state = caughtUp(
          server,
          history.reduce((so, next) => played(server, so, next), emptyGallery),
        );
        const expected = server.current().filter(({ state: kind }) => kind !== 'deleted');
        expect(new Set(itemsOf(state).map((item) => item.image))).toEqual(new Set(expected));
        expect(itemsOf(state)).toHaveLength(expected.length);
        expect(state.cursor).toBe(server.cursor);
      }),
      { numRuns: 2_000 },
    );
  });

  it('needs no catch-up if all messages came, in any order', () => {
    fc.assert(
      fc.property(fc.shuffledSubarray([1, 2, 3, 4, 5], { minLength: 5 }), (order) => {
        const start = after(emptyGallery, { kind: 'listed', list: { images: [], cursor: 0, hasMore: false } });
        const state = order.reduce(
          (so, cursor) => reduceGallery(so, { kind: 'image-changed', image: image(cursor, cursor, 'ready') }),
          start,
        );
        expect(isBehind(state)).toBe(false);
        expect(state.ahead.size).toBe(0);
      }),
    );
  });

  it('does not show an image that was deleted before the first list, if an old message about it comes late', () => {
    const state = after(
      emptyGallery,
      { kind: 'listed', list: { images: [], cursor: 2, hasMore: false } },
      { kind: 'image-changed', image: image(1, 1, 'ready') },
    );
    expect(itemsOf(state)).toEqual([]);
  });

  it('does not take a second list, which says nothing of what was deleted since the first', () => {
    const state = after(
      emptyGallery,
      { kind: 'listed', list: { images: [image(1, 1, 'ready')], cursor: 1, hasMore: false } },
      { kind: 'greeted', cursor: 2, knownBefore: 1 },
      { kind: 'listed', list: { images: [], cursor: 2, hasMore: false } },
    );
    expect(isBehind(state)).toBe(true);
  });

  it('notices a gap', () => {
    const state = after(
      emptyGallery,
      { kind: 'listed', list: { images: [], cursor: 7, hasMore: false } },
      { kind: 'image-changed', image: image(1, 9, 'ready') },
    );
    expect(isBehind(state)).toBe(true);
    expect(state.cursor).toBe(7);
  });
});

describe('a back end that started anew', () => {
  const uploading: readonly GalleryEvent[] = [
    {
      kind: 'uploads-added',
      uploads: [
        { key: 'sent', name: 'sent.jpg', bytes: 5, replaces: undefined },
        { key: 'unsent', name: 'unsent.jpg', bytes: 5, replaces: undefined },
      ],
      now: 0,
    },
    { kind: 'upload-stepped', key: 'sent', step: { kind: 'stored' }, imageId: idOf(3) },
  ];
  const before = after(
    emptyGallery,
    {
      kind: 'listed',
      list: { images: [image(1, 5000, 'ready'), image(2, 5001, 'ready')], cursor: 5001, hasMore: false },
    },
    { kind: 'deletion-asked', id: idOf(2) },
    ...uploading,
  );
  const names = (state: GalleryState) => itemsOf(state).map(({ name }) => name);

  it('has a lower cursor: what it does not know is no longer shown, and the list is loaded again', () => {
    const state = after(before, { kind: 'greeted', cursor: 0, knownBefore: 5001 });
    expect(names(state)).toEqual(['unsent.jpg']);
    expect([state.cursor, isBehind(state)]).toEqual([undefined, true]);
  });

  it('or, if it has changes already, one that is higher than changes could have made it', () => {
    const missed = { images: [image(7, 999_001, 'ready')], cursor: 999_001, hasMore: false };
    const greeted = after(before, { kind: 'greeted', cursor: 999_001, knownBefore: 5001 });
    const caughtUp = after(before, { kind: 'caught-up', list: missed });
    for (const state of [greeted, caughtUp]) {
      expect(names(state)).toEqual(['unsent.jpg']);
      const listed = after(state, { kind: 'listed', list: missed });
      expect(new Set(names(listed))).toEqual(new Set(['unsent.jpg', '7.jpg']));
      expect(isBehind(listed)).toBe(false);
    }
  });

  it('is noticed although the page was still asking for what it had missed, by whichever comes first', () => {
    const behind = after(
      emptyGallery,
      { kind: 'listed', list: { images: [], cursor: 0, hasMore: false } },
      { kind: 'image-changed', image: image(1, 5002, 'ready') },
    );
    expect([names(behind), behind.cursor]).toEqual([['1.jpg'], 0]);
    const missed = { images: [image(7, 999_001, 'ready')], cursor: 999_001, hasMore: false };
    for (const event of [
      { kind: 'greeted', cursor: 999_001, knownBefore: 5002 },
      { kind: 'greeted', cursor: 0, knownBefore: 5002 },
      { kind: 'caught-up', list: missed },
      { kind: 'image-changed', image: image(7, 999_001, 'ready') },
    ] as const) {
      const state = after(behind, event);
      expect([names(state), state.cursor, isBehind(state)]).toEqual([[], undefined, true]);
    }
  });

  it('is not what the first change of an empty gallery means', () => {
    const first = image(3, 999_001, 'ready');
    const state = after(
      emptyGallery,
      { kind: 'listed', list: { images: [], cursor: 0, hasMore: false } },
      ...uploading,
      { kind: 'greeted', cursor: 999_001, knownBefore: 0 },
      { kind: 'caught-up', list: { images: [first], cursor: 999_001, hasMore: false } },
    );
    expect(itemsOf(state).map(({ key, stage }) => [key, stage.kind])).toEqual([
      ['sent', 'ready'],
      ['unsent', 'waiting'],
    ]);
  });

  it('is not what a hello means that a message has overtaken', () => {
    const state = after(
      before,
      { kind: 'image-changed', image: image(4, 5002, 'ready') },
      { kind: 'greeted', cursor: 5001, knownBefore: 5001 },
    );
    expect(names(state)).toContain('4.jpg');
    expect(state.cursor).toBe(5002);
  });

  it('is not taken for known because an answer about the time before comes late', () => {
    const state = after(
      before,
      { kind: 'greeted', cursor: 0, knownBefore: 5001 },
      { kind: 'caught-up', list: { images: [], cursor: 5001, hasMore: false } },
    );
    expect(state.cursor).toBeUndefined();
  });
});

describe('an image that was asked for by its address', () => {
  const start = after(emptyGallery, {
    kind: 'listed',
    list: { images: [image(2, 8, 'ready')], cursor: 8, hasMore: true },
  });

  it('is in its place, without touching the cursor, and is no longer said to be missing', () => {
    const state = after(
      start,
      { kind: 'noticed', id: idOf(1), text: 'It cannot be shown.' },
      { kind: 'image-found', image: image(1, 3, 'ready') },
    );
    expect(itemsOf(state).map(({ name }) => name)).toEqual(['2.jpg', '1.jpg']);
    expect([state.cursor, state.notices]).toEqual([8, []]);
  });
});

describe('an image that the server does not have', () => {
  const start = after(
    emptyGallery,
    { kind: 'listed', list: { images: [image(1, 3, 'ready')], cursor: 3, hasMore: false } },
    { kind: 'deletion-asked', id: idOf(1) },
    { kind: 'image-gone', id: idOf(1) },
  );

  it('is not shown, also not by a list that was read before', () => {
    const late = after(start, {
      kind: 'listed-older',
      list: { images: [image(1, 3, 'ready')], cursor: 3, hasMore: false },
    });
    for (const state of [start, late]) expect(itemsOf(state)).toEqual([]);
    expect(start.deleting.size).toBe(0);
  });

  it('is shown again if it comes back', () => {
    expect(itemsOf(after(start, { kind: 'image-changed', image: image(1, 4, 'ready') }))).toHaveLength(1);
  });
});

describe('an older page', () => {
  const start = after(emptyGallery, {
    kind: 'listed',
    list: { images: [image(9, 9, 'ready')], cursor: 9, hasMore: true, next: 'more' },
  });

  it('adds images without touching the cursor', () => {
    const list = { images: [image(3, 3, 'ready')], cursor: 12, hasMore: false };
    const state = reduceGallery(start, { kind: 'listed-older', list });
    expect(itemsOf(state).map(({ name }) => name)).toEqual(['9.jpg', '3.jpg']);
    expect(state.cursor).toBe(9);
    expect(state.older).toBeUndefined();
  });

  it('does not bring back an image that was deleted after the page was read', () => {
    const state = after(
      start,
      { kind: 'image-changed', image: image(3, 10, 'deleted') },
      { kind: 'listed-older', list: { images: [image(3, 3, 'ready')], cursor: 9, hasMore: false } },
    );
    expect(itemsOf(state).map(({ name }) => name)).toEqual(['9.jpg']);
  });
});

describe('an upload', () => {
  const added = after(
    emptyGallery,
    { kind: 'listed', list: { images: [], cursor: 0, hasMore: false } },
    {
      kind: 'uploads-added',
      uploads: [
        { key: 'first', name: 'one.jpg', bytes: 10, replaces: undefined },
        { key: 'second', name: 'two.jpg', bytes: 10, replaces: undefined },
      ],
      now: 1_000_000,
    },
  );
  const sending = after(added, {
    kind: 'upload-stepped',
    key: 'first',
    step: { kind: 'sending', share: 0 },
    imageId: idOf(1),
  });
  const stageOf = (state: GalleryState) => itemsOf(state).find(({ key }) => key === 'first')?.stage;

  it('comes in the order of the files', () => {
    expect(itemsOf(added).map(({ name }) => name)).toEqual(['one.jpg', 'two.jpg']);
  });

  it('goes from waiting to ready, and keeps its key', () => {
    const stored = after(sending, { kind: 'upload-stepped', key: 'first', step: { kind: 'stored' } });
    const uploaded = after(stored, { kind: 'image-changed', image: image(1, 1, 'uploaded') });
    const ready = after(uploaded, { kind: 'image-changed', image: image(1, 2, 'ready') });
    expect([added, sending, stored, uploaded, ready].map((state) => stageOf(state)?.kind)).toEqual([
      'waiting',
      'uploading',
      'uploaded',
      'processing',
      'ready',
    ]);
    expect(new Set(itemsOf(ready).map(({ key }) => key))).toEqual(new Set(['first', 'second']));
  });

  it('is ready even if the pipeline was faster than the answer to the upload', () => {
    const state = after(
      sending,
      { kind: 'image-changed', image: image(1, 2, 'ready') },
      { kind: 'upload-stepped', key: 'first', step: { kind: 'stored' } },
    );
    expect(stageOf(state)).toEqual({ kind: 'ready' });
  });

  it('shows a state that a newer server may send as in progress', () => {
    const newer = { ...image(1, 1, 'uploaded'), state: 'rendering' };
    const list: ImageList = JSON.parse(JSON.stringify({ images: [newer], cursor: 1, hasMore: false }));
    expect(itemsOf(after(emptyGallery, { kind: 'listed', list }))[0]?.stage).toEqual({
      kind: 'processing',
      step: 'rendering',
    });
  });

  it('shows the sentence of a rejection', () => {
    const rejection = { reason: 'corrupt', message: 'The file is damaged.' };
    const state = after(
      sending,
      { kind: 'upload-stepped', key: 'first', step: { kind: 'stored' } },
      { kind: 'image-changed', image: image(1, 2, 'rejected', { rejection }) },
    );
    expect(stageOf(state)).toEqual({ kind: 'rejected', message: 'The file is damaged.' });
  });
});

describe('the order', () => {
  const files = (...keys: readonly string[]) => keys.map((key) => ({ key, name: key, bytes: 1, replaces: undefined }));
  const names = (state: GalleryState) => itemsOf(state).map(({ name }) => name);
  const at = (id: number, milliseconds: number, cursor = 1) =>
    image(id, cursor, 'ready', { changedAt: new Date(milliseconds).toISOString() });
  const empty = after(emptyGallery, { kind: 'listed', list: { images: [], cursor: 0, hasMore: false } });

  it('is that of the list after a reload, also of images of the same moment, whatever the clock and the order of this window', () => {
    const images = [at(1, 3000, 1), at(2, 5000, 2), at(3, 3000, 3), at(4, 4000, 4)];
    const uploading = after(
      empty,
      { kind: 'uploads-added', uploads: files('1', '2', '3', '4'), now: 4_000 },
      ...images.map(({ id }, index): GalleryEvent => {
        return { kind: 'upload-stepped', key: String(index + 1), step: { kind: 'stored' }, imageId: id };
      }),
      ...images.map((changed): GalleryEvent => ({ kind: 'image-changed', image: changed })),
    );
    // As gallery/core/gallery-image.ts sorts: by time, then by id, both from the highest.
    const reloaded = after(emptyGallery, { kind: 'listed', list: { images, cursor: 4, hasMore: false } });
    const otherWindow = after(
      empty,
      ...images.map((changed): GalleryEvent => ({ kind: 'image-changed', image: changed })).reverse(),
    );
    for (const state of [uploading, reloaded, otherWindow])
      expect(names(state)).toEqual(['2.jpg', '4.jpg', '3.jpg', '1.jpg']);
  });

  it('has files that are not sent yet before the images that were there, the last drop first, and within it the first file', () => {
    const state = after(
      empty,
      { kind: 'image-changed', image: at(1, 9_000_000) },
      { kind: 'uploads-added', uploads: files('a', 'b'), now: 1_000 },
      { kind: 'uploads-added', uploads: files('c', 'd'), now: 2_000 },
    );
    expect(names(state)).toEqual(['c', 'd', 'a', 'b', '1.jpg']);
  });

  it('has what happens on top also in a gallery that was empty', () => {
    const state = after(
      empty,
      { kind: 'uploads-added', uploads: files('a', 'b', 'c'), now: 9_000 },
      { kind: 'upload-stepped', key: 'c', step: { kind: 'stored' }, imageId: idOf(3) },
      { kind: 'image-changed', image: at(3, 6_000) },
      { kind: 'upload-stepped', key: 'b', step: { kind: 'sending', share: 0 }, imageId: idOf(2) },
    );
    expect(names(state)).toEqual(['b', '3.jpg', 'a']);
  });

  it('has what happens on top: files that wait come after what has changed since they were added', () => {
    const added = after(
      empty,
      { kind: 'image-changed', image: at(1, 5_000) },
      { kind: 'uploads-added', uploads: files('a', 'b', 'c', 'd'), now: 1_000 },
      { kind: 'upload-stepped', key: 'd', step: { kind: 'sending', share: 0 }, imageId: idOf(4) },
    );
    expect(names(added)).toEqual(['d', 'a', 'b', 'c', '1.jpg']);
    const changed = after(
      added,
      { kind: 'upload-stepped', key: 'd', step: { kind: 'stored' } },
      { kind: 'image-changed', image: at(4, 6_000, 2) },
      { kind: 'upload-stepped', key: 'c', step: { kind: 'sending', share: 0 }, imageId: idOf(3) },
    );
    expect(names(changed)).toEqual(['c', '4.jpg', 'a', 'b', '1.jpg']);
    const refused = after(changed, {
      kind: 'upload-stepped',
      key: 'b',
      step: { kind: 'refused', message: 'It is empty.' },
    });
    expect(names(refused)).toEqual(['b', 'c', '4.jpg', 'a', '1.jpg']);
  });
});

describe('a replacement', () => {
  const start = after(emptyGallery, {
    kind: 'listed',
    list: { images: [image(2, 8, 'ready'), image(1, 3, 'ready')], cursor: 8, hasMore: false },
  });
  const replacing = after(
    start,
    {
      kind: 'uploads-added',
      uploads: [{ key: 'new', name: 'other.jpg', bytes: 5, replaces: idOf(1) }],
      now: 9_000_000,
    },
    { kind: 'upload-stepped', key: 'new', step: { kind: 'sending', share: 0.5 }, imageId: idOf(1) },
  );
  const stored = after(replacing, { kind: 'upload-stepped', key: 'new', step: { kind: 'stored' } });

  it('is one item, in the place and with the name of what it replaces, until it is the newest', () => {
    expect(itemsOf(replacing).map(({ key, name }) => [key, name])).toEqual([
      [idOf(2), '2.jpg'],
      [idOf(1), '1.jpg'],
    ]);
    const uploaded = after(stored, { kind: 'image-changed', image: image(1, 9, 'uploaded') });
    expect(itemsOf(uploaded).map(({ name }) => name)).toEqual(['1.jpg', '2.jpg']);
  });

  it('is not ready because the version before was', () => {
    expect(itemOfImage(stored, idOf(1))?.stage).toEqual({ kind: 'uploaded' });
    const ready = after(stored, { kind: 'image-changed', image: image(1, 10, 'ready') });
    expect(itemOfImage(ready, idOf(1))?.stage).toEqual({ kind: 'ready' });
  });

  it('stays one item after a second replacement', () => {
    const again = after(stored, {
      kind: 'uploads-added',
      uploads: [{ key: 'newer', name: 'x.jpg', bytes: 5, replaces: idOf(1) }],
      now: 9_500_000,
    });
    expect(itemsOf(again)).toHaveLength(2);
    expect(itemOfImage(again, idOf(1))?.stage).toEqual({ kind: 'waiting' });
  });
});

describe('a deletion', () => {
  const start = after(
    emptyGallery,
    { kind: 'listed', list: { images: [image(1, 3, 'ready')], cursor: 3, hasMore: false } },
    { kind: 'deletion-asked', id: idOf(1) },
  );

  it('shows at once, and ends when the server says so', () => {
    expect(itemsOf(start)[0]?.stage).toEqual({ kind: 'deleting' });
    const gone = after(start, { kind: 'image-changed', image: image(1, 4, 'deleted') });
    expect(itemsOf(gone)).toEqual([]);
    expect(gone.deleting.size).toBe(0);
  });

  const refused = after(
    start,
    { kind: 'deletion-refused', id: idOf(1) },
    { kind: 'noticed', id: idOf(1), text: '1.jpg was not deleted.' },
  );

  it('can be refused, and says so until the person has read it', () => {
    expect(itemsOf(refused)[0]?.stage).toEqual({ kind: 'ready' });
    expect(refused.notices).toEqual([{ id: idOf(1), text: '1.jpg was not deleted.' }]);
    expect(after(refused, { kind: 'notice-dismissed', id: idOf(1) }).notices).toEqual([]);
  });

  it('is no longer said to have failed when the person tries again, or when it has happened all the same', () => {
    expect(after(refused, { kind: 'deletion-asked', id: idOf(1) }).notices).toEqual([]);
    expect(after(refused, { kind: 'image-changed', image: image(1, 4, 'deleted') }).notices).toEqual([]);
  });

  it('that is refused twice is said once', () => {
    const twice = after(refused, { kind: 'noticed', id: idOf(1), text: 'Again.' });
    expect(twice.notices).toEqual([{ id: idOf(1), text: 'Again.' }]);
  });
});
