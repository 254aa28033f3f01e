import { vi } from 'vitest';
import * as z from 'zod';

const emf = z.object({
  _aws: z.object({
    CloudWatchMetrics: z.array(
      z.object({
        Namespace: z.string(),
        Dimensions: z.array(z.array(z.string())),
        Metrics: z.array(z.object({ Name: z.string() })),
      }),
    ),
  }),
});

export interface EmittedMetric {
  readonly namespace: string;
  readonly name: string;
  readonly dimensions: readonly string[];
}

/** The metrics that CloudWatch would make of what `publish` prints: names and dimensions as the code has them. */
export async function emittedMetrics(publish: () => unknown): Promise<readonly EmittedMetric[]> {
  // Makes Powertools write to the console, where it can be listened to.
  vi.stubEnv('POWERTOOLS_DEV', 'true');
  vi.stubEnv('POWERTOOLS_METRICS_DISABLED', 'false');
  const spies = (['log', 'info', 'warn', 'error'] as const).map((level) => vi.spyOn(console, level).mockReturnValue());
  try {
    await publish();
    const [log] = spies;
    return (log?.mock.calls ?? []).flatMap(([line]) =>
      emf
        .parse(JSON.parse(String(line)))
        ._aws.CloudWatchMetrics.flatMap(({ Namespace, Dimensions, Metrics }) =>
          Metrics.flatMap(({ Name }) =>
            Dimensions.map((names) => ({ namespace: Namespace, name: Name, dimensions: names.toSorted() })),
          ),
        ),
    );
  } finally {
    for (const spy of spies) spy.mockRestore();
    vi.unstubAllEnvs();
  }
}
