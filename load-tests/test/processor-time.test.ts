import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, describe, expect, it } from 'vitest';
import { processorShares } from '../runner/processor-time.ts';
import { runFileVariable } from '../runner/run-file.ts';

const endpoint = 'https://127.0.0.1:49999';
const emulator = { GATEWAY_PORT: '49999' };
const resize = { ...emulator, AWS_LAMBDA_FUNCTION_NAME: 'images-local-ResizeImageFunction-1A2B' };
const started: ChildProcess[] = [];
afterEach(() => {
  for (const child of started.splice(0)) child.kill('SIGKILL');
});

/** Resolves when it has used this much processor time; it runs until it is killed. */
async function processThatUses(millis: number, environment: Record<string, string>): Promise<void> {
  const script = `
    const spent = () => { const { user, system } = process.cpuUsage(); return (user + system) / 1000; };
    while (spent() < ${millis});
    console.log('done');
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['-e', script], { env: environment, stdio: ['ignore', 'pipe', 'inherit'] });
  started.push(child);
  if (millis > 0) await once(child.stdout, 'data');
}

function shares(runFile = '/a/plan.json') {
  const found = processorShares(endpoint, runFile);
  if (found === undefined) throw new Error('This machine has no /proc.');
  return found;
}

describe.runIf(process.platform === 'linux')('processor time', () => {
  it('of a function’s process is counted for the function, and of other processes with the emulator’s environment for the emulator', async () => {
    const share = shares();
    await processThatUses(300, resize);
    await processThatUses(200, emulator);
    const { millis, processes } = share();
    expect(millis.ResizeImage).toBeGreaterThanOrEqual(290);
    expect(millis.emulator).toBeGreaterThanOrEqual(190);
    expect(millis.emulator).toBeLessThan(millis.ResizeImage);
    expect(millis.ExtractMetadata).toBe(0);
    expect(processes.ResizeImage).toEqual({ alive: 1, busy: 1 });
  });

  it('is counted once: an idle process is alive but not busy', async () => {
    const share = shares();
    await processThatUses(100, resize);
    share();
    const { millis, processes } = share();
    expect(millis.ResizeImage).toBeLessThan(100);
    expect(processes.ResizeImage.alive).toBe(1);
  });

  it('of another emulator, another run or any other program is counted for others', async () => {
    const share = shares('/mine/plan.json');
    await processThatUses(200, { ...resize, GATEWAY_PORT: '49998' });
    await processThatUses(200, { [runFileVariable]: '/theirs/plan.json' });
    const { millis } = share();
    expect(millis.ResizeImage).toBe(0);
    expect(millis.others).toBeGreaterThanOrEqual(380);
  });

  it('of Artillery, identified by the run’s file, is counted for the load test', async () => {
    const share = shares('/mine/plan.json');
    await processThatUses(300, { [runFileVariable]: '/mine/plan.json' });
    expect(share().millis.load).toBeGreaterThanOrEqual(290);
  });
});
