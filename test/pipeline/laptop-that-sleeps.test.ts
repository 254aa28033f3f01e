import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { projectName } from '../../core/names.ts';
import { projectDirectory, workDirectory } from '../../scripts/terminal/project.ts';
import { eventually } from '../support/emulated-pipeline.ts';
import { descendantsOf, processes, signal } from '../support/processes.ts';

/** `npm start` on a laptop that goes to sleep, or that is stopped by its user, while uploads are in progress. */

let directory: string;
let port: number;
const children: ChildProcess[] = [];
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), `${projectName}-`));
  port = await freePort();
});
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});
afterAll(() => rm(directory, { recursive: true, force: true }));

const results = () => join(directory, 'results.json');

interface Started {
  readonly child: ChildProcess;
  /** Resolves with the exit code. */
  readonly ended: Promise<number | null>;
  readonly output: () => string;
}

/** Runs `npm start`; returns once its output matches `wanted`. */
async function start(args: readonly string[], wanted: RegExp): Promise<Started> {
  const script = join(projectDirectory, 'scripts', 'start', 'start.ts');
  const all = [script, '--port', `${port}`, ...args];
  const child = spawn(process.execPath, all, { cwd: directory, stdio: ['ignore', 'pipe', 'pipe'] });
  children.push(child);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const { promise: ended, resolve } = Promise.withResolvers<number | null>();
  child.once('close', resolve);
  await eventually(`“${wanted.source}”`, async () => {
    if (child.exitCode !== null && !wanted.test(output)) throw new Error(`npm start has ended:\n${output}`);
    return wanted.test(output) ? true : undefined;
  });
  return { child, ended, output: () => output };
}

/** Sends the photos in docs/samples; returns once the first has an outcome. */
const startAndSend = () => start(['--once', '--json', results()], /\b1 of \d+: /);

async function freePort(): Promise<number> {
  const server = createServer();
  const { promise, resolve } = Promise.withResolvers<void>();
  server.listen(0, '127.0.0.1', resolve);
  await promise;
  const address = z.object({ port: z.int() }).parse(server.address());
  await new Promise((closed) => server.close(closed));
  return address.port;
}

function expectNothingLeft(): void {
  const announcement = join(workDirectory, 'running.json');
  const announced = existsSync(announcement) ? readFileSync(announcement, 'utf8') : '';
  expect(announced).not.toContain(`"port":${port}`);
  expect(existsSync(join(workDirectory, 'emulator', `${port}`))).toBe(false);
  expect(processes().filter(({ command }) => command.includes(`emulator/${port}/`))).toEqual([]);
  expect(existsSync(results())).toBe(false);
}

// The order matters: each run follows one that ended badly.
describe('npm start, with uploads in progress', () => {
  it('when stopped by Ctrl-C, says how many uploads are undecided, shows no results, and leaves nothing behind', async () => {
    const { child, ended, output } = await startAndSend();
    child.kill('SIGINT');
    expect(await ended).toBe(130);
    expect(output()).toMatch(/Stopped with \d+ of \d+ uploads decided\. .*keeps no state.*npm start again/);
    expect(output()).not.toContain('Every upload has an outcome.');
    expect(output()).not.toMatch(/\n\s+at /);
    expectNothingLeft();
  });

  it('when run again and its emulator is killed, says so, and does the same', async () => {
    const { child, ended, output } = await startAndSend();
    signal(
      'SIGKILL',
      descendantsOf(z.int().parse(child.pid)).filter(({ command }) => /python.*ministack/.test(command)),
    );
    expect(await ended).toBe(1);
    expect(output()).toContain('The emulator ended unexpectedly');
    expect(output()).toMatch(/Stopped with \d+ of \d+ uploads decided\. .*keeps no state.*npm start again/);
    expect(output()).not.toContain('Every upload has an outcome.');
    expect(output()).not.toMatch(/\n\s+at /);
    expectNothingLeft();
  });

  it('when run again and suspended for a while, decides all uploads', async () => {
    const { child, ended, output } = await startAndSend();
    const all = [{ id: z.int().parse(child.pid) }, ...descendantsOf(z.int().parse(child.pid))];
    signal('SIGSTOP', all);
    await sleep(5_000);
    signal('SIGCONT', all);
    expect(await ended, output()).toBe(0);
    expect(output()).toContain('Every upload has an outcome.');
    const decided = z.array(z.object({ outcome: z.string() })).parse(JSON.parse(await readFile(results(), 'utf8')));
    expect(new Set(decided.map(({ outcome }) => outcome))).toEqual(new Set(['processed', 'rejected']));
  });
});

describe('npm start, while another one is running', () => {
  it('when stopped by Ctrl-C, says that the stack continues; when run again, decides all uploads', async () => {
    await writeFile(join(directory, 'notes.jpg'), 'Dear diary');
    const up = await start([join(directory, 'notes.jpg')], /Running until you press Ctrl-C/);

    const sender = await startAndSend();
    sender.child.kill('SIGINT');
    expect(await sender.ended).toBe(130);
    expect(sender.output()).toMatch(/Stopped with \d+ of \d+ uploads decided\. The stack continues to process/);
    expect(sender.output()).not.toContain('Every upload has an outcome.');
    expect(existsSync(results())).toBe(false);

    const again = await start(['--once', '--json', results()], /Every upload has an outcome\./);
    expect(await again.ended).toBe(0);
    const decided = z.array(z.object({ outcome: z.string() })).parse(JSON.parse(await readFile(results(), 'utf8')));
    expect(new Set(decided.map(({ outcome }) => outcome))).toEqual(new Set(['processed', 'rejected']));

    await rm(results());
    up.child.kill('SIGINT');
    expect(await up.ended).toBe(0);
    expectNothingLeft();
  });
});
