import type { Stack } from '../stack/stack.ts';
import { numberAt, type Stage, stages, templateFor } from '../template/template.ts';

// The poller of the stream, a cold start, and a batch that fails once and is repeated.
const MARGIN_SECONDS = 60;

/**
 * How long a change of the table may take to arrive in the history: Lambda collects changes for the batching window, and then one call
 * writes them. According to the template of this checkout, in the slowest stage.
 */
export function historyDelaySeconds({ emulated }: Pick<Stack, 'emulated'>): number {
  if (emulated) return windowOf('local').window;
  const delays = stages.filter((stage) => stage !== 'local').map(windowOf);
  return Math.max(...delays.map(({ window, call }) => window + call)) + MARGIN_SECONDS;
}

function windowOf(stage: Stage) {
  const properties = templateFor(stage).resources.get('RecordHistoryFunction')?.Properties;
  const path = ['Changes', 'Properties', 'MaximumBatchingWindowInSeconds'];
  return { window: numberAt(properties?.['Events'], ...path), call: numberAt(properties?.['Timeout']) };
}
