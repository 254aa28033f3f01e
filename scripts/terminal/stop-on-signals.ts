import { constants } from 'node:os';

type StopSignal = 'SIGINT' | 'SIGTERM' | 'SIGHUP';

/**
 * Calls `stop` once, with the matching exit code, on Ctrl-C (which npm forwards a second time), a `kill`, a closed
 * terminal, or when the parent process was killed and could not forward a signal.
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

/** Calls `stop` when the parent process no longer exists. */
export function onceOrphaned(stop: () => void): void {
  const parent = process.ppid;
  const timer = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(timer);
    stop();
  }, 500);
  timer.unref();
}
