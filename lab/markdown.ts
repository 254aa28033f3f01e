import { type MarkedToken, marked, type Token } from 'marked';
import { terminalColumns, wrapped } from '../scripts/terminal/print.ts';
import { plainTable } from '../scripts/terminal/table.ts';

/** Width of plain text that goes to a file or another program. */
const FILE_COLUMNS = 100;

/** Prints Markdown unchanged, or as plain text for a terminal. */
export function printMarkdown(markdown: string, asMarkdown = false): void {
  process.stdout.write(`${asMarkdown ? markdown : plainText(markdown)}\n`);
}

/** Removes markup, and fits tables to the width. */
export function plainText(markdown: string, columns = terminalColumns() ?? FILE_COLUMNS): string {
  return known(marked.lexer(markdown))
    .map((token) => blockText(token, columns))
    .filter((text) => text !== '')
    .join('\n\n');
}

function blockText(token: MarkedToken, columns: number | undefined): string {
  switch (token.type) {
    case 'space':
    case 'html':
      return '';
    case 'code':
      return token.text;
    case 'heading': {
      const title = inlineText(token.tokens);
      return `${title}\n${'─'.repeat(Math.min(title.length, columns ?? title.length))}`;
    }
    case 'table': {
      const [head = [], ...rows] = [token.header, ...token.rows].map((row) =>
        row.map(({ tokens }) => inlineText(tokens)),
      );
      return plainTable(
        head,
        rows,
        token.align.map((side) => side ?? 'left'),
        columns,
      );
    }
    case 'list':
      return token.items
        .map(({ tokens }) => `- ${wrapped(inlineText(tokens), columns && columns - 2).replaceAll('\n', '\n  ')}`)
        .join('\n');
    default:
      return wrapped(inlineText([token]), columns);
  }
}

/** Keeps only the text of a link. */
function inlineText(tokens: readonly Token[]): string {
  return known(tokens)
    .map((token) => {
      if (token.type === 'br') return ' ';
      if ('tokens' in token && token.tokens !== undefined) return inlineText(token.tokens);
      return 'text' in token ? token.text.replaceAll('\n', ' ') : token.raw;
    })
    .join('');
}

/** Only extensions of marked add other tokens, and none are installed. */
function known(tokens: readonly Token[]): readonly MarkedToken[] {
  return tokens as readonly MarkedToken[];
}
