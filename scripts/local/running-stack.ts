/** Lets other commands find the stack that `npm start` is running. */
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import * as z from 'zod';
import { accountStack, readStack, type Stack } from '../stack/stack.ts';
import { type BuildInputs, buildKey } from './deploy.ts';
import { addressOf, type Emulator, type EmulatorAddress, isHealthy, isRunning } from './emulator.ts';
import { localStackAddress } from './local-stack.ts';
import { noStack, runningFile } from './running-entry.ts';

export interface RunningStack {
  readonly stack: Stack;
  readonly address: EmulatorAddress;
  readonly port: number;
  /** Deployed files have changed since. */
  readonly outdated: boolean;
}

const entry = z.object({
  processId: z.int(),
  port: z.int(),
  buildKey: z.string(),
  credentials: z.object({ accessKeyId: z.string(), secretAccessKey: z.string() }),
});
type Entry = z.infer<typeof entry>;

/** Records the stack in a file, unless another one is already running. Returns a function that deletes the file. */
export async function announceStack(emulator: Emulator, deployed: BuildInputs): Promise<() => Promise<void>> {
  if ((await findRunningStack()) !== undefined) return async () => {};
  const { port, credentials } = emulator;
  await writeEntry({ processId: process.pid, port, credentials, buildKey: await buildKey(undefined, deployed) });
  return () => rm(runningFile, { force: true });
}

/** Records what was last deployed to an announced stack, so that other commands know whether it is outdated. */
export async function announceUpdate(port: number, deployed: BuildInputs): Promise<void> {
  const found = entry.safeParse(await readJson());
  if (!found.success || found.data.port !== port) return;
  await writeEntry({ ...found.data, buildKey: await buildKey(undefined, deployed) });
}

async function writeEntry(content: Entry): Promise<void> {
  const part = `${runningFile}.${process.pid}`;
  // Only this user may read the credentials.
  await writeFile(part, JSON.stringify(content), { mode: 0o600 });
  await rename(part, runningFile);
}

export async function findRunningStack(): Promise<RunningStack | undefined> {
  const parsed = entry.safeParse(await readJson());
  if (!parsed.success || !isRunning(parsed.data.processId)) return undefined;
  const { port, credentials } = parsed.data;
  const address = await addressOf(port, credentials);
  if (!(await isHealthy(address))) return undefined;
  const stack = await readStack(localStackAddress(address));
  return { stack, address, port, outdated: parsed.data.buildKey !== (await buildKey()) };
}

/**
 * The named stack in the account, or without a name, the one running on this machine.
 *
 * @throws {import('../terminal/failure.ts').Failure} if there is no such stack
 */
export async function stackNamed(name: string | undefined): Promise<Stack> {
  if (name !== undefined) return await accountStack(name);
  const running = await findRunningStack();
  if (running !== undefined) return running.stack;
  throw noStack();
}

/**
 * Runs a command on {@link stackNamed}, and closes its connections at the end.
 *
 * @throws {import('../terminal/failure.ts').Failure} if there is no such stack
 */
export async function withStack<Result>(
  name: string | undefined,
  run: (stack: Stack) => Promise<Result>,
): Promise<Result> {
  const stack = await stackNamed(name);
  try {
    return await run(stack);
  } finally {
    stack.close();
  }
}

async function readJson(): Promise<unknown> {
  try {
    return JSON.parse(await readFile(runningFile, 'utf8'));
  } catch {
    return undefined;
  }
}
