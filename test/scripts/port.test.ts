import { createServer as createHttpServer } from 'node:http';
import { createServer, type Server } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { pathToFileURL } from 'node:url';
import { generate } from 'selfsigned';
import { afterEach, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { projectTitle } from '../../core/names.ts';
import { choosePort, claimPort, portHolder } from '../../scripts/local/port.ts';
import { projectDirectory } from '../../scripts/terminal/project.ts';

const servers: Server[] = [];
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => new Promise((closed) => server.close(closed))));
});

async function listening(server: Server): Promise<number> {
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return z.object({ port: z.int() }).parse(server.address()).port;
}

const program = () => listening(createServer((socket) => socket.destroy()));

const localStack = () =>
  listening(
    createHttpServer((request, response) => {
      response.statusCode = request.url === '/_localstack/health' ? 200 : 404;
      response.end('{"services":{"s3":"running"},"edition":"community"}');
    }),
  );

async function emulatorOf(clone: string): Promise<number> {
  const { private: key, cert } = await generate([{ name: 'commonName', value: 'local emulator' }], {
    keyType: 'ec',
    extensions: [
      {
        name: 'subjectAltName',
        altNames: [
          { type: 2, value: 'localhost' },
          { type: 6, value: pathToFileURL(clone).href },
        ],
      },
    ],
  });
  return listening(createTlsServer({ key, cert }));
}

describe('the port of npm start', () => {
  it('is the default port if that is free', async () => {
    const port = await claimPort(0);
    expect(await choosePort(undefined, port)).toEqual({ port, notice: undefined });
  });

  it('is the next free port if another clone uses the default port, and the notice names that clone', async () => {
    const port = await emulatorOf('/home/ann/my clone');
    const chosen = await choosePort(undefined, port);
    expect(chosen.port).toBeGreaterThan(port);
    expect(chosen.notice).toBe(
      `Port ${port} is in use by ${projectTitle} from /home/ann/my clone: using port ${chosen.port}.`,
    );
  });

  it('is the next free port if LocalStack uses the default port', async () => {
    const port = await localStack();
    expect((await choosePort(undefined, port)).notice).toMatch(`Port ${port} is in use by LocalStack: using port `);
  });

  it('is never a different port than the one requested', async () => {
    const port = await program();
    await expect(choosePort(port)).rejects.toThrow(
      new RegExp(`Port ${port} is in use by .*\\. Stop that program, or use another port: npm start -- --port \\d+$`),
    );
  });

  it('is not replaced by another one while a first npm start of the same clone is still starting', async () => {
    const port = await emulatorOf(projectDirectory);
    await expect(choosePort(undefined, port)).rejects.toThrow(
      new RegExp(`${projectTitle} from this same folder.*Wait until it is running`),
    );
  });

  it('is rejected with the same message if another program takes it before the emulator starts', async () => {
    const port = await localStack();
    await expect(claimPort(port)).rejects.toThrow(`Port ${port} is in use by LocalStack.`);
  });
});

describe('the program on a port', () => {
  it('is identified with its process id, if the system reports it', async () => {
    expect(await portHolder(await program())).toMatchObject({ processId: process.pid, clone: undefined });
  });

  it('is identified as MiniStack by its health check', async () => {
    const port = await listening(createHttpServer((_, response) => response.end('{"services":{}}')));
    expect(await portHolder(port)).toMatchObject({ program: 'MiniStack' });
  });
});
