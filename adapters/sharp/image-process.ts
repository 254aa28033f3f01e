import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Socket } from 'node:net';
import { setInterval } from 'node:timers/promises';
import type * as z from '../contracts/zod.ts';
import { messagesOf } from './frames.ts';
import { type Asked, type Reply, ready, reply } from './image-messages.ts';

/** What a process may use. The kernel refuses it more memory; its worker watches its CPU time and kills it. */
export interface ProcessBounds {
  readonly memoryMegabytes: number;
  /** Per image: from opening it to its last answer. */
  readonly cpuSeconds: number;
  /** Per image, without the time between requests. */
  readonly wallSeconds: number;
  /** Per answer, which the worker has to hold. */
  readonly answerBytes: number;
}

/** An image used more than its bounds allow, or crashed the process, which has ended now. */
export interface Excess {
  readonly outcome: 'exceeded';
  readonly bound: 'time' | 'memory' | 'crash';
}

/**
 * The process failed in a way that an image can cause, and so can the machine: it was killed, hung or lied. The workflow
 * tries once more, and then blames the image: statemachine/image-pipeline.asl.json has this name.
 */
export class ImageProcessFailed extends Error {
  override readonly name = 'ImageProcessFailed';
}

export interface ImageProcess {
  /**
   * One request at a time.
   *
   * @throws {ImageProcessFailed} see there
   * @throws {Error} if the process cannot start, or has a bug: the image did not cause that, and a retry may help
   */
  ask<Answer>(request: Asked, schema: z.ZodMiniType<Answer>): Promise<Answer | Excess>;
  readonly hasEnded: boolean;
  /** Largest resident memory up to the last answer. */
  readonly peakMegabytes: number;
}

/** @param script a program that calls `serveImages`. It starts at once, so that the first image does not wait for it. */
export function startImageProcess(script: string, bounds: ProcessBounds): ImageProcess {
  const { child, answers } = spawnWithin(bounds.memoryMegabytes, script);
  const ended = endOf(child);
  const messages = messagesOf(answers, bounds.answerBytes);
  const greeted = messages.next().then(async ({ value }) => (value === undefined ? ended : ready.parse(value)));
  const started = Promise.race([ended, greeted]);
  // Reported by the first request.
  started.catch(() => undefined);
  const meter = { cpuBefore: 0, wallSeconds: 0 };
  let peakMegabytes = 0;
  let hasEnded = false;
  void ended.then(() => {
    hasEnded = true;
  });
  const kill = () => {
    hasEnded = true;
    killGroup(child);
  };
  keepsWorkerAlive(child, false);

  const judged = async (): Promise<Excess> => {
    const end = await ended;
    if (isCrash(end.signal)) return { outcome: 'exceeded', bound: 'crash' };
    throw new ImageProcessFailed(`The process that decodes images ended ${end.how}`);
  };
  const answerTo = async (id: string): Promise<Reply | Excess> => {
    const { value, done } = await messages.next();
    if (done) return judged();
    const parsed = reply.parse(value);
    // A process that a file has taken over could prepare answers about the next image.
    if (parsed.id !== id) throw new Error('The answer belongs to another request.');
    return parsed;
  };
  const first = async (request: Asked, signal: AbortSignal): Promise<Reply | Excess> => {
    const id = randomUUID();
    child.stdin?.write(`${JSON.stringify({ id, request })}\n`);
    try {
      return await Promise.race([answerTo(id), judged(), outOfTime(child, bounds, meter, signal)]);
    } catch (error) {
      if (error instanceof ImageProcessFailed) throw error;
      throw new ImageProcessFailed('The process that decodes images gave no proper answer.', { cause: error });
    }
  };

  return {
    async ask(request, schema) {
      const stop = new AbortController();
      keepsWorkerAlive(child, true);
      const startedAt = performance.now();
      try {
        const start = await started;
        if ('how' in start) throw new Error(`The process that decodes images could not start: it ended ${start.how}`);
        if (request.ask === 'open') Object.assign(meter, { cpuBefore: cpuSecondsOf(child) ?? 0, wallSeconds: 0 });
        const answered = await first(request, stop.signal);
        if ('outcome' in answered) {
          kill();
          return answered;
        }
        peakMegabytes = answered.peakMegabytes;
        const { failed } = answered;
        if (failed === undefined) return parseAnswer(schema, answered.answer);
        if (!failed.outOfMemory) throw new Error(failed.message);
        kill();
        return { outcome: 'exceeded', bound: 'memory' };
      } catch (error) {
        kill();
        throw error;
      } finally {
        meter.wallSeconds += (performance.now() - startedAt) / 1000;
        stop.abort();
        keepsWorkerAlive(child, false);
      }
    },
    get hasEnded() {
      return hasEnded;
    },
    get peakMegabytes() {
      return peakMegabytes;
    },
  };
}

