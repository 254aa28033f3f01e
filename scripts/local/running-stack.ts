/** The stack that `npm start` keeps up, as a second `npm start` finds it. */
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { workDirectory } from '../terminal/project.ts';
import { type BuildInputs, buildKey, type StackOutputs } from './deploy.ts';
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
export async function announceStack(
  stack: { readonly port: number; readonly outputs: StackOutputs },
  deployed: BuildInputs,
): Promise<() => Promise<void>> {
  if ((await findRunningStack()) !== undefined) return async () => {};
  const key = await buildKey(undefined, deployed);
  await writeEntry({ processId: process.pid, port: stack.port, buildKey: key, outputs: stack.outputs });
  return () => rm(file, { force: true });
}

/** What was deployed to an announced stack since: whoever finds the stack goes by it. */
export async function announceUpdate(port: number, deployed: BuildInputs): Promise<void> {
  const found = entry.safeParse(await readJson());
  if (!found.success || found.data.port !== port) return;
  await writeEntry({ ...found.data, buildKey: await buildKey(undefined, deployed) });
}

async function writeEntry(content: z.infer<typeof entry>): Promise<void> {
  const part = `${file}.${process.pid}`;
  await writeFile(part, JSON.stringify(content));
  await rename(part, file);
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
