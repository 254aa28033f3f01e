/**
 * Virtual environments of Python tools, shared by all clones on a machine, because SAM CLI and the rest take about 490 MB
 * and a minute to install. A change of the lock file, Python version or platform creates a new environment and keeps the
 * old one.
 */

import { createHash } from 'node:crypto';
import { closeSync, existsSync, openSync, readdirSync, statSync } from 'node:fs';
import { glob, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { basename, isAbsolute, join } from 'node:path';
import * as z from 'zod';
import { environmentPrefix, projectName } from '../../core/names.ts';
import { describeFailure, Failure } from '../terminal/failure.ts';
import { makeFolder } from '../terminal/make-folder.ts';
import type { Report } from '../terminal/progress.ts';
import { logDirectory, shownPath } from '../terminal/project.ts';
import { runCommand } from '../terminal/run-command.ts';
import { isolatedEnvironment } from './isolated-environment.ts';

export interface Python {
  readonly path: string;
  /** For example 3.12.1. */
  readonly version: string;
}

export interface ToolEnvironment {
  /** Names the environment's folder. */
  readonly tool: string;
  /** Shown to users. */
  readonly title: string;
  /** Path of the file that lists every package with its hashes. */
  readonly lock: string;
  readonly python: Python;
}

/** The environment variable that overrides the cache's default folder. */
export const cacheVariable = `${environmentPrefix}_CACHE`;

export function cacheDirectory(
  environment: Readonly<NodeJS.ProcessEnv> = process.env,
  platform: NodeJS.Platform = process.platform,
  home: string = homedir(),
): string {
  const chosen = environment[cacheVariable];
  if (chosen) return chosen;
  if (platform === 'darwin') return join(home, 'Library', 'Caches', projectName);
  // The XDG specification says to ignore relative paths.
  const xdg = environment['XDG_CACHE_HOME'];
  return join(xdg && isAbsolute(xdg) ? xdg : join(home, '.cache'), projectName);
}

const dayMillis = 24 * 60 * 60 * 1000;
const keptEnvironments = 3;

/** The contents of a finished environment; one that contains less is damaged or unfinished. */
const contents = z.object({ files: z.int(), bytes: z.int() });
type Contents = z.infer<typeof contents>;
const contentsFile = 'contents.json';

/** Returns the environment's folder, and installs it if needed. Safe for several clones to call at the same time. */
export async function toolEnvironment(
  wanted: ToolEnvironment,
  report: Report,
  cache: string = cacheDirectory(),
): Promise<string> {
  const { tool, title, lock, python } = wanted;
  if (!isAbsolute(cache)) throw new Failure(`${cacheVariable} must be an absolute path, not ${cache}.`);
  const root = join(cache, 'python');
  const directory = join(root, `${tool}-${await keyOf(wanted)}`);
  if ((await stateOf(directory)) === 'complete') return await markUsed(directory);

  makeRoot(root);
  const log = join(logDirectory, `install-${tool}.log`);
  const release = await lockFor(join(root, `${tool}.lock`), python, log, () =>
    report(`${title}: waiting for another clone to install it`),
  );
  try {
    const state = await stateOf(directory);
    // Another clone has installed it in the meantime.
    if (state === 'complete') return await markUsed(directory);
    if (state === 'damaged') report(`${title}: ${shownPath(directory)} is damaged, reinstalling it`);
    else report(`${title}: installing into ${shownPath(directory)} (once per machine)`);
    // Not in a temporary folder, because the scripts of a virtual environment contain its absolute path.
    await rm(directory, { recursive: true, force: true });
    await createEnvironment(python.path, directory, log, release.descriptor);
    await installPackages({ directory, lock, log, lockDescriptor: release.descriptor }, (progress) =>
      report(`${title}: ${progress}`),
    );
    await writeFile(join(directory, contentsFile), JSON.stringify(contentsOf(directory)));
    await removeOldEnvironments(root, tool);
    return directory;
  } finally {
    release();
  }
}

function makeRoot(root: string): void {
  try {
    makeFolder(root);
  } catch (error) {
    throw new Failure(`The tools cannot be installed: ${describeFailure(error)} ${cacheVariable} sets the folder.`);
  }
}

async function keyOf({ lock, python }: ToolEnvironment): Promise<string> {
  return createHash('sha256')
    .update(await readFile(lock))
    .update(JSON.stringify([python.path, python.version, process.platform, process.arch]))
    .digest('hex')
    .slice(0, 12);
}

async function stateOf(directory: string): Promise<'absent' | 'damaged' | 'complete'> {
  const text = await readFile(join(directory, contentsFile), 'utf8').catch(() => undefined);
  if (text === undefined) return 'absent';
  const installed = parseContents(text);
  if (installed === undefined || !existsSync(join(directory, 'bin', 'python'))) return 'damaged';
  const found = contentsOf(directory);
  return found.files >= installed.files && found.bytes >= installed.bytes ? 'complete' : 'damaged';
}

function parseContents(text: string): Contents | undefined {
  try {
    return contents.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

/** Synchronous, which is three times as fast: 17,000 files in 0.2 s. Skips __pycache__, which Python rewrites. */
function contentsOf(directory: string): Contents {
  let files = 0;
  let bytes = 0;
  const visit = (folder: string): void => {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) {
        if (entry.name !== '__pycache__') visit(path);
      } else if (entry.isFile() && entry.name !== contentsFile) {
        files += 1;
        bytes += statSync(path).size;
      }
    }
  };
  visit(directory);
  return { files, bytes };
}

/** The least recently used environment is removed first. */
async function markUsed(directory: string): Promise<string> {
  const now = new Date();
  // Ignored: another user's cache may be read-only, but can still be used.
  await utimes(directory, now, now).catch(() => undefined);
  return directory;
}

/** Clones at different commits share the cache, so environments used within a day are kept. */
async function removeOldEnvironments(root: string, tool: string): Promise<void> {
  const found: { path: string; usedAt: number }[] = [];
  for await (const path of glob(join(root, `${tool}-*`))) found.push({ path, usedAt: (await stat(path)).mtimeMs });
  const old = found
    .sort((one, other) => other.usedAt - one.usedAt)
    .slice(keptEnvironments)
    .filter(({ usedAt }) => Date.now() - usedAt > dayMillis);
  for (const { path } of old) await rm(path, { recursive: true, force: true });
}

interface Release {
  (): void;
  /** Child processes that inherit it keep the lock until they end, even if this process is killed. */
  readonly descriptor: number;
}

/**
 * Uses flock(2), because the kernel releases the lock however the process ends. Node.js does not support it, so Python locks
 * the open file that both processes share.
 */
async function lockFor(file: string, python: Python, log: string, onWait: () => void): Promise<Release> {
  const descriptor = openSync(file, 'a');
  const { succeeded, output } = await runCommand({
    command: python.path,
    args: ['-c', lockScript],
    environment: isolatedEnvironment(),
    log,
    inherited: descriptor,
    onLine: onWait,
  });
  if (!succeeded) {
    closeSync(descriptor);
    throw new Failure(
      `${file} could not be locked (${output.trim().split('\n').at(-1) ?? 'no reason given'}): set ${cacheVariable} to a folder on a local disk.`,
    );
  }
  return Object.assign(() => closeSync(descriptor), { descriptor });
}

const lockScript = `
import fcntl
try:
    fcntl.flock(3, fcntl.LOCK_EX | fcntl.LOCK_NB)
except BlockingIOError:
    print('waiting', flush=True)
    fcntl.flock(3, fcntl.LOCK_EX)
`;

async function createEnvironment(python: string, directory: string, log: string, inherited: number): Promise<void> {
  const created = await runCommand({
    command: python,
    args: ['-m', 'venv', directory],
    environment: isolatedEnvironment(),
    log,
    inherited,
  });
  if (created.succeeded) return;
  throw new Failure(`${python} could not create a virtual environment. ${adviceOn(created.output, log)}`);
}

function adviceOn(output: string, log: string): string {
  if (/ensurepip|No module named venv/.test(output)) {
    return 'Its venv module is missing: install it (on Debian and Ubuntu: sudo apt install python3-venv) and run this again.';
  }
  return /No space left on device|Errno 28/.test(output) ? diskIsFull : `The reason is in ${shownPath(log)}.`;
}

const diskIsFull = 'The disk is full: free some space (about 700 MB) and run this again.';

interface Installation {
  readonly directory: string;
  readonly lock: string;
  readonly log: string;
  readonly lockDescriptor: number;
}

async function installPackages({ directory, lock, log, lockDescriptor }: Installation, report: Report): Promise<void> {
  const quickToGiveUp = ['--retries', '2', '--timeout', '30'];
  // The lock file is complete, so there is nothing to resolve, and pip cannot match hashes to requirements with extras.
  // Wheels only: building a source package would run its code, and build tools that no hash covers.
  const exactly = ['--no-deps', '--require-hashes', '--only-binary=:all:', '-r', lock];
  const progress = pipProgress(await readFile(lock, 'utf8'), report);
  const watching = setInterval(() => progress.onInstalled(installedPackages(directory)), 1000);
  const installed = await runCommand({
    command: join(directory, 'bin', 'python'),
    args: ['-m', 'pip', 'install', '--no-input', '--disable-pip-version-check', ...quickToGiveUp, ...exactly],
    environment: { ...isolatedEnvironment(), PYTHONUNBUFFERED: '1' },
    log,
    append: true,
    inherited: lockDescriptor,
    onLine: progress.onLine,
  }).finally(() => clearInterval(watching));
  if (installed.succeeded) return;
  throw new Failure(
    `The Python packages could not be installed: ${reasonIn(installed.output)} The full output is in ${shownPath(log)}.`,
  );
}

function reasonIn(output: string): string {
  if (
    /NewConnectionError|ConnectTimeout|ReadTimeout|NameResolutionError|ProxyError|Network is unreachable/.test(output)
  )
    return 'the Python package index cannot be reached. Check the network (and any proxy) and run this again.';
  if (/No matching distribution found/.test(output))
    return 'a package has no prebuilt version for this system and this Python. Install Python 3.10 to 3.14 and run this again.';
  if (/No space left on device|Errno 28/.test(output)) return diskIsFull;
  const errors = output.split('\n').filter((line) => line.startsWith('ERROR: '));
  return `${(errors.at(-1) ?? 'pip failed').replace('ERROR: ', '').replace(/\.$/, '')}.`;
}

/** pip names each package that it downloads, but not the ones it unpacks, so those are counted in the folder. */
export function pipProgress(lockText: string, report: Report) {
  let packages = lockText.match(/^[A-Za-z0-9_.-]+(\[[^\]]*\])?==/gm)?.length ?? 0;
  let downloaded = 0;
  let installing = false;
  let before = 0;
  return {
    onLine(line: string): void {
      // A package for another system or Python version.
      if (line.startsWith('Ignoring ')) packages -= 1;
      if (line.startsWith('Installing collected packages')) installing = true;
      const [, name] = /^Collecting ([^=\s[]+)/.exec(line) ?? [];
      if (name === undefined) return;
      downloaded += 1;
      report(`downloading ${downloaded} of ${packages} packages (${name})`);
    },
    onInstalled(installed: number): void {
      if (!installing || installed === before) return;
      before = installed;
      report(`installing ${Math.min(installed, packages)} of ${packages} packages`);
    },
  };
}

function installedPackages(directory: string): number {
  try {
    const [python = ''] = readdirSync(join(directory, 'lib'));
    const found = readdirSync(join(directory, 'lib', python, 'site-packages'));
    return found.filter((name) => basename(name).endsWith('.dist-info')).length;
  } catch {
    // pip has not created the folder yet.
    return 0;
  }
}
