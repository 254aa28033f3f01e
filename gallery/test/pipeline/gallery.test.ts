import { DeleteCommand, ScanCommand } from '@aws-sdk/lib-dynamodb';
import { afterAll, beforeAll, describe, expect, inject, it, vi } from 'vitest';
import { WebSocket } from 'ws';
import * as z from 'zod';
import { defaultLimits } from '../../../core/limits.ts';
import { announceImages } from '../../../scripts/announce/announce-images.ts';
import { emulatedPipeline, eventually } from '../../../test/support/emulated-pipeline.ts';
import { photo } from '../../../test/support/photos.ts';
import { s3UploadTickets } from '../../adapters/aws/s3-upload-tickets.ts';
import { serverMessage } from '../../api/live.ts';
import { createUpload } from '../../core/images-api.ts';
import { MOST_CONNECTIONS } from '../../core/live.ts';
import { type Gallery, startGallery } from '../../local/gallery.ts';
import { ConformingApi } from '../support/conforming-api.ts';
import { originPort } from '../support/origin-port.ts';

/** The gallery as people have it: its own stack next to the pipeline's, with API Gateway, the authorizer, S3 and EventBridge. */

const pipeline = emulatedPipeline();
let gallery: Gallery;
let api: ConformingApi;
let [ann, ben] = ['', ''];
beforeAll(async () => {
  const step = <Result>(_: string, work: (report: () => void) => Promise<Result>) => work(() => undefined);
  gallery = await startGallery({ stack: pipeline.stack, emulator: inject('emulator'), port: originPort, step });
  api = new ConformingApi(gallery.address);
  [ann, ben] = [await signIn('ann'), await signIn('ben')];
});
afterAll(() => gallery.close());

async function signIn(person: string): Promise<string> {
  const answer = await fetch(`${gallery.address}/demo/token`, { method: 'POST', body: JSON.stringify({ person }) });
  return z.object({ access_token: z.string() }).parse(await answer.json()).access_token;
}

const ticket = z.object({ imageId: z.string(), url: z.string(), fields: z.record(z.string(), z.string()) });
const view = z.looseObject({
  id: z.string(),
  name: z.string(),
  state: z.string(),
  cursor: z.number(),
  renditions: z.array(z.object({ url: z.string(), contentType: z.string() })),
});
const list = z.object({ images: z.array(view), cursor: z.number(), hasMore: z.boolean(), next: z.string().optional() });

async function ticketFor(token: string, bytes: Uint8Array, more: object = {}) {
  const body = { name: 'photo of a cat.jpg', type: 'image/jpeg', bytes: bytes.length, ...more };
  return ticket.parse((await api.call('POST', '/v1/uploads', { token, body })).body);
}

/** Sends the form, in which the given fields replace the ticket's. */
async function send(
  { url, fields }: Pick<z.infer<typeof ticket>, 'url' | 'fields'>,
  bytes: Uint8Array<ArrayBuffer>,
  changes: Readonly<Record<string, string>> = {},
): Promise<number> {
  const form = new FormData();
  for (const [name, value] of Object.entries({ ...fields, ...changes })) form.append(name, value);
  form.append('file', new Blob([bytes]));
  const answer = await fetch(new URL(url, gallery.address), { method: 'POST', body: form });
  await answer.arrayBuffer();
  return answer.status;
}

async function upload(token: string, bytes: Uint8Array<ArrayBuffer>, more: object = {}): Promise<string> {
  const granted = await ticketFor(token, bytes, more);
  expect(await send(granted, bytes)).toBe(204);
  return granted.imageId;
}

async function allChanges(token: string) {
  const images: z.infer<typeof view>[] = [];
  for (let since = 0, hasMore = true; hasMore; ) {
    const page = list.parse((await api.call('GET', `/v1/images?since=${since}&limit=3`, { token })).body);
    images.push(...page.images);
    ({ cursor: since, hasMore } = page);
  }
  return images;
}

const until = (token: string, id: string, state: string) =>
  eventually(`${id} is ${state}`, async () =>
    (await allChanges(token)).find((image) => image.id === id && image.state === state),
  );

const rocket = new Uint8Array(photo('rocket.jpg'));
const notes = new Uint8Array(Buffer.from('no image'));

