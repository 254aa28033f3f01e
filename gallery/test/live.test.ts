import {
  ApiGatewayManagementApiClient,
  DeleteConnectionCommand,
  GoneException,
  LimitExceededException,
  PostToConnectionCommand,
} from '@aws-sdk/client-apigatewaymanagementapi';
import { beforeEach, describe, expect, it } from 'vitest';
import { mockClient } from '../../test/support/mock-client.ts';
import { apiGatewaySender } from '../adapters/aws/api-gateway-sender.ts';
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
      hello: (owner, connectionId) => greeting(owner, connectionId, { connections, images }),
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

  // API Gateway answers 410 for a connection that it has not opened yet.
  it('reaches a window again that was forgotten because of a change while it opened', async () => {
    const [connections, sender] = [new InMemoryConnections(), new InMemorySender()];
    const handle = handlersOf(connections);
    await handle(call('$connect'));
    sender.gone.add('c1');
    await showChange(image, { connections, sender });
    sender.gone.clear();
    await handle(call('$default', '{"kind":"hello"}'));
    await showChange({ ...image, cursor: 8 }, { connections, sender });
    expect(sender.received.map(({ connectionId }) => connectionId)).toEqual(['c1']);
  });

  it('sends such a window each change that is not in the cursor of its greeting', async () => {
    const [connections, sender] = [new InMemoryConnections(), new InMemorySender()];
    // A change comes right after the read.
    const newestCursor = async () => {
      await showChange({ ...image, cursor: 8 }, { connections, sender });
      return 7;
    };
    expect(await greeting('ann', 'c1', { connections, images: { newestCursor } })).toMatchObject({ cursor: 7 });
    expect(sender.received).toHaveLength(1);
  });

  it('does not greet a window that would be one too many: it closes, and tries again', async () => {
    const connections = new InMemoryConnections();
    for (let count = 0; count < MOST_CONNECTIONS; count += 1) await connections.add('ann', `other${count}`);
    const handle = handlersOf(connections);
    expect(await handle(call('$default', '{"kind":"hello"}'))).toEqual({ statusCode: 200 });
    expect(await connections.list('ann')).toHaveLength(MOST_CONNECTIONS);
  });

  it('greets each open window also while another one is refused', async () => {
    const connections = new InMemoryConnections();
    await connections.add('ann', 'c1');
    for (let count = 0; count < MOST_CONNECTIONS; count += 1) await connections.add('ann', `other${count}`);
    const { body } = await handlersOf(connections)(call('$default', '{"kind":"hello"}'));
    expect(body).toContain('hello');
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

describe('the sender', () => {
  const api = mockClient(ApiGatewayManagementApiClient);
  beforeEach(() => {
    api.reset();
  });
  const sender = apiGatewaySender({ client: new ApiGatewayManagementApiClient({}) });
  const about = { message: 'no', $metadata: {} };
  const ended = () => api.commandCalls(DeleteConnectionCommand).map(({ args: [{ input }] }) => input.ConnectionId);

  it('sends the text', async () => {
    expect(await sender.send('c1', 'hi')).toBe('sent');
    expect(api.commandCalls(PostToConnectionCommand)[0]?.args[0].input).toEqual({ ConnectionId: 'c1', Data: 'hi' });
    expect(ended()).toEqual([]);
  });

  it('says of a connection that has ended that it is gone', async () => {
    api.on(PostToConnectionCommand).rejects(new GoneException(about));
    expect(await sender.send('c1', 'hi')).toBe('gone');
    expect(ended()).toEqual([]);
  });

  it.each([
    ['ends', () => api.on(DeleteConnectionCommand).resolves({})],
    ['has ended by then', () => api.on(DeleteConnectionCommand).rejects(new GoneException(about))],
    ['cannot end', () => api.on(DeleteConnectionCommand).rejects(new LimitExceededException(about))],
  ])('gives up a connection that does not read, which %s', async (_, prepare) => {
    api.on(PostToConnectionCommand).rejects(new LimitExceededException(about));
    prepare();
    expect(await sender.send('c1', 'hi')).toBe('gone');
    expect(ended()).toEqual(['c1']);
  });

  it.each([
    ['be reached', () => api.on(PostToConnectionCommand).rejects(new Error('timeout'))],
    [
      'be asked to end a connection',
      () =>
        api
          .on(PostToConnectionCommand)
          .rejects(new LimitExceededException(about))
          .on(DeleteConnectionCommand)
          .rejects(new Error('AccessDenied')),
    ],
  ])('fails if API Gateway cannot %s', async (_, prepare) => {
    prepare();
    await expect(sender.send('c1', 'hi')).rejects.toThrow(/timeout|AccessDenied/);
  });
});
