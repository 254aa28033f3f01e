/** Vega-Lite charts as SVG: the same text for the same chart, on every machine. */
import { parse, View } from 'vega';
import { type Config, compile, type TopLevelSpec } from 'vega-lite';

export type ChartSpec = TopLevelSpec;

/** Okabe and Ito's colours, which people with colour blindness can tell apart, and lighter ones for a dark page. */
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

/** The CSS variable of a colour, light or dark, set by the surrounding page or the file itself. */
export function chartColour(name: keyof typeof palette): string {
  return `var(--chart-${name})`;
}

/** `page` uses the colours of the surrounding page's CSS; `paper` is a file with its own colours, light and dark. */
export type Theme = 'page' | 'paper';

const colourNames = Object.keys(palette) as (keyof typeof palette)[];

/** An image file follows the system's setting, not the page's, so it has its own background. */
const paperStyle = (['light', 'dark'] as const)
  .map((scheme) => {
    const paper = {
      light: '--paper: #ffffff; --ink: #1f2328; --faint: #59636e; --line: #d8dee4;',
      dark: '--paper: #161b22; --ink: #e6edf3; --faint: #9198a1; --line: #3d444d;',
    }[scheme];
    const colours = colourNames.map((name) => `--chart-${name}: ${palette[name][scheme]};`).join(' ');
    return `@media (prefers-color-scheme: ${scheme}) { :root { ${paper} ${colours} } }`;
  })
  .join(' ');

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
    // The same width in every plot, so that the time axes line up.
    axisY: { minExtent: 34, maxExtent: 34, domain: false, ticks: false },
    legend: { labelColor: 'var(--ink)', labelFontSize: 12, labelLimit: 0, columnPadding: 14, offset: 4 },
  },
  paper: {
    background: 'var(--paper)',
    padding: 16,
    font: 'system-ui, Helvetica, Arial, sans-serif',
    view: { stroke: null },
    title: { color: 'var(--ink)', fontSize: 15, subtitleColor: 'var(--faint)', subtitleFontSize: 13 },
    text: { color: 'var(--ink)' },
    axis: {
      labelColor: 'var(--ink)',
      titleColor: 'var(--faint)',
      gridColor: 'var(--line)',
      domainColor: 'var(--line)',
      tickColor: 'var(--line)',
      labelFontSize: 13,
      titleFontSize: 13,
      titleFontWeight: 'normal',
      labelLimit: 0,
    },
    legend: { labelColor: 'var(--ink)', labelFontSize: 13, labelLimit: 0 },
    range: { category: colourNames.map(chartColour) },
  },
};

export async function render(spec: ChartSpec, theme: Theme): Promise<string> {
  const compiled = compile({ ...spec, config: { ...themes[theme], ...spec.config } });
  const view = new View(parse(compiled.spec), { renderer: 'none' });
  try {
    const svg = await view.toSVG();
    return `${theme === 'paper' ? svg.replace('>', `><style>${paperStyle}</style>`) : svg}\n`;
  } finally {
    view.finalize();
  }
}
