/** MiniStack, the AWS of this machine: on 127.0.0.1 over TLS, with IAM enforced, and gone when this process is. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync } from 'node:fs';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { Agent, get } from 'node:https';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { Failure } from '../terminal/failure.ts';
import { logDirectory, projectDirectory, shownPath, workDirectory } from '../terminal/project.ts';
import { type Environment, isolatedEnvironment, toolPath } from './isolated-environment.ts';
import { claimPort, emulatorDirectory } from './port.ts';
import { tlsCertificate } from './tls-certificate.ts';

/** What it takes to talk to an emulator; plain data, so that it can be handed to another process. */
export interface EmulatorAddress {
  readonly endpoint: string;
  /** PEM; the only authority that the emulator's clients trust. */
  readonly certificate: string;
  /** For child processes: SAM CLI, tests, tools. Holds no trace of the user's own accounts. */
  readonly environment: Readonly<Environment>;
}

export interface Emulator extends EmulatorAddress {
  readonly port: number;
  /** Resolves with a sentence if the emulator ends before `stop`; never rejects. */
  readonly crashed: Promise<Failure>;
  stop(): Promise<void>;
}

export interface EmulatorOptions {
  /** Path of the executable, see toolchain.ts. */
  readonly ministack: string;
  /** 0 for any free one. */
  readonly port: number;
  /** What every function finds in its environment beside its own variables: for tests. */
  readonly functionEnvironment?: Readonly<Environment> | undefined;
}

/** Stops what was started and not yet stopped, on the way out; also one that is still starting. */
export async function stopEmulators(): Promise<void> {
  await Promise.all([...started].map((stop) => stop()));
}

const started = new Set<() => Promise<void>>();
const startTimeout = 60_000;
const stopTimeout = 8_000;

export async function startEmulator(options: EmulatorOptions): Promise<Emulator> {
  await removeLeftovers();
  const port = await claimPort(options.port);
  const tls = await tlsCertificate();
  const directory = emulatorDirectory(port);
  const log = join(logDirectory, options.port === 0 ? 'emulator-tests.log' : 'emulator.log');
  await prepare(directory);

  const child = launch(
    options.ministack,
    { ...options.functionEnvironment, ...emulatorEnvironment({ port, directory, ...tls }) },
    log,
  );
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  let stopping = false;
  const stop = async (): Promise<void> => {
    stopping = true;
    await end(child, ended);
    await rm(directory, { recursive: true, force: true, maxRetries: 3 });
    started.delete(stop);
  };
  started.add(stop);

  const address = await addressOf(port);
  const crashed = ended.then(async () => {
    // What it started must not outlive it, should the lifeline itself have been killed.
    killGroup(child);
    await untilGroupIsGone(child);
    return new Failure(
      `The emulator ended${stopping ? '' : ' unexpectedly'}: ${await lastLine(log)}. Its log is ${shownPath(log)}.`,
    );
  });
  try {
    const failure = await Promise.race([untilHealthy(address), crashed]);
    if (failure !== undefined) throw failure;
  } catch (error) {
    await stop();
    throw error;
  }
  return { ...address, port, crashed, stop };
}

/** Whether an emulator of this project answers there. */
export async function isHealthy({ endpoint, certificate }: EmulatorAddress): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const request = get(
    `${endpoint}/_ministack/health`,
    { ca: certificate, timeout: 2_000, agent: false },
    (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    },
  );
  request.once('timeout', () => request.destroy(new Error('timed out')));
  request.once('error', () => resolve(false));
  return await promise;
}

export async function addressOf(port: number): Promise<EmulatorAddress> {
  const tls = await tlsCertificate();
  const endpoint = `https://127.0.0.1:${port}`;
  return {
    endpoint,
    certificate: await readFile(tls.certificate, 'utf8'),
    environment: {
      ...isolatedEnvironment(),
      AWS_ENDPOINT_URL: endpoint,
      AWS_CA_BUNDLE: tls.certificate,
      NODE_EXTRA_CA_CERTS: tls.certificate,
    },
  };
}

/** Settings for any client of the AWS SDK; spread `forcePathStyle: true` beside them for S3. */
export function clientConfig({ endpoint, certificate, environment }: EmulatorAddress) {
  return {
    endpoint,
    region: environment['AWS_REGION'] ?? '',
    credentials: {
      accessKeyId: environment['AWS_ACCESS_KEY_ID'] ?? '',
      secretAccessKey: environment['AWS_SECRET_ACCESS_KEY'] ?? '',
    },
    // NODE_EXTRA_CA_CERTS is read when a process starts, which is too late for the one that starts the emulator.
    requestHandler: { httpsAgent: new Agent({ ca: certificate, keepAlive: true, maxSockets: 50 }) },
  };
}

function launch(ministack: string, environment: Environment, log: string): ChildProcess {
  mkdirSync(logDirectory, { recursive: true });
  const output = openSync(log, 'w');
  try {
    // `detached` makes it the leader of a process group, out of reach of a terminal's Ctrl-C: we end it in our order.
    return spawn('/bin/sh', [join(projectDirectory, 'scripts', 'local', 'lifeline.sh'), ministack], {
      cwd: workDirectory,
      env: environment,
      detached: true,
      stdio: ['pipe', output, output],
    });
  } finally {
    closeSync(output);
  }
}

