/** Artillery, in a separate folder, so that its 469 packages are installed only for load tests. */
import { spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import * as z from 'zod';
import { toolPath } from '../../scripts/local/isolated-environment.ts';
import { Failure } from '../../scripts/terminal/failure.ts';
import type { Report } from '../../scripts/terminal/progress.ts';
import { logDirectory, projectDirectory, shownPath } from '../../scripts/terminal/project.ts';
import { runCommand } from '../../scripts/terminal/run-command.ts';
import type { Check } from './result.ts';
import { runFileVariable } from './run-file.ts';
import type { Place, Scenario } from './scenario.ts';

const directory = join(projectDirectory, 'load-tests');
const packages = join(directory, 'artillery');
const bundleDirectory = join(directory, 'dist');

export async function installArtillery(report: Report): Promise<void> {
  if (await isInstalled()) return;
  report('npm ci in load-tests/artillery (470 MB, once)');
  const log = join(logDirectory, 'npm-ci-artillery.log');
  // One of its engines needs a browser, which an install script would download. No package here needs its script.
  const args = ['ci', '--ignore-scripts', '--no-audit', '--no-fund'];
  const environment = { ...process.env, PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD: '1' };
  const { succeeded } = await runCommand({ command: 'npm', args, directory: packages, environment, log });
  if (!succeeded) {
    throw new Failure(
      `Artillery could not be installed. Check the network and try again. The full output is in ${shownPath(log)}.`,
    );
  }
}

/** npm writes the second file when an installation is complete. */
async function isInstalled(): Promise<boolean> {
  const wanted = await artilleryVersion('package-lock.json');
  return wanted !== undefined && wanted === (await artilleryVersion('node_modules/.package-lock.json'));
}

async function artilleryVersion(lock: string): Promise<string | undefined> {
  try {
    return JSON.parse(await readFile(join(packages, lock), 'utf8')).packages['node_modules/artillery'].version;
  } catch {
    return undefined;
  }
}

export interface ArtilleryRun {
  readonly scenario: Scenario;
  readonly place: Place;
  readonly runFile: string;
  readonly environment: Readonly<NodeJS.ProcessEnv>;
  /** Folder for its log and its own report. */
  readonly output: string;
}

export interface ArtilleryResult {
  readonly checks: readonly Check[];
  /** The problem, if it did not end well. */
  readonly problem: string | undefined;
}

/** Returns when Artillery ends. It is stopped when the scenario's time, including draining, is over. */
export async function runArtillery(
  { scenario, place, runFile, environment, output }: ArtilleryRun,
  signal: AbortSignal,
): Promise<ArtilleryResult> {
  const log = join(output, 'artillery.log');
  const report = join(output, 'artillery.json');
  // Artillery bundles the processor as CommonJS into this folder; our package.json says ES modules.
  await mkdir(bundleDirectory, { recursive: true });
  await writeFile(join(bundleDirectory, 'package.json'), '{ "type": "commonjs" }\n');
  const overrides = JSON.stringify({ config: { phases: scenario.phases } });
  const child = spawn(
    join(packages, 'node_modules', '.bin', 'artillery'),
    ['run', scenario.file, '--environment', place, '--overrides', overrides, '--output', report],
    {
      cwd: directory,
      env: {
        ...environment,
        PATH: toolPath(),
        [runFileVariable]: runFile,
        ARTILLERY_DISABLE_TELEMETRY: 'true',
        NO_COLOR: '1',
        FORCE_COLOR: '0',
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  const file = createWriteStream(log);
  child.stdout.pipe(file, { end: false });
  child.stderr.pipe(file, { end: false });
  const verdicts: Pick<Check, 'expression' | 'passed'>[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => {
    const [, verdict, expression] = /^(ok|fail): (.+)$/.exec(line.trim()) ?? [];
    if (expression !== undefined) verdicts.push({ expression, passed: verdict === 'ok' });
  });
  const stop = () => child.kill('SIGKILL');
  signal.addEventListener('abort', stop);
  const limit = scenario.seconds + scenario.drainSeconds + graceSeconds;
  const timer = setTimeout(stop, limit * 1000);
  const { promise, resolve } = Promise.withResolvers<string | undefined>();
  child.once('error', (error) => resolve(`Artillery did not start: ${error.message}.`));
  child.once('close', (code, killedBy) => {
    if (killedBy !== null) resolve(`Artillery was stopped: a run of ${scenario.name} may take at most ${limit} s.`);
    else if (code !== 0 && verdicts.every(({ passed }) => passed)) resolve(`Artillery failed: see ${shownPath(log)}.`);
    else resolve(uncheckedOf(verdicts.length, scenario, log));
  });
  const problem = await promise;
  clearTimeout(timer);
  signal.removeEventListener('abort', stop);
  file.end();
  await rm(bundleDirectory, { recursive: true, force: true });
  const metrics = verdicts.length === 0 ? new Map<string, number>() : await readMetrics(report);
  const checks = verdicts.map(({ expression, passed }) => {
    const mentioned = [...metrics].filter(([name]) => expression.split(/[^\w.]+/).includes(name));
    return { expression, passed, metrics: Object.fromEntries(mentioned) };
  });
  return { checks, problem };
}

/** Checks of the scenario for which Artillery reported neither ok nor fail. */
export function uncheckedOf(
  verdicts: number,
  { name, checks }: Pick<Scenario, 'name' | 'checks'>,
  log: string,
): string | undefined {
  return verdicts === checks
    ? undefined
    : `Artillery has checked ${verdicts} of the ${checks} thresholds and conditions of ${name}: see ${shownPath(log)}.`;
}

const artilleryReport = z.object({
  aggregate: z.object({
    counters: z.record(z.string(), z.number()),
    summaries: z.record(z.string(), z.record(z.string(), z.number())),
  }),
});

/** By the names that thresholds and conditions use. */
async function readMetrics(report: string): Promise<Map<string, number>> {
  const { aggregate } = artilleryReport.parse(JSON.parse(await readFile(report, 'utf8')));
  return new Map([
    ...Object.entries(aggregate.counters),
    ...Object.entries(aggregate.summaries).flatMap(([name, summary]) =>
      Object.entries(summary).map(([figure, value]): [string, number] => [`${name}.${figure}`, value]),
    ),
  ]);
}

// Until it has started, bundled the processor and written its report.
const graceSeconds = 60;
