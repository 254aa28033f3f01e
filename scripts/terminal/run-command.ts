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
  /** Receives all that the command prints; the screen stays with our own sentences. */
  readonly log: string;
  /** Adds to the log instead of starting it anew. */
  readonly append?: boolean;
  /** An open file that the command gets as its descriptor 3. */
  readonly inherited?: number;
  /** Called with each whole line of both streams. */
  readonly onLine?: (line: string) => void;
}

export interface CommandResult {
  readonly succeeded: boolean;
  /** What was printed, of both streams. */
  readonly output: string;
}

const running = new Set<ReturnType<typeof spawn>>();

/** Ends with the command. A command that cannot be started has not succeeded. */
export async function runCommand(task: Command): Promise<CommandResult> {
  mkdirSync(dirname(task.log), { recursive: true });
  // Opened here, so that a log that cannot be written is the caller's error and not an event that nobody hears.
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
    // The disk is full, for example: nobody reads what the command prints, and it would wait for ever.
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

/** Runs a command that has the terminal to itself, and returns its exit code. */
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

/** For the way out: what still runs is of no more use. */
export function endRunningCommands(): void {
  for (const child of running) child.kill('SIGTERM');
}
