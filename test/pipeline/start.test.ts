import { execFileSync, spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { Agent } from 'node:https';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { HeadBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { projectName } from '../../core/names.ts';
import { workDirectory } from '../../scripts/terminal/project.ts';
import { eventually } from '../support/emulated-pipeline.ts';
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

describe('npm start, while it runs', () => {
  it('keeps its keys in files that only this user may read, and what it prints makes a shell use them', async () => {
    const { port, close } = await listen();
    await close();
    const photograph = join(directory, 'rocket.jpg');
    await writeFile(photograph, photo('rocket.jpg'));
    const script = fileURLToPath(new URL('../../scripts/start/start.ts', import.meta.url));
    const child = spawn(process.execPath, [script, '--port', `${port}`, photograph], {
      cwd: directory,
      // npm's own, if npm runs these tests, is another folder.
      env: { ...process.env, INIT_CWD: directory },
      stdio: 'pipe',
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += `${chunk}`));
    const ended = new Promise((resolve) => child.once('close', resolve));
    try {
      const [, file = '', bucket = ''] = await eventually('the advice for a shell', async () => {
        if (child.exitCode !== null) throw new Error(`npm start has ended:\n${output}`);
        return /^ {2}\. (\S+)\n {2}aws s3 cp FILE s3:\/\/([^/]+)\/$/m.exec(output) ?? undefined;
      });
      for (const secret of [resolve(directory, file), join(workDirectory, 'running.json')])
        expect((await stat(secret)).mode & 0o777, secret).toBe(0o600);

      // A shell with settings of its user's own.
      const PATH = process.env['PATH'] ?? '';
      const printed = execFileSync('sh', ['-c', `. "${file}" && env`], {
        cwd: directory,
        env: { PATH, AWS_PROFILE: 'mine', AWS_SESSION_TOKEN: 'mine' },
      });
      const environment = new Map(`${printed}`.split('\n').map((line) => line.split('=', 2) as [string, string]));
      const setting = (name: string) => environment.get(name) ?? '';
      expect([setting('AWS_PROFILE'), setting('AWS_SESSION_TOKEN')]).toEqual(['', '']);
      for (const name of ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY']) {
        expect(setting(name)).toMatch(/^\w{32,}$/);
        expect(output).not.toContain(setting(name));
      }
      const s3 = new S3Client({
        endpoint: setting('AWS_ENDPOINT_URL'),
        region: setting('AWS_REGION'),
        forcePathStyle: true,
        credentials: {
          accessKeyId: setting('AWS_ACCESS_KEY_ID'),
          secretAccessKey: setting('AWS_SECRET_ACCESS_KEY'),
        },
        requestHandler: { httpsAgent: new Agent({ ca: await readFile(setting('AWS_CA_BUNDLE')) }) },
      });
      await s3.send(new HeadBucketCommand({ Bucket: bucket }));
    } finally {
      child.kill('SIGINT');
      await ended;
    }
  });
});
