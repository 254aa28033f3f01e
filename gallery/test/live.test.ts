import { describe, expect, it } from 'vitest';
import { liveConnections } from '../adapters/lambda/live-connections.ts';
import { serverMessage } from '../api/live.ts';
import type { GalleryImage } from '../core/gallery-image.ts';
import { greeting, MOST_CONNECTIONS, openConnection, showChange } from '../core/live.ts';
import { InMemoryConnections, InMemoryImages, InMemorySender } from './support/in-memory-gallery.ts';

const image: GalleryImage = {
  ...{ owner: 'ann', imageId: '0'.repeat(32), key: 'gallery-ann/r/cat.jpg', name: 'cat.jpg', cursor: 7 },
  news: { kind: 'uploaded', bytes: 9, position: '00#0', occurredAt: '2026-01-02T03:04:05.000Z' },
};

async function watchedBy(...watchers: readonly (readonly [owner: string, connectionId: string])[]) {
  const connections = new InMemoryConnections();
  for (const [owner, connectionId] of watchers) await openConnection(owner, connectionId, { connections });
  return { connections, sender: new InMemorySender() };
}

describe('a change', () => {
  it('reaches every window of its owner, and no one else', async () => {
    const ports = await watchedBy(['ann', 'a1'], ['ann', 'a2'], ['ben', 'b1']);
    await showChange(image, ports);
    expect(ports.sender.received.map(({ connectionId }) => connectionId)).toEqual(['a1', 'a2']);
    const [first] = ports.sender.received;
    expect(serverMessage.parse(JSON.parse(first?.text ?? ''))).toMatchObject({
      kind: 'image',
      image: { id: image.imageId, cursor: 7, state: 'uploaded' },
    });
  });

  it('does not say where the upload is stored', async () => {
    const ports = await watchedBy(['ann', 'a1']);
    await showChange(image, ports);
    expect(ports.sender.received[0]?.text).not.toContain('gallery-ann');
  });

  it('forgets a connection that has ended without saying so, and still reaches the others', async () => {
    const ports = await watchedBy(['ann', 'gone'], ['ann', 'here']);
    ports.sender.gone.add('gone');
    await showChange(image, ports);
    expect(ports.sender.received.map(({ connectionId }) => connectionId)).toEqual(['here']);
    expect(await ports.connections.list('ann')).toEqual(['here']);
  });

  it('comes again from the queue if it could not be sent', async () => {
    const ports = await watchedBy(['ann', 'a1']);
    const broken = { send: async () => Promise.reject(new Error('API Gateway does not answer.')) };
    await expect(showChange(image, { ...ports, sender: broken })).rejects.toThrow('does not answer');
    expect(await ports.connections.list('ann')).toEqual(['a1']);
  });
});

describe('the WebSocket API', () => {
  const handlersOf = (connections: InMemoryConnections, images = new InMemoryImages()) =>
    liveConnections({
      open: (owner, connectionId) => openConnection(owner, connectionId, { connections }),
      close: (owner, connectionId) => connections.remove(owner, connectionId),
      hello: (owner) => greeting(owner, { images }),
    });
  const call = (routeKey: string, body?: string, authorizer: object | undefined = { owner: 'ann' }) => ({
    requestContext: { routeKey, connectionId: 'c1', authorizer },
    body,
  });

  it('never has more connections of one person than one may, also if they open at the same moment', async () => {
    const connections = new InMemoryConnections();
    const open = (connectionId: string) => openConnection('ann', connectionId, { connections });
    const ids = Array.from({ length: MOST_CONNECTIONS + 5 }, (_, index) => `c${index}`);
    const opened = await Promise.all(ids.map(open));
    expect(opened.filter(Boolean).length).toBeLessThanOrEqual(MOST_CONNECTIONS);
    expect(await connections.list('ann')).toHaveLength(opened.filter(Boolean).length);
    for (const id of ids) await open(`${id}-again`);
    expect(await connections.list('ann')).toHaveLength(MOST_CONNECTIONS);
  });

  it('knows a connection from its beginning to its end', async () => {
    const connections = new InMemoryConnections();
    const handle = handlersOf(connections);
    expect(await handle(call('$connect'))).toEqual({ statusCode: 200 });
    expect(await connections.list('ann')).toEqual(['c1']);
    await handle(call('$disconnect'));
    expect(await connections.list('ann')).toEqual([]);
  });

  it('answers hello with the newest cursor, so that a client sees what it has missed', async () => {
    const images = new InMemoryImages();
    await images.save(image, undefined);
    const { body } = await handlersOf(new InMemoryConnections(), images)(call('$default', '{"kind":"hello"}'));
    expect(serverMessage.parse(JSON.parse(body ?? ''))).toEqual({ kind: 'hello', cursor: 7 });
  });

  it.each(['', 'hello', '{"kind":"other"}', '[]', 'null'])('ignores %j, which a newer page may say', async (said) => {
    const answer = await handlersOf(new InMemoryConnections())(call('$default', said));
    expect(answer).toEqual({ statusCode: 200 });
  });

  it('refuses calls without an authorizer in front of it', async () => {
    const handle = handlersOf(new InMemoryConnections());
    for (const authorizer of [{}, { owner: '' }, { owner: 'ann/../ben' }]) {
      await expect(handle(call('$connect', undefined, authorizer))).rejects.toThrow();
    }
  });
});
