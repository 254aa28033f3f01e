// Runs a script of this project on Lambda's own Node version, whatever Node started it:
//
//   node scripts/bootstrap.mjs scripts/start/start.ts [arguments]
//
// Plain JavaScript without a dependency, because it is what installs the dependencies.
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
// With packages of their own, and each may import those before it. Either may be gone: a fork may delete them.
const foldersWithPackages = ['load-tests', 'lab'];

const signalNumbers = constants.signals;

let child;
let stopped;
stopOnSignals();
stopWithNpm();
await main();

async function main() {
  const [script, ...scriptArguments] = process.argv.slice(2);
  if (script === undefined) fail('Which script? For example: node scripts/bootstrap.mjs scripts/start/start.ts');
  if (ownMajor() < oldestNode) {
    fail(
      `Node.js ${oldestNode} or newer is needed and this is ${process.version}: install a newer one from nodejs.org.`,
    );
  }
  for (const directory of directoriesFor(script)) {
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
    env: { ...process.env, ...plainOutput(), PATH: path },
  });
  process.exit(ended.code ?? 128 + (signalNumbers[ended.signal] ?? 1));
}

/** Lambda's version, from a package for this system whose hash is in the lock file; where there is none, a Node as new. */
function nodeForScripts() {
  if (isExecutable(packagedNode)) return packagedNode;
  return ownMajor() >= lambdaNode ? process.execPath : undefined;
}

function ownMajor() {
  return Number(process.versions.node.split('.')[0]);
}

/** A log is read by programs, and by people without colours. */
function plainOutput() {
  return process.stdout.isTTY || process.env.FORCE_COLOR !== undefined ? {} : { NO_COLOR: '1' };
}

/** The project itself, and the folders whose code the script starts: a check, the documents and the tests start all of it. */
function directoriesFor(script) {
  const everything = ['scripts/check/check.ts', 'scripts/docs/docs.ts', 'scripts/test/test.ts'].includes(script);
  const last = everything
    ? foldersWithPackages.length - 1
    : foldersWithPackages.findIndex((folder) => script.startsWith(`${folder}/`));
  const folders = foldersWithPackages.slice(0, last + 1).map((folder) => join(project, folder));
  return [project, ...folders.filter((folder) => existsSync(join(folder, 'package.json')))];
}

/**
 * npm writes `node_modules/.package-lock.json` when an installation is complete. Comparing versions instead of keeping
 * a marker of our own also accepts what `npm ci` or `npm install` did by hand.
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
  // npm must not run on the very Node that it is about to replace in node_modules.
  const path = pathWithoutBin().join(delimiter);
  // With npm's own retries, a machine without a network would wait minutes for the sentence that says so.
  const flags = [
    '--no-audit',
    '--no-fund',
    // Also under `npm --silent`: its errors are what the sentence is made of.
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
  fail(`The npm packages could not be installed: ${whatNpmSaid(npmLog)} The whole output is in ${shown(npmLog)}.`);
}

/** The first file that is written in a new clone. */
function openLog(npmLog) {
  try {
    mkdirSync(dirname(npmLog), { recursive: true });
    return openSync(npmLog, 'w');
  } catch (error) {
    return fail(whyNotWritable(refusalOf(error), project) ?? `${npmLog} cannot be written: ${error.message}`);
  }
}

/** `mkdir` with its parents says ENOENT of a read-only folder. */
function refusalOf(error) {
  try {
    accessSync(project, access.W_OK);
    return error.code;
  } catch (refusal) {
    return refusal.code;
  }
}

function whyNotWritable(code, path) {
  if (code === 'EROFS')
    return `${path} cannot be written, it is on a read-only file system: use a copy of the project that can be written.`;
  if (code === 'ENOSPC' || code === 'EDQUOT') return 'The disk is full: make room (about 1.2 GB) and run this again.';
  if (code !== 'EACCES' && code !== 'EPERM') return undefined;
  return `${path} cannot be written: the folder belongs to another user, perhaps since a sudo. Take it back: sudo chown -R "$(id -un)" '${project}'`;
}

function whatNpmSaid(npmLog) {
  const said = readFileSync(npmLog, 'utf8');
  if (/ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH|ERR_SOCKET_TIMEOUT/.test(said)) {
    return 'the npm registry cannot be reached. Check the network (and the proxy, if there is one) and run this again.';
  }
  if (/EUSAGE/.test(said))
    return 'package.json and package-lock.json disagree. Run `npm install` and commit the lock file.';
  const [, code] = /npm (?:error|ERR!) code (EROFS|ENOSPC|EDQUOT|EACCES|EPERM)/.exec(said) ?? [];
  const [, path] = /npm (?:error|ERR!) path (.*)/.exec(said) ?? [];
  const sentence = whyNotWritable(code, path ?? join(project, 'node_modules'));
  if (sentence !== undefined) return sentence;
  const first = said.split('\n').find((line) => /npm (error|ERR!) (?!code|errno|syscall)\S/.test(line));
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

/** The child ends first and cleans up; then this process ends with the child's code. */
function stopOnSignals() {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(signal, () => {
      stopped = signal;
      // A terminal has sent Ctrl-C to the child already: it is in the same process group.
      if (signal !== 'SIGINT' || !process.stdin.isTTY) child?.kill(signal);
    });
  }
}

/** npm killed by SIGKILL cannot tell us. */
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
