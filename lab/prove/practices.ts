/**
 * Removes each practice of docs/practices.md in a copy of the project, and requires that a test named on the page fails. A
 * practice is not proved if no test fails without it, or if its tests fail anyway.
 */
import { existsSync } from 'node:fs';
import { cp, mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import * as z from 'zod';
import { isolatedEnvironment } from '../../scripts/local/isolated-environment.ts';
import { showStep } from '../../scripts/terminal/progress.ts';
import { logDirectory, projectDirectory, workDirectory } from '../../scripts/terminal/project.ts';
import { runCommand } from '../../scripts/terminal/run-command.ts';
import { type Practice, readPractices } from '../../test/support/practices.ts';
import type { Proof } from './proof.ts';
import { type Change, rewritten, takeAway } from './take-away.ts';
import { withoutGalleryPractice } from './without-gallery-practice.ts';
import { withoutPractice } from './without-practice.ts';

const copy = join(workDirectory, 'without-practice');

const galleryPage = 'gallery/docs/practices.md';
const hasGallery = existsSync(join(projectDirectory, galleryPage));

/** The practices of the project, of the lab and of the load tests, and of the gallery, which a fork may have deleted. */
export function provedPractices(): Practice[] {
  return ['docs/practices.md', 'lab/docs/practices.md', ...(hasGallery ? [galleryPage] : [])].flatMap((page) =>
    readPractices(page),
  );
}

/** For each of them, by name: the smallest change that removes it. */
export const removals: Readonly<Record<string, Change>> = {
  ...withoutPractice,
  ...(hasGallery ? withoutGalleryPractice : {}),
};

export async function provePractices(): Promise<readonly Proof[]> {
  const all = Object.entries(removals);
  await copyProject();
  await rewriteDocuments();
  try {
    return await showStep(`Practices: ${all.length}`, async (report) => {
      report('with all practices in place');
      const inPlace = await unchanged();
      const proofs = [inPlace];
      // A test that fails anyway would prove every practice that names it.
      if (inPlace.against !== undefined) return proofs;
      for (const [practice, change] of all) {
        report(`${proofs.length} of ${all.length}: ${practice}`);
        const tests = await missedBy(practice, change);
        proofs.push({
          promise: practice,
          evidence: `without it ${tests.length} of its tests fail`,
          against: tests.length === 0 ? 'No test fails without it.' : undefined,
        });
      }
      return proofs;
    });
  } finally {
    await rm(copy, { recursive: true, force: true });
  }
}

async function unchanged(): Promise<Proof> {
  const named = provedPractices().flatMap(unitTestsOf);
  const tests = await runTests([...new Set(named.map(({ file }) => file))]);
  const titles = named.flatMap((test) => test.titles);
  const failed = tests
    .filter((test) => test.status === 'failed' && titles.some((title) => isTitled(test, title)))
    .map(({ fullName }) => `${fullName} fails.`);
  const missing = titles
    .filter((title) => !tests.some((test) => test.status === 'passed' && isTitled(test, title)))
    .map((title) => `No test titled “${title}” passes.`);
  const defects = [...failed, ...missing];
  return {
    promise: 'with all practices in place, the named tests pass',
    evidence: `${tests.length} tests`,
    against: defects.length === 0 ? undefined : defects.join('\n'),
  };
}

async function missedBy(practice: string, change: Change): Promise<readonly string[]> {
  const path = join(copy, change.file);
  const original = await readFile(path, 'utf8');
  await writeFile(path, takeAway(original, change));
  try {
    const named = provedPractices()
      .filter((row) => row.practice === practice)
      .flatMap(unitTestsOf);
    const tests = await runTests(named.map((test) => test.file));
    const titles = named.flatMap((test) => test.titles);
    return tests
      .filter((test) => test.status === 'failed' && titles.some((title) => isTitled(test, title)))
      .map(({ fullName }) => fullName);
  } finally {
    await writeFile(path, original);
  }
}

/** Without the emulator: those tests take minutes each. */
function unitTestsOf({ practice, tests }: Practice): Practice['tests'] {
  const found = tests.filter(({ file }) => !file.includes('test/pipeline/'));
  if (found.length === 0) throw new Error(`“${practice}” names no test that runs without the emulator.`);
  return found;
}

const testReport = z.object({
  testResults: z.array(
    z.object({
      assertionResults: z.array(z.object({ title: z.string(), fullName: z.string(), status: z.string() })),
    }),
  ),
});
type TestResult = z.infer<typeof testReport>['testResults'][number]['assertionResults'][number];

async function runTests(files: readonly string[]): Promise<readonly TestResult[]> {
  const output = join(copy, 'report.json');
  // From an earlier run.
  await rm(output, { force: true });
  await runCommand({
    command: 'vitest',
    args: ['run', '--project=!pipeline', '--bail', '0', '--reporter', 'json', '--outputFile', output, ...files],
    directory: copy,
    environment: isolatedEnvironment(),
    log: join(logDirectory, 'prove-practices.log'),
  });
  const { testResults } = testReport.parse(JSON.parse(await readFile(output, 'utf8')));
  return testResults.flatMap(({ assertionResults }) => assertionResults);
}

/** `%s`, `$name` and `${name}` stand for a case's values. */
export function isTitled({ title }: Pick<TestResult, 'title'>, wanted: string): boolean {
  const pattern = wanted
    .split(/%[sidjo]|\$\{\w+\}|\$\w+/)
    .map((text) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
    .join('.*');
  return new RegExp(`^${pattern}$`, 's').test(title);
}

/**
 * Changes write the documents that they parse without comments and short forms. So all documents are first written that way:
 * a test that fails for that reason already fails with all practices in place, and does not count as a proof.
 */
async function rewriteDocuments(): Promise<void> {
  for (const change of Object.values(removals)) {
    if (!('path' in change)) continue;
    const path = join(copy, change.file);
    await writeFile(path, rewritten(await readFile(path, 'utf8'), change));
  }
}

async function copyProject(): Promise<void> {
  await rm(copy, { recursive: true, force: true });
  await mkdir(copy, { recursive: true });
  const listed = await runCommand({
    command: 'git',
    args: ['ls-files', '--cached', '--others', '--exclude-standard'],
    directory: projectDirectory,
    log: join(logDirectory, 'prove-practices.log'),
  });
  for (const file of listed.output.split('\n').filter((line) => line !== '')) {
    await mkdir(dirname(join(copy, file)), { recursive: true });
    await cp(join(projectDirectory, file), join(copy, file));
  }
  // Some tests ask git for the project's files.
  for (const args of [
    ['init', '--quiet'],
    ['add', '--all'],
  ])
    await runCommand({ command: 'git', args, directory: copy, log: join(logDirectory, 'prove-practices.log') });
  for (const folder of ['.', 'lab', 'load-tests', ...(hasGallery ? ['gallery'] : [])]) {
    await symlink(join(projectDirectory, folder, 'node_modules'), join(copy, folder, 'node_modules'));
  }
}
