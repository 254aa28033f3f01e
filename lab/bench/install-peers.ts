/** Installs the peers' packages separately, because no fork needs them to deploy or to test. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as z from 'zod';
import { toolEnvironment } from '../../scripts/local/tool-cache.ts';
import { findPython } from '../../scripts/local/toolchain.ts';
import { Failure } from '../../scripts/terminal/failure.ts';
import { logDirectory, shownPath } from '../../scripts/terminal/project.ts';
import { runCommand } from '../../scripts/terminal/run-command.ts';
import { type LineWorker, startLineWorker } from './line-worker.ts';

const directory = fileURLToPath(new URL('./peers', import.meta.url));
const say = (progress: string) => void process.stderr.write(`${progress}\n`);

/** Pillow, the command line tools and the judge. */
export async function startPythonPeers(): Promise<LineWorker> {
  const lock = fileURLToPath(new URL('./requirements/peers.txt', import.meta.url));
  const peers = { tool: 'peers', title: 'Pillow and SSIMULACRA2', lock, python: await findPython() };
  return startLineWorker(join(await toolEnvironment(peers, say), 'bin', 'python'), ['peer.py'], directory);
}

/** jimp and @napi-rs/image. */
export async function startNodePeers(): Promise<LineWorker> {
  await installNodePeers();
  return startLineWorker(process.execPath, ['peer.mjs'], directory);
}

async function installNodePeers(): Promise<void> {
  // npm writes the second file when an installation is complete.
  const [wanted, installed] = ['package-lock.json', join('node_modules', '.package-lock.json')].map(versions);
  if (wanted === installed) return;
  say(`npm ci in ${shownPath(directory)} (once)`);
  const log = join(logDirectory, 'npm-ci-peers.log');
  const { succeeded } = await runCommand({
    command: 'npm',
    args: ['ci', '--ignore-scripts', '--no-audit', '--no-fund'],
    directory,
    log,
  });
  if (!succeeded) {
    throw new Failure(
      `The peers could not be installed: check the network and run this again. The full output is in ${shownPath(log)}.`,
    );
  }
}

/** The packages that package.json names. */
function versions(lock: string): string | undefined {
  const file = join(directory, lock);
  if (!existsSync(file)) return undefined;
  const { packages } = lockFile.parse(JSON.parse(readFileSync(file, 'utf8')));
  return ['jimp', '@napi-rs/image'].map((name) => packages[`node_modules/${name}`]?.version).join();
}

const lockFile = z.object({ packages: z.record(z.string(), z.object({ version: z.string().optional() })) });