function parseAnswer<Answer>(schema: z.ZodMiniType<Answer>, answer: unknown): Answer {
  const parsed = schema.safeParse(answer);
  if (parsed.success) return parsed.data;
  throw new ImageProcessFailed('The process that decodes images gave an impossible answer.', { cause: parsed.error });
}

// ── Start ───────────────────────────────────────────────────────────────────────────────────────────────────────────

// Nothing else: the worker's environment contains the credentials of its role.
const PASSED_ON = ['LD_LIBRARY_PATH', 'NODE_PATH', 'MALLOC_ARENA_MAX', 'VIPS_BLOCK_UNTRUSTED', 'VIPS_MAX_COORD'];

function spawnWithin(memoryMegabytes: number, script: string): { child: ChildProcess; answers: Socket } {
  const kilobytes = memoryMegabytes * 1024 + RESERVED_KILOBYTES;
  // Node.js cannot set a limit of the kernel; the shell can, and replaces itself with the process.
  const child = spawn('/bin/sh', ['-c', `ulimit -d ${kilobytes} && exec "$0" "$1"`, process.execPath, script], {
    env: Object.fromEntries(PASSED_ON.map((name) => [name, process.env[name]])),
    // Requests, nothing, its last words, answers.
    stdio: ['pipe', 'ignore', 'pipe', 'pipe'],
    // A group of its own, so that what it may have started is killed with it.
    detached: true,
  });
  const answers = child.stdio[3];
  if (!(answers instanceof Socket)) throw new Error('The process that decodes images has no pipe for its answers.');
  // Writing to a process that has ended fails, which `endOf` tells.
  child.stdin?.on('error', () => undefined);
  return { child, answers };
}

// The kernel also counts the half gigabyte that V8 reserves for code and hardly uses: in this process as in that one. Read
// when the worker starts, before an image leaves memory behind.
const RESERVED_KILOBYTES = reservedKilobytes();

function reservedKilobytes(): number {
  const status = linuxFile('/proc/self/status') ?? '';
  const kilobytes = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? 0);
  return kilobytes('VmData') - kilobytes('RssAnon');
}

/** While a request waits for an answer, and only then, the worker does not exit. */
function keepsWorkerAlive(child: ChildProcess, keeps: boolean): void {
  const sockets = child.stdio.filter((stream) => stream instanceof Socket);
  for (const handle of [child, ...sockets]) keeps ? handle.ref() : handle.unref();
}

// ── End ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

interface End {
  readonly signal: NodeJS.Signals | null;
  /** For a sentence: `by SIGKILL. …` */
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
    child.once('exit', (code, signal) => {
      const how = signal === null ? `with exit code ${code}` : `by ${signal}`;
      // Its last words may arrive after it.
      setImmediate(() => resolve({ signal, how: `${how}. ${words.trim()}` }));
    });
  });
}

function killGroup({ pid }: ChildProcess): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL');
  } catch {
    // It has ended.
  }
}

// What the kernel or the C library sends to a process that made a mistake. SIGKILL comes from outside, for another reason.
const CRASHES: readonly (string | null)[] = ['SIGABRT', 'SIGBUS', 'SIGFPE', 'SIGILL', 'SIGSEGV', 'SIGSYS', 'SIGTRAP'];

function isCrash(signal: NodeJS.Signals | null): boolean {
  return CRASHES.includes(signal);
}

// ── Time ────────────────────────────────────────────────────────────────────────────────────────────────────────────

const CHECK_INTERVAL_MILLIS = 200;
// Of the time, on one vCPU that it shares with its worker. With less, something else held it up.
const BUSY = 0.6;

async function outOfTime(
  child: ChildProcess,
  bounds: ProcessBounds,
  meter: { readonly cpuBefore: number; readonly wallSeconds: number },
  signal: AbortSignal,
): Promise<Excess> {
  const startedAt = performance.now();
  for await (const _ of setInterval(CHECK_INTERVAL_MILLIS, undefined, { signal })) {
    const wallSeconds = meter.wallSeconds + (performance.now() - startedAt) / 1000;
    // Outside Linux, the CPU time is not known.
    const cpuSeconds = (cpuSecondsOf(child) ?? wallSeconds) - meter.cpuBefore;
    if (cpuSeconds >= bounds.cpuSeconds) return { outcome: 'exceeded', bound: 'time' };
    if (wallSeconds < bounds.wallSeconds) continue;
    if (cpuSeconds >= BUSY * wallSeconds) return { outcome: 'exceeded', bound: 'time' };
    throw new ImageProcessFailed(
      `The process that decodes images got only ${cpuSeconds.toFixed(1)} s of CPU time in ${bounds.wallSeconds} s.`,
    );
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
