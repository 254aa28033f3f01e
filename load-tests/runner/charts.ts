/** The plots of a run, as SVG, with a common time axis, so that simultaneous events line up. */
import { sum } from 'simple-statistics';
import { chartColour } from '../render-chart.ts';
import { type Change, isExpected } from './ledger.ts';
import { type Axis, type Plot, plotSvg, type Row, type Series } from './plot.ts';
import { type Consumer, consumers, functionNames } from './processor-time.ts';
import { percentiles, type RunResult, startOf } from './result.ts';

export interface Chart {
  readonly title: string;
  readonly caption: string;
  readonly wide: boolean;
  /** Undefined if there is nothing to draw. */
  readonly svg: string | undefined;
}

const blue = chartColour('blue');
const amber = chartColour('amber');
const green = chartColour('green');
const red = chartColour('red');
const sky = chartColour('sky');
const pink = chartColour('pink');
const grey = chartColour('grey');
const black = chartColour('black');

const functionColours = [pink, amber, blue, black, green];

function titleOf(consumer: Consumer): string {
  switch (consumer) {
    case 'emulator':
      return 'the emulator';
    case 'load':
      return 'the load test';
    case 'others':
      return 'other programs';
    default:
      return consumer;
  }
}

function colourOfConsumer(consumer: Consumer): string {
  switch (consumer) {
    case 'emulator':
      return sky;
    case 'load':
      return grey;
    case 'others':
      return red;
    default:
      return functionColours[functionNames.indexOf(consumer) % functionColours.length] ?? grey;
  }
}

const colourOf = new Map(consumers.map((consumer) => [titleOf(consumer), colourOfConsumer(consumer)]));

export async function drawCharts(run: RunResult, against: RunResult | undefined): Promise<Chart[]> {
  const axis: Axis = {
    end: Math.max(secondsOf(run), against === undefined ? 0 : secondsOf(against)),
    phaseStarts: run.phases.map((_, index) => sum(run.phases.slice(0, index).map(({ duration }) => duration))),
  };
  return await Promise.all(
    plots(run, against, axis.end).map(async ({ title, caption, wide = false, ...plot }) => {
      if (plot.rows.length === 0) return { title, caption: `None. ${caption}`, wide, svg: undefined };
      return { title, caption, wide, svg: await plotSvg(axis, plot, wide) };
    }),
  );
}

interface TitledPlot extends Plot {
  readonly title: string;
  readonly caption: string;
  readonly wide?: boolean;
}

function plots(run: RunResult, against: RunResult | undefined, end: number): TitledPlot[] {
  const bin = Math.max(1, Math.ceil(end / 100));
  const coarse = Math.max(2, Math.ceil(end / 24));
  /** The same series of the earlier run, as one dashed line. */
  const earlier = (rows: (one: RunResult) => readonly Row[], series: string): Row[] =>
    (against === undefined ? [] : rows(against))
      .filter((row) => row.series === series)
      .map((row) => ({ ...row, series: before }));
  const dashes: Series[] = against === undefined ? [] : [{ name: before, colour: grey, mark: 'dashes' }];
  return [
    {
      title: 'Sent and decided',
      caption: 'Changes so far. The gap between the lines is what waits: its height is how many, its width how long.',
      wide: true,
      rows: [...totals(run), ...earlier(totals, 'decided')],
      series: [
        { name: 'sent', colour: blue, mark: 'line' },
        { name: 'decided', colour: green, mark: 'line' },
        ...dashes,
      ],
      yTitle: 'changes',
    },
    {
      title: 'Arrivals',
      caption: 'Changes per second, sent and decided.',
      rows: [...rates(run, bin), ...earlier((one) => rates(one, bin), 'decided')],
      series: [
        { name: 'sent', colour: blue, mark: 'bar' },
        { name: 'decided', colour: green, mark: 'line' },
        ...dashes,
      ],
      yTitle: 'per second',
      bin,
    },
    {
      title: 'Upload → ready',
      caption: 'Percentiles for the images uploaded at that time.',
      rows: [...readyTimes(run, coarse), ...earlier((one) => readyTimes(one, coarse), 'p95')],
      series: [
        { name: 'p50', colour: green, mark: 'line' },
        { name: 'p95', colour: amber, mark: 'line' },
        { name: 'p99', colour: red, mark: 'line' },
        ...dashes,
      ],
      yTitle: 'seconds',
      points: true,
    },
    {
      title: 'Queue depth',
      caption: 'Messages that no dispatcher has received yet.',
      rows: [...depths(run), ...earlier(depths, 'waiting')],
      series: [{ name: 'waiting', colour: blue, mark: 'area' }, ...dashes],
      yTitle: 'messages',
      interpolate: 'step-after',
    },
    {
      title: 'Concurrency',
      caption: `Images in progress: messages that a dispatcher holds. ${
        hasProcessor(run)
          ? 'Lines: processes per function that were busy in that second.'
          : 'Lines: maximum executions per function and minute.'
      }`,
      rows: [...work(run), ...busyWorkers(run, bin), ...executions(run), ...earlier(work, 'images in progress')],
      series: [
        { name: 'images in progress', colour: green, mark: 'area' },
        ...functionsOf(run).map((name): Series => ({ name, colour: colourOf.get(name) ?? grey, mark: 'line' })),
        ...dashes,
      ],
      yTitle: 'concurrent',
      interpolate: 'step-after',
    },
    ...(hasProcessor(run)
      ? [
          {
            title: 'Processors',
            caption: 'Processors of this machine in use, by program.',
            wide: true,
            rows: processors(run, bin),
            series: consumers.map(
              (consumer): Series => ({ name: titleOf(consumer), colour: colourOfConsumer(consumer), mark: 'bar' }),
            ),
            yTitle: 'in use',
            bin,
            // The kernel sometimes counts ticks late, which would show as more than all processors.
            most: run.processors,
          },
        ]
      : []),
    {
      title: 'Errors',
      caption:
        'Refused requests, unexpected outcomes and dead letters; in an account also function errors and throttles.',
      wide: true,
      rows: errors(run, bin),
      series: [
        { name: 'refused by S3', colour: amber, mark: 'bar' },
        { name: 'unexpected outcomes', colour: green, mark: 'bar' },
        { name: 'dead letters', colour: red, mark: 'bar' },
        { name: 'function errors', colour: blue, mark: 'bar' },
        { name: 'throttles', colour: grey, mark: 'bar' },
      ],
      yTitle: 'count',
      bin,
    },
  ];
}

