/** The plots of a run, as SVG. All have one time axis, so that what happens at once stands at one place in each. */
import type { Change } from './ledger.ts';
import { type Axis, type Plot, plotSvg, type Row, type Series } from './plot.ts';
import { percentiles, type RunResult } from './result.ts';

export interface Chart {
  readonly title: string;
  readonly caption: string;
  readonly wide: boolean;
  readonly svg: string;
}

const blue = 'var(--blue)';
const green = 'var(--good)';
const red = 'var(--safelight)';
const amber = 'var(--amber)';
const faint = 'var(--faint)';

export async function drawCharts(run: RunResult, against: RunResult | undefined): Promise<Chart[]> {
  const axis: Axis = {
    end: Math.max(secondsOf(run), against === undefined ? 0 : secondsOf(against)),
    phases: run.phases.map(({ name }, index) => ({
      name,
      second: run.phases.slice(0, index).reduce((sum, { duration }) => sum + duration, 0),
    })),
  };
  const bin = Math.max(1, Math.ceil(axis.end / 100));
  const coarse = Math.max(2, Math.ceil(axis.end / 24));
  const earlier = (rows: (one: RunResult) => readonly Row[], series: string): Row[] =>
    against === undefined
      ? []
      : rows(against)
          .filter((row) => row.series === series)
          .map((row) => ({ ...row, series: before }));

  return await Promise.all([
    chart(
      'What came, and what was done',
      'Changes so far. Between the lines is what waits: its height how many, its width how long.',
      true,
      axis,
      {
        rows: [...totals(run), ...earlier(totals, 'decided')],
        series: [
          { name: 'sent', colour: blue, mark: 'line' },
          { name: 'decided', colour: green, mark: 'line' },
          ...dashedLine(against),
        ],
        yTitle: 'changes',
      },
    ),
    chart('Arrivals', 'Changes a second, sent and decided.', false, axis, {
      rows: [...rates(run, bin), ...earlier((one) => rates(one, bin), 'decided')],
      series: [
        { name: 'sent', colour: blue, mark: 'bar' },
        { name: 'decided', colour: green, mark: 'line' },
        ...dashedLine(against),
      ],
      yTitle: 'a second',
      bin,
    }),
    chart('Upload → ready', 'Percentiles of the images that were uploaded at that time.', false, axis, {
      rows: [...readyTimes(run, coarse), ...earlier((one) => readyTimes(one, coarse), 'p95')],
      series: [
        { name: 'p50', colour: green, mark: 'line' },
        { name: 'p95', colour: amber, mark: 'line' },
        { name: 'p99', colour: red, mark: 'line' },
        ...dashedLine(against),
      ],
      yTitle: 'seconds',
      interpolate: 'monotone',
    }),
    chart(
      'Queue depth',
      'Messages that wait for a dispatcher. The queue is the shock absorber: it may grow, and must drain.',
      false,
      axis,
      {
        rows: [...depths(run), ...earlier(depths, 'waiting')],
        series: [{ name: 'waiting', colour: blue, mark: 'area' }, ...dashedLine(against)],
        yTitle: 'messages',
        interpolate: 'step-after',
      },
    ),
    chart('Concurrency', concurrencyCaption(run), false, axis, {
      rows: [...work(run), ...earlier(work, 'images in work')],
      series: [
        { name: 'images in work', colour: green, mark: 'area' },
        ...functionsOf(run).map(
          (name, index): Series => ({
            name,
            colour: [blue, amber, red, faint][index % 4] ?? faint,
            mark: 'line',
          }),
        ),
        ...dashedLine(against),
      ],
      yTitle: 'at once',
      interpolate: 'step-after',
    }),
    chart(
      'Errors',
      'Refused requests, unexpected outcomes, dead letters, errors and throttles of functions.',
      true,
      axis,
      {
        rows: errors(run, bin),
        series: [
          { name: 'refused by S3', colour: amber, mark: 'bar' },
          { name: 'dead letters', colour: red, mark: 'bar' },
          { name: 'function errors', colour: blue, mark: 'bar' },
          { name: 'throttles', colour: faint, mark: 'bar' },
        ],
        yTitle: 'count',
        bin,
      },
    ),
  ]);
}

const before = 'earlier run';

function dashedLine(against: RunResult | undefined): Series[] {
  return against === undefined ? [] : [{ name: before, colour: faint, mark: 'dashes' }];
}

/** When the first request began: starting Artillery is not part of it. */
function startOf({ changes, startedAt }: RunResult): number {
  return Math.min(...changes.map((one) => one.startedAt), ...(changes.length === 0 ? [Date.parse(startedAt)] : []));
}

