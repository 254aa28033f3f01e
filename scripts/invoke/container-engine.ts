/** Lets a container of `sam local` reach the emulator's port, which listens only on 127.0.0.1. */
import { existsSync } from 'node:fs';
import { request } from 'node:http';
import { BlockList, createServer, isIPv6, connect as openConnection, type Socket } from 'node:net';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import * as z from 'zod';
import { Failure } from '../terminal/failure.ts';

export interface PortForContainers {
  /** The hostname that containers use for this machine; the emulator's certificate includes it. */
  readonly host: string;
  /** Options that `sam local` needs to resolve `host`. */
  readonly samOptions: readonly string[];
  close(): void;
}

// Docker Desktop and Finch define this name in their containers; elsewhere, --add-host does.
const host = 'host.docker.internal';

// In the order in which SAM CLI looks for them.
const usualSockets = [
  '/var/run/docker.sock',
  join(homedir(), '.docker/run/docker.sock'),
  '/var/run/finch.sock',
  '/Applications/Finch/lima/data/finch/sock/finch.sock',
];

export async function openToContainers(port: number): Promise<PortForContainers> {
  const socket = engineSocket();
  const network = await bridgeNetwork(socket);
  // Except on Linux, the engine runs in a virtual machine, where that name leads to this machine's 127.0.0.1.
  if (process.platform !== 'linux') return { host, samOptions: [], close: () => undefined };
  const { Gateway: gateway, Subnet: subnet } = network.IPAM.Config.at(0) ?? {};
  if (gateway === undefined || subnet === undefined)
    throw new Failure(
      'The container engine’s network "bridge" has no gateway or no subnet: check whether it was configured manually.',
    );
  return { host, samOptions: ['--add-host', `${host}:${gateway}`], ...forward({ gateway, subnet }, port) };
}

function engineSocket(): string {
  const chosen = process.env['DOCKER_HOST'];
  if (chosen?.startsWith('unix://')) return chosen.slice('unix://'.length);
  if (chosen !== undefined)
    throw new Failure(
      `DOCKER_HOST is ${chosen}: only a container engine on this machine (unix://…) can reach the emulator.`,
    );
  const found = usualSockets.find(existsSync);
  if (found !== undefined) return found;
  throw new Failure(
    '`sam local invoke` needs a container engine and none is running: start Docker or Finch, or Podman with ' +
      '`podman system service --time=0 unix://SOCKET &` and DOCKER_HOST=unix://SOCKET.',
  );
}

const bridge = z.object({
  IPAM: z.object({ Config: z.array(z.object({ Gateway: z.string().optional(), Subnet: z.string().optional() })) }),
});

async function bridgeNetwork(socketPath: string): Promise<z.infer<typeof bridge>> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  request({ socketPath, path: '/networks/bridge', timeout: 10_000 }, (response) => resolve(text(response)))
    .once('timeout', () => reject(new Error('timed out')))
    .once('error', reject)
    .end();
  try {
    return bridge.parse(JSON.parse(await promise));
  } catch (error) {
    const reason = error instanceof Error && 'code' in error ? error.code : error;
    throw new Failure(
      `The container engine at ${socketPath} does not answer (${reason}): start it and run this again.`,
    );
  }
}

interface Bridge {
  readonly gateway: string;
  /** In CIDR notation. */
  readonly subnet: string;
}

/**
 * Listens on the gateway and forwards the bytes unchanged, including TLS. Linux answers for that address on every network of
 * this machine, so only containers are served. They also need the emulator's keys. Podman creates the gateway with the first
 * container, so listening is retried until then.
 */
function forward({ gateway, subnet }: Bridge, port: number): Pick<PortForContainers, 'close'> {
  const containers = new BlockList();
  const [network = '', prefix = ''] = subnet.split('/');
  const family = isIPv6(network) ? 'ipv6' : 'ipv4';
  containers.addSubnet(network, Number(prefix), family);
  const open = new Set<Socket>();
  const server = createServer((inside) => {
    if (!containers.check(inside.remoteAddress ?? '', family)) {
      inside.destroy();
      return;
    }
    const outside = openConnection(port, '127.0.0.1');
    open.add(inside);
    inside.once('close', () => {
      open.delete(inside);
      outside.destroy();
    });
    inside.pipe(outside).pipe(inside);
    for (const end of [inside, outside]) {
      end.on('error', () => {
        inside.destroy();
        outside.destroy();
      });
    }
  });
  const listen = () => server.listen(port, gateway);
  let again: NodeJS.Timeout | undefined;
  let refused: string | undefined;
  server.on('error', ({ code }: NodeJS.ErrnoException) => {
    refused = code;
    again = setTimeout(listen, 50);
  });
  listen();
  const close = () => {
    clearTimeout(again);
    for (const socket of open) socket.destroy();
    if (server.listening) server.close();
    // If the address is in use, another invocation is already forwarding, for this one too.
    else if (refused === 'EADDRNOTAVAIL') {
      process.stderr.write(
        `If the function could not reach the emulator: its network gateway, ${gateway}, is not an address of this machine, ` +
          'probably because the container engine is rootless or in a virtual machine. Use one that runs on this machine as root.\n',
      );
    }
  };
  return { close };
}
