import Table from 'cli-table3';
import prettyBytes from 'pretty-bytes';
import type { UploadResult } from './send-uploads.ts';

export const noBorders = {
  ...{ top: '', 'top-mid': '', 'top-left': '', 'top-right': '' },
  ...{ bottom: '', 'bottom-mid': '', 'bottom-left': '', 'bottom-right': '' },
  ...{ left: '', 'left-mid': '', mid: '', 'mid-mid': '', right: '', 'right-mid': '', middle: '  ' },
};

export function resultTable(results: readonly UploadResult[]): string {
  const table = new Table({
    head: ['Image', 'Outcome', 'Size', 'Renditions', 'Time'],
    colAligns: ['left', 'left', 'right', 'right', 'right'],
    chars: noBorders,
    // The names are in the terminal's own colours: readable on any background, and plain in a log.
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
  });
  for (const result of results) {
    table.push([
      printable(result.key),
      result.outcome ?? 'undecided',
      size(result),
      renditions(result),
      `${(result.took / 1000).toFixed(1)} s`,
    ]);
  }
  return [table.toString().replaceAll(/ +$/gm, ''), ...results.flatMap(remark)].join('\n');
}

/** A name that would turn the line around it is shown with those marks spelled out. */
export function printable(name: string): string {
  return name.replace(/[\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, (mark) => `\\u${mark.charCodeAt(0).toString(16)}`);
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
