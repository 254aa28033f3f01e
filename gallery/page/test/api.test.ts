import { afterEach, describe, expect, it, vi } from 'vitest';
import { type Credentials, galleryApi } from '../source/api.ts';

/** Answers of the server, one after another, and the tokens that came with the calls. */
function answering(...statuses: readonly number[]) {
  const tokens: (string | null)[] = [];
  const left = [...statuses];
  vi.stubGlobal('fetch', async (_: string, { headers }: { readonly headers: Headers }) => {
    tokens.push(headers.get('Authorization'));
    return new Response('{}', { status: left.shift() ?? 500 });
  });
  return tokens;
}

function credentials(renew: Credentials['renew']) {
  let ended = 0;
  const end = () => {
    ended += 1;
  };
  return { api: galleryApi({ token: () => 'old', renew, end }), ended: () => ended };
}

afterEach(() => {
  vi.unstubAllGlobals();
});

describe('a call with a token that has expired', () => {
  it.each([401, 403])('is made once more with a new one after a %d', async (status) => {
    const tokens = answering(status, 202);
    const { api, ended } = credentials(async () => 'new');
    expect(await api.deleteImage('1')).toEqual({ ok: true, value: undefined });
    expect(tokens).toEqual(['Bearer old', 'Bearer new']);
    expect(ended()).toBe(0);
  });

  it.each([401, 403])('ends the session if the new one is answered with a %d, too', async (status) => {
    const tokens = answering(status, status);
    const { api, ended } = credentials(async () => 'new');
    expect(await api.deleteImage('1')).toEqual({ ok: false, trouble: { kind: 'signed-out' } });
    expect(tokens).toHaveLength(2);
    expect(ended()).toBe(1);
  });

  it('does not end the session if there is no answer to the renewal', async () => {
    answering(401);
    const { api, ended } = credentials(() => Promise.reject(new Error('No answer.')));
    expect(await api.deleteImage('1')).toEqual({ ok: false, trouble: { kind: 'unreachable' } });
    expect(ended()).toBe(0);
  });
});
