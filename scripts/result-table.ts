import Table, { type HorizontalAlignment } from 'cli-table3';
import prettyBytes from 'pretty-bytes';
import type { UploadResult } from './send-uploads.ts';

export const noBorders = {
  ...{ top: '', 'top-mid': '', 'top-left': '', 'top-right': '' },
  ...{ bottom: '', 'bottom-mid': '', 'bottom-left': '', 'bottom-right': '' },
  ...{ left: '', 'left-mid': '', mid: '', 'mid-mid': '', right: '', 'right-mid': '', middle: '  ' },
};

/** Columns without borders; a row's cells are in the order of the head. */
export function plainTable(
  head: readonly string[],
  rows: readonly string[][],
  colAligns: readonly HorizontalAlignment[] = [],
): string {
  // The names are in the terminal's own colours: readable on any background, and plain in a log.
  const style = { head: [], border: [], 'padding-left': 0, 'padding-right': 0 };
  const table = new Table({ head: [...head], colAligns: [...colAligns], chars: noBorders, style });
  table.push(...rows);
  return table.toString().replaceAll(/ +$/gm, '');
}

export function resultTable(results: readonly UploadResult[]): string {
  const rows = results.map((result) => [
    printable(result.key),
    result.outcome ?? 'undecided',
    size(result),
    renditions(result),
    `${(result.took / 1000).toFixed(1)} s`,
  ]);
  const head = ['Image', 'Outcome', 'Size', 'Renditions', 'Time'];
  return [plainTable(head, rows, ['left', 'left', 'right', 'right', 'right']), ...results.flatMap(remark)].join('\n');
}

/** A name that would turn the line around it, break it or speak to the terminal is shown with those marks spelled out. */
export function printable(name: string): string {
  return name.replace(
    /[\p{Cc}\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu,
    (mark) => `\\u${mark.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
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

/** The sentence of a result that needs one. */
export function remark({ key, record, problem }: UploadResult): string[] {
  if (problem !== undefined) return [`${key}: ${problem}`];
  if (record?.outcome === 'rejected') return [`${key}: ${record.message} (${record.reason})`];
  if (record?.outcome === 'failed') return [`${key}: ${record.message}`];
  return [];
}
