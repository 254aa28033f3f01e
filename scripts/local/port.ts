/** Chooses the emulator's port on 127.0.0.1, and identifies the program that uses it if it is not free. */

import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { basename, join } from 'node:path';
import { connect } from 'node:tls';
import { promisify } from 'node:util';
import { projectTitle } from '../../core/names.ts';
import { Failure } from '../terminal/failure.ts';
import { projectDirectory, workDirectory } from '../terminal/project.ts';
import { cloneNamedBy } from './tls-certificate.ts';

export const defaultPort = 4566;

const lastPort = 65_535;
/** Milliseconds to wait for the program on a port to identify itself. */
const patience = 2_000;

export interface ChosenPort {
  readonly port: number;
  /** For the user, if it is not the default port. */
  readonly notice: string | undefined;
}

/**
 * The requested port if there is one, else the default port, or the next free port if another program uses that.
 *
 * @throws {Failure} if the requested port is in use, or if an emulator of this clone already uses the default port.
 */
export async function choosePort(wanted: number | undefined, usual: number = defaultPort): Promise<ChosenPort> {
  const port = wanted ?? usual;
  if (await isFree(port)) return { port, notice: undefined };
  const holder = await portHolder(port);
  const next = await nextFreePort(port);
  if (wanted !== undefined || holder.clone === projectDirectory) throw new Failure(portInUse(port, holder, next));
  return { port: next, notice: `Port ${port} is in use by ${nameOf(holder)}: using port ${next}.` };
}

/**
 * Checks that a port is free; 0 chooses any free port.
 *
 * @throws {Failure} if it is in use.
 */
export async function claimPort(wanted: number): Promise<number> {
  const found = await listenOn(wanted);
  if (typeof found === 'number') return found;
  if (found.code !== 'EADDRINUSE') {
    throw new Failure(
      `Port ${wanted} on 127.0.0.1 cannot be used (${found.code ?? found.message}): choose another one with --port.`,
    );
  }
  throw new Failure(portInUse(wanted, await portHolder(wanted), await nextFreePort(wanted)));
}

/** Where a clone's emulator stores its files while it runs. The file `owner` holds the id of the process that started it. */
export function emulatorDirectory(port: number, clone: string = projectDirectory): string {
  return join(clone, basename(workDirectory), 'emulator', String(port));
}

export interface PortHolder {
  /** For example `LocalStack` or `postgres`; undefined if unknown. */
  readonly program: string | undefined;
  readonly processId: number | undefined;
  /** If it is an emulator of this project: the folder of its clone. */
  readonly clone: string | undefined;
}

/** Asks the program itself before the operating system, which would name Docker's proxy instead of LocalStack. */
export async function portHolder(port: number): Promise<PortHolder> {
  const clone = cloneNamedBy(await certificateAt(port));
  if (clone !== undefined) return { program: projectTitle, clone, processId: await ownerOf(clone, port) };
  const emulator = await emulatorAt(port);
  const listener = await listenerOn(port);
  return {
    program: emulator ?? listener?.program,
    processId: emulator === 'LocalStack' ? undefined : listener?.processId,
    clone: undefined,
  };
}

function portInUse(port: number, holder: PortHolder, next: number): string {
  if (holder.clone === projectDirectory) {
    return (
      `Port ${port} is in use by ${projectTitle} from this same folder${processOf(holder)}, which is still starting or is a second ` +
      `instance. Wait until it is running and run this again, or start another instance: npm start -- --port ${next}`
    );
  }
  return `Port ${port} is in use by ${nameOf(holder)}. Stop that program, or use another port: npm start -- --port ${next}`;
}

function nameOf(holder: PortHolder): string {
  const program = holder.clone === undefined ? holder.program : `${projectTitle} from ${holder.clone}`;
  return `${program ?? 'another program'}${processOf(holder)}`;
}

function processOf({ processId }: PortHolder): string {
  return processId === undefined ? '' : ` (process ${processId})`;
}

async function nextFreePort(after: number): Promise<number> {
  for (let port = after + 1; port <= lastPort; port += 1) if (await isFree(port)) return port;
  return await nextFreePort(defaultPort - 1);
}

async function isFree(port: number): Promise<boolean> {
  return typeof (await listenOn(port)) === 'number';
}

/** The port, released again, or the error if it cannot be used. */
async function listenOn(wanted: number): Promise<number | NodeJS.ErrnoException> {
  const server = createServer();
  const { promise, resolve } = Promise.withResolvers<number | NodeJS.ErrnoException>();
  server.once('error', resolve);
  server.listen({ host: '127.0.0.1', port: wanted, exclusive: true }, () => {
    const address = server.address();
    server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : wanted));
  });
  return await promise;
}

/** The subject alternative names in the TLS server's certificate. */
async function certificateAt(port: number): Promise<string | undefined> {
  const { promise, resolve } = Promise.withResolvers<string | undefined>();
  // Not verified, because the certificate may be another clone's: this only reads it, and sends nothing.
  const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false }, () =>
    resolve(socket.getPeerCertificate().subjectaltname),
  );
  socket.setTimeout(patience, () => resolve(undefined));
  socket.once('error', () => resolve(undefined));
  try {
    return await promise;
  } finally {
    socket.destroy();
  }
}

async function ownerOf(clone: string, port: number): Promise<number | undefined> {
  const owner = Number(await readFile(join(emulatorDirectory(port, clone), 'owner'), 'utf8').catch(() => 'NaN'));
  return Number.isInteger(owner) ? owner : undefined;
}

/** MiniStack also responds to LocalStack's health check, so check for MiniStack first. */
async function emulatorAt(port: number): Promise<string | undefined> {
  if (await answers(port, '/_ministack/health')) return 'MiniStack';
  return (await answers(port, '/_localstack/health')) ? 'LocalStack' : undefined;
}

async function answers(port: number, path: string): Promise<boolean> {
  try {
    const response = await fetch(`http://127.0.0.1:${port}${path}`, { signal: AbortSignal.timeout(patience) });
    const body: unknown = await response.json();
    return response.ok && typeof body === 'object' && body !== null && 'services' in body;
  } catch {
    return false;
  }
}

interface Listener {
  readonly program: string;
  readonly processId: number;
}

/** Without root, the operating system identifies only the user's own processes. */
async function listenerOn(port: number): Promise<Listener | undefined> {
  const ss = await printed('ss', ['-Hltnp', `sport = :${port}`]);
  const lsof = ss === undefined ? await printed('lsof', ['-nP', `-iTCP:${port}`, '-sTCP:LISTEN', '-Fpc']) : undefined;
  const [, quoted, shown] = /\(\("([^"]+)",pid=(\d+)/.exec(ss ?? '') ?? [];
  const [, listed, named] = /^p(\d+)\nc(.+)$/m.exec(lsof ?? '') ?? [];
  const program = quoted ?? named;
  if (program === undefined) return undefined;
  const processId = Number(shown ?? listed);
  return { program: (await executableOf(processId)) ?? program, processId };
}

/** ss shows the name of a thread, which for Node.js is MainThread. */
async function executableOf(processId: number): Promise<string | undefined> {
  const line = await readFile(`/proc/${processId}/cmdline`, 'utf8').catch(() => '');
  const [executable] = line.split('\0');
  return executable ? basename(executable) : undefined;
}

async function printed(command: string, args: readonly string[]): Promise<string | undefined> {
  try {
    return (await promisify(execFile)(command, args, { timeout: patience })).stdout;
  } catch {
    // The command is not installed.
    return undefined;
  }
}
