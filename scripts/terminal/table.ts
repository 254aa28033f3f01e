import Table, { type HorizontalAlignment } from 'cli-table3';
import stringWidth from 'string-width';
import wrapAnsi from 'wrap-ansi';
import { terminalColumns } from './print.ts';
import { printableLines } from './printable.ts';

const gap = '  ';
const NO_BREAK = '\u00a0';
const noBorders = {
  ...{ top: '', 'top-mid': '', 'top-left': '', 'top-right': '' },
  ...{ bottom: '', 'bottom-mid': '', 'bottom-left': '', 'bottom-right': '' },
  ...{ left: '', 'left-mid': '', mid: '', 'mid-mid': '', right: '', 'right-mid': '', middle: gap },
};

/** A table without borders, no wider than the terminal. */
export function plainTable(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  colAligns: readonly HorizontalAlignment[] = [],
  columns = terminalColumns(),
): string {
  const fitted = narrowed(
    [head, ...rows].map((row) => row.map(printableLines)),
    columns,
  );
  // No colours: readable on any background, and plain in a log.
  const style = { head: [], border: [], 'padding-left': 0, 'padding-right': 0 };
  const table = new Table({ colAligns: [...colAligns], chars: noBorders, style });
  table.push(...fitted);
  return table.toString().replaceAll(/ +$/gm, '').replaceAll(NO_BREAK, ' ');
}

/** Whether {@link plainTable} fits without breaking a word. */
export function fits(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  columns = terminalColumns(),
): boolean {
  const cells = [head, ...rows].map((row) => row.map(printableLines));
  const widths = head.map((_, column) => widestOf(cells, column, words));
  return sum(widths) + gap.length * (head.length - 1) <= (columns ?? Number.POSITIVE_INFINITY);
}

/** Narrows the widest columns until all fit. Breaks words only if the longest words of all columns do not fit. */
function narrowed(rows: readonly (readonly string[])[], columns: number | undefined): string[][] {
  const head = rows[0] ?? [];
  const widths = head.map((_, column) => widestOf(rows, column, (cell) => cell.split('\n')));
  const longestWords = head.map((_, column) => widestOf(rows, column, words));
  const available = (columns ?? Number.POSITIVE_INFINITY) - gap.length * (widths.length - 1);
  for (let excess = sum(widths) - available; excess > 0; excess -= 1) {
    const spare = widths.map((width, column) => (width > (longestWords[column] ?? 0) ? width : 0));
    const from = spare.some((width) => width > 0) ? spare : widths;
    const widest = from.indexOf(Math.max(...from));
    widths[widest] = Math.max(1, (widths[widest] ?? 1) - 1);
  }
  return rows.map((row) => row.map((cell, column) => wrapAnsi(cell, widths[column] ?? 1, { hard: true })));
}

/** A no-break space is part of a word. */
function words(cell: string): string[] {
  return cell.split(/[ \n]/);
}

function widestOf(
  rows: readonly (readonly string[])[],
  column: number,
  parts: (cell: string) => readonly string[],
): number {
  return Math.max(...rows.flatMap((row) => parts(row[column] ?? '').map((part) => stringWidth(part))));
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
