import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import * as z from 'zod';
import { projectDirectory } from '../../scripts/terminal/project.ts';
import { signal } from '../support/processes.ts';

const { scripts } = z
  .object({ scripts: z.record(z.string(), z.string()) })
  .parse(JSON.parse(readFileSync(join(projectDirectory, 'package.json'), 'utf8')));

it.each(Object.entries(scripts))('npm run %s ends when npm is killed', (_, script) => {
  // The next test shows that this is enough.
  expect(script).toMatch(/^exec node scripts\/bootstrap\.mjs \S+\.ts\b/);
});

it('a script ends when npm is killed by SIGKILL', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'npm-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const endless = join(directory, 'endless.mjs');
  writeFileSync(endless, 'console.log(process.pid); setInterval(() => undefined, 1_000_000);');
  const script = scripts['start']?.replace('scripts/start/start.ts', relative(projectDirectory, endless));
  writeFileSync(
    join(directory, 'package.json'),
    JSON.stringify({
      scripts: { endless: script?.replace('scripts/bootstrap', `${projectDirectory}/scripts/bootstrap`) },
    }),
  );
  // Not npm's own process group, which would end with it.
  const npm = spawn('npm', ['run', '--silent', 'endless'], { cwd: directory, stdio: ['ignore', 'pipe', 'inherit'] });
  const [pid] = z.tuple([z.coerce.number()]).parse(await once(npm.stdout, 'data'));
  onTestFinished(() => void signal('SIGKILL', [{ id: pid }]));

  npm.kill('SIGKILL');

  // The pipe closes when the last process that has it open has ended.
  await once(npm.stdout, 'close');
  expect(npm.signalCode).toBe('SIGKILL');
});

it('npm run test:changed with nothing to run says so, and succeeds', () => {
  const repository = mkdtempSync(join(tmpdir(), 'unchanged-'));
  onTestFinished(() => rmSync(repository, { recursive: true }));
  writeFileSync(join(repository, 'some.test.ts'), "import { it } from 'vitest';\nit('passes', () => undefined);");
  const git = (...args: readonly string[]) => execFileSync('git', args, { cwd: repository, stdio: 'ignore' });
  git('init', '--quiet');
  git('add', '--all');
  git('-c', 'user.name=A', '-c', 'user.email=a@example.com', 'commit', '--quiet', '--message', 'As it is');

  const test = join(projectDirectory, 'scripts', 'test', 'test.ts');
  const printed = execFileSync(process.execPath, [test, '--root', repository, '--changed'], { encoding: 'utf8' });

  expect(printed).toContain('No tests to run: your uncommitted changes affect none.');
  expect(printed).not.toContain('No test files found');
});
