import { parse, View } from 'vega';
import { compile, type TopLevelSpec } from 'vega-lite';
import type { MetricWidget } from '../../scripts/template/dashboard/widgets.ts';
import { MINUTES } from './example-images.ts';
import { shownSeries } from './series.ts';

export const font = 'Helvetica, Arial, sans-serif';
export const ink = '#16191f';
export const quiet = '#545b64';
const alarming = '#c7253e';
// Okabe and Ito's colours, which the colour-blind can tell apart.
const colours = ['#0072b2', '#d55e00', '#009e73', '#e69f00', '#cc79a7', '#56b4e9', '#7f7f7f'];

type Layer = Extract<TopLevelSpec, { layer: unknown }>['layer'][number];
type Encoding = NonNullable<Extract<Layer, { mark: unknown }>['encoding']>;

/** The lines or areas of a widget, as an SVG of this size. */
export async function chart({ properties }: MetricWidget, width: number, height: number): Promise<string> {
  const { stacked, period, annotations } = properties;
  const series = await shownSeries(properties);
  const labels = series.map(({ label }) => label);
  const values = series.flatMap(({ label, values: points }, order) =>
    points.map((value, index) => ({
      label,
      order,
      minute: (index * period) / 60,
      value: value ?? (stacked ? 0 : null),
    })),
  );
  const most = Math.max(...values.map(({ value }) => value ?? 0));
  const encoding: Encoding = {
    x: {
      field: 'minute',
      type: 'quantitative',
      scale: { domain: [0, MINUTES - period / 60], nice: false },
      axis: { values: [0, 15, 30, 45], labelExpr: "'14:' + format(datum.value, '02')", title: null, grid: false },
    },
    y: { ...valueAxis, scale: { domainMin: 0, ...(most === 0 && { domainMax: 1 }) }, stack: stacked ? 'zero' : null },
    color: {
      field: 'label',
      type: 'nominal',
      scale: { domain: labels, range: colours },
      legend: {
        orient: 'bottom',
        title: null,
        columns: columnsFor(labels, width),
        symbolType: stacked ? 'square' : 'stroke',
      },
    },
    order: { field: stacked ? 'order' : 'minute' },
  };
  const spec: TopLevelSpec = {
    width,
    height,
    autosize: { type: 'fit', contains: 'padding' },
    padding: 0,
    background: 'transparent',
    config,
    layer: [
      { data: { values }, mark: stacked ? 'area' : { type: 'line', strokeWidth: 1.8, strokeJoin: 'round' }, encoding },
      ...annotations.horizontal.flatMap(limit),
    ],
  };
  return new View(parse(compile(spec).spec), { renderer: 'none' }).toSVG();
}

const valueAxis = {
  field: 'value',
  type: 'quantitative',
  axis: { title: null, tickCount: 4, format: '~s' },
} as const satisfies Encoding['y'];

function limit({ label, value }: { readonly label: string; readonly value: number }): Layer[] {
  const data = { values: [{ value }] };
  const encoding: Encoding = { y: valueAxis };
  return [
    { data, mark: { type: 'rule', color: alarming, strokeDash: [5, 4] }, encoding },
    {
      data,
      mark: { type: 'text', text: label, align: 'right', dx: -2, dy: -6, color: alarming, x: 'width' },
      encoding,
    },
  ];
}

/** As many legend entries side by side as their longest allows. */
function columnsFor(labels: readonly string[], width: number): number {
  const longest = Math.max(...labels.map((label) => label.length));
  return Math.max(1, Math.min(labels.length, Math.floor(width / (longest * 6.2 + 26))));
}

const config: NonNullable<TopLevelSpec['config']> = {
  font,
  view: { stroke: null },
  axis: {
    labelFontSize: 11,
    labelColor: quiet,
    gridColor: '#e9ebed',
    domainColor: '#aab7b8',
    ticks: false,
    labelPadding: 5,
  },
  legend: {
    labelFontSize: 11.5,
    labelColor: ink,
    rowPadding: 2,
    columnPadding: 10,
    offset: 6,
    labelLimit: 300,
    symbolSize: 90,
    symbolStrokeWidth: 3,
  },
  text: { fontSize: 11 },
};
