import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { slug } from 'github-slugger';
import { lexer, type Token, walkTokens } from 'marked';
import { describe, expect, it } from 'vitest';
import { projectDirectory } from '../../scripts/terminal/project.ts';

/** Links in Markdown, to files and to headings. Links to other hosts are not followed. */

const pages = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '*.md'], {
  cwd: projectDirectory,
  encoding: 'utf8',
})
  .split('\n')
  .filter((page) => page !== '' && existsSync(join(projectDirectory, page)));

/** Folders that a fork may delete: links into them may then point nowhere. */
const optionalFolders = ['gallery', 'lab', 'load-tests'].filter((name) => !existsSync(join(projectDirectory, name)));

describe.each(pages)('%s', (page) => {
  it('links to files and headings that exist', () => {
    expect(targetsOf(page).filter((target) => !exists(page, target))).toEqual([]);
  });
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
