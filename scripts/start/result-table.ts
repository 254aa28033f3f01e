import prettyBytes from 'pretty-bytes';
import type { UploadResult } from '../stack/send-uploads.ts';
import { printable } from '../terminal/printable.ts';
import { plainTable } from '../terminal/table.ts';

export function resultTable(results: readonly UploadResult[]): string {
  const head = ['Image', 'Outcome', 'Size', 'Renditions', 'Time'];
  const rows = results.map(cells);
  return [plainTable(head, rows, ['left', 'left', 'right', 'right', 'right']), ...results.flatMap(remark)].join('\n');
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
