import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { Failure } from '../../scripts/terminal/failure.ts';
import { projectDirectory, workDirectory } from '../../scripts/terminal/project.ts';

export interface PastCheckout {
  readonly directory: string;
  /** Short hash. */
  readonly commit: string;
  remove(): void;
}

/** The code of another commit, with the packages that are installed now. */
export function pastCheckout(reference: string): PastCheckout {
  const commit = git(['rev-parse', '--verify', '--short', `${reference}^{commit}`], reference)
    .toString()
    .trim();
  const parent = join(workDirectory, 'past-checkouts');
  mkdirSync(parent, { recursive: true });
  const directory = mkdtempSync(join(parent, `${commit}-`));
  // Unlike a worktree, an archive leaves nothing in the repository if this program is killed.
  const archive = git(['archive', commit, 'adapters', 'core', 'package.json'], reference);
  execFileSync('tar', ['-x', '-C', directory], { input: archive });
  symlinkSync(join(projectDirectory, 'node_modules'), join(directory, 'node_modules'));
  return { directory, commit, remove: () => rmSync(directory, { recursive: true, force: true }) };
}

function git(args: readonly string[], reference: string): Buffer {
  try {
    return execFileSync('git', args, { cwd: projectDirectory, maxBuffer: 1e9, stdio: ['ignore', 'pipe', 'ignore'] });
  } catch {
    throw new Failure(`git does not know ${reference}. Name a commit, a tag or a branch of this repository.`);
  }
}
