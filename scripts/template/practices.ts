import { readFileSync } from 'node:fs';
import { marked } from 'marked';

/** docs/practices.md, a row a practice. */
export interface Practice {
  readonly practice: string;
  /** Files and logical ids. */
  readonly where: readonly string[];
  readonly why: string;
  /** The tests that fail without it: the titles of each file, as they stand in its source. */
  readonly tests: readonly { readonly file: string; readonly titles: readonly string[] }[];
}

export function readPractices(): Practice[] {
  const page = readFileSync(new URL('../../docs/practices.md', import.meta.url), 'utf8');
  return marked.lexer(page).flatMap((token) => {
    if (token.type !== 'table' || !('rows' in token)) return [];
    return token.rows.map((cells: readonly { readonly text: string }[]): Practice => {
      const [practice = '', where = '', why = '', tests = ''] = cells.map(({ text }) => text);
      return {
        practice,
        where: [...where.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name),
        why,
        tests: [...tests.matchAll(/`([^`]+)`([^`]*)/g)].map(([, file = '', text = '']) => ({
          file,
          titles: [...text.matchAll(/“([^”]+)”/g)].map(([, title = '']) => title),
        })),
      };
    });
  });
}
