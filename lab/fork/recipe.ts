/** A page of docs/recipes in executable form: its numbered steps, and the meaning of their code blocks. */
import { type MarkedToken, marked, type Token } from 'marked';

/**
 * The first word of a block's info string is its language; the rest says what to do with it. Blocks without such words are
 * only shown: an example, or a command that needs an AWS account.
 */
export type Action =
  /** ```diff: applied with `git apply`. */
  | { readonly kind: 'diff'; readonly patch: string; readonly paths: readonly string[] }
  /** ```ts file=PATH: written. */
  | { readonly kind: 'file'; readonly path: string; readonly content: string }
  /** ```sh run: must succeed. `long`: the whole suite, executed only on request. */
  | { readonly kind: 'run'; readonly command: string; readonly long: boolean }
  /** ```sh fails="TEXT": must fail, and print this text. */
  | { readonly kind: 'fails'; readonly command: string; readonly text: string };

export interface Step {
  /** Its first line, for messages. */
  readonly title: string;
  readonly actions: readonly Action[];
}

/** `<!-- run … -->`: simulates the reader's situation, such as the fork's changes, when a recipe is executed. */
const SETUP = /^<!-- run\n([\s\S]*)\n\s*-->\s*$/;

export function recipeSteps(markdown: string): readonly Step[] {
  return known(marked.lexer(markdown)).flatMap((token): readonly Step[] => {
    switch (token.type) {
      case 'html':
        return setUp(token.text).map((action) => ({ title: 'Setting up', actions: [action] }));
      case 'list':
        return token.ordered
          ? token.items.map(({ text, tokens }) => ({ title: text.split('\n')[0] ?? '', actions: actionsOf(tokens) }))
          : [];
      default:
        return [];
    }
  });
}

function actionsOf(tokens: readonly Token[]): readonly Action[] {
  return known(tokens).flatMap((token): readonly Action[] => {
    switch (token.type) {
      case 'code':
        return actionOf(token.lang ?? '', token.text);
      case 'html':
        return setUp(token.text);
      case 'list':
        return token.items.flatMap((item) => actionsOf(item.tokens));
      default:
        return [];
    }
  });
}

function setUp(html: string): readonly Action[] {
  const [, command] = SETUP.exec(html) ?? [];
  return command === undefined ? [] : [{ kind: 'run', command, long: false }];
}

function actionOf(info: string, text: string): readonly Action[] {
  const [language, ...rest] = info.split(' ');
  const meaning = rest.join(' ');
  if (language === 'diff') return [{ kind: 'diff', patch: `${text}\n`, paths: pathsIn(text) }];
  const [, path] = /^file=(\S+)$/.exec(meaning) ?? [];
  if (path !== undefined) return [{ kind: 'file', path, content: `${text}\n` }];
  if (meaning === 'run' || meaning === 'run long')
    return [{ kind: 'run', command: text, long: meaning === 'run long' }];
  const [, expected] = /^fails="([^"]+)"$/.exec(meaning) ?? [];
  if (expected !== undefined) return [{ kind: 'fails', command: text, text: expected }];
  if (meaning !== '') throw new Error(`A code block says "${info}", which lab/fork/recipe.ts does not support.`);
  return [];
}

/** The files that a patch changes or removes; those it adds come from /dev/null. */
function pathsIn(patch: string): readonly string[] {
  return [...patch.matchAll(/^--- a\/(.+)$/gm)].map(([, path]) => path ?? '');
}

/** Marked's extensions could bring other tokens; there are none here. */
function known(tokens: readonly Token[]): readonly MarkedToken[] {
  return tokens as readonly MarkedToken[];
}
