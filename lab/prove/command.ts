/** Runs the project's commands as their users do: in processes of their own, which can be killed. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { EmulatorAddress } from '../../scripts/local/emulator.ts';
import type { Stack } from '../../scripts/stack/stack.ts';
import { projectDirectory } from '../../scripts/terminal/project.ts';

export interface Command {
  readonly name: 'backfill' | 'erase' | 'rerender';
  readonly args: readonly string[];
}

/** Against the stack on the emulator. It asks nothing. */
export function startCommand(
  { name, args }: Command,
  { name: stack }: Pick<Stack, 'name'>,
  { environment }: Pick<EmulatorAddress, 'environment'>,
): ChildProcess {
  return spawn(process.execPath, [`scripts/${name}/${name}.ts`, '--stack', stack, ...args, '--yes', '--json'], {
    ...{ cwd: projectDirectory, env: { ...environment }, stdio: 'ignore' },
  });
}

/** Null if it was killed. */
export async function exitCodeOf(command: ChildProcess): Promise<number | null> {
  if (command.exitCode === null && command.signalCode === null) await once(command, 'exit');
  return command.exitCode;
}

/** As an operator would: if it stops, again. Returns how often it ran. */
export async function runUntilDone(
  command: Command,
  stack: Pick<Stack, 'name'>,
  emulator: Pick<EmulatorAddress, 'environment'>,
  mostRuns: number,
): Promise<number> {
  for (let runs = 1; runs <= mostRuns; runs += 1)
    if ((await exitCodeOf(startCommand(command, stack, emulator))) === 0) return runs;
  throw new Error(`npm run ${command.name} did not succeed in ${mostRuns} runs.`);
}
