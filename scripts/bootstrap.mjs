// Runs a script of this project on Lambda's Node version, regardless of the version that starts it:
//
//   node scripts/bootstrap.mjs scripts/start/start.ts [arguments]
//
// Plain JavaScript without dependencies, because it installs the dependencies.
import { spawn } from 'node:child_process';
import {
  constants as access,
  accessSync,
  createWriteStream,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
} from 'node:fs';
import { constants } from 'node:os';
import { delimiter, dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const oldestNode = 20;
const lambdaNode = 24;
const project = dirname(dirname(fileURLToPath(import.meta.url)));
const bin = join(project, 'node_modules', '.bin');
const packagedNode = join(bin, 'node');
// Folders with their own packages, of which a fork may have deleted any.
const foldersWithPackages = ['gallery', 'load-tests', 'lab'];
// What else a script runs than its own folder.
const alsoNeeded = {
  'lab/': ['gallery', 'load-tests'],
  'load-tests/load.ts': ['gallery'],
  'scripts/start/start.ts': ['gallery'],
};

const signalNumbers = constants.signals;

let child;
let stopped;
stopOnSignals();
stopWithNpm();
await main();

async function main() {
  const [script, ...scriptArguments] = process.argv.slice(2);
  if (script === undefined)
    fail('Specify a script to run. For example: node scripts/bootstrap.mjs scripts/start/start.ts');
  if (ownMajor() < oldestNode) {
    fail(
      `Node.js ${oldestNode} or newer is required, but this is ${process.version}: install a newer version from nodejs.org.`,
    );
  }
  const deleted = foldersWithPackages.find(
    (folder) => script.startsWith(`${folder}/`) && !existsSync(join(project, folder)),
  );
  if (deleted !== undefined) fail(`This clone has no ${deleted}/, which this command needs.`);
  for (const directory of directoriesFor(script, scriptArguments)) {
    if (!packagesAreInstalled(directory)) await installPackages(directory);
  }
  const path = [bin, ...pathWithoutBin()].join(delimiter);
  const node = nodeForScripts();
  if (node === undefined) {
    fail(
      `There is no packaged Node.js ${lambdaNode} for this system (${process.platform} ${process.arch}): install Node.js ${lambdaNode} from nodejs.org and run this again.`,
    );
  }
  const ended = await run(node, [join(project, script), ...scriptArguments], {
    stdio: 'inherit',
    env: { ...compileCache(), ...process.env, ...plainOutput(), PATH: path },
  });
  process.exit(ended.code ?? 128 + (signalNumbers[ended.signal] ?? 1));
}

/** Node from a package for this system whose hash is in the lock file; otherwise the current Node if it is new enough. */
function nodeForScripts() {
  if (isExecutable(packagedNode)) return packagedNode;
  return ownMajor() >= lambdaNode ? process.execPath : undefined;
}

function ownMajor() {
  return Number(process.versions.node.split('.')[0]);
}

/** A command, and everything that it runs, starts in about two thirds of the time. */
function compileCache() {
  return { NODE_COMPILE_CACHE: join(project, '.darkroom', 'compile-cache') };
}

/** No colours when the output goes to a file or another program. */
function plainOutput() {
  return process.stdout.isTTY || process.env.FORCE_COLOR !== undefined ? {} : { NO_COLOR: '1' };
}

/** The project itself, and the folders whose code the script runs or builds. Checks, docs and tests run everything, unless they show help. */
function directoriesFor(script, args) {
  const everything =
    ['scripts/check/check.ts', 'scripts/docs/docs.ts', 'scripts/test/test.ts'].includes(script) &&
    !args.some((arg) => ['-h', '--help'].includes(arg));
  const needs = (folder) =>
    everything ||
    script.startsWith(`${folder}/`) ||
    (script === 'scripts/release/release.ts' && args[args.indexOf('--application') + 1] === folder) ||
    Object.entries(alsoNeeded).some(([begin, others]) => script.startsWith(begin) && others.includes(folder));
  const folders = foldersWithPackages.filter(needs).map((folder) => join(project, folder));
  return [project, ...folders.filter((folder) => existsSync(join(folder, 'package.json')))];
}

/**
 * npm writes `node_modules/.package-lock.json` when an installation is complete. Comparing versions, instead of writing our
 * own marker, also recognises a manual `npm ci` or `npm install`.
 */
function packagesAreInstalled(directory) {
  const wanted = lockedPackages(join(directory, 'package-lock.json'));
  const installed = lockedPackages(join(directory, 'node_modules', '.package-lock.json'));
  if (wanted === undefined) {
    const lock = shown(join(directory, 'package-lock.json'));
    fail(`${lock} is missing or damaged: restore it, for example with git checkout.`);
  }
  if (installed === undefined) return false;
  return Object.entries(wanted).every(
    ([path, { version, optional, devOptional }]) =>
      path === '' || optional || devOptional || installed[path]?.version === version,
  );
}

function lockedPackages(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8')).packages;
  } catch {
    return undefined;
  }
}

function isExecutable(file) {
  try {
    accessSync(file, access.X_OK);
    return true;
  } catch {
    return false;
  }
}

