/**
 * The messages of the WebSocket, which openapi.yaml cannot describe. The page and the functions share this file, and
 * gallery/docs/api.md contains what follows.
 *
 *     const socket = new WebSocket(`${location.origin.replace('http', 'ws')}/live?token=${accessToken}`);
 *
 * Without a valid token, the connection is refused. A client keeps the highest cursor it has seen, and follows three rules:
 *
 * 1. When the socket opens, and once in five minutes, send `{"kind":"hello"}` (API Gateway closes a socket after ten silent
 *    minutes, and any socket after two hours).
 * 2. `{"kind":"image","image":{…}}` has an image, whole, as it is now. If its cursor is the next one, it is the next change; if it
 *    is the same or lower, it is known. If it is higher, something is missing: get `/v1/images?since=` the highest cursor, and
 *    apply what it returns in order.
 * 3. The answer `{"kind":"hello","cursor":…}` has the newest cursor. If it is higher than the client's, do as for a gap. If it is
 *    lower than the client's was when the socket opened, or higher by more than could have happened, the gallery has been filled
 *    anew: forget everything, and load the list.
 *
 * A change can arrive twice and late; with these rules, none is missed and none is shown twice. Where `hello` gets no answer, or the
 * socket closes, as it does if the client does not read, connect again.
 */
import * as z from 'zod/mini';
import type { components } from './schema.ts';

export type Image = components['schemas']['Image'];

const cursor = z.int().check(z.nonnegative());

/** The functions send images as openapi.yaml describes them; here is only what a client needs to put one in its place. */
const image = z.looseObject({ id: z.string(), cursor });

/** To the client. Ignore kinds that you do not know. */
export const serverMessage = z.discriminatedUnion('kind', [
  /** The newest change of any of the person's images. */
  z.object({ kind: z.literal('hello'), cursor }),
  /** One image, whole, in its current state. */
  z.object({ kind: z.literal('image'), image: z.custom<Image>((value) => image.safeParse(value).success) }),
]);
export type ServerMessage = z.infer<typeof serverMessage>;

/** From the client. */
export const clientMessage = z.object({ kind: z.literal('hello') });
export type ClientMessage = z.infer<typeof clientMessage>;
