/** Vega-Lite charts as SVG: the same text for the same chart, on every machine. */
import { parse, View } from 'vega';
import { type Config, compile, type TopLevelSpec } from 'vega-lite';

export type ChartSpec = TopLevelSpec;

/** Okabe and Ito's colours, which the colour-blind can tell apart, and lighter ones for a dark page. */
export const palette = {
  blue: { light: '#0072b2', dark: '#7db2ee' },
  amber: { light: '#e69f00', dark: '#f0b35a' },
  green: { light: '#009e73', dark: '#7fc08f' },
  red: { light: '#d55e00', dark: '#ff8a5c' },
  sky: { light: '#56b4e9', dark: '#5cc9c4' },
  pink: { light: '#cc79a7', dark: '#e0a5c6' },
  yellow: { light: '#f0e442', dark: '#f0e442' },
  grey: { light: '#7f7f7f', dark: '#a39c94' },
  black: { light: '#000000', dark: '#ece8e3' },
} as const;

/** `page` takes its colours from the CSS around it, light or dark; `paper` brings its own white sheet. */
export type Theme = 'page' | 'paper';

const themes: Readonly<Record<Theme, Config>> = {
  page: {
    background: 'transparent',
    padding: 2,
    font: 'system-ui, sans-serif',
    view: { stroke: null },
    axis: {
      labelColor: 'var(--faint)',
      titleColor: 'var(--faint)',
      titleFontWeight: 'normal',
      labelFontSize: 11,
      titleFontSize: 11,
      gridColor: 'var(--line)',
      domainColor: 'var(--line)',
      tickColor: 'var(--line)',
    },
    axisX: { grid: false },
    // The same room on the left in every plot, so that their time axes stand below each other.
    axisY: { minExtent: 34, maxExtent: 34, domain: false, ticks: false },
    legend: { labelColor: 'var(--ink)', labelFontSize: 12, labelLimit: 0, columnPadding: 14, offset: 4 },
  },
  paper: {
    background: '#ffffff',
    padding: 12,
    font: 'Helvetica, Arial, sans-serif',
    view: { stroke: null },
    axis: { gridColor: '#e5e5e5', domainColor: '#999999', labelFontSize: 12, titleFontSize: 12, labelLimit: 320 },
    legend: { labelFontSize: 12, titleFontSize: 12, labelLimit: 320 },
    range: { category: Object.values(palette).map(({ light }) => light) },
  },
};

export async function render(spec: ChartSpec, theme: Theme): Promise<string> {
  const compiled = compile({ ...spec, config: { ...themes[theme], ...spec.config } });
  const view = new View(parse(compiled.spec), { renderer: 'none' });
  try {
    return `${await view.toSVG()}\n`;
  } finally {
    view.finalize();
  }
}
