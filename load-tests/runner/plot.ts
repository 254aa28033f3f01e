/** One plot over the time of a run, as SVG in the colours of the page. */
import type { TopLevelSpec } from 'vega-lite';
import { render } from '../render-chart.ts';

export interface Row {
  /** Seconds after the first request. */
  readonly second: number;
  readonly value: number;
  readonly series: string;
}

export interface Series {
  readonly name: string;
  /** A CSS colour; a variable follows light and dark. */
  readonly colour: string;
  readonly mark: 'area' | 'bar' | 'line' | 'dashes';
}

export interface Plot {
  readonly rows: readonly Row[];
  readonly series: readonly Series[];
  readonly yTitle: string;
  readonly interpolate?: 'linear' | 'step-after';
  /** Marks the values that a line connects. */
  readonly points?: boolean;
  /** Seconds per bar. */
  readonly bin?: number;
  /** End of the axis; by default a little above the highest value. */
  readonly most?: number;
}

export interface Axis {
  /** Seconds. */
  readonly end: number;
  /** Seconds. */
  readonly phaseStarts: readonly number[];
}

export async function plotSvg(axis: Axis, plot: Plot, wide: boolean): Promise<string> {
  const svg = await render(specification(axis, plot, wide), 'page');
  // The page sets the size; the view box keeps the proportions.
  return svg.replace(/ width="[\d.]+" height="[\d.]+"/, '');
}

function specification({ end, phaseStarts }: Axis, plot: Plot, wide: boolean): TopLevelSpec {
  const { rows, series, bin = 1 } = plot;
  const x = timeScale(end, wide);
  const highest = Math.max(1, ...rows.map(({ value }) => value));
  // A little more, so that the highest line is not cut in half.
  const most = plot.most ?? highest * 1.06;
  return {
    $schema: 'https://vega.github.io/schema/vega-lite/v6.json',
    width: wide ? 1120 : 540,
    height: wide ? 190 : 170,
    autosize: { type: 'fit', contains: 'padding' },
    data: { values: rows.map((row) => ({ ...row, until: row.second + bin })) },
    encoding: {
      y: {
        field: 'value',
        type: 'quantitative',
        scale: { domain: [0, most], nice: false },
        axis: { title: plot.yTitle, tickCount: 4, ...(most <= 4 ? { tickMinStep: 1 } : {}) },
      },
      color: {
        field: 'series',
        type: 'nominal',
        scale: { domain: series.map(({ name }) => name), range: series.map(({ colour }) => colour) },
        legend: {
          ...{ orient: 'top', title: null, direction: 'horizontal', symbolType: 'square', symbolSize: 90 },
          // As many as fit on one line.
          columns: wide ? 8 : 3,
        },
      },
    },
    layer: [
      {
        data: { values: phaseStarts.filter((second) => second > 0).map((second) => ({ second })) },
        mark: { type: 'rule', color: 'var(--line)', strokeDash: [2, 3] },
        encoding: { x, y: { value: 0 }, y2: { value: 'height' }, color: { value: 'var(--line)' } },
      },
      ...marksOf(series).map((mark) => ({
        transform: [
          { filter: { field: 'series', oneOf: series.filter((one) => one.mark === mark).map(({ name }) => name) } },
        ],
        mark: styles(plot)[mark],
        encoding: mark === 'bar' ? { x: { ...x, bin: 'binned' as const }, x2: { field: 'until' } } : { x },
      })),
    ],
  };
}

function marksOf(series: readonly Series[]): Series['mark'][] {
  return [...new Set(series.map(({ mark }) => mark))];
}

function styles({ interpolate = 'linear', points = false }: Plot) {
  return {
    area: { type: 'area' as const, interpolate, clip: true, opacity: 0.35, line: true },
    bar: { type: 'bar' as const, clip: true, opacity: 0.75 },
    line: {
      type: 'line' as const,
      interpolate,
      clip: true,
      strokeWidth: 2,
      ...(points ? { point: { size: 14 } } : {}),
    },
    dashes: { type: 'line' as const, interpolate, clip: true, strokeWidth: 1.25, strokeDash: [5, 4] },
  };
}

function timeScale(end: number, wide: boolean) {
  return {
    field: 'second',
    type: 'quantitative' as const,
    scale: { domain: [0, end], nice: false },
    axis: {
      title: null,
      tickCount: wide ? 12 : 6,
      labelExpr: 'floor(datum.value / 60) + ":" + format(datum.value % 60, "02d")',
    },
  };
}
