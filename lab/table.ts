import { markdownTable } from 'markdown-table';

/** A Markdown table that is not padded, so that one longer cell changes one line. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return markdownTable([head, ...rows], { alignDelimiters: false });
}
