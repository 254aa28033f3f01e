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

/** Locks as Python does; creates environments with one small file, and records each installation. */
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

const progress: string[] = [];
beforeEach(() => void progress.splice(0));
const install = (changed: Partial<ToolEnvironment> = {}) =>
  toolEnvironment({ ...wanted, ...changed }, (line) => void progress.push(line), cache);

async function installations(): Promise<number> {
  const text = await readFile(join(cache, 'python', 'installations'), 'utf8').catch(() => '');
  return text.split('\n').length - 1;
}

describe('a tool', () => {
  it('is installed once, and reused after that', async () => {
    const first = await install();
    expect(await readFile(join(first, 'bin', 'tool'), 'utf8')).toBe('tool\n');
    expect(progress).toEqual([
      `The tool: installing into ${first} (once per machine)`,
      'The tool: downloading 1 of 2 packages (one)',
    ]);
    progress.length = 0;
    expect(await install()).toBe(first);
    expect(progress).toEqual([]);
    expect(await installations()).toBe(1);
  });

  it('is installed once for clones that start at the same time', async () => {
    const found = await Promise.all([install(), install(), install()]);
    expect(new Set(found).size).toBe(1);
    expect(await installations()).toBe(1);
  });

  it('is installed next to the old one after a change of the lock file or of Python', async () => {
    const first = await install();
    await writeFile(wanted.lock, 'one==2\n');
    const second = await install();
    const third = await install({ python: { ...wanted.python, version: '3.13.0' } });
    expect(new Set([first, second, third]).size).toBe(3);
    expect([first, second, third].every((path) => existsSync(path))).toBe(true);
  });

  it.each([
    ['a file is missing', (found: string) => rm(join(found, 'bin', 'tool'))],
    ['a file is truncated', (found: string) => writeFile(join(found, 'bin', 'tool'), '')],
    ['its Python is missing', (found: string) => rm(join(found, 'bin', 'python'))],
    ['its list of contents is unreadable', (found: string) => writeFile(join(found, 'contents.json'), '{')],
  ])('is reinstalled if %s, with a message', async (_, damage) => {
    const found = await install();
    await damage(found);
    progress.length = 0;
    expect(await install()).toBe(found);
    expect(progress[0]).toBe(`The tool: ${found} is damaged, reinstalling it`);
    expect(await readFile(join(found, 'bin', 'tool'), 'utf8')).toBe('tool\n');
    expect(await installations()).toBe(2);
  });

  it('that could not be installed is not treated as installed', async () => {
    await install();
    await writeFile(join(cache, 'python', 'no-network'), '');
    await writeFile(wanted.lock, 'one==2\n');
    await expect(install()).rejects.toThrow('the Python package index cannot be reached');
    await rm(join(cache, 'python', 'no-network'));
    const found = await install();
    expect(await readFile(join(found, 'bin', 'tool'), 'utf8')).toBe('tool\n');
  });

  it('keeps the three most recently used versions, and any used today', async () => {
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
    ['in the XDG cache directory', { XDG_CACHE_HOME: '/cache' }, 'linux', `/cache/${projectName}`],
    [
      'where the system keeps caches if the XDG path is not absolute',
      { XDG_CACHE_HOME: 'x' },
      'linux',
      `/home/ann/.cache/${projectName}`,
    ],
    ['in Library on macOS', {}, 'darwin', `/home/ann/Library/Caches/${projectName}`],
    [
      'where the user chooses',
      { [`${environmentPrefix}_CACHE`]: '/mine', XDG_CACHE_HOME: '/cache' },
      'darwin',
      '/mine',
    ],
  ] as const)('is %s', (_, environment, platform, expected) => {
    expect(cacheDirectory(environment, platform, '/home/ann')).toBe(expected);
  });

  it.runIf(process.platform === 'linux')('is refused at once in a file system that accepts no folders', async () => {
    await expect(toolEnvironment(wanted, () => undefined, '/proc/cache')).rejects.toThrow(
      /^The tools cannot be installed: \/proc\/cache cannot be .* \w+_CACHE sets the folder\.$/,
    );
  });

  it('is refused where a file has the name of one of its folders', async () => {
    await expect(toolEnvironment(wanted, () => undefined, join(wanted.lock, 'x'))).rejects.toThrow(
      `The tools cannot be installed: ${wanted.lock} is a file, not a folder: move it, or use another folder.`,
    );
  });

  it('never depends on the folder in which a command runs', async () => {
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
    // Includes pip itself.
    onInstalled(4);
    expect(seen).toEqual([
      'downloading 1 of 2 packages (one)',
      'downloading 2 of 2 packages (two)',
      'installing 1 of 2 packages',
      'installing 2 of 2 packages',
    ]);
  });
});
