/**
 * The Python tools: MiniStack (the emulator), SAM CLI, the linters and what benchmarks compare with, each in a virtual
 * environment of its own, since their pins of botocore exclude each other. The lock files in requirements/ name every package with its hashes; to renew one:
 *
 *   uv pip compile --universal --generate-hashes --no-header --python-version 3.10 ministack.in -o ministack.txt
 */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { Failure } from '../terminal/failure.ts';
import { logDirectory, projectDirectory, shownPath, workDirectory } from '../terminal/project.ts';
import { runCommand } from '../terminal/run-command.ts';
import type { Report } from '../terminal/step.ts';
import { isolatedEnvironment } from './isolated-environment.ts';

/** Paths of executables. */
export interface Toolchain {
  readonly ministack: string;
  readonly sam: string;
}

// The versions that the lock files have wheels for come first; a newer Python may have to compile, and often can.
const testedPythons: Range = { oldest: [3, 10, 0], newest: [3, 14, 999] };
const pythonNames = ['python3', 'python3.14', 'python3.13', 'python3.12', 'python3.11', 'python3.10', 'python'];

// The version that the tests run with; older ones lack the nodejs24.x runtime or were never tried.
const oldestSam: Version = [1, 170, 0];

type Version = readonly [number, number, number];
interface Range {
  readonly oldest: Version;
  readonly newest: Version;
}

/** Finds or installs both tools. Takes a minute the first time and milliseconds from then on. */
export async function installToolchain(report: Report): Promise<Toolchain> {
  const [ministack, sam] = await Promise.all([installMinistack(report), installSam(report)]);
  return { ministack, sam };
}

async function installMinistack(report: Report): Promise<string> {
  return join(await installEnvironment('ministack', report), 'bin', 'ministack');
}

/** A `sam` on PATH is used where it is new enough. */
export async function installSam(report: Report): Promise<string> {
  return (await samOnPath()) ?? join(await installEnvironment('sam', report), 'bin', 'sam');
}

/** The directory of the executables: python (with SAM's translator), cfn-lint, checkov, zizmor. */
export async function installLinters(report: Report): Promise<string> {
  return join(await installEnvironment('linters', report), 'bin');
}

/**
 * The interpreter that finds the packages of `npm run lab -- bench peers`.
 *
 * @lab
 */
export async function installBenchPeers(report: Report): Promise<string> {
  return join(await installEnvironment('peers', report), 'bin', 'python');
}

async function samOnPath(): Promise<string | undefined> {
  const sam = findOnPath('sam');
  if (sam === undefined) return undefined;
  const version = await versionOf(sam, ['--version'], join(logDirectory, 'sam-on-path.log'));
  return version !== undefined && compare(version, oldestSam) >= 0 ? sam : undefined;
}

const titles = {
  ministack: 'MiniStack',
  sam: 'SAM CLI',
  linters: 'the linters',
  peers: 'Pillow and SSIMULACRA2',
} as const;

async function installEnvironment(tool: keyof typeof titles, report: Report): Promise<string> {
  const environment = join(workDirectory, 'python', tool);
  const lock = join(projectDirectory, 'scripts', 'local', 'requirements', `${tool}.txt`);
  const python = join(environment, 'bin', 'python');
  const marker = join(environment, 'installed');
  // The path belongs to it because scripts in a virtual environment start with it: a moved project installs again.
  const state = `${sha256(await readFile(lock))} ${environment}\n`;
  if (existsSync(python) && (await readFile(marker, 'utf8').catch(() => '')) === state) return environment;

  const chosen = await findPython();
  report(`Installing ${titles[tool]} into ${shownPath(environment)} (once)`);
  const log = join(logDirectory, `install-${tool}.log`);
  await rm(environment, { recursive: true, force: true });
  await mkdir(join(workDirectory, 'python'), { recursive: true });
  await createEnvironment(chosen, environment, log);
  await installPackages(python, lock, log);
  await writeFile(marker, state);
  return environment;
}

async function createEnvironment(python: string, environment: string, log: string): Promise<void> {
  const created = await runCommand({
    command: python,
    args: ['-m', 'venv', environment],
    environment: isolatedEnvironment(),
    log,
  });
  if (created.succeeded) return;
  const advice = /ensurepip|No module named venv/.test(created.output)
    ? 'Its venv module is missing: install it (on Debian and Ubuntu: sudo apt install python3-venv) and run this again.'
    : `The reason is in ${shownPath(log)}.`;
  throw new Failure(`${python} could not make a virtual environment. ${advice}`);
}

async function installPackages(python: string, lock: string, log: string): Promise<void> {
  const quickToGiveUp = ['--retries', '2', '--timeout', '30'];
  // The lock file is complete: nothing is left to resolve, and pip cannot match hashes to requirements with extras.
  const exactly = ['--no-deps', '--require-hashes', '-r', lock];
  const installed = await runCommand({
    command: python,
    args: ['-m', 'pip', 'install', '--no-input', '--disable-pip-version-check', ...quickToGiveUp, ...exactly],
    environment: isolatedEnvironment(),
    log,
    append: true,
  });
  if (installed.succeeded) return;
  const unreachable =
    /NewConnectionError|ConnectTimeout|ReadTimeout|NameResolutionError|ProxyError|Network is unreachable/;
  const reason = unreachable.test(installed.output)
    ? 'the Python package index cannot be reached. Check the network (and the proxy, if there is one) and run this again.'
    : `${lastError(installed.output)}.`;
  throw new Failure(`The Python packages could not be installed: ${reason} The whole output is in ${shownPath(log)}.`);
}

function lastError(output: string): string {
  const errors = output.split('\n').filter((line) => line.startsWith('ERROR: '));
  return (errors.at(-1) ?? 'pip failed').replace('ERROR: ', '').replace(/\.$/, '');
}

let python: Promise<string> | undefined;

/** Looked for once, however many environments are made of it. */
function findPython(): Promise<string> {
  python ??= choosePython();
  return python;
}

async function choosePython(): Promise<string> {
  const found: { path: string; version: Version }[] = [];
  for (const name of pythonNames) {
    const path = findOnPath(name);
    const version = path && (await versionOf(path, ['--version'], join(logDirectory, 'python.log')));
    if (!path || !version) continue;
    if (compare(version, testedPythons.oldest) >= 0 && compare(version, testedPythons.newest) <= 0) return path;
    found.push({ path, version });
  }
  const newer = found.find(({ version }) => compare(version, testedPythons.newest) > 0);
  if (newer !== undefined) return newer.path;
  const seen = found.map(({ path, version }) => `${path} is ${version.join('.')}`).join(', ');
  throw new Failure(
    `Python 3.10 or newer is needed, and ${seen === '' ? 'no python3 is on PATH' : `what is on PATH is older: ${seen}`}. ` +
      'Install it from python.org or with your package manager and run this again.',
  );
}

function findOnPath(name: string): string | undefined {
  return (process.env['PATH'] ?? '')
    .split(delimiter)
    .map((directory) => join(directory, name))
    .find((path) => existsSync(path));
}

async function versionOf(command: string, args: readonly string[], log: string): Promise<Version | undefined> {
  const { succeeded, output } = await runCommand({ command, args, environment: isolatedEnvironment(), log });
  const [, major, minor, patch] = /(\d+)\.(\d+)\.(\d+)/.exec(output) ?? [];
  return succeeded && major !== undefined ? [Number(major), Number(minor), Number(patch)] : undefined;
}

function compare(one: Version, other: Version): number {
  return one[0] - other[0] || one[1] - other[1] || one[2] - other[2];
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
