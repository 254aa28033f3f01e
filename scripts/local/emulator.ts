/** Starts MiniStack, the AWS emulator, on 127.0.0.1 with TLS and IAM enforcement. It ends when this process ends. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
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

/** Everything needed to connect to an emulator. Plain data, so that it can be passed to another process. */
export interface EmulatorAddress {
  readonly endpoint: string;
  /** PEM. The only certificate authority that the emulator's clients trust. */
  readonly certificate: string;
  /** For child processes: SAM CLI, tests, tools. Contains none of the user's AWS settings. */
  readonly environment: Readonly<Environment>;
}

/** Of the emulator's root user, new with each start. Anyone who has them can run code as this user. */
export interface EmulatorCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

export interface Emulator extends EmulatorAddress {
  readonly port: number;
  readonly credentials: EmulatorCredentials;
  /** Path of a file for `. FILE` in a shell, after which the AWS CLI calls the emulator. Gone when the emulator stops. */
  readonly shellSettings: string;
  /** Resolves with an error when the emulator ends; never rejects. */
  readonly crashed: Promise<Failure>;
  stop(): Promise<void>;
}

export interface EmulatorOptions {
  /** The Python interpreter that finds MiniStack: see toolchain.ts. */
  readonly ministack: string;
  /** 0 for any free port. */
  readonly port: number;
  /** For tests: environment variables to add to every function. */
  readonly functionEnvironment?: Readonly<Environment> | undefined;
}

/** Stops all running emulators, including any that are still starting. */
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
  const credentials = newCredentials();
  const directory = emulatorDirectory(port);
  const log = join(logDirectory, options.port === 0 ? 'emulator-tests.log' : 'emulator.log');
  await prepare(directory);

  const child = launch(
    options.ministack,
    { ...options.functionEnvironment, ...emulatorEnvironment({ port, directory, credentials, ...tls }) },
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

  const shellSettings = join(directory, 'aws.sh');
  const address = await addressOf(port, credentials);
  const crashed = ended.then(async () => {
    // If the lifeline itself was killed, the processes that it started are still running.
    killGroup(child);
    await untilGroupIsGone(child);
    return new Failure(
      `The emulator ended${stopping ? '' : ' unexpectedly'}: ${await lastLine(log)}. Its log is ${shownPath(log)}.`,
    );
  });
  try {
    const failure = await Promise.race([untilHealthy(address), crashed]);
    if (failure !== undefined) throw failure;
    await writeShellSettings(shellSettings, address);
  } catch (error) {
    await stop();
    throw error;
  }
  return { ...address, port, credentials, shellSettings, crashed, stop };
}

/** Whether an emulator of this project responds at the address. */
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

export async function addressOf(port: number, credentials: EmulatorCredentials): Promise<EmulatorAddress> {
  const tls = await tlsCertificate();
  const endpoint = `https://127.0.0.1:${port}`;
  return {
    endpoint,
    certificate: await readFile(tls.certificate, 'utf8'),
    environment: {
      ...isolatedEnvironment(),
      AWS_ACCESS_KEY_ID: credentials.accessKeyId,
      AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
      AWS_ENDPOINT_URL: endpoint,
      AWS_CA_BUNDLE: tls.certificate,
      NODE_EXTRA_CA_CERTS: tls.certificate,
    },
  };
}

async function writeShellSettings(file: string, { environment }: EmulatorAddress): Promise<void> {
  const settings = Object.entries(environment).filter(([name]) => name.startsWith('AWS_'));
  // A profile or a session of the user's would take precedence over the keys, or be sent with them.
  const lines = [
    'unset AWS_PROFILE AWS_SESSION_TOKEN',
    ...settings.map(([name, value]) => `export ${name}='${value.replaceAll("'", "'\\''")}'`),
  ];
  await writeFile(file, `${lines.join('\n')}\n`, { mode: 0o600 });
}

/** Settings for any AWS SDK client; S3 also needs `forcePathStyle: true`. */
export function clientConfig({ endpoint, certificate, environment }: EmulatorAddress) {
  return {
    endpoint,
    region: environment['AWS_REGION'] ?? '',
    credentials: {
      accessKeyId: environment['AWS_ACCESS_KEY_ID'] ?? '',
      secretAccessKey: environment['AWS_SECRET_ACCESS_KEY'] ?? '',
    },
    // Node.js reads NODE_EXTRA_CA_CERTS only at startup, too late for the process that starts the emulator.
    requestHandler: { httpsAgent: new Agent({ ca: certificate, keepAlive: true, maxSockets: 50 }) },
  };
}

