import { constants } from 'node:os';

type StopSignal = 'SIGINT' | 'SIGTERM' | 'SIGHUP';

/**
 * Calls `stop` once, with the exit code that the reason deserves: for Ctrl-C (which npm passes on a second time), a
 * `kill`, a closed terminal, or a parent that was killed and could not tell.
 */
export function onceStopped(stop: (exitCode: number) => void): void {
  let stopped = false;
  const stopOnce = (signal: StopSignal): void => {
    if (stopped) return;
    stopped = true;
    stop(128 + constants.signals[signal]);
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stopOnce(signal));
  onceOrphaned(() => stopOnce('SIGHUP'));
}

/** Calls `stop` when the process that started this one is gone. */
export function onceOrphaned(stop: () => void): void {
  const parent = process.ppid;
  const timer = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(timer);
    stop();
  }, 500);
  timer.unref();
}
