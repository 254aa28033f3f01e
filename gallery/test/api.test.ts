import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import * as z from 'zod';
import { defaultLimits } from '../../core/limits.ts';
import { smallImage } from '../../test/support/photos.ts';
import { generated } from '../api/generate.ts';
import { ConformingApi, documentedAnswers } from './support/conforming-api.ts';
import { type PretendGallery, startPretendGallery } from './support/pretend-gallery.ts';

let gallery: PretendGallery;
let api: ConformingApi;
let [ann, ben] = ['', ''];
beforeAll(async () => {
  gallery = await startPretendGallery({ pace: 1 });
  api = new ConformingApi(gallery.address);
  [ann, ben] = [await gallery.signIn('ann'), await gallery.signIn('ben')];
});
afterAll(() => gallery.close());

const jpeg = await smallImage('#336699');
const request = { name: 'cat.jpg', type: 'image/jpeg', bytes: jpeg.length };
const ticket = z.object({
  imageId: z.string(),
  url: z.string(),
  fields: z.record(z.string(), z.string()),
  expiresAt: z.string(),
});
const view = z.looseObject({ id: z.string(), name: z.string(), state: z.string(), cursor: z.number() });
const list = z.object({ images: z.array(view), cursor: z.number(), hasMore: z.boolean(), next: z.string().optional() });

async function upload(token: string, changes: Partial<typeof request> & { replaces?: string } = {}, bytes = jpeg) {
  const { body } = await api.call('POST', '/v1/uploads', {
    token,
    body: { ...request, bytes: bytes.length, ...changes },
  });
  const { imageId, url, fields } = ticket.parse(body);
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) form.append(name, value);
  form.append('file', new Blob([bytes], { type: 'image/jpeg' }));
  expect((await fetch(new URL(url, gallery.address), { method: 'POST', body: form })).status).toBe(204);
  return imageId;
}

/** @param after the cursor of the version before */
async function until(token: string, id: string, state: string, after = 0) {
  for (;;) {
    const { body } = await api.call('GET', `/v1/images?since=0&limit=100`, { token });
    const found = list.parse(body).images.find((image) => image.id === id);
    if (found?.state === state && found.cursor > after) return found;
    await sleep(20);
  }
}

