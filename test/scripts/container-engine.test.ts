import { mkdtemp, rm } from 'node:fs/promises';
import { createServer as createHttpServer } from 'node:http';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import * as z from 'zod';
import { openToContainers, type PortForContainers } from '../../scripts/invoke/container-engine.ts';

/** A container engine whose bridge network is part of this machine's loopback network: 127.0.0.1 to 127.0.0.3. */
const bridge = { IPAM: { Config: [{ Gateway: '127.0.0.2', Subnet: '127.0.0.0/30' }] } };
const container = '127.0.0.3';
const neighbour = '127.0.0.9';

let directory: string;
let servers: Server[];
let opened: PortForContainers | undefined;
let port: number;

beforeEach(async () => {
  servers = [];
  directory = await mkdtemp(join(tmpdir(), 'engine-'));
  const socket = join(directory, 'engine.sock');
  vi.stubEnv('DOCKER_HOST', `unix://${socket}`);
  await listening(
    createHttpServer((_, response) => response.end(JSON.stringify(bridge))),
    { path: socket },
  );
  // Instead of the emulator: sends back what it gets.
  const echo = createServer((client) => client.pipe(client));
  await listening(echo, { port: 0, host: '127.0.0.1' });
  port = z.object({ port: z.int() }).parse(echo.address()).port;
});

afterEach(async () => {
  opened?.close();
  opened = undefined;
  vi.unstubAllEnvs();
  for (const server of servers) server.close();
  await rm(directory, { recursive: true, force: true });
});

async function listening(server: Server, where: { path: string } | { port: number; host: string }): Promise<void> {
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(where, resolve));
}

/** What comes back from the gateway, or how the connection ended. */
async function sentFrom(localAddress: string, onAnswer: (socket: Socket) => void = (socket) => socket.end()) {
  const { promise, resolve } = Promise.withResolvers<string>();
  const socket = connect({ host: '127.0.0.2', port, localAddress });
  socket.once('connect', () => socket.write('hello'));
  socket.once('data', (bytes) => {
    onAnswer(socket);
    resolve(bytes.toString());
  });
  socket.once('error', ({ message }) => resolve(message));
  socket.once('close', () => resolve('closed'));
  return await promise;
}

describe.runIf(process.platform === 'linux')('the emulator’s port on the bridge of the container engine', () => {
  it('is closed while no function runs in a container', async () => {
    expect(await sentFrom(container)).toMatch(/ECONNREFUSED/);
  });

  it('serves containers, and no other network of this machine', async () => {
    opened = await openToContainers(port);
    expect(await sentFrom(container)).toBe('hello');
    expect(await sentFrom(neighbour)).toMatch(/closed|ECONNRESET|EPIPE/);
  });

  it('is closed again afterwards, with the connections that are left', async () => {
    opened = await openToContainers(port);
    const ended = Promise.withResolvers<void>();
    await sentFrom(container, (socket) => socket.once('close', () => ended.resolve()));
    opened.close();
    await ended.promise;
    expect(await sentFrom(container)).toMatch(/ECONNREFUSED/);
  });
});