const before = 'earlier run';

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
  return run.samples
    .filter(({ at }) => at >= start)
    .map(({ at, inWork }) => ({ second: (at - start) / 1000, value: inWork, series: 'images in progress' }));
}

function executions({ lambda, ...run }: RunResult): Row[] {
  const start = startOf(run);
  return lambda
    .filter(({ metric }) => metric === 'ConcurrentExecutions')
    .map((point) => ({ second: Math.max(0, (point.at - start) / 1000), value: point.value, series: point.function }));
}

function busyWorkers(run: RunResult, bin: number): Row[] {
  return binned(run, bin).flatMap(({ second, shares }) =>
    functionNames.map((name) => ({
      second,
      value: sum(shares.map(({ processor }) => processor.processes[name].busy)) / shares.length,
      series: name,
    })),
  );
}

function functionsOf({ lambda, samples }: RunResult): string[] {
  const published = lambda.filter(({ metric }) => metric === 'ConcurrentExecutions').map((point) => point.function);
  const seen = functionNames.filter((name) => samples.some(({ processor }) => processor?.processes[name].busy));
  return [...new Set([...published, ...seen])];
}

function hasProcessor({ samples }: RunResult): boolean {
  return samples.some(({ processor }) => processor !== undefined);
}

function processors(run: RunResult, bin: number): Row[] {
  return binned(run, bin).flatMap(({ second, shares }) => {
    const millis = sum(shares.map((share) => share.millis));
    return consumers.map((consumer) => ({
      second,
      value: sum(shares.map(({ processor }) => processor.millis[consumer])) / millis,
      series: titleOf(consumer),
    }));
  });
}

/** In bins of equal length, however far apart the samples are. */
function binned(run: RunResult, bin: number) {
  const start = startOf(run);
  const shares = run.samples.flatMap(({ at, processor }, index) => {
    const before = run.samples[index - 1];
    return before === undefined || processor === undefined || at < start
      ? []
      : [{ at, millis: at - before.at, processor }];
  });
  return [...Map.groupBy(shares, ({ at }) => Math.floor((at - start) / 1000 / bin))].map(([index, inBin]) => ({
    second: index * bin,
    shares: inBin,
  }));
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
    ...run.changes
      .filter((one) => one.decidedAt !== undefined && !isExpected(one))
      .map(({ decidedAt = 0 }) => ({ second: place(decidedAt), value: 1, series: 'unexpected outcomes' })),
    ...letters,
    ...metric('Errors', 'function errors'),
    ...metric('Throttles', 'throttles'),
  ].filter(({ value }) => value > 0);
}