describe('the API', () => {
  it('follows a photograph from the ticket to its deletion', async () => {
    const id = await upload(ann);
    await until(ann, id, 'ready');
    const found = await api.call('GET', `/v1/images/${id}`, { token: ann });
    expect(found.body).toMatchObject({ id, state: 'ready', name: 'cat.jpg' });
    expect((await api.call('DELETE', `/v1/images/${id}`, { token: ann })).status).toBe(202);
    await until(ann, id, 'deleted');
    for (const method of ['GET', 'DELETE']) {
      expect((await api.call(method, `/v1/images/${id}`, { token: ann })).status).toBe(404);
    }
    const { images } = list.parse((await api.call('GET', '/v1/images', { token: ann })).body);
    expect(images.map((image) => image.id)).not.toContain(id);
  });

  it('answers 304 until the image changes', async () => {
    const id = await upload(ann);
    const { cursor } = await until(ann, id, 'ready');
    const first = await api.call('GET', `/v1/images/${id}`, { token: ann });
    const known = { 'If-None-Match': first.headers.get('etag') ?? '' };
    expect((await api.call('GET', `/v1/images/${id}`, { token: ann, headers: known })).status).toBe(304);
    expect(await upload(ann, { replaces: id, name: 'other.jpg' })).toBe(id);
    await until(ann, id, 'ready', cursor);
    const second = await api.call('GET', `/v1/images/${id}`, { token: ann, headers: known });
    expect(second.body).toMatchObject({ name: 'cat.jpg', state: 'ready' });
  });

  it('lists every image once, the newest first, however small the pages are', async () => {
    const token = await gallery.signIn('cleo');
    const ids: string[] = [];
    for (const name of ['1.jpg', '2.jpg', '3.jpg']) {
      ids.push(await upload(token, { name }));
      await until(token, ids.at(-1) ?? '', 'ready');
      // Images are sorted by their time.
      await sleep(2);
    }
    const listed: string[] = [];
    for (let page: string | undefined = ''; page !== undefined; ) {
      const query: string = page === '' ? '' : `&page=${page}`;
      const { images, next } = list.parse((await api.call('GET', `/v1/images?limit=1${query}`, { token })).body);
      listed.push(...images.map((image) => image.id));
      page = next;
    }
    expect(listed).toEqual(ids.toReversed());
  });

  it('rejects what is no picture with a sentence', async () => {
    const id = await upload(ann, { name: 'notes.txt', type: 'application/octet-stream' }, Buffer.from('hello'));
    const { rejection } = z
      .looseObject({ rejection: z.object({ message: z.string() }) })
      .parse(await until(ann, id, 'rejected'));
    expect(rejection.message).toMatch(/^[A-Z].+\.$/);
  });

  it.each<[what: string, body: object]>([
    ['no name', { name: '' }],
    ['a name of 256 characters', { name: 'n'.repeat(256) }],
    ['a type that is no image', { type: 'text/html' }],
    ['half a byte', { bytes: 0.5 }],
    ['an empty file', { bytes: 0 }],
    ['a text for a number', { bytes: 'many' }],
    ['a number in a text', { bytes: '5' }],
    ['a number in a list', { bytes: [5] }],
    ['a yes for a number', { bytes: true }],
    ['a number for a name', { name: 123 }],
    ['nothing for an id', { replaces: null }],
    ['an unknown property', { key: 'gallery-ben/cat.jpg' }],
    ['another id than those of images', { replaces: '../../etc/passwd' }],
  ])('refuses a ticket for %s', async (_, body) => {
    const answer = await api.call('POST', '/v1/uploads', { token: ann, body: { ...request, ...body } });
    expect(answer.status).toBe(400);
  });

  const page = `2026-01-02T03:04:05.678Z_${'0'.repeat(32)}`;
  it('accepts any place in the list', async () => {
    expect((await api.call('GET', `/v1/images?page=${page}`, { token: ann })).status).toBe(200);
  });

  it.each([
    ...['limit=0', 'limit=101', 'limit=some', 'since=-1', `since=1&page=${page}`, 'owner=ben'],
    ...['page=', 'page=A', 'page=MQ', 'page=%2F..%2F', `page=${page}0`, `page=%20${page}`, `page=${page}%0A`],
    ...[`page=${page.replace('_', '%23')}`, `page=${page.slice(0, -1)}G`],
  ])('refuses a list with %s', async (query) => {
    expect((await api.call('GET', `/v1/images?${query}`, { token: ann })).status).toBe(400);
  });

  it('refuses a file that the pipeline would refuse for its size, with the same sentence', async () => {
    const body = { ...request, bytes: defaultLimits.bytes + 1 };
    const answer = await api.call('POST', '/v1/uploads', { token: ann, body });
    expect(answer).toMatchObject({ status: 413, body: { detail: expect.stringContaining('the limit is 50 MB') } });
  });

  it('refuses every call without a valid token, except for its health', async () => {
    const id = await upload(ann);
    for (const [method, path] of [
      ['POST', '/v1/uploads'],
      ['GET', '/v1/images'],
      ['GET', `/v1/images/${id}`],
      ['DELETE', `/v1/images/${id}`],
    ] as const) {
      expect((await api.call(method, path)).status).toBe(401);
      expect((await api.call(method, path, { token: `${ann}x` })).status).toBe(401);
    }
    expect((await api.call('GET', '/v1/health')).status).toBe(200);
  });

  it('reports a table that does not answer', async () => {
    gallery.breakTable(true);
    expect((await api.call('GET', '/v1/health')).status).toBe(503);
    gallery.breakTable(false);
  });

  it('gives the same answer for another person’s image as for none', async () => {
    const id = await upload(ann);
    await until(ann, id, 'ready');
    const none = '0'.repeat(32);
    for (const method of ['GET', 'DELETE']) {
      const [theirs, nobodys] = [
        await api.call(method, `/v1/images/${id}`, { token: ben }),
        await api.call(method, `/v1/images/${none}`, { token: ben }),
      ];
      expect(theirs).toMatchObject({ status: 404, body: nobodys.body });
    }
    const replacing = await api.call('POST', '/v1/uploads', { token: ben, body: { ...request, replaces: id } });
    expect(replacing.status).toBe(404);
    expect(list.parse((await api.call('GET', '/v1/images', { token: ben })).body).images).toEqual([]);
    expect((await api.call('GET', '/v1/images/ABC', { token: ben })).status).toBe(400);
    expect((await api.call('DELETE', '/v1/images/ABC', { token: ben })).status).toBe(400);
  });

  it('limits one person, and no one else', async () => {
    const busy = await startPretendGallery({ perMinute: 2 });
    const there = new ConformingApi(busy.address);
    const [one, other] = [await busy.signIn('ann'), await busy.signIn('ben')];
    const call = async (token: string, method: string, path: string) =>
      (await there.call(method, path, { token, ...(method === 'POST' && { body: request }) })).status;
    for (const [method, path] of [
      ['POST', '/v1/uploads'],
      ['GET', '/v1/images'],
      ['GET', `/v1/images/${'0'.repeat(32)}`],
      ['DELETE', `/v1/images/${'0'.repeat(32)}`],
    ] as const) {
      const statuses = [await call(one, method, path), await call(one, method, path), await call(one, method, path)];
      expect(statuses.map((status) => status === 429)).toEqual([false, false, true]);
      expect(await call(other, method, path)).not.toBe(429);
    }
    for (const answer of there.seen) api.seen.add(answer);
    await busy.close();
  });

  it('has given every answer that openapi.yaml describes, and no other', () => {
    expect([...api.seen].sort()).toEqual(documentedAnswers.toSorted());
  });
});

/** Names of paths, objects and properties, and what is said of them. */
function textsIn(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, part]) => {
    if (name.startsWith('x-')) return [];
    if (typeof part === 'string') return ['description', 'summary', 'pattern'].includes(name) ? [part] : [];
    const names = ['paths', 'schemas', 'properties'].includes(name) ? Object.keys(Object(part)) : [];
    return [...names, ...textsIn(part)];
  });
}

describe('what derives from openapi.yaml', () => {
  it('is up to date: npm run generate', async () => {
    for (const [file, text] of await generated()) {
      expect(readFileSync(new URL(`../api/${file}`, import.meta.url), 'utf8')).toBe(text);
    }
  });

  it('says everything that openapi.yaml says, in docs/api.md', () => {
    const page = readFileSync(new URL('../docs/api.md', import.meta.url), 'utf8');
    const source: unknown = parse(readFileSync(new URL('../api/openapi.yaml', import.meta.url), 'utf8'));
    const { paths, components } = z
      .object({ paths: z.record(z.string(), z.unknown()), components: z.record(z.string(), z.unknown()) })
      .parse(source);
    const { securitySchemes: _, ...described } = components;
    const said = textsIn({ paths, ...described });
    expect(said.length).toBeGreaterThan(50);
    for (const text of said) expect(page).toContain(text);
  });
});
