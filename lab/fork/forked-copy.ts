/** A copy of the repository that can be changed and tested like a fork, to check what recipes promise. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import * as z from 'zod';
import { projectDirectory, workDirectory } from '../../scripts/terminal/project.ts';

const run = promisify(execFile);

export interface ForkedCopy {
  readonly directory: string;
  /** Replaces a text that must occur exactly once. */
  replace(path: string, text: string, by: string): Promise<void>;
  write(path: string, content: string): Promise<void>;
  read(path: string): Promise<string>;
  /** Runs a script of the copy, such as `lab/lab.ts`. */
  script(path: string, ...args: readonly string[]): Promise<void>;
  /** All tests that need no emulator. Accepts further Vitest arguments, such as names of files. */
  unitTests(...args: readonly string[]): Promise<TestRun>;
  remove(): Promise<void>;
}

export interface FailedTest {
  /** Relative to the project's directory. */
  readonly file: string;
  /** Absent if the file could not be loaded. */
  readonly test?: string;
  readonly message: string;
}

interface TestRun {
  readonly passed: number;
  readonly failed: readonly FailedTest[];
}

/** Every file that git tracks or would add, as it is now. Shares installed packages and tools with the original. */
export async function forkedCopy(): Promise<ForkedCopy> {
  const directory = await mkdtemp(join(tmpdir(), 'fork-'));
  const inCopy = (path: string) => join(directory, path);
  const files = await projectFiles();
  for (const path of files) {
    await mkdir(dirname(inCopy(path)), { recursive: true });
    await cp(join(projectDirectory, path), inCopy(path));
  }
  for (const manifest of files.filter((path) => basename(path) === 'package.json')) {
    const packages = join(dirname(manifest), 'node_modules');
    if (existsSync(join(projectDirectory, packages))) await symlink(join(projectDirectory, packages), inCopy(packages));
  }
  await commitAll(directory);

  const copy: ForkedCopy = {
    directory,
    read: (path) => readFile(inCopy(path), 'utf8'),
    async write(path, content) {
      await mkdir(dirname(inCopy(path)), { recursive: true });
      await writeFile(inCopy(path), content);
    },
    async replace(path, text, by) {
      const parts = (await copy.read(path)).split(text);
      if (parts.length !== 2)
        throw new Error(`${path} has ${JSON.stringify(text)} ${parts.length - 1} times, not once.`);
      await copy.write(path, parts.join(by));
    },
    async script(path, ...args) {
      await run(process.execPath, [path, ...args], { cwd: directory });
    },
    unitTests: (...args) => unitTests(directory, args),
    remove: () => rm(directory, { recursive: true, force: true }),
  };
  return copy;
}

/** A fork is a repository: tests and commands ask git for its files. */
async function commitAll(directory: string): Promise<void> {
  const git = (...args: readonly string[]) => run('git', args, { cwd: directory });
  await git('init', '--quiet', '--initial-branch', 'main');
  // .gitignore excludes only folders named node_modules, and these are links.
  await writeFile(join(directory, '.git', 'info', 'exclude'), 'node_modules\n.*.patch\n');
  await git('add', '--all');
  await git('-c', 'user.name=A fork', '-c', 'user.email=fork@example.com', 'commit', '--quiet', '--message', 'Fork');
}

async function projectFiles(): Promise<readonly string[]> {
  const { stdout } = await run('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: projectDirectory,
    maxBuffer: 16 * 1024 * 1024,
  });
  const { stdout: deleted } = await run('git', ['ls-files', '-z', '--deleted'], { cwd: projectDirectory });
  const gone = new Set(deleted.split('\0'));
  return stdout.split('\0').filter((path) => path !== '' && !gone.has(path));
}

const report = z.object({
  numPassedTests: z.int(),
  testResults: z.array(
    z.object({
      name: z.string(),
      status: z.string(),
      message: z.string(),
      assertionResults: z.array(
        z.object({ fullName: z.string(), status: z.string(), failureMessages: z.array(z.string()).nullish() }),
      ),
    }),
  ),
});

async function unitTests(directory: string, further: readonly string[]): Promise<TestRun> {
  const file = join(directory, basename(workDirectory), 'unit-tests.json');
  const vitest = join(directory, 'node_modules', 'vitest', 'vitest.mjs');
  const args = ['run', '--project=!pipeline', '--bail', '0', '--reporter', 'json', '--outputFile', file, ...further];
  // The exit code is not 0 if a test fails; the report says which.
  const ended = await run(process.execPath, [vitest, ...args], { cwd: directory, maxBuffer: 64 * 1024 * 1024 }).catch(
    (error: unknown) => error,
  );
  const text = await readFile(file, 'utf8').catch(() => {
    throw new Error(`Vitest wrote no report in ${directory}: ${String(ended)}`);
  });
  const { numPassedTests, testResults } = report.parse(JSON.parse(text));
  return { passed: numPassedTests, failed: testResults.flatMap((result) => failuresOf(result, directory)) };
}

function failuresOf(
  { name, status, message, assertionResults }: z.infer<typeof report>['testResults'][number],
  directory: string,
): FailedTest[] {
  const file = name.slice(name.indexOf(directory) + directory.length + 1);
  const failed = assertionResults
    .filter((test) => test.status === 'failed')
    .map(({ fullName, failureMessages }) => ({
      ...{ file, test: fullName },
      message: failureMessages?.[0] ?? '',
    }));
  return status === 'failed' && failed.length === 0 ? [{ file, message }] : failed;
}
