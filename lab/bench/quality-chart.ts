import { render } from '../../load-tests/render-chart.ts';

export interface ChartPoint {
  readonly format: string;
  readonly setting: string;
  readonly chosen: boolean;
  readonly kilobytes: number;
  readonly cpu: number;
  readonly score: number;
}

/** Score against bytes, a line a setting, the CPU as the size of its points; what is shipped wears a ring. */
export async function qualityChart(points: readonly ChartPoint[]): Promise<string> {
  const x = {
    field: 'kilobytes',
    type: 'quantitative' as const,
    scale: { type: 'log' as const, nice: false },
    axis: { title: 'KB (logarithmic)', tickCount: 6 },
  };
  const y = {
    field: 'score',
    type: 'quantitative' as const,
    scale: { zero: false },
    axis: { title: 'SSIMULACRA2' },
  };
  return render(
    {
      $schema: 'https://vega.github.io/schema/vega-lite/v6.json',
      width: 820,
      height: 420,
      data: { values: [...points] },
      encoding: { x, y, color: { field: 'format', type: 'nominal', title: null } },
      layer: [
        { mark: { type: 'line', strokeWidth: 1, opacity: 0.5 }, encoding: { detail: { field: 'setting' } } },
        {
          mark: { type: 'circle', opacity: 0.7 },
          encoding: { size: { field: 'cpu', type: 'quantitative', title: 'CPU ms', scale: { range: [15, 700] } } },
        },
        {
          transform: [{ filter: 'datum.chosen' }],
          mark: { type: 'point', shape: 'circle', size: 900, strokeWidth: 2, fill: null, color: 'black' },
          encoding: { color: { value: 'black' } },
        },
        {
          transform: [{ filter: 'datum.chosen' }],
          mark: { type: 'text', dy: -22, fontWeight: 'bold' },
          encoding: { text: { field: 'format' }, color: { value: 'black' } },
        },
      ],
    },
    'paper',
  );
}
