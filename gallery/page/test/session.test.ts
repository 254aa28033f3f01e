import { afterEach, expect, it, vi } from 'vitest';
import { storedSession, storeSession } from '../source/session.ts';

afterEach(() => {
  vi.unstubAllGlobals();
});

function storage(content: readonly (readonly [string, string])[] = []) {
  const items = new Map(content);
  vi.stubGlobal('sessionStorage', {
    getItem: (name: string) => items.get(name) ?? null,
    setItem: (name: string, value: string) => items.set(name, value),
    removeItem: (name: string) => items.delete(name),
  });
}

it('a session is there after a reload, until the person signs out', () => {
  storage();
  storeSession({ person: 'ann', accessToken: 'token' });
  expect(storedSession()).toEqual({ person: 'ann', accessToken: 'token' });
  storeSession(undefined);
  expect(storedSession()).toBeUndefined();
});

it.each(['{', '', 'null', '{"person":"ann"}'])('a stored value that is no session counts as none: %s', (text) => {
  storage([['gallery.session', text]]);
  expect(storedSession()).toBeUndefined();
});
