import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { Socket } from 'node:net';
import { setInterval } from 'node:timers/promises';
import type * as z from '../contracts/zod.ts';
import { type Request, ready, reply } from './image-messages.ts';

/** What a process may use. The kernel refuses it more memory; its worker watches its CPU time and kills it. */
export interface ProcessBounds {
  readonly memoryMegabytes: number;
  /** Per request. */
  readonly cpuSeconds: number;
  /** Per request. If the process had less CPU time than its bound by then, it was the machine that was slow. */
  readonly wallSeconds: number;
}

/** A request used more than its bounds allow, or crashed the process, which has ended now. */
export interface Excess {
  readonly outcome: 'exceeded';
  readonly bound: 'time' | 'memory' | 'crash';
}

export interface ImageProcess {
  /**
   * One request at a time.
   *
   * @throws {Error} if the process failed for a reason that the image did not cause: a retry may help
   */
  ask<Answer>(request: Request, schema: z.ZodMiniType<Answer>): Promise<Answer | Excess>;
  readonly hasEnded: boolean;
  /** Largest resident memory up to the last answer. */
  readonly peakMegabytes: number;
  end(): void;
}

/** @param script a program that calls `serveImages`. It starts at once, so that the first image does not wait for it. */
export function startImageProcess(script: string, bounds: ProcessBounds): ImageProcess {
  const child = spawnWithin(bounds.memoryMegabytes, script);
  const ended = endOf(child);
  const started = Promise.race([ended, once(child, 'message').then(([message]) => ready.parse(message))]);
  let peakMegabytes = 0;
  keepsWorkerAlive(child, false);

  const judged = async (): Promise<Excess> => {
    const end = await ended;
    if (isCrash(end.signal)) return { outcome: 'exceeded', bound: 'crash' };
    throw new Error(`The process that decodes images ended ${end.how}`);
  };

  return {
    async ask(request, schema) {
      const stop = new AbortController();
      keepsWorkerAlive(child, true);
      try {
        const start = await started;
        if ('how' in start) throw new Error(`The process that decodes images could not start: it ended ${start.how}`);
        const answered = once(child, 'message').then(([message]) => reply.parse(message));
        // An error means that the process has ended, which `judged` tells.
        child.send(request, () => undefined);
        const first = await Promise.race([answered, judged(), outOfTime(child, bounds, stop.signal)]);
        if ('outcome' in first) {
          child.kill('SIGKILL');
          return first;
        }
        peakMegabytes = first.peakMegabytes;
        if (first.failed === undefined) return schema.parse(first.answer);
        if (!first.failed.outOfMemory) throw new Error(first.failed.message);
        child.kill('SIGKILL');
        return { outcome: 'exceeded', bound: 'memory' };
      } catch (error) {
        child.kill('SIGKILL');
        throw error;
      } finally {
        stop.abort();
        keepsWorkerAlive(child, false);
      }
    },
    get hasEnded() {
      return child.killed || child.exitCode !== null || child.signalCode !== null;
    },
    get peakMegabytes() {
      return peakMegabytes;
    },
    end: () => void child.kill('SIGKILL'),
  };
}

// ── Start ───────────────────────────────────────────────────────────────────────────────────────────────────────────

// Nothing else: the worker's environment contains the credentials of its role.
const PASSED_ON = ['LD_LIBRARY_PATH', 'NODE_PATH', 'MALLOC_ARENA_MAX', 'VIPS_BLOCK_UNTRUSTED', 'VIPS_MAX_COORD'];

function spawnWithin(memoryMegabytes: number, script: string): ChildProcess {
  const kilobytes = memoryMegabytes * 1024 + (reservedKilobytes() ?? 0);
  // Node.js cannot set a limit of the kernel; the shell can, and replaces itself with the process.
  return spawn('/bin/sh', ['-c', `ulimit -d ${kilobytes} && exec "$0" "$1"`, process.execPath, script], {
    env: Object.fromEntries(PASSED_ON.map((name) => [name, process.env[name]])),
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    // Sends bytes as they are.
    serialization: 'advanced',
  });
}

/** The kernel also counts the half gigabyte that V8 reserves for code and hardly uses: in this process as in that one. */
function reservedKilobytes(): number | undefined {
  const status = linuxFile('/proc/self/status');
  const [counted, used] = ['VmData', 'RssAnon'].map((name) =>
    Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status ?? '')?.[1]),
  );
  return counted === undefined || used === undefined ? undefined : counted - used;
}

/** While a request waits for an answer, and only then, the worker does not exit. */
function keepsWorkerAlive(child: ChildProcess, keeps: boolean): void {
  const handles = [child, child.channel, child.stderr instanceof Socket ? child.stderr : undefined];
  for (const handle of handles) keeps ? handle?.ref() : handle?.unref();
}

// ── End ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

interface End {
  readonly signal: NodeJS.Signals | null;
  /** For a sentence: `by SIGKILL: …` */
  readonly how: string;
}

// What is enough to find the cause: Node.js and V8 say it first or last.
const LAST_WORDS = 2_000;

function endOf(child: ChildProcess): Promise<End> {
  let words = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    words = (words + text).slice(-LAST_WORDS);
  });
  return new Promise((resolve) => {
    child.once('error', ({ message }) => resolve({ signal: null, how: `with an error: ${message}` }));
    child.once('close', (code, signal) =>
      resolve({ signal, how: `${signal === null ? `with exit code ${code}` : `by ${signal}`}. ${words.trim()}` }),
    );
  });
}

// What the kernel or the C library sends to a process that made a mistake. SIGKILL comes from outside, for another reason.
const CRASHES: readonly (string | null)[] = ['SIGABRT', 'SIGBUS', 'SIGFPE', 'SIGILL', 'SIGSEGV', 'SIGSYS', 'SIGTRAP'];

function isCrash(signal: NodeJS.Signals | null): boolean {
  return CRASHES.includes(signal);
}

// ── Time ────────────────────────────────────────────────────────────────────────────────────────────────────────────

const CHECK_INTERVAL_MILLIS = 200;

async function outOfTime(child: ChildProcess, bounds: ProcessBounds, signal: AbortSignal): Promise<Excess> {
  const [startedAt, usedBefore] = [performance.now(), cpuSecondsOf(child)];
  for await (const _ of setInterval(CHECK_INTERVAL_MILLIS, undefined, { signal })) {
    const wallSeconds = (performance.now() - startedAt) / 1000;
    // Outside Linux, the CPU time is not known.
    const cpuSeconds = (cpuSecondsOf(child) ?? wallSeconds) - (usedBefore ?? 0);
    if (cpuSeconds >= bounds.cpuSeconds) return { outcome: 'exceeded', bound: 'time' };
    if (wallSeconds >= bounds.wallSeconds) {
      throw new Error(
        `The image needs a retry: its process got only ${cpuSeconds.toFixed(1)} s of CPU time in ${bounds.wallSeconds} s.`,
      );
    }
  }
  throw signal.reason;
}

/** User and system time of all threads, in the kernel's hundredths of a second (proc_pid_stat(5)). */
function cpuSecondsOf({ pid }: ChildProcess): number | undefined {
  const stat = linuxFile(`/proc/${pid}/stat`);
  if (stat === undefined) return undefined;
  // The second field is the program's name in parentheses, which may contain anything.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

function linuxFile(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
