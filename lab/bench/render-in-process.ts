import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import * as z from 'zod';

const script = fileURLToPath(new URL('render-once.ts', import.meta.url));

/** Settings of sharp and V8 in addition to the codec's own. */
export const runtimeSettings = z.object({
  concurrency: z.number().optional(),
  cache: z.boolean().optional(),
  simd: z.boolean().optional(),
  /** V8's: 0 is its own choice. */
  heapGrowingPercent: z.number().optional(),
});
export type RuntimeSettings = z.infer<typeof runtimeSettings>;

const report = z.object({ megabytes: z.number(), cpu: z.number(), wall: z.number() });

export interface Job {
  readonly file: string;
  /** `portray`, a group's name, or `all` groups. */
  readonly job: string;
  readonly times?: number;
  readonly settings?: RuntimeSettings;
  /** MALLOC_ARENA_MAX; by default as in template.yaml, undefined leaves it to glibc. */
  readonly arenas?: string | undefined;
}

/** Runs render-once.ts in a new process, so that its memory is not affected by anything else. */
export function renderInProcess(task: Job): z.infer<typeof report> {
  const { file, job, times = 1, settings = {} } = task;
  const arenas = 'arenas' in task ? task.arenas : '2';
  const { MALLOC_ARENA_MAX: _, ...environment } = process.env;
  const printed = execFileSync(process.execPath, [script, file, job, String(times), JSON.stringify(settings)], {
    env: { ...environment, ...(arenas === undefined ? {} : { MALLOC_ARENA_MAX: arenas }) },
    encoding: 'utf8',
  });
  return report.parse(JSON.parse(printed));
}
