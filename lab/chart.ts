import { parse, View } from 'vega';
import { compile, type TopLevelSpec } from 'vega-lite';

/** A Vega-Lite chart as SVG: the same text for the same chart, on every machine. */
export async function chartSvg(spec: TopLevelSpec): Promise<string> {
  const view = new View(parse(compile({ ...spec, config: { ...style, ...spec.config } }).spec), { renderer: 'none' });
  try {
    return `${await view.toSVG()}\n`;
  } finally {
    view.finalize();
  }
}

// White, so that it can be read on a dark page too. Okabe and Ito's colours, which the colour-blind can tell apart.
const style: NonNullable<TopLevelSpec['config']> = {
  background: '#ffffff',
  padding: 12,
  font: 'Helvetica, Arial, sans-serif',
  view: { stroke: null },
  axis: { gridColor: '#e5e5e5', domainColor: '#999999', labelFontSize: 12, titleFontSize: 12, labelLimit: 320 },
  legend: { labelFontSize: 12, titleFontSize: 12, labelLimit: 320 },
  range: {
    category: ['#0072b2', '#e69f00', '#009e73', '#d55e00', '#56b4e9', '#cc79a7', '#f0e442', '#7f7f7f', '#000000'],
  },
};
