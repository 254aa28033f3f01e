import { spawn } from 'node:child_process';
import { createWriteStream, mkdirSync, openSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { createInterface } from 'node:readline';
import { finished } from 'node:stream/promises';

export interface Command {
  readonly command: string;
  readonly args: readonly string[];
  readonly directory?: string;
  readonly environment?: NodeJS.ProcessEnv;
  /** Receives everything that the command prints, to keep the terminal for our own messages. */
  readonly log: string;
  /** Appends to the log instead of overwriting it. */
  readonly append?: boolean;
  /** An open file that the command inherits as descriptor 3. */
  readonly inherited?: number;
  /** Called with each complete line of both streams. */
  readonly onLine?: (line: string) => void;
}

export interface CommandResult {
  readonly succeeded: boolean;
  /** From both streams. */
  readonly output: string;
}

const running = new Set<ReturnType<typeof spawn>>();

/** Resolves when the command ends. A command that cannot be started counts as failed. */
export async function runCommand(task: Command): Promise<CommandResult> {
  mkdirSync(dirname(task.log), { recursive: true });
  // Opened synchronously, so that a log that cannot be written throws here instead of emitting an unhandled error event.
  const log = createWriteStream(task.log, { fd: openSync(task.log, task.append === true ? 'a' : 'w') });
  const logged = finished(log);
  // Awaited below; it may fail earlier.
  logged.catch(() => undefined);
  const before = task.append === true ? await readFile(task.log, 'utf8').catch(() => '') : '';
  const succeeded = await new Promise<boolean>((resolve) => {
    const child = spawn(task.command, task.args, {
      cwd: task.directory,
      env: task.environment,
      stdio: ['ignore', 'pipe', 'pipe', task.inherited ?? 'ignore'],
    });
    running.add(child);
    for (const stream of [child.stdout, child.stderr].filter((each) => each !== null)) {
      stream.pipe(log, { end: false });
      if (task.onLine !== undefined) createInterface({ input: stream }).on('line', task.onLine);
    }
    // For example, the disk is full: without a reader for its output, the command would wait forever.
    log.once('error', () => child.kill('SIGKILL'));
    child.once('error', (error) => {
      log.write(`${error.message}\n`);
      running.delete(child);
      resolve(false);
    });
    child.once('close', (code) => {
      running.delete(child);
      resolve(code === 0);
    });
  });
  log.end();
  await logged;
  return { succeeded, output: (await readFile(task.log, 'utf8')).slice(before.length) };
}

/** Runs a command that takes over the terminal, and returns its exit code. */
export async function runInTerminal({
  command,
  args,
  directory,
  environment,
}: Omit<Command, 'log' | 'append'>): Promise<number> {
  const child = spawn(command, args, { cwd: directory, env: environment, stdio: 'inherit' });
  running.add(child);
  const { promise, resolve } = Promise.withResolvers<number>();
  child.once('error', () => resolve(1));
  child.once('close', (code) => resolve(code ?? 1));
  try {
    return await promise;
  } finally {
    running.delete(child);
  }
}

/** Called before the process exits. */
export function endRunningCommands(): void {
  for (const child of running) child.kill('SIGTERM');
}
