import { type ChildProcess, spawn } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { projectName } from '../../core/names.ts';
import { projectDirectory, workDirectory } from '../../scripts/terminal/project.ts';
import { eventually } from '../support/emulated-pipeline.ts';
import { photo } from '../support/photos.ts';

/** Runs `npm start -- --watch` in a separate clone, whose code the test can change, next to the other tests' stack. */

const copied = [
  ...['adapters', 'core', 'functions', 'layers', 'scripts', 'statemachine'],
  ...['package.json', 'package-lock.json', 'samconfig.toml', 'template.yaml', 'tsconfig.json'],
];
const presets = 'core/presets.ts';
const workflow = 'statemachine/image-pipeline.asl.json';

let clone: string;
let child: ChildProcess;
let output = '';
const ended = Promise.withResolvers<number | null>();

beforeAll(async () => {
  clone = join(await mkdtemp(join(tmpdir(), `${projectName}-`)), 'a clone');
  await mkdir(clone);
  for (const name of copied) {
    const filter = (path: string): boolean => !path.endsWith('node_modules');
    await cp(join(projectDirectory, name), join(clone, name), { recursive: true, filter });
  }
  await symlink(join(projectDirectory, 'node_modules'), join(clone, 'node_modules'));
  // The build of the other tests' stack, of the same files.
  await cp(join(workDirectory, 'build'), join(clone, basename(workDirectory), 'build'), { recursive: true });
  await writeFile(join(clone, 'rocket.jpg'), photo('rocket.jpg'));
  child = spawn(process.execPath, ['scripts/start/start.ts', '--watch', join(clone, 'rocket.jpg')], { cwd: clone });
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.once('close', ended.resolve);
  await printed(/Watching/);
});
afterAll(async () => {
  child.kill('SIGINT');
  await ended.promise;
  await rm(join(clone, '..'), { recursive: true, force: true });
});

/** Waits for output that matches, by default only new output, and returns the match. */
async function printed(pattern: RegExp, from = output.length): Promise<string> {
  return await eventually(`“${pattern.source}”`, async () => {
    if (child.exitCode !== null) throw new Error(`npm start has ended:\n${output}`);
    return pattern.exec(output.slice(from))?.[0];
  });
}

/** Saves like an editor: renames a new file over the old one. */
async function save(file: string, change: (text: string) => string): Promise<void> {
  const path = join(clone, file);
  const before = await readFile(path, 'utf8');
  const after = change(before);
  expect(after).not.toBe(before);
  await writeFile(`${path}~`, after);
  await rename(`${path}~`, path);
}

const allWidths = (width: number) => (text: string) => text.replaceAll(/width: \d+/g, `width: ${width}`);
const result = /rocket\.jpg {2}processed .*/;
/** Number and bytes of the renditions, in the second-to-last column of a result. */
const renditionsIn = (line: string): string | undefined => line.split(/ {2,}/).at(-2);

async function saveAndSee(file: string, change: (text: string) => string): Promise<string | undefined> {
  const from = output.length;
  await save(file, change);
  return renditionsIn(await printed(result, from));
}

describe('npm start -- --watch', () => {
  it('runs the saved code on the last photo that was sent', async () => {
    const from = output.length;
    const small = await saveAndSee(presets, allWidths(64));
    expect(output.slice(from)).toMatch(/core\/presets\.ts → .*resize-image/);
    const large = await saveAndSee(presets, allWidths(512));
    expect(small).toMatch(/\d+, .*B/);
    expect(large).not.toBe(small);
  });

  it('shows compile errors, keeps the stack, and continues', async () => {
    const from = output.length;
    await save(presets, (text) => `${text}\nexport const = 1;\n`);
    await printed(/The stack was not updated/, from);
    expect(output.slice(from)).toMatch(/core\/presets\.ts:\d+:\d+/);
    expect(await saveAndSee(presets, (text) => text.replace('\nexport const = 1;\n', '\n'))).toBeDefined();
  });

  it('does not miss a save during an update, and the stack is not reported as outdated', async () => {
    const from = output.length;
    await save(presets, allWidths(64));
    await save('core/limits.ts', (text) => `${text}\n`);
    await save(presets, allWidths(100));
    await printed(result, from);
    await writeFile(join(clone, 'notes.jpg'), 'Dear diary');
    const second = await eventually('a stack that is up to date', async () => {
      const text = await startAgain(join(clone, 'notes.jpg'));
      return /does not include your latest changes/.test(text) ? undefined : text;
    });
    expect(second).toContain('rejected');
  });

  it('redeploys the stack after a change to the workflow, and keeps the saved code', async () => {
    const before = await saveAndSee(presets, allWidths(200));
    const from = output.length;
    const after = await saveAndSee(workflow, (text) => text.replace(/"Comment": "/, '"Comment": "Changed. '));
    expect(output.slice(from)).toContain('Stack redeployed');
    expect(after).toBe(before);
  });

  it('ends with Ctrl-C', async () => {
    child.kill('SIGINT');
    expect(await ended.promise).toBe(0);
  });
});

/** A second `npm start` in the same clone. */
async function startAgain(file: string): Promise<string> {
  const second = spawn(process.execPath, ['scripts/start/start.ts', file], { cwd: clone });
  let text = '';
  for (const stream of [second.stdout, second.stderr]) stream.on('data', (chunk: Buffer) => (text += chunk.toString()));
  await new Promise((resolve) => second.once('close', resolve));
  return text;
}
