import { existsSync } from 'node:fs';
import { chmod, mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { environmentPrefix, projectName } from '../../core/names.ts';
import { cacheDirectory, pipProgress, type ToolEnvironment, toolEnvironment } from '../../scripts/local/tool-cache.ts';

let directory: string;
let cache: string;
let wanted: ToolEnvironment;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), `${projectName}-`));
  cache = join(directory, 'cache');
  const python = { path: join(directory, 'python'), version: '3.12.1' };
  wanted = { tool: 'tool', title: 'The tool', lock: join(directory, 'tool.txt'), python };
  await writeFile(python.path, fakePython);
  await chmod(python.path, 0o755);
  await writeFile(wanted.lock, 'one==1\ntwo==2\n');
});
afterEach(() => rm(directory, { recursive: true, force: true }));

/** Locks as Python does; makes environments of one small file, and writes down each installation. */
const fakePython = `#!/bin/sh
case "$2" in
  venv) mkdir -p "$3/bin"; cp "$0" "$3/bin/python" ;;
  pip)
    echo installed >> "$(dirname "$0")/../../installations"
    if [ -e "$(dirname "$0")/../../no-network" ]; then echo 'NewConnectionError'; exit 1; fi
    echo 'Collecting one==1'
    echo tool > "$(dirname "$0")/tool" ;;
  *) exec python3 -I -S "$@" ;;
esac
`;

const said: string[] = [];
beforeEach(() => void said.splice(0));
const install = (changed: Partial<ToolEnvironment> = {}) =>
  toolEnvironment({ ...wanted, ...changed }, (progress) => void said.push(progress), cache);

async function installations(): Promise<number> {
  const text = await readFile(join(cache, 'python', 'installations'), 'utf8').catch(() => '');
  return text.split('\n').length - 1;
}

describe('a tool', () => {
  it('is installed once, and found from then on', async () => {
    const first = await install();
    expect(await readFile(join(first, 'bin', 'tool'), 'utf8')).toBe('tool\n');
    expect(said).toEqual([
      `The tool: installing into ${first} (once per machine)`,
      'The tool: downloading 1 of 2 packages (one)',
    ]);
    said.length = 0;
    expect(await install()).toBe(first);
    expect(said).toEqual([]);
    expect(await installations()).toBe(1);
  });

  it('is installed once for clones that start at the same time', async () => {
    const found = await Promise.all([install(), install(), install()]);
    expect(new Set(found).size).toBe(1);
    expect(await installations()).toBe(1);
  });

  it('is installed beside the old one after a change of the lock file or of Python', async () => {
    const first = await install();
    await writeFile(wanted.lock, 'one==2\n');
    const second = await install();
    const third = await install({ python: { ...wanted.python, version: '3.13.0' } });
    expect(new Set([first, second, third]).size).toBe(3);
    expect([first, second, third].every((path) => existsSync(path))).toBe(true);
  });

  it.each([
    ['a file is gone', (found: string) => rm(join(found, 'bin', 'tool'))],
    ['a file is cut off', (found: string) => writeFile(join(found, 'bin', 'tool'), '')],
    ['its Python is gone', (found: string) => rm(join(found, 'bin', 'python'))],
    ['what describes it is unreadable', (found: string) => writeFile(join(found, 'contents.json'), '{')],
  ])('is installed again when %s, and says so', async (_, damage) => {
    const found = await install();
    await damage(found);
    said.length = 0;
    expect(await install()).toBe(found);
    expect(said[0]).toBe(`The tool: ${found} is damaged, installing it again`);
    expect(await readFile(join(found, 'bin', 'tool'), 'utf8')).toBe('tool\n');
    expect(await installations()).toBe(2);
  });

  it('that could not be installed is not taken for installed', async () => {
    await install();
    await writeFile(join(cache, 'python', 'no-network'), '');
    await writeFile(wanted.lock, 'one==2\n');
    await expect(install()).rejects.toThrow('the Python package index cannot be reached');
    await rm(join(cache, 'python', 'no-network'));
    const found = await install();
    expect(await readFile(join(found, 'bin', 'tool'), 'utf8')).toBe('tool\n');
  });

  it('leaves the three versions that were used last, and those that were used today', async () => {
    const versions: string[] = [];
    for (const [index, usedDaysAgo] of [40, 30, 20, 10, 0].entries()) {
      const version = await install({ python: { ...wanted.python, version: `3.12.${index}` } });
      const time = new Date(Date.now() - usedDaysAgo * 24 * 60 * 60 * 1000);
      await utimes(version, time, time);
      versions.push(version);
    }
    expect(versions.map((path) => existsSync(path))).toEqual([false, false, true, true, true]);
    expect((await readdir(dirname(versions[0] ?? ''))).sort()).toContain('tool.lock');
  });
});

describe('the cache', () => {
  it.each([
    ['where the system keeps caches', {}, 'linux', `/home/ann/.cache/${projectName}`],
    ['where XDG says', { XDG_CACHE_HOME: '/cache' }, 'linux', `/cache/${projectName}`],
    [
      'where the system keeps caches if XDG names no absolute path',
      { XDG_CACHE_HOME: 'x' },
      'linux',
      `/home/ann/.cache/${projectName}`,
    ],
    ['in Library on macOS', {}, 'darwin', `/home/ann/Library/Caches/${projectName}`],
    ['where the user says', { [`${environmentPrefix}_CACHE`]: '/mine', XDG_CACHE_HOME: '/cache' }, 'darwin', '/mine'],
  ] as const)('is %s', (_, environment, platform, expected) => {
    expect(cacheDirectory(environment, platform, '/home/ann')).toBe(expected);
  });

  it('is never below the folder in which a command happens to run', async () => {
    await expect(toolEnvironment(wanted, () => undefined, 'here')).rejects.toThrow(/absolute path, not here/);
  });
});

describe('the progress of pip', () => {
  it('counts the packages of this system only', () => {
    const seen: string[] = [];
    const { onLine, onInstalled } = pipProgress(
      'one==1 \\\n  --hash=x\ntwo[extra]==2\nthree==3 ; win\n',
      (line) => void seen.push(line),
    );
    onLine("Ignoring three: markers 'win' don't match your environment");
    onLine('Collecting one==1 (from -r tool.txt (line 1))');
    onLine('Collecting two[extra]==2 (from -r tool.txt (line 3))');
    onInstalled(1);
    onLine('Installing collected packages: two, one');
    onInstalled(1);
    onInstalled(1);
    // pip itself is a package too.
    onInstalled(4);
    expect(seen).toEqual([
      'downloading 1 of 2 packages (one)',
      'downloading 2 of 2 packages (two)',
      'installing 1 of 2 packages',
      'installing 2 of 2 packages',
    ]);
  });
});
