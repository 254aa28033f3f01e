import { type ChartSpec, chartColour, render } from '../../load-tests/render-chart.ts';

export interface ChartPoint {
  readonly format: string;
  readonly setting: string;
  readonly shipped: boolean;
  /** Encoded with the preset's quality number. */
  readonly atPreset: boolean;
  readonly kilobytes: number;
  readonly cpu: number;
  readonly score: number;
}

const shippedColour = 'var(--ink)';
const otherColours = (['blue', 'amber', 'green', 'red', 'sky', 'pink', 'grey'] as const).map(chartColour);

/** Score against kilobytes: one panel per format, one line per setting, named in the panel's legend with its CPU time. */
export async function qualityChart(points: readonly ChartPoint[]): Promise<string> {
  const formats = [...Map.groupBy(points, ({ format }) => format)];
  return render(
    {
      $schema: 'https://vega.github.io/schema/vega-lite/v6.json',
      title: {
        text: 'Perceptual score (SSIMULACRA2) by size',
        subtitle: 'Legend: CPU time at the preset’s quality. Thick line: as shipped; ring: the preset.',
        anchor: 'start',
        offset: 12,
      },
      vconcat: formats.map(([format, own]) => panel(format, own)),
      resolve: { scale: { color: 'independent' } },
    },
    'paper',
  );
}

function panel(format: string, points: readonly ChartPoint[]) {
  const series = [...Map.groupBy(points, ({ setting }) => setting)].map(([setting, own]) => {
    const cpu = own.find(({ atPreset }) => atPreset)?.cpu ?? Number.NaN;
    return { name: `${setting.replaceAll('**', '')}: ${cpu.toFixed(0)} ms`, own };
  });
  const values = series.flatMap(({ name, own }) => own.map((point) => ({ ...point, name })));
  const shipped = points.find((point) => point.shipped)?.setting;
  const rest = otherColours.values();
  const range = series.map(({ own: [first] }) =>
    first?.setting === shipped ? shippedColour : (rest.next().value ?? shippedColour),
  );
  return {
    title: { text: format.toUpperCase(), fontSize: 13, anchor: 'start' as const },
    width: 400,
    height: 190,
    data: { values },
    encoding: {
      x: {
        field: 'kilobytes',
        type: 'quantitative' as const,
        scale: { type: 'log' as const, nice: false, padding: 8 },
        axis: { title: 'KB (logarithmic)', values: [40, 60, 80, 100, 150, 200, 300, 400], grid: false },
      },
      y: {
        field: 'score',
        type: 'quantitative' as const,
        scale: { zero: false },
        axis: { title: null, tickCount: 5 },
      },
      color: {
        field: 'name',
        type: 'nominal' as const,
        scale: { domain: series.map(({ name }) => name), range },
        legend: {
          title: null,
          orient: 'right' as const,
          symbolType: 'stroke' as const,
          symbolStrokeWidth: 3,
          labelLimit: 0,
        },
      },
    },
    layer: [
      {
        transform: [{ filter: '!datum.shipped' }],
        mark: { type: 'line' as const, strokeWidth: 1.5, point: { size: 24 } },
      },
      {
        transform: [{ filter: 'datum.shipped' }],
        mark: { type: 'line' as const, strokeWidth: 3, point: { size: 40 } },
      },
      {
        transform: [{ filter: 'datum.shipped && datum.atPreset' }],
        mark: { type: 'point' as const, shape: 'circle' as const, size: 300, strokeWidth: 2 },
      },
    ],
  } satisfies Extract<ChartSpec, { vconcat: unknown }>['vconcat'][number];
}
