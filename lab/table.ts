import { markdownTable } from 'markdown-table';

/** A Markdown table that is not padded, so that one longer cell changes one line. Columns of numbers are aligned right. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const isNumeric = (column: number) => rows.length > 0 && rows.every((row) => isNumber(row[column] ?? ''));
  const align = head.map((_, column) => (isNumeric(column) ? 'right' : null));
  return markdownTable([head, ...rows], { alignDelimiters: false, align });
}

/** `**$58.21**`, `110 %`, `0.2 per million`; also a dash, for no value. */
function isNumber(cell: string): boolean {
  return /^(\*\*)?([$<]?\d[\d.,]*( \S+){0,2}|–)(\*\*)?$/.test(cell);
}
