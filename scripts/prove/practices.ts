/**
 * Takes each practice of docs/practices.md away, in a copy of the project, and demands that a test which the page names
 * fails. A practice that nobody misses is not proved.
 */
import { cp, mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import * as z from 'zod';
import { isolatedEnvironment } from '../isolated-environment.ts';
import { readPractices } from '../practices.ts';
import { showStep } from '../progress.ts';
import { logDirectory, projectDirectory, workDirectory } from '../project.ts';
import type { Proof } from '../prove.ts';
import { runCommand } from '../run-command.ts';
import { withoutPractice } from './without-practice.ts';

const copy = join(workDirectory, 'without-practice');

export async function provePractices(): Promise<Proof[]> {
  const all = Object.entries(withoutPractice);
  await copyProject();
  try {
    return await showStep(`Practices: ${all.length}`, async (report) => {
      const proofs: Proof[] = [];
      for (const [practice, change] of all) {
        report(`${proofs.length + 1} of ${all.length}: ${practice}`);
        const tests = await missedBy(practice, change);
        proofs.push({
          promise: practice,
          evidence: `without it ${tests.length} of its tests fail`,
          against: tests.length === 0 ? 'nobody misses it' : undefined,
        });
      }
      return proofs;
    });
  } finally {
    await rm(copy, { recursive: true, force: true });
  }
}

async function missedBy(
  practice: string,
  { file, from, to }: (typeof withoutPractice)[string],
): Promise<readonly string[]> {
  const path = join(copy, file);
  const original = await readFile(path, 'utf8');
  // Every place: an anchor and its aliases are one, but some practices are written out a few times.
  const changed = original.replaceAll(from, to);
  if (changed === original)
    throw new Error(`${file} has no longer what scripts/prove/without-practice.ts takes away for “${practice}”.`);
  await writeFile(path, changed);
  try {
    return await failingTests(practice);
  } finally {
    await writeFile(path, original);
  }
}

const testReport = z.object({
  testResults: z.array(
    z.object({
      message: z.string().default(''),
      assertionResults: z.array(z.object({ title: z.string(), fullName: z.string(), status: z.string() })),
    }),
  ),
});

async function failingTests(practice: string): Promise<readonly string[]> {
  const named = readPractices().find((row) => row.practice === practice)?.tests ?? [];
  // Without the emulator: those tests take minutes each.
  const files = named.map(({ file }) => file).filter((file) => !file.startsWith('test/pipeline/'));
  const output = join(copy, 'report.json');
  await runCommand({
    command: 'vitest',
    args: ['run', '--project', 'unit', '--bail', '0', '--reporter', 'json', '--outputFile', output, ...files],
    directory: copy,
    environment: isolatedEnvironment(),
    log: join(logDirectory, 'prove-practices.log'),
  });
  const { testResults } = testReport.parse(JSON.parse(await readFile(output, 'utf8')));
  const failed = testResults.flatMap(({ assertionResults }) =>
    assertionResults.filter(({ status }) => status === 'failed'),
  );
  const titles = named.flatMap((test) => test.titles);
  return failed.filter(({ title }) => titles.some((wanted) => matches(title, wanted))).map(({ fullName }) => fullName);
}

/** `%s` and `$name` stand for a case's values. */
function matches(title: string, wanted: string): boolean {
  const pattern = wanted
    .split(/%[sidjo]|\$[a-z]+/)
    .map((text) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
    .join('.*');
  return new RegExp(pattern).test(title);
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
  await symlink(join(projectDirectory, 'node_modules'), join(copy, 'node_modules'));
}