interface Settings {
  readonly port: number;
  readonly directory: string;
  readonly certificate: string;
  readonly key: string;
}

/** A short list of our own: the Lambda functions inherit all of it. */
function emulatorEnvironment({ port, directory, certificate, key }: Settings): Environment {
  const { AWS_ACCESS_KEY_ID = '', AWS_SECRET_ACCESS_KEY = '', AWS_REGION = '' } = isolatedEnvironment();
  return {
    // Lambda functions run on the first `node` here, which is Lambda's own version.
    PATH: toolPath(),
    HOME: process.env['HOME'] ?? directory,
    LANG: process.env['LANG'] ?? 'C.UTF-8',
    TZ: 'UTC',
    TMPDIR: join(directory, 'tmp'),
    PYTHONUNBUFFERED: '1',
    AWS_ACCESS_KEY_ID,
    AWS_SECRET_ACCESS_KEY,
    MINISTACK_REGION: AWS_REGION,
    GATEWAY_PORT: String(port),
    BIND_HOST: '127.0.0.1',
    AUTH: 'true',
    USE_SSL: '1',
    MINISTACK_SSL_CERT: certificate,
    MINISTACK_SSL_KEY: key,
    NODE_EXTRA_CA_CERTS: certificate,
    // A Docker on this machine is none of our business: MiniStack would tidy up containers in it.
    DOCKER_HOST: 'unix:///nonexistent/docker.sock',
    LAMBDA_EXECUTOR: 'local',
    // Two services that would each open another port.
    IOT_MTLS_ENABLED: '0',
    SFTP_ENABLED: '0',
    // Every start begins empty. These say where state would be kept.
    PERSIST_STATE: '0',
    S3_PERSIST: '0',
    STATE_DIR: join(directory, 'state'),
    S3_DATA_DIR: join(directory, 's3'),
  };
}

/** Directories of emulators that were killed together with whoever started them. */
async function removeLeftovers(): Promise<void> {
  for (const port of await readdir(dirname(emulatorDirectory(0))).catch(() => [])) {
    const directory = emulatorDirectory(Number(port));
    const owner = Number(await readFile(join(directory, 'owner'), 'utf8').catch(() => 'NaN'));
    if (!isRunning(owner)) await rm(directory, { recursive: true, force: true });
  }
}

async function prepare(directory: string): Promise<void> {
  await rm(directory, { recursive: true, force: true });
  mkdirSync(join(directory, 'tmp'), { recursive: true });
  // The Lambda functions are unpacked below it, as CommonJS; the project's own package.json would call them modules.
  await writeFile(join(directory, 'package.json'), '{ "type": "commonjs" }\n');
  await writeFile(join(directory, 'owner'), String(process.pid));
}

/** Whether there is a process of that id, or of that group where it is negative. */
export function isRunning(processId: number): boolean {
  if (!Number.isInteger(processId) || processId === 0) return false;
  try {
    process.kill(processId, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

async function untilHealthy(address: EmulatorAddress): Promise<undefined> {
  const deadline = Date.now() + startTimeout;
  while (!(await isHealthy(address))) {
    if (Date.now() > deadline) {
      throw new Failure(
        `The emulator did not answer within ${startTimeout / 1000} seconds. Its logs are in ${shownPath(logDirectory)}.`,
      );
    }
    await sleep(100);
  }
}

async function end(child: ChildProcess, ended: Promise<void>): Promise<void> {
  child.stdin?.end();
  const late = new AbortController();
  await Promise.race([ended, sleep(stopTimeout, undefined, { signal: late.signal }).catch(() => undefined)]);
  late.abort();
  killGroup(child);
  await ended;
  await untilGroupIsGone(child);
}

/** The end of its leader is heard of at once; on a busy machine the functions' processes take a moment longer to die. */
async function untilGroupIsGone({ pid }: ChildProcess): Promise<void> {
  if (pid === undefined) return;
  while (await groupIsRunning(pid)) await sleep(20);
}

async function groupIsRunning(leader: number): Promise<boolean> {
  if (!isRunning(-leader)) return false;
  // Counted too are those that have ended and that nobody has asked about: in a container perhaps nobody ever will.
  const { stdout } = await promisify(execFile)('ps', ['-A', '-o', 'pgid=,stat=']).catch(() => ({ stdout: '' }));
  return stdout.split('\n').some((line) => {
    const [group, state = 'Z'] = line.trim().split(/\s+/);
    return Number(group) === leader && !state.startsWith('Z');
  });
}

function killGroup(child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch {
    // Nobody is left in it, which is what was wanted.
  }
}

async function lastLine(log: string): Promise<string> {
  if (!existsSync(log)) return 'it wrote nothing';
  const lines = (await readFile(log, 'utf8')).split('\n').filter((line) => line.trim() !== '');
  return lines.at(-1)?.trim() ?? 'it wrote nothing';
}