function secondsOf(run: RunResult): number {
  return Math.max(10, Math.ceil((Date.parse(run.endedAt) - startOf(run)) / 1000));
}

function totals(run: RunResult): Row[] {
  const start = startOf(run);
  const count = (moments: readonly number[], series: string): Row[] => [
    { second: 0, value: 0, series },
    ...[...moments]
      .sort((one, other) => one - other)
      .map((at, index) => ({ second: (at - start) / 1000, value: index + 1, series })),
  ];
  return [
    ...count(
      run.changes.map(({ startedAt }) => startedAt),
      'sent',
    ),
    ...count(decidedTimes(run.changes), 'decided'),
  ];
}

function rates(run: RunResult, bin: number): Row[] {
  const start = startOf(run);
  const rate = (moments: readonly number[], series: string): Row[] => {
    const counts = Map.groupBy(moments, (at) => Math.floor((at - start) / 1000 / bin));
    return Array.from({ length: Math.ceil(secondsOf(run) / bin) }, (_, index) => ({
      second: index * bin,
      value: (counts.get(index)?.length ?? 0) / bin,
      series,
    }));
  };
  return [
    ...rate(
      run.changes.map(({ startedAt }) => startedAt),
      'sent',
    ),
    ...rate(decidedTimes(run.changes), 'decided'),
  ];
}

function decidedTimes(changes: readonly Change[]): number[] {
  return changes.flatMap(({ decidedAt }) => (decidedAt === undefined ? [] : [decidedAt]));
}

function readyTimes(run: RunResult, bin: number): Row[] {
  const start = startOf(run);
  const ready = run.changes.filter(({ outcome }) => outcome === 'processed');
  const bins = Map.groupBy(ready, ({ startedAt }) => Math.floor((startedAt - start) / 1000 / bin));
  return [...bins].flatMap(([index, changes]) => {
    const { p50, p95, p99 } = percentiles(changes.map(({ startedAt, decidedAt = startedAt }) => decidedAt - startedAt));
    const second = (index + 0.5) * bin;
    return Object.entries({ p50, p95, p99 }).map(([series, millis]) => ({ second, value: millis / 1000, series }));
  });
}

function depths(run: RunResult): Row[] {
  const start = startOf(run);
  return run.samples
    .filter(({ at }) => at >= start)
    .map(({ at, waiting }) => ({ second: (at - start) / 1000, value: waiting, series: 'waiting' }));
}

function work(run: RunResult): Row[] {
  const start = startOf(run);
  return [
    ...run.samples
      .filter(({ at }) => at >= start)
      .map(({ at, inWork }) => ({ second: (at - start) / 1000, value: inWork, series: 'images in work' })),
    ...run.lambda
      .filter(({ metric }) => metric === 'ConcurrentExecutions')
      .map((point) => ({ second: Math.max(0, (point.at - start) / 1000), value: point.value, series: point.function })),
  ];
}

function functionsOf({ lambda }: RunResult): string[] {
  return [...new Set(lambda.filter(({ metric }) => metric === 'ConcurrentExecutions').map((point) => point.function))];
}

function concurrencyCaption(run: RunResult): string {
  return functionsOf(run).length > 0
    ? 'Images in work, and the functions’ concurrent executions as CloudWatch has them, by the minute.'
    : 'Images in work: messages that a dispatcher holds. Never more than batch size × dispatchers.';
}

function errors(run: RunResult, bin: number): Row[] {
  const start = startOf(run);
  const place = (at: number) => Math.max(0, Math.floor((at - start) / 1000 / bin) * bin);
  const letters = run.samples.map(({ at, deadLetters, undelivered }, index) => {
    const previous = run.samples[index - 1];
    const grown = deadLetters + undelivered - (previous?.deadLetters ?? 0) - (previous?.undelivered ?? 0);
    return { second: place(at), value: index === 0 ? 0 : Math.max(0, grown), series: 'dead letters' };
  });
  const metric = (name: 'Errors' | 'Throttles', series: string) =>
    run.lambda.filter((point) => point.metric === name).map(({ at, value }) => ({ second: place(at), value, series }));
  return [
    ...run.changes
      .filter(({ problem }) => problem !== undefined)
      .map(({ startedAt }) => ({ second: place(startedAt), value: 1, series: 'refused by S3' })),
    ...letters,
    ...metric('Errors', 'function errors'),
    ...metric('Throttles', 'throttles'),
  ].filter(({ value }) => value > 0);
}

async function chart(title: string, caption: string, wide: boolean, axis: Axis, plot: Plot): Promise<Chart> {
  return { title, caption, wide, svg: await plotSvg(axis, plot, wide) };
}