describe('a photograph', () => {
  it('is uploaded with a ticket, becomes ready, is replaced, and deleted', async () => {
    const id = await upload(ann, rocket);
    const first = await until(ann, id, 'ready');
    expect(first.name).toBe('photo of a cat.jpg');
    for (const { url, contentType } of first.renditions) {
      const rendition = await fetch(gallery.address + url);
      expect([rendition.status, rendition.headers.get('content-type')]).toEqual([200, contentType]);
      await rendition.arrayBuffer();
    }
    const known = { 'If-None-Match': `"${first.cursor}"` };
    expect((await api.call('GET', `/v1/images/${id}`, { token: ann, headers: known })).status).toBe(304);

    expect(await upload(ann, new Uint8Array(photo('flowers-iphone5-gps-small.jpg')), { replaces: id })).toBe(id);
    await eventually('other renditions', async () => {
      const found = await until(ann, id, 'ready');
      return found.renditions[0]?.url === first.renditions[0]?.url ? undefined : found;
    });

    expect((await api.call('DELETE', `/v1/images/${id}`, { token: ann })).status).toBe(202);
    await until(ann, id, 'deleted');
    expect((await api.call('GET', `/v1/images/${id}`, { token: ann })).status).toBe(404);
    expect((await fetch(gallery.address + (first.renditions[0]?.url ?? ''))).status).toBe(404);
  });

  it('that is none is rejected with the pipeline’s sentence', async () => {
    const id = await upload(ann, notes, { type: 'application/octet-stream' });
    expect(await until(ann, id, 'rejected')).toMatchObject({
      rejection: { reason: 'unsupported-format' },
      renditions: [],
    });
  });
});

describe('a ticket that was tampered with', () => {
  it.each<[what: string, changes: Readonly<Record<string, string>>]>([
    ['another key of the same person', { key: 'gallery-ann/5b818364-3064-430b-bc87-c05312b42360/other.jpg' }],
    ['a key of another person', { key: 'gallery-ben/5b818364-3064-430b-bc87-c05312b42360/cat.jpg' }],
    ['a key outside the gallery', { key: 'cat.jpg' }],
    ['another type', { 'Content-Type': 'text/html' }],
    ['another storage class', { 'x-amz-storage-class': 'GLACIER' }],
    ['a redirection', { success_action_redirect: 'https://evil.example' }],
    ['metadata', { 'x-amz-meta-focus': '0,0' }],
    ['another signature', { 'X-Amz-Signature': '0'.repeat(64) }],
  ])('with %s is refused', async (_, changes) => {
    expect(await send(await ticketFor(ann, rocket), rocket, changes)).toBe(403);
  });

  it.each([
    ['larger', new Uint8Array([...rocket, 0])],
    ['smaller', rocket.slice(1)],
  ])('does not take a %s file', async (_, bytes) => {
    expect(await send(await ticketFor(ann, rocket), bytes)).toBe(400);
  });

  it('is needed: no form is taken without one', async () => {
    const { url, fields } = await ticketFor(ann, rocket);
    expect(await send({ url, fields: { key: fields['key'] ?? '' } }, rocket)).toBe(403);
    const { Policy: _, ...withoutPolicy } = fields;
    expect(await send({ url, fields: withoutPolicy }, rocket)).toBe(403);
  });
});

/** As POST /v1/uploads does at that time, for someone whose windows no other test watches. */
async function ticketSignedAt(time: number) {
  const { clients, outputs } = pipeline.stack;
  const request = { name: 'cat.jpg', type: 'image/jpeg', bytes: notes.length } as const;
  vi.useFakeTimers({ toFake: ['Date'], now: time });
  try {
    const answer = await createUpload('zoe', request, {
      images: { find: async () => undefined },
      tickets: s3UploadTickets({ client: clients.s3, bucket: outputs.UploadBucketName, address: '/uploads' }),
      bucket: outputs.UploadBucketName,
      limits: defaultLimits,
      randomId: () => crypto.randomUUID(),
      now: Date.now,
    });
    return z.object({ body: ticket.extend({ expiresAt: z.coerce.date() }) }).parse(answer).body;
  } finally {
    vi.useRealTimers();
  }
}

describe('a ticket that has expired', () => {
  it('is refused, though it is the same as one that is accepted', async () => {
    const now = Date.now();
    const valid = await ticketSignedAt(now);
    expect(await send(valid, notes)).toBe(204);
    const lifetime = valid.expiresAt.getTime() - now;
    const expired = await ticketSignedAt(now - lifetime);
    expect(expired.expiresAt.getTime()).toBe(now);
    expect(await send(expired, notes)).toBe(403);
  });
});

describe('two people', () => {
  it('see, change and delete their own images only', async () => {
    const seenByBen = await allChanges(ben);
    const id = await upload(ann, notes);
    await until(ann, id, 'rejected');
    expect((await api.call('GET', `/v1/images/${id}`, { token: ben })).status).toBe(404);
    expect((await api.call('DELETE', `/v1/images/${id}`, { token: ben })).status).toBe(404);
    const body = { name: 'cat.jpg', type: 'image/jpeg', bytes: 9, replaces: id };
    expect((await api.call('POST', '/v1/uploads', { token: ben, body })).status).toBe(404);
    expect(await allChanges(ben)).toEqual(seenByBen);
  });

  it('are identified by their tokens, and a forged token is refused', async () => {
    const [head, , signature] = ann.split('.');
    const claims = Buffer.from(JSON.stringify({ sub: 'ben', scope: 'gallery/images', token_use: 'access' })).toString(
      'base64url',
    );
    for (const token of [`${head}.${claims}.${signature}`, 'ann', `${ann}x`]) {
      const { status } = await fetch(`${gallery.address}/v1/images`, { headers: { authorization: `Bearer ${token}` } });
      // The emulator ignores the document's gateway responses, and says 403 where an account says 401.
      expect([401, 403]).toContain(status);
    }
    expect((await fetch(`${gallery.address}/v1/images`)).status).toBe(401);
  });
});

