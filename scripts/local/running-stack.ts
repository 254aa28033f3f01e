/** The stack that `npm start` keeps up, as a second `npm start` finds it. */
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { workDirectory } from '../terminal/project.ts';
import { buildKey, type StackOutputs } from './deploy.ts';
import { addressOf, type EmulatorAddress, isHealthy, isRunning } from './emulator.ts';

export interface RunningStack {
  readonly address: EmulatorAddress;
  readonly port: number;
  readonly outputs: StackOutputs;
  /** Something that is deployed was changed since. */
  readonly outdated: boolean;
}

const file = join(workDirectory, 'running.json');
const entry = z.object({
  processId: z.int(),
  port: z.int(),
  buildKey: z.string(),
  outputs: z.record(z.string(), z.string()),
});

/** One stack is announced at a time: a second one, on another port, leaves the first one's entry alone. */
export async function announceStack(stack: {
  readonly port: number;
  readonly outputs: StackOutputs;
}): Promise<() => Promise<void>> {
  if ((await findRunningStack()) !== undefined) return async () => {};
  const text = JSON.stringify({
    processId: process.pid,
    port: stack.port,
    buildKey: await buildKey(),
    outputs: stack.outputs,
  });
  const part = `${file}.${process.pid}`;
  await writeFile(part, text);
  await rename(part, file);
  return () => rm(file, { force: true });
}

export async function findRunningStack(): Promise<RunningStack | undefined> {
  const parsed = entry.safeParse(await readJson());
  if (!parsed.success || !isRunning(parsed.data.processId)) return undefined;
  const { port, outputs } = parsed.data;
  const address = await addressOf(port);
  if (!(await isHealthy(address))) return undefined;
  return { address, port, outputs, outdated: parsed.data.buildKey !== (await buildKey()) };
}

async function readJson(): Promise<unknown> {
  try {
    return JSON.parse(await readFile(file, 'utf8'));
  } catch {
    return undefined;
  }
}
