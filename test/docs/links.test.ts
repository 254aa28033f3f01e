import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, matchesGlob, relative } from 'node:path';
import { slug } from 'github-slugger';
import { lexer, type Token, walkTokens } from 'marked';
import { describe, expect, it } from 'vitest';
import { projectDirectory } from '../../scripts/terminal/project.ts';

/**
 * Links in Markdown, to files and to headings, and files that comments name. Links to other hosts are not followed.
 */

const files = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], {
  cwd: projectDirectory,
  encoding: 'utf8',
})
  .split('\n')
  .filter((file) => file !== '' && existsSync(join(projectDirectory, file)));
const pages = files.filter((file) => file.endsWith('.md'));
const commented = files.filter(
  (file) => /\.(ts|mjs|cjs|jsonc|ya?ml|toml|py|sh)$/.test(file) && file !== 'test/docs/links.test.ts',
);
const folders = new Set(files.flatMap((file) => (file.includes('/') ? [file.split('/')[0] ?? ''] : [])));

/** Folders that a fork may delete: links into them may then point nowhere. */
const optionalFolders = ['gallery', 'lab', 'load-tests'].filter((name) => !existsSync(join(projectDirectory, name)));

describe.each(pages)('%s', (page) => {
  it('links to files and headings that exist', () => {
    expect(targetsOf(page).filter((target) => !exists(page, target))).toEqual([]);
  });
});

it('comments name files that exist', () => {
  const missing = commented.flatMap((file) =>
    pathsInComments(readFileSync(join(projectDirectory, file), 'utf8'))
      .filter((path) => !exists('README.md', path))
      .map((path) => `${file}: ${path}`),
  );
  expect(missing).toEqual([]);
});

it('notices paths in comments of YAML and TypeScript, and no others', () => {
  const text = [
    '# docs/no-such-page.md has the reason, and core/no-such-file.ts the number.',
    'run: node scripts/made-up.ts # as test/made-up.test.ts does',
    "const made = 'docs/made-up.md'; // or docs/real.md",
    ' * See docs/above.md#heading, functions/*/handler.ts and events/<group>.json.',
    '# https://example.com/docs/elsewhere.md',
  ].join('\n');
  expect(pathsInComments(text)).toEqual([
    ...['docs/no-such-page.md', 'core/no-such-file.ts', 'test/made-up.test.ts', 'docs/real.md', 'docs/above.md'],
  ]);
});

it('.gitattributes names files that exist', () => {
  const patterns = readFileSync(join(projectDirectory, '.gitattributes'), 'utf8')
    .split('\n')
    .flatMap((line) => /^([^#\s]*\/\S*)/.exec(line)?.[1] ?? [])
    .filter((pattern) => !optionalFolders.includes(pattern.split('/')[0] ?? ''));
  expect(patterns.filter((pattern) => !files.some((file) => matchesGlob(file, pattern)))).toEqual([]);
});

it('notices a missing file and a missing heading', () => {
  expect(exists('README.md', 'docs/no-such-page.md')).toBe(false);
  expect(exists('README.md', 'docs/architecture.md#no-such-heading')).toBe(false);
  expect(exists('README.md', 'docs/architecture.md#the-path-of-an-image')).toBe(true);
});

function tokensOf(page: string): Token[] {
  const tokens: Token[] = [];
  void walkTokens(lexer(readFileSync(join(projectDirectory, page), 'utf8')), (token) => {
    tokens.push(token);
  });
  return tokens;
}

function targetsOf(page: string): string[] {
  const isLocal = (target: string) => !/^[a-z][a-z0-9+.-]*:/i.test(target);
  return tokensOf(page)
    .flatMap((token) => (token.type === 'link' || token.type === 'image' ? [String(token.href)] : []))
    .filter(isLocal);
}

function exists(page: string, target: string): boolean {
  const [path = '', anchor] = decodeURI(target).split('#');
  const file = path === '' ? join(projectDirectory, page) : join(projectDirectory, dirname(page), path);
  const folder = relative(projectDirectory, file).split('/')[0] ?? '';
  if (optionalFolders.includes(folder)) return true;
  if (!existsSync(file)) return false;
  if (anchor === undefined) return true;
  return !statSync(file).isDirectory() && anchorsOf(relative(projectDirectory, file)).includes(anchor);
}

/** As GitHub names headings: https://docs.github.com/en/get-started/writing-on-github */
function anchorsOf(page: string): string[] {
  return tokensOf(page).flatMap((token) =>
    token.type === 'heading' ? [slug(String(token.text).replace(/`|\[([^\]]*)\]\([^)]*\)/g, '$1'))] : [],
  );
}

/** Paths below one of the project's folders. */
function pathsInComments(text: string): string[] {
  return text.split('\n').flatMap((line) => {
    const [comment = ''] = /(?<=^|\s)(#|\/\/|\/?\*\*?)\s.*/.exec(line) ?? [];
    const paths = comment.matchAll(/(?<![\w./-])([\w-]+)\/[\w./-]*\w\.(md|ts|mjs|cjs|json|ya?ml|toml|py|sh|svg)\b/g);
    return [...paths].flatMap(([path, folder = '']) => (folders.has(folder) ? [path] : []));
  });
}
