/** The gallery's API, as the page calls it. Expected problems are returned. */
import * as z from 'zod/mini';
import type { components } from '../../api/schema.ts';
import type { Image, ImageList } from './gallery-state.ts';

type UploadRequest = components['schemas']['UploadRequest'];
type UploadTicket = components['schemas']['UploadTicket'];

export type Trouble =
  | { readonly kind: 'signed-out' }
  /** No answer at all. */
  | { readonly kind: 'unreachable' }
  | { readonly kind: 'busy'; readonly seconds: number }
  | { readonly kind: 'gone' }
  | { readonly kind: 'refused'; readonly message: string };

export type Answer<Value> =
  | { readonly ok: true; readonly value: Value }
  | { readonly ok: false; readonly trouble: Trouble };

/** openapi.yaml describes an image; here is what the page could not do without. */
const imageShape = z.looseObject({
  id: z.string(),
  name: z.string(),
  cursor: z.int(),
  renditions: z.array(z.unknown()),
});
const image = z.custom<Image>((value) => imageShape.safeParse(value).success);
const imageList = z.object({
  images: z.array(image),
  cursor: z.int(),
  hasMore: z.boolean(),
  next: z.optional(z.string()),
});
const uploadTicket = z.object({
  imageId: z.string(),
  url: z.string(),
  fields: z.record(z.string(), z.string()),
  expiresAt: z.string(),
});
const problem = z.looseObject({ title: z.optional(z.string()), detail: z.optional(z.string()) });
const inside = z.object({
  queue: z.object({ waiting: z.number(), running: z.number() }),
  events: z.array(z.looseObject({})),
});
export type Inside = z.infer<typeof inside>;

export interface Api {
  readonly listImages: (query: { page?: string; since?: number; limit?: number }) => Promise<Answer<ImageList>>;
  readonly createUpload: (request: UploadRequest) => Promise<Answer<UploadTicket>>;
  readonly getImage: (id: string) => Promise<Answer<Image>>;
  readonly deleteImage: (id: string) => Promise<Answer<undefined>>;
  readonly readInside: () => Promise<Answer<Inside>>;
}

/**
 * `token` returns the current one. `renew` gets a new one when it has expired; undefined if the person must sign in again. It throws if
 * there is no answer. `end` is for a new one that is refused, too: the person must sign in again.
 */
export interface Credentials {
  readonly token: () => string | undefined;
  readonly renew: (expired: string) => Promise<string | undefined>;
  readonly end: () => void;
}

export function galleryApi(credentials: Credentials): Api {
  const call = async <Value>(
    path: string,
    init: RequestInit,
    read: (body: unknown) => Value,
  ): Promise<Answer<Value>> => {
    const token = credentials.token();
    if (token === undefined) return { ok: false, trouble: { kind: 'signed-out' } };
    const first = await send(path, init, token);
    if (!isSignedOut(first)) return answerOf(first, read);
    const renewed = await credentials.renew(token).catch(() => 'unreachable' as const);
    if (renewed === undefined) return { ok: false, trouble: { kind: 'signed-out' } };
    const second = renewed === 'unreachable' ? undefined : await send(path, init, renewed);
    if (isSignedOut(second)) credentials.end();
    return answerOf(second, read);
  };
  return {
    listImages: (query) => {
      const parameters = new URLSearchParams(Object.entries(query).map(([name, value]) => [name, String(value)]));
      return call(`/v1/images?${parameters}`, {}, (body) => {
        const { next, ...list } = imageList.parse(body);
        return next === undefined ? list : { ...list, next };
      });
    },
    createUpload: (request) =>
      call(
        '/v1/uploads',
        { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(request) },
        (body) => uploadTicket.parse(body),
      ),
    getImage: (id) => call(imagePath(id), {}, (body) => image.parse(body)),
    deleteImage: (id) => call(imagePath(id), { method: 'DELETE' }, () => undefined),
    readInside: () => call('/inside', {}, (body) => inside.parse(body)),
  };
}

const imagePath = (id: string) => `/v1/images/${encodeURIComponent(id)}`;

/** API Gateway answers 403 where its authorizer fails, and the emulator also where a token is missing. */
function isSignedOut(response: Response | undefined): boolean {
  return response?.status === 401 || response?.status === 403;
}

async function send(path: string, init: RequestInit, token: string): Promise<Response | undefined> {
  const headers = new Headers(init.headers);
  headers.set('Authorization', `Bearer ${token}`);
  return fetch(path, { ...init, headers, cache: 'no-store' }).catch(() => undefined);
}

async function answerOf<Value>(response: Response | undefined, read: (body: unknown) => Value): Promise<Answer<Value>> {
  if (response === undefined) return { ok: false, trouble: { kind: 'unreachable' } };
  // A body that ends early or is of another form counts as no answer: trying again may help.
  const body: unknown = await response.json().catch(() => undefined);
  if (!response.ok) return { ok: false, trouble: troubleOf(response, body) };
  try {
    return { ok: true, value: read(body) };
  } catch {
    return { ok: false, trouble: { kind: 'unreachable' } };
  }
}

/** By the status: the gateway's own answers may have another body. */
function troubleOf({ status, headers }: Response, body: unknown): Trouble {
  if (status === 401 || status === 403) return { kind: 'signed-out' };
  if (status === 404) return { kind: 'gone' };
  if (status === 429) return { kind: 'busy', seconds: Number(headers.get('Retry-After')) || 1 };
  if (status === 408 || status >= 500) return { kind: 'unreachable' };
  const { title, detail } = problem.safeParse(body).data ?? {};
  return { kind: 'refused', message: detail ?? title ?? `The gallery responded with status ${status}.` };
}
