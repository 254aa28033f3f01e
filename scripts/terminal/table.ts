import Table, { type HorizontalAlignment } from 'cli-table3';

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

/** A name that would turn the line around it, break it or speak to the terminal is shown with those marks spelled out. */
export function printable(name: string): string {
  return name.replace(
    /[\p{Cc}\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu,
    (mark) => `\\u${mark.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
