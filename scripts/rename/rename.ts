/** `npm run rename`: renames the project in every file. */
import { isUtf8 } from 'node:buffer';
import { execFileSync } from 'node:child_process';
import { existsSync, lstatSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { findRunningStack } from '../local/running-stack.ts';
import { command, main } from '../terminal/command.ts';
import { Failure } from '../terminal/failure.ts';
import { print } from '../terminal/print.ts';
import { logDirectory, projectDirectory, shownPath, workDirectory } from '../terminal/project.ts';
import { runCommand } from '../terminal/run-command.ts';
import { plainTable } from '../terminal/table.ts';
import { currentNames, type Names, newNames } from './names.ts';
import { filesWith, type Renaming, renameAll, type Texts } from './renaming.ts';

/** Not renamed: the license names the author, and a changelog describes the past. */
const kept: readonly string[] = ['LICENSE', 'CHANGELOG.md'];

/** Screenshots, which have to be taken again, and what they show. */
const screenshots: Readonly<Record<string, string>> = {
  'docs/contact-sheet.webp': 'the page that npm start writes',
};

export const renameCommand = command({
  name: 'npm run rename',
  summary: 'Renames the project in every file: stacks, buckets, tags, event source, metrics, sample events and docs.',
  syntax: (line) =>
    line
      .argument('<name>', 'lower-case words separated by hyphens')
      .option('--source <source>', 'event source of the domain events (default: <name>.pipeline)')
      .option(
        '--namespace <namespace>',
        'CloudWatch namespace of the metrics (default: the words of the name, capitalized and joined)',
      )
      .option('--title <title>', 'for headings and sentences (default: the words of the name, capitalized)')
      .option('--dry-run', 'list the files that would change, and change nothing')
      .option('--yes', 'rename even if there are uncommitted changes'),
  examples: {
    'npm run rename -- picturehouse --source acme.picturehouse': 'rename, with your company in the event source',
    'npm run rename -- picturehouse --dry-run': 'show what would change',
  },
  notes:
    'Rename before you deploy: a stack that is already deployed keeps its name, and the renamed project deploys a second stack. The license and the changelog are not changed.',
  run: ({ arguments: [name], options: { source, namespace, title, dryRun, yes } }) =>
    rename(newNames(name, { source, namespace, title }), { dryRun, yes }),
});

async function rename(
  names: Names,
  { dryRun, yes }: { readonly dryRun: true | undefined; readonly yes: true | undefined },
): Promise<void> {
  if (!dryRun && !yes) requireNoUncommittedChanges();
  const texts = projectTexts();
  requireNewNames(names, texts);
  const renaming = await renameAll(texts, currentNames, names);
  if (dryRun) {
    print(...summary('Would rename', names, renaming), '', filesOf(renaming));
    return;
  }
  if ((await findRunningStack()) !== undefined)
    throw new Failure('npm start is running under the old name. Stop it with Ctrl-C, then rename.');
  for (const [path, text] of renaming.changed) writeFileSync(join(projectDirectory, path), text);
  await format([...renaming.changed.keys()]);
  moveWorkDirectory(names);
  print(...summary('Renamed', names, renaming), '', ...nextSteps());
}

/** Reads every file that git tracks or would add, except binary files and those in `kept`. */
function projectTexts(): Texts {
  const files = git('ls-files', '-z', '--cached', '--others', '--exclude-standard').split('\0');
  const texts = new Map<string, string>();
  for (const path of new Set(files)) {
    const file = join(projectDirectory, path);
    // Links and submodules are not ours to change, and a deleted file is still in git's index.
    if (kept.includes(path) || lstatSync(file, { throwIfNoEntry: false })?.isFile() !== true) continue;
    const bytes = readFileSync(file);
    if (isUtf8(bytes)) texts.set(path, bytes.toString('utf8'));
  }
  return texts;
}

function requireNewNames(names: Names, texts: Texts): void {
  const different = (['name', 'title', 'eventSource', 'metricNamespace'] as const).filter(
    (kind) => names[kind] !== currentNames[kind],
  );
  if (different.length === 0) throw new Failure(`Nothing to rename: this is already ${names.title} (${names.name}).`);
  // A namespace is recognised by the text before it, so the same word may be used elsewhere.
  for (const kind of different.filter((kind) => kind !== 'metricNamespace')) {
    const files = filesWith(names[kind], texts, currentNames);
    if (files.length > 0) {
      const shown = files.slice(0, 3).join(', ') + (files.length > 3 ? ` and ${files.length - 3} more` : '');
      throw new Failure(
        `${JSON.stringify(names[kind])} is already used for something else in ${shown}, so the project could not be renamed again later. Choose a more specific name, for example one that starts with your company's name.`,
      );
    }
  }
}

function requireNoUncommittedChanges(): void {
  const changes = git('status', '--porcelain').split('\n').filter(Boolean).length;
  if (changes > 0)
    throw new Failure(
      `There are uncommitted changes (${changes} files), and renaming would mix with them. Commit or stash them first, or add --yes.`,
    );
}

function git(...args: readonly string[]): string {
  try {
    return execFileSync('git', args, {
      cwd: projectDirectory,
      encoding: 'utf8',
      maxBuffer: 100_000_000,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  } catch {
    throw new Failure(
      'This command uses git to list the files of the project, but git is not installed or this is not a repository. Install git, or run git init and git add -A first.',
    );
  }
}

/** A longer or shorter name changes where lines wrap. */
async function format(paths: readonly string[]): Promise<void> {
  const code = paths.filter((path) => ['.ts', '.mjs', '.cjs', '.json', '.jsonc'].includes(extname(path)));
  const log = join(logDirectory, 'rename-format.log');
  const { succeeded } = await runCommand({
    command: 'biome',
    args: ['format', '--write', '--no-errors-on-unmatched', ...code],
    directory: projectDirectory,
    log,
  });
  if (!succeeded)
    throw new Failure(
      `All files are renamed, but the code could not be formatted: see ${shownPath(log)}. Run npx biome format --write.`,
    );
}

/** Most of its contents are still useful under the new name. */
function moveWorkDirectory({ name }: Names): void {
  const moved = join(projectDirectory, `.${name}`);
  if (existsSync(workDirectory) && !existsSync(moved)) renameSync(workDirectory, moved);
}

function summary(verb: string, names: Names, { places }: Renaming): string[] {
  const count = [...places.values()].reduce((sum, each) => sum + each, 0);
  return [
    `${verb} ${currentNames.title} to ${names.title}: ${count} places in ${places.size} files.`,
    '',
    plainTable(
      ['', 'Before', 'After'],
      [
        ['Name', currentNames.name, names.name],
        ['Title', currentNames.title, names.title],
        ['Event source', currentNames.eventSource, names.eventSource],
        ['Metric namespace', currentNames.metricNamespace, names.metricNamespace],
      ],
    ),
  ];
}

function filesOf({ places }: Renaming): string {
  const rows = [...places].map(([path, count]) => [path, String(count)]);
  return plainTable(['File', 'Places'], rows, ['left', 'right']);
}

function nextSteps(): string[] {
  const stale = Object.entries(screenshots).filter(([path]) => existsSync(join(projectDirectory, path)));
  const advice = ['These screenshots still show the old name. Replace them:'];
  return [
    ...(stale.length === 0 ? [] : [...advice, ...stale.map(([path, of]) => `  ${path}: ${of}`), '']),
    'Next: run npm test, review git diff, and commit.',
  ];
}

if (import.meta.main) await main(renameCommand);
