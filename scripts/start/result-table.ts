import prettyBytes from 'pretty-bytes';
import type { UploadResult } from '../stack/send-uploads.ts';
import { terminalColumns } from '../terminal/print.ts';
import { printable } from '../terminal/printable.ts';
import { fits, plainTable } from '../terminal/table.ts';

/** A table, or two lines for each upload where the table would break file names. */
export function resultTable(results: readonly UploadResult[], columns = terminalColumns()): string {
  const head = ['Image', 'Outcome', 'Size', 'Renditions', 'Time'];
  const rows = results.map((result) => cells(result).map(unbroken));
  const list = rows.map(([image = '', ...facts]) => `${image}\n  ${facts.join('  ')}`.replaceAll(NO_BREAK, ' '));
  const table = fits(head, rows, columns)
    ? [plainTable(head, rows, ['left', 'left', 'right', 'right', 'right'], columns)]
    : list;
  return [...table, ...results.flatMap(remark)].join('\n');
}

const NO_BREAK = '\u00a0';

/** Keeps a number with its unit: `4032 × 3024`, `2.14 MB`. */
function unbroken(cell: string): string {
  return cell.replaceAll(/(?<=\d) (?=×|[A-Za-z]+\b)|(?<=×) /g, NO_BREAK);
}

/** One result, without column headings. */
export function resultLine(result: UploadResult): string {
  return [cells(result).join('  '), ...remark(result)].join('\n');
}

function cells(result: UploadResult): string[] {
  return [
    printable(result.key),
    result.outcome ?? 'undecided',
    size(result),
    renditions(result),
    `${(result.took / 1000).toFixed(1)} s`,
  ];
}

function size({ bytes, record }: UploadResult): string {
  const weight = prettyBytes(bytes);
  return record?.outcome === 'processed' ? `${record.metadata.width} × ${record.metadata.height}, ${weight}` : weight;
}

function renditions({ record }: UploadResult): string {
  if (record?.outcome !== 'processed') return '–';
  const total = record.renditions.reduce((sum, { bytes }) => sum + bytes, 0);
  return `${record.renditions.length}, ${prettyBytes(total)}`;
}

/** Why an upload was rejected, failed or has no outcome; empty if there is nothing to explain. */
export function remark({ key, record, problem }: UploadResult): string[] {
  if (problem !== undefined) return [printable(`${key}: ${problem}`)];
  if (record?.outcome === 'rejected') return [printable(`${key}: ${record.message} (${record.reason})`)];
  if (record?.outcome === 'failed') return [printable(`${key}: ${record.message}`)];
  return [];
}