/** The messages that arrive, or undefined if the connection is refused. */
async function listen(token: string) {
  const socket = new WebSocket(`${gallery.address.replace('http', 'ws')}/live?token=${token}`);
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const messages: z.infer<typeof serverMessage>[] = [];
  socket.on('message', (text) => messages.push(serverMessage.parse(JSON.parse(String(text)))));
  socket.once('open', () => resolve(true));
  socket.once('error', () => resolve(false));
  return (await promise) ? { socket, messages } : undefined;
}

describe('live updates', () => {
  it.each(['', 'ann', 'a.b.c'])('need a token: %j', async (token) => {
    expect(await listen(token)).toBeUndefined();
  });

  it('show each change of an image in order, without a gap, in every window of its owner and nowhere else', async () => {
    const [one, other, bens] = [await listen(ann), await listen(ann), await listen(ben)];
    if (one === undefined || other === undefined || bens === undefined) throw new Error('A connection was refused.');
    one.socket.send('{"kind":"hello"}');
    await eventually('the greeting', async () => one.messages.find(({ kind }) => kind === 'hello'));
    const id = await upload(ann, notes);
    for (const { messages } of [one, other]) {
      const seen = await eventually('both changes', async () => {
        const images = messages.flatMap((message) =>
          message.kind === 'image' && message.image.id === id ? [message.image] : [],
        );
        return images.some(({ state }) => state === 'rejected') ? images : undefined;
      });
      const states = new Map(seen.map(({ cursor, state }) => [cursor, state]));
      expect([...states.values()]).toEqual(['uploaded', 'rejected']);
      const [first = 0, second = 0] = states.keys();
      expect(second - first).toBe(1);
      const hello = one.messages.find((message) => message.kind === 'hello');
      expect(hello?.kind === 'hello' && hello.cursor).toBe(first - 1);
    }
    expect(bens.messages).toEqual([]);
    for (const { socket } of [one, other, bens]) socket.terminate();
  });

  it('end for a window that is gone, and go on for the others; a flood of windows has a limit', async () => {
    const opened: Awaited<ReturnType<typeof listen>>[] = [];
    for (let count = 0; count < MOST_CONNECTIONS + 2; count += 1) opened.push(await listen(ben));
    expect(opened.filter((connection) => connection !== undefined)).toHaveLength(MOST_CONNECTIONS);
    for (const connection of opened.slice(1)) connection?.socket.terminate();
    const id = await upload(ben, notes);
    await eventually('the change', async () =>
      opened[0]?.messages.find((message) => message.kind === 'image' && message.image.id === id),
    );
    opened[0]?.socket.terminate();
  });
});

it('the inside view shows the queue and the latest events of the pipeline', async () => {
  const inside = z.object({
    queue: z.object({ waiting: z.number(), running: z.number() }),
    events: z.array(z.looseObject({ 'detail-type': z.string() })),
  });
  await eventually('an event', async () => {
    const answer = await fetch(`${gallery.address}/inside`);
    return inside.parse(await answer.json()).events.find((event) => event['detail-type'] === 'ImageRejected');
  });
});

describe('the gallery’s table', () => {
  it('is filled again by npm run announce', async () => {
    const results = async () =>
      (await allChanges(ann)).map(({ id, state, name, renditions }) => ({ id, state, name, renditions }));
    const before = await results();
    const { table } = pipeline.stack.clients;
    const TableName = gallery.outputs.ImageTableName;
    const { Items = [] } = await table.send(new ScanCommand({ TableName }));
    for (const { owner, item } of Items) await table.send(new DeleteCommand({ TableName, Key: { owner, item } }));
    expect(await results()).toEqual([]);

    await announceImages(pipeline.stack, { prefix: 'gallery-', perSecond: 100 });

    const byId = (images: typeof before) => images.toSorted((one, other) => (one.id < other.id ? -1 : 1));
    await eventually('all images', async () => ((await results()).length === before.length ? true : undefined));
    expect(byId(await results())).toEqual(byId(before));
  });

  it('has had no event that it could not record', async () => {
    expect(await pipeline.messagesIn(gallery.outputs.ChangeDeadLetterQueueUrl)).toBe(0);
  });
});
