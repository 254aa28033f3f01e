import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { marked, type Token } from 'marked';
import { projectDirectory } from '../../scripts/terminal/project.ts';

/** One practice on a page such as docs/practices.md. */
export interface Practice {
  readonly practice: string;
  /** Files and logical ids. */
  readonly where: readonly string[];
  readonly why: string;
  /** The tests that fail without it: for each file, the titles exactly as in its source. */
  readonly tests: readonly { readonly file: string; readonly titles: readonly string[] }[];
}

/** Each level-3 heading is a practice. Its paragraphs give the reason; its list says where it is applied and tested. */
export function readPractices(page = 'docs/practices.md'): Practice[] {
  const sections: { readonly practice: string; readonly tokens: Token[] }[] = [];
  for (const token of marked.lexer(readFileSync(join(projectDirectory, page), 'utf8'))) {
    if (token.type === 'heading' && token.depth === 3) sections.push({ practice: unescaped(token.text), tokens: [] });
    else if (token.type !== 'heading') sections.at(-1)?.tokens.push(token);
  }
  return sections.map(({ practice, tokens }) => {
    const items = tokens.flatMap((token) =>
      token.type === 'list' ? token.items.map((item: { readonly text: string }) => item.text) : [],
    );
    return {
      practice,
      why: tokens.flatMap((token) => (token.type === 'paragraph' ? [token.text] : [])).join(' '),
      where: items.flatMap((item) => (item.startsWith('Where: ') ? codeIn(item) : [])),
      tests: items.flatMap((item) =>
        item.startsWith('Test: ')
          ? codeIn(item)
              .slice(0, 1)
              .map((file) => ({ file, titles: titlesIn(item) }))
          : [],
      ),
    };
  });
}

function codeIn(text: string): string[] {
  return [...text.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name);
}

function titlesIn(text: string): string[] {
  return [...text.matchAll(/“([^”]+)”/g)].map(([, title = '']) => title);
}

function unescaped(text: string): string {
  return text.replaceAll('&#39;', "'");
}
