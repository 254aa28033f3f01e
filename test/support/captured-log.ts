import { afterEach, beforeEach, type MockInstance, vi } from 'vitest';

type Level = 'info' | 'warn' | 'error' | 'log';
type Line = Readonly<Record<string, unknown>>;

/** What Powertools writes during each test of the calling file: logs on `info`, `warn` and `error`, metrics on `log`. */
export function captureLog(): (level: Level) => readonly Line[] {
  let spies: ReadonlyMap<Level, MockInstance<(line: unknown) => void>>;
  beforeEach(() => {
    // Makes Powertools write to the global console, which can be spied on.
    vi.stubEnv('POWERTOOLS_DEV', 'true');
    vi.stubEnv('POWERTOOLS_METRICS_DISABLED', 'false');
    const levels: readonly Level[] = ['info', 'warn', 'error', 'log'];
    spies = new Map(levels.map((level) => [level, vi.spyOn(console, level).mockReturnValue()]));
  });
  afterEach(() => {
    vi.restoreAllMocks();
    vi.unstubAllEnvs();
  });
  return (level) => (spies.get(level)?.mock.calls ?? []).map(([line]): Line => JSON.parse(String(line)) as Line);
}