async function installPackages(directory) {
  const folder = relative(project, directory);
  const npmLog = join(project, '.darkroom', 'logs', folder === '' ? 'npm-ci.log' : `npm-ci-${folder}.log`);
  process.stderr.write(
    `Installing the npm packages of ${join(folder, 'package-lock.json')} (about half a minute, once) …\n`,
  );
  const log = createWriteStream(npmLog, { fd: openLog(npmLog) });
  // npm must not run on the Node in node_modules, because it is about to replace it.
  const path = pathWithoutBin().join(delimiter);
  // With npm's default retries, a machine without a network would wait minutes for the error.
  const flags = [
    '--no-audit',
    '--no-fund',
    // Even under `npm --silent`, because our message is built from npm's errors.
    '--loglevel=error',
    '--fetch-retries=2',
    '--fetch-retry-mintimeout=1000',
    '--fetch-retry-maxtimeout=4000',
  ];
  const ended = await run(
    'npm',
    ['ci', ...flags],
    { cwd: directory, stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, PATH: path } },
    log,
  );
  await new Promise((resolve) => log.end(resolve));
  if (stopped) process.exit(128 + signalNumbers[stopped]);
  if (ended.code === 0) return;
  fail(`The npm packages could not be installed: ${npmFailure(npmLog)} The full output is in ${shown(npmLog)}.`);
}

/** The first file written in a new clone, so it is where a read-only folder shows. */
function openLog(npmLog) {
  try {
    mkdirSync(dirname(npmLog), { recursive: true });
    return openSync(npmLog, 'w');
  } catch (error) {
    const code = writeErrorCode(error);
    return fail(
      describeFileFailure(code, code === 'ENOTDIR' || code === 'EEXIST' ? npmLog : project) ??
        `${npmLog} cannot be written: ${error.message}`,
    );
  }
}

/** A recursive `mkdir` reports ENOENT for a read-only folder. */
function writeErrorCode(error) {
  try {
    accessSync(project, access.W_OK);
    return error.code;
  } catch (refusal) {
    return refusal.code;
  }
}

function describeFileFailure(code, path) {
  if (code === 'EROFS')
    return `${path} cannot be written because its file system is read-only: use a writable copy of the project.`;
  if (code === 'ENOSPC' || code === 'EDQUOT')
    return 'The disk is full: free some space (about 1.2 GB) and run this again.';
  if (code === 'ENOTDIR' || code === 'EEXIST')
    return `${path} needs a folder where there is a file: move that file away and run this again.`;
  if (code !== 'EACCES' && code !== 'EPERM') return undefined;
  return `${path} cannot be written: the folder belongs to another user, perhaps because of an earlier sudo. To take ownership: sudo chown -R "$(id -un)" '${project}'`;
}

function npmFailure(npmLog) {
  const output = readFileSync(npmLog, 'utf8');
  if (
    /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH|ERR_SOCKET_TIMEOUT/.test(output)
  ) {
    return 'the npm registry cannot be reached. Check the network (and any proxy) and run this again.';
  }
  if (/EUSAGE/.test(output))
    return 'package.json and package-lock.json do not match. Run `npm install` and commit the lock file.';
  const [, code] = /npm (?:error|ERR!) code (EROFS|ENOSPC|EDQUOT|EACCES|EPERM)/.exec(output) ?? [];
  const [, path] = /npm (?:error|ERR!) path (.*)/.exec(output) ?? [];
  const sentence = describeFileFailure(code, path ?? join(project, 'node_modules'));
  if (sentence !== undefined) return sentence;
  const first = output.split('\n').find((line) => /npm (error|ERR!) (?!code|errno|syscall)\S/.test(line));
  return `${(first ?? 'npm ci failed').replace(/^npm (error|ERR!) /, '')}.`;
}

function shown(file) {
  return relative(process.cwd(), file);
}

function run(command, args, options, log) {
  return new Promise((resolve) => {
    child = spawn(command, args, options);
    if (log) {
      child.stdout.pipe(log, { end: false });
      child.stderr.pipe(log, { end: false });
    }
    child.once('error', (error) => {
      fail(
        error.code === 'ENOENT'
          ? `${command} was not found: it comes with Node.js, see nodejs.org.`
          : `${command} did not start: ${error.message}`,
      );
    });
    child.once('close', (code, signal) => resolve({ code, signal }));
  });
}

function pathWithoutBin() {
  return (process.env.PATH ?? '').split(delimiter).filter((entry) => !entry.endsWith(join('node_modules', '.bin')));
}

/** Waits for the child to clean up and end, then exits with its code. */
function stopOnSignals() {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(signal, () => {
      stopped = signal;
      // A terminal has sent Ctrl-C to the child already: it is in the same process group.
      if (signal !== 'SIGINT' || !process.stdin.isTTY) child?.kill(signal);
    });
  }
}

/**
 * When npm is killed by SIGKILL, no signal reaches this process. It is npm's own child, because the scripts in package.json
 * begin with `exec`: otherwise, the shell between them would outlive npm.
 */
function stopWithNpm() {
  if (process.env.npm_lifecycle_event === undefined) return;
  const npm = process.ppid;
  setInterval(() => {
    if (process.ppid !== npm) child?.kill('SIGTERM');
  }, 500).unref();
}

function fail(sentence) {
  process.stderr.write(`${sentence}\n`);
  process.exit(1);
}
