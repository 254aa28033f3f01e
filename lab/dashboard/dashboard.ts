/** Draws the dashboard of template.yaml over a made-up hour, for docs/observability.md: what is not deployed is not drawn. */
import { writeFileSync } from 'node:fs';
import { escapeUTF8 } from 'entities';
import { projectTitle } from '../../core/names.ts';
import { type MetricWidget, type Widget, widgetsOf } from '../../scripts/template/dashboard/widgets.ts';
import { templateFor } from '../../scripts/template/template.ts';
import { chart, font, ink, quiet } from './chart.ts';
import { shownSeries } from './series.ts';

// CloudWatch's grid has 24 columns.
const COLUMN = 50;
const ROW = 40;
const GAP = 8;
const CAPTION = 34;

/** docs/dashboard.svg as the template has it today. */
export async function dashboardPicture(): Promise<string> {
  const widgets = widgetsOf(templateFor('prod'));
  const width = 24 * COLUMN;
  const height = Math.max(...widgets.map(({ y, height: rows }) => y + rows)) * ROW + CAPTION;
  const drawn = await Promise.all(widgets.map(drawWidget));
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="${font}" role="img">`,
    `<title>The CloudWatch dashboard of ${projectTitle} over an example hour</title>`,
    `<rect width="${width}" height="${height}" fill="#ffffff"/>`,
    text(
      GAP,
      22,
      'Example data: a made-up hour of stage prod. The widgets, their metrics and their arithmetic are those of template.yaml (npm run dashboard).',
      13,
      quiet,
    ),
    `<g transform="translate(0 ${CAPTION})">`,
    ...drawn,
    '</g>',
    '</svg>',
    '',
  ].join('\n');
}

async function drawWidget(widget: Widget): Promise<string> {
  const [width, height] = [widget.width * COLUMN - GAP, widget.height * ROW - GAP];
  const frame =
    widget.type === 'text' ? '' : `<rect width="${width}" height="${height}" rx="6" fill="#ffffff" stroke="#d5dbdb"/>`;
  const content = await drawContent(widget, width, height);
  return `<g transform="translate(${widget.x * COLUMN + GAP / 2} ${widget.y * ROW + GAP / 2})">${frame}${content}</g>`;
}

async function drawContent(widget: Widget, width: number, height: number): Promise<string> {
  switch (widget.type) {
    case 'text':
      return markdown(widget.properties.markdown, width);
    case 'alarm':
      return title(widget.properties.title) + widget.properties.alarms.map(alarm).join('');
    case 'metric': {
      const inner =
        widget.properties.view === 'singleValue' ? await bigNumber(widget, width) : await lines(widget, width, height);
      return title(widget.properties.title) + inner;
    }
  }
}

async function lines(widget: MetricWidget, width: number, height: number): Promise<string> {
  const svg = await chart(widget, width - 24, height - 44);
  return svg.replace('<svg ', '<svg x="12" y="34" ');
}

async function bigNumber({ properties }: MetricWidget, width: number): Promise<string> {
  const series = await shownSeries(properties);
  return series
    .map(({ label, values: [value = 0] }, index) => {
      const y = 120 + index * 80;
      return (
        text(width / 2, y, value.toPrecision(3), 54, ink, 'middle') +
        text(width / 2, y + 28, label, 13, quiet, 'middle')
      );
    })
    .join('');
}

function alarm(name: string, index: number): string {
  const y = 58 + index * 25;
  return `<circle cx="20" cy="${y - 4}" r="5" fill="#1d8102"/>${text(34, y, name.replace(/Alarm$/, ''), 12.5, ink)}`;
}

const title = (words: string) => text(14, 22, words, 13.5, ink, 'start', true);

/** Headings, and paragraphs broken by an estimate of the letters' width. */
function markdown(source: string, width: number): string {
  let y = 8;
  return source
    .split('\n')
    .flatMap((paragraph) => {
      const [, marks = '', words = ''] = /^(#*) ?(.*)$/.exec(paragraph) ?? [];
      const size = { 0: 13, 1: 21 }[marks.length] ?? 17;
      return broken(words.replaceAll('`', ''), width / (size * 0.5)).map((line) => {
        y += size * 1.32;
        return text(8, y, line, size, marks === '' ? quiet : ink, 'start', marks !== '');
      });
    })
    .join('');
}

function broken(words: string, letters: number): string[] {
  const lines: string[] = [];
  for (const word of words.split(' ')) {
    const last = lines.at(-1);
    if (last === undefined || last.length + word.length >= letters) lines.push(word);
    else lines[lines.length - 1] = `${last} ${word}`;
  }
  return lines;
}

function text(x: number, y: number, words: string, size: number, fill: string, anchor = 'start', bold = false): string {
  const weight = bold ? ' font-weight="bold"' : '';
  return `<text x="${x}" y="${Math.round(y)}" font-size="${size}" fill="${fill}" text-anchor="${anchor}"${weight}>${escapeUTF8(words)}</text>`;
}

if (import.meta.main) {
  writeFileSync(new URL('../../docs/dashboard.svg', import.meta.url), await dashboardPicture());
  process.stdout.write('docs/dashboard.svg shows the dashboard of template.yaml.\n');
}