function newCredentials(): EmulatorCredentials {
  return {
    accessKeyId: `AKIA${randomBytes(16).toString('hex').toUpperCase()}`,
    secretAccessKey: randomBytes(32).toString('hex'),
  };
}

function launch(ministack: string, environment: Environment, log: string): ChildProcess {
  mkdirSync(logDirectory, { recursive: true });
  const output = openSync(log, 'w', 0o600);
  const command = [ministack, join(projectDirectory, 'scripts', 'local', 'guarded-ministack.py')];
  try {
    // `detached` puts it in its own process group, which a terminal's Ctrl-C does not reach: we decide when to stop it.
    return spawn('/bin/sh', [join(projectDirectory, 'scripts', 'local', 'lifeline.sh'), ...command], {
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
  readonly credentials: EmulatorCredentials;
  readonly certificate: string;
  readonly key: string;
}

/** A minimal environment, because the Lambda functions inherit it. */
function emulatorEnvironment({ port, directory, credentials, certificate, key }: Settings): Environment {
  const { AWS_REGION = '' } = isolatedEnvironment();
  return {
    // Lambda functions run on the first `node` in this path, which has Lambda's version.
    PATH: toolPath(),
    HOME: process.env['HOME'] ?? directory,
    LANG: process.env['LANG'] ?? 'C.UTF-8',
    TZ: 'UTC',
    TMPDIR: join(directory, 'tmp'),
    PYTHONUNBUFFERED: '1',
    AWS_ACCESS_KEY_ID: credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
    MINISTACK_REGION: AWS_REGION,
    GATEWAY_PORT: String(port),
    BIND_HOST: '127.0.0.1',
    AUTH: 'true',
    USE_SSL: '1',
    MINISTACK_SSL_CERT: certificate,
    MINISTACK_SSL_KEY: key,
    NODE_EXTRA_CA_CERTS: certificate,
    // Otherwise, MiniStack would remove containers from this machine's Docker.
    DOCKER_HOST: 'unix:///nonexistent/docker.sock',
    LAMBDA_EXECUTOR: 'local',
    // Each of these services would open another port.
    IOT_MTLS_ENABLED: '0',
    SFTP_ENABLED: '0',
    // Every start begins empty. The directories only keep MiniStack from using its default ones.
    PERSIST_STATE: '0',
    S3_PERSIST: '0',
    STATE_DIR: join(directory, 'state'),
    S3_DATA_DIR: join(directory, 's3'),
  };
}

/** Removes directories of emulators that were killed together with the process that started them. */
async function removeLeftovers(): Promise<void> {
  for (const port of await readdir(dirname(emulatorDirectory(0))).catch(() => [])) {
    const directory = emulatorDirectory(Number(port));
    const owner = Number(await readFile(join(directory, 'owner'), 'utf8').catch(() => 'NaN'));
    if (!isRunning(owner)) await rm(directory, { recursive: true, force: true });
  }
}

async function prepare(directory: string): Promise<void> {
  await rm(directory, { recursive: true, force: true });
  mkdirSync(join(directory, 'tmp'), { recursive: true, mode: 0o700 });
  // Lambda functions are unpacked here as CommonJS; without this file, the project's package.json would make them ES modules.
  await writeFile(join(directory, 'package.json'), '{ "type": "commonjs" }\n');
  await writeFile(join(directory, 'owner'), String(process.pid));
}

/** Whether a process with this id exists, or for a negative id, any process of that group. */
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

/** On a busy machine, the functions' processes may end a moment later than the leader of their group. */
async function untilGroupIsGone({ pid }: ChildProcess): Promise<void> {
  if (pid === undefined) return;
  while (await groupIsRunning(pid)) await sleep(20);
}

async function groupIsRunning(leader: number): Promise<boolean> {
  if (!isRunning(-leader)) return false;
  // The group may consist only of zombies, which in a container without an init process are never reaped.
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
    // No process is left in the group.
  }
}

async function lastLine(log: string): Promise<string> {
  if (!existsSync(log)) return 'it wrote nothing';
  const lines = (await readFile(log, 'utf8')).split('\n').filter((line) => line.trim() !== '');
  return lines.at(-1)?.trim() ?? 'it wrote nothing';
}
