import { spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { projectName } from '../../core/names.ts';
import { photo } from '../support/photos.ts';

/** Runs `npm start` as a user does: the program itself, with its own emulator. */

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), `${projectName}-`));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

async function start(...args: string[]): Promise<{ exitCode: number | null; output: string }> {
  const script = fileURLToPath(new URL('../../scripts/start/start.ts', import.meta.url));
  const child = spawn(process.execPath, [script, ...args], { cwd: directory, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const { promise, resolve } = Promise.withResolvers<number | null>();
  child.once('close', resolve);
  return { exitCode: await promise, output };
}

/** Listens on a port, or for 0 on any free one; fails if it is in use. */
async function listen(wanted = 0): Promise<{ port: number; close(): Promise<unknown> }> {
  // It must read what it is sent, or its connections never end.
  const server = createServer((socket) => socket.resume());
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once('error', reject);
  server.listen(wanted, '127.0.0.1', resolve);
  await promise;
  const { port } = z.object({ port: z.int() }).parse(server.address());
  return { port, close: () => new Promise((done) => server.close(done)) };
}

describe('npm start -- --once', () => {
  it('sends files through the pipeline, reports the outcome of each, and leaves nothing running', async () => {
    const { port, close } = await listen();
    await close();
    await writeFile(join(directory, 'rocket (1) é.jpg'), photo('rocket.jpg'));
    await writeFile(join(directory, 'notes.jpg'), 'Dear diary');
    const files = ['rocket (1) é.jpg', 'notes.jpg'].map((name) => join(directory, name));
    const json = join(directory, 'results.json');
    const out = join(directory, 'renditions');

    const { exitCode, output } = await start('--once', '--port', `${port}`, '--json', json, '--out', out, ...files);

    expect(output).toContain('Every upload has an outcome.');
    expect(exitCode).toBe(0);
    expect(JSON.parse(await readFile(json, 'utf8'))).toEqual([
      expect.objectContaining({ file: files[0], key: 'rocket (1) é.jpg', outcome: 'processed', reason: null }),
      expect.objectContaining({ key: 'notes.jpg', outcome: 'rejected', reason: 'unsupported-format', renditions: [] }),
    ]);
    expect((await readdir(join(out, 'rocket (1) é.jpg'))).sort()).toContain('webp-320.webp');
    // The port is free again.
    await (await listen(port)).close();
  });

  it.each([
    ['a missing file', ['--once', 'nowhere.jpg'], 'nowhere.jpg'],
    ['an unknown option', ['--twice'], '--twice'],
  ])('with %s, prints a one-sentence error and exits with 1', async (_, args, named) => {
    const { exitCode, output } = await start(...args);
    expect(output).toContain(named);
    expect(output).not.toMatch(/\n\s+at /);
    expect(exitCode).toBe(1);
  });

  it('rejects a file name that the emulator does not support', async () => {
    const file = join(directory, 'two\nlines.jpg');
    await writeFile(file, 'x');
    const { exitCode, output } = await start('--once', file);
    expect(output).toContain('two\\nlines.jpg');
    expect(exitCode).toBe(1);
  });

  it('with a port that is in use, says so and suggests another one', async () => {
    const { port, close } = await listen();
    const { exitCode, output } = await start('--once', '--port', `${port}`);
    await close();
    expect(output).toMatch(/in use.*--port/s);
    expect(exitCode).toBe(1);
  });
});
