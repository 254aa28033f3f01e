import { metricNamespace, projectName } from '../../core/names.ts';
import type { Metric } from '../../scripts/template/dashboard/widgets.ts';
import { type ExampleImage, exampleBatches, MINUTES, SECONDS } from './example-images.ts';

/** What CloudWatch would have to show of the example images. */

/** The values of one metric, period by period; `undefined` where nothing was published. */
export function valuesOf(metric: Metric, stat: string, periodMinutes: number): (number | undefined)[] {
  const minutes = hour().get(keyOf(metric.namespace, metric.name, ...Object.values(metric.dimensions))) ?? [];
  return Array.from({ length: MINUTES / periodMinutes }, (_, index) =>
    statistic(minutes.slice(index * periodMinutes, (index + 1) * periodMinutes).flat(), stat),
  );
}

function statistic(values: readonly number[], stat: string): number | undefined {
  if (values.length === 0) return undefined;
  if (stat === 'Sum') return values.reduce((sum, value) => sum + value, 0);
  if (stat === 'Maximum') return values.reduce((most, value) => Math.max(most, value));
  const [, percentile] = /^p(\d+)$/.exec(stat) ?? [];
  if (percentile === undefined) throw new Error(`The example hour knows no statistic ${stat}.`);
  return values.toSorted((a, b) => a - b)[Math.ceil((values.length * Number(percentile)) / 100) - 1];
}

const stack = `${projectName}-prod`;
const queue = ['AWS/SQS', 'UploadQueue'] as const;
const keyOf = (namespace: string, metric: string, ...dimensions: readonly string[]) =>
  [namespace, metric, ...dimensions].join(' ');

let published: ReadonlyMap<string, readonly number[][]> | undefined;

function hour(): ReadonlyMap<string, readonly number[][]> {
  if (published === undefined) {
    const records = new Records();
    for (const batch of exampleBatches()) {
      const [{ started } = { started: 0 }] = batch;
      records.call('DispatchImages', started, Math.max(...batch.map(({ ended }) => ended)) - started);
      for (const image of batch) recordImage(image, records);
    }
    published = records.byMinute();
  }
  return published;
}

function recordImage(image: ExampleImage, records: Records): void {
  const { arrived, started, ended, repeated, failing } = image;
  records.add(arrived, 1, queue[0], 'NumberOfMessagesSent', queue[1]);
  records.hold(arrived, started, queue[0], 'ApproximateNumberOfMessagesVisible', queue[1]);
  records.hold(started, ended, queue[0], 'ApproximateNumberOfMessagesNotVisible', queue[1]);
  records.wait(arrived, started, queue[0], 'ApproximateAgeOfOldestMessage', queue[1]);
  records.add(ended, 2, 'AWS/DynamoDB', 'ConsumedWriteCapacityUnits', 'IdempotencyTable');
  if (repeated) {
    records.add(ended, 1, metricNamespace, 'ImagesRepeated', stack);
    return;
  }
  recordWorkflow(image, records);
  if (failing) {
    records.add(ended, 1, 'AWS/States', 'ExecutionsFailed', 'ImagePipeline');
    records.add(ended, 400, 'AWS/Logs', 'IncomingBytes', 'ImagePipelineLogGroup');
    records.add(ended, 1, metricNamespace, 'TriesFailed', stack);
    // Hidden until its next try.
    records.hold(ended, ended + 45, queue[0], 'ApproximateNumberOfMessagesNotVisible', queue[1]);
    return;
  }
  recordDecision(image, records);
}

