/**
 * The Python tools: MiniStack (the emulator), SAM CLI and the linters. Each has a separate virtual environment, because they
 * pin conflicting versions of botocore. The lock files in requirements/ list every package with its hashes. To update one:
 *
 *   uv pip compile --universal --generate-hashes --no-header --python-version 3.10 ministack.in -o ministack.txt
 */
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { Failure } from '../terminal/failure.ts';
import type { Report } from '../terminal/progress.ts';
import { logDirectory, projectDirectory } from '../terminal/project.ts';
import { runCommand } from '../terminal/run-command.ts';
import { isolatedEnvironment } from './isolated-environment.ts';
import { type Python, toolEnvironment } from './tool-cache.ts';

/** Paths of executables. */
export interface Toolchain {
  /** The Python interpreter that finds MiniStack. */
  readonly ministack: string;
  readonly sam: string;
}

// Versions with wheels in the lock files are preferred; for a newer Python, some may be missing.
const testedPythons: Range = { oldest: [3, 10, 0], newest: [3, 14, 999] };
const pythonNames = ['python3', 'python3.14', 'python3.13', 'python3.12', 'python3.11', 'python3.10', 'python'];

// The version that the tests use; older ones lack the nodejs24.x runtime or were never tested.
const oldestSam: Version = [1, 170, 0];

type Version = readonly [number, number, number];
interface Range {
  readonly oldest: Version;
  readonly newest: Version;
}

/** Finds or installs both tools. Takes a minute the first time on a machine, then a fraction of a second. */
export async function installToolchain(report: Report): Promise<Toolchain> {
  const [ministack, sam] = await Promise.all([installMinistack(report), installSam(report)]);
  return { ministack, sam };
}

async function installMinistack(report: Report): Promise<string> {
  return join(await installEnvironment('ministack', report), 'bin', 'python');
}

/** Uses the `sam` on PATH if it is new enough. */
export async function installSam(report: Report): Promise<string> {
  return (await samOnPath()) ?? join(await installEnvironment('sam', report), 'bin', 'sam');
}

/** The directory of the executables: python (with SAM's translator), cfn-lint, checkov, zizmor. */
export async function installLinters(report: Report): Promise<string> {
  return join(await installEnvironment('linters', report), 'bin');
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
} as const;

async function installEnvironment(tool: keyof typeof titles, report: Report): Promise<string> {
  const lock = join(projectDirectory, 'scripts', 'local', 'requirements', `${tool}.txt`);
  return await toolEnvironment({ tool, title: titles[tool], lock, python: await findPython() }, report);
}

let python: Promise<Python> | undefined;

/** Searches only once, for all environments. */
export function findPython(): Promise<Python> {
  python ??= choosePython();
  return python;
}

async function choosePython(): Promise<Python> {
  const found: { path: string; version: Version }[] = [];
  for (const name of pythonNames) {
    const path = findOnPath(name);
    const version = path && (await versionOf(path, ['--version'], join(logDirectory, 'python.log')));
    if (!path || !version) continue;
    if (compare(version, testedPythons.oldest) >= 0 && compare(version, testedPythons.newest) <= 0)
      return { path, version: version.join('.') };
    found.push({ path, version });
  }
  const newer = found.find(({ version }) => compare(version, testedPythons.newest) > 0);
  if (newer !== undefined) return { path: newer.path, version: newer.version.join('.') };
  const seen = found.map(({ path, version }) => `${path} is ${version.join('.')}`).join(', ');
  throw new Failure(
    `Python 3.10 or newer is required, but ${seen === '' ? 'there is no python3 on PATH' : `PATH has only older versions: ${seen}`}. ` +
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