function recordWorkflow({ outcome, started, ended, failing, describing, rendering }: ExampleImage, records: Records) {
  const seconds = ended - started;
  records.add(started, 1, 'AWS/States', 'ExecutionsStarted', 'ImagePipeline');
  records.add(ended, seconds * 1000, 'AWS/States', 'ExecutionTime', 'ImagePipeline');
  records.add(ended, Math.ceil(seconds * 10) * 100, 'AWS/States', 'ExpressExecutionBilledDuration', 'ImagePipeline');
  const calls = outcome === 'deleted' ? 0 : failing ? 3 : 1;
  for (let call = 0; call < calls; call += 1) {
    if (call === 0) records.call('ExtractMetadata', started, describing);
    records.call('ResizeImage', started + call * rendering, rendering);
    if (call === 0) records.call('ResizeImage', started, rendering * 0.8);
  }
}

function recordDecision({ outcome, reason, bytes, arrived, ended }: ExampleImage, records: Records): void {
  const counter = `Images${outcome.charAt(0).toUpperCase()}${outcome.slice(1)}`;
  records.add(ended, 1, metricNamespace, counter, stack);
  records.add(ended, outcome === 'processed' ? 7 : 3, 'AWS/DynamoDB', 'ConsumedWriteCapacityUnits', 'ImageTable');
  records.add(ended, 1, 'AWS/DynamoDB', 'ConsumedReadCapacityUnits', 'ImageTable');
  if (outcome === 'rejected') records.add(ended, 1, metricNamespace, counter, stack, reason);
  if (outcome !== 'processed') {
    records.call('RemoveRenditions', ended - 0.1, 0.08);
    return;
  }
  records.add(ended, (ended - arrived + 0.4) * 1000, metricNamespace, 'UploadToReady', stack);
  records.add(ended, bytes, metricNamespace, 'BytesIn', stack);
  records.add(ended, 180_000 + 0.05 * bytes, metricNamespace, 'BytesOut', stack);
}

/** Collects samples: events where they happen, and what goes on for a while second by second. */
class Records {
  readonly #samples = new Map<string, number[][]>();
  readonly #gauges = new Map<string, number[]>();

  add(second: number, value: number, ...name: readonly [string, string, ...string[]]): void {
    const key = keyOf(...name);
    const minutes = this.#samples.get(key) ?? Array.from({ length: MINUTES }, () => []);
    this.#samples.set(key, minutes);
    minutes[Math.floor(second / 60)]?.push(value);
  }

  call(stem: string, from: number, seconds: number): void {
    this.add(from, seconds * 1000, 'AWS/Lambda', 'Duration', `${stem}Function`);
    this.add(from, 1, 'AWS/Lambda', 'Invocations', `${stem}Function`);
    this.add(from, 0, 'AWS/Lambda', 'Throttles', `${stem}Function`);
    this.add(from, 900, 'AWS/Logs', 'IncomingBytes', `${stem}LogGroup`);
    this.hold(from, from + seconds, 'AWS/Lambda', 'ConcurrentExecutions', `${stem}Function`);
  }

  /** One more, from one second to another. */
  hold(from: number, to: number, ...name: readonly [string, string, ...string[]]): void {
    this.#eachSecond(from, to, name, (value) => value + 1);
  }

  /** The longest wait so far. */
  wait(from: number, to: number, ...name: readonly [string, string, ...string[]]): void {
    this.#eachSecond(from, to, name, (value, second) => Math.max(value, second - from));
  }

  byMinute(): ReadonlyMap<string, readonly number[][]> {
    const gauges = [...this.#gauges].map(([key, seconds]): [string, number[][]] => [
      key,
      Array.from({ length: MINUTES }, (_, minute) => seconds.slice(minute * 60, minute * 60 + 60)),
    ]);
    return new Map([...this.#samples, ...gauges]);
  }

  #eachSecond(
    from: number,
    to: number,
    name: readonly [string, string, ...string[]],
    next: (value: number, second: number) => number,
  ): void {
    const key = keyOf(...name);
    const seconds = this.#gauges.get(key) ?? Array.from({ length: SECONDS }, () => 0);
    this.#gauges.set(key, seconds);
    for (let second = Math.ceil(from); second < Math.min(SECONDS, to); second += 1) {
      seconds[second] = next(seconds[second] ?? 0, second);
    }
  }
}
