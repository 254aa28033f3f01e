/** Determines which files to send, and their keys. */
import { constants } from 'node:fs';
import { access, readdir, realpath, stat } from 'node:fs/promises';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { Failure } from '../terminal/failure.ts';
import { callerDirectory, projectDirectory } from '../terminal/project.ts';

export interface UploadFile {
  /** Absolute. */
  readonly file: string;
  readonly key: string;
}

const sampleDirectory = join(projectDirectory, 'docs', 'samples');

export async function sampleFiles(): Promise<UploadFile[]> {
  const files = await filesBelow(sampleDirectory);
  return withKeys(
    files.filter((file) => !file.endsWith('README.md')),
    [sampleDirectory],
  );
}

export interface FoundFiles {
  readonly files: readonly UploadFile[];
  /** A reason for each file in a directory that cannot be sent. */
  readonly skipped: readonly string[];
}

/**
 * Searches directories recursively, skipping hidden entries and files that cannot be sent. A key is the file's path below the
 * deepest directory that all given paths share, so no two files have the same key.
 */
export async function filesOf(
  paths: readonly string[],
  { emulated }: { readonly emulated: boolean },
): Promise<FoundFiles> {
  const files: string[] = [];
  const skipped: string[] = [];
  const roots: string[] = [];
  for (const path of paths) {
    const absolute = resolve(callerDirectory(), path);
    const isDirectory = await checkPath(path, absolute);
    const found = await sendable(isDirectory ? await filesBelow(absolute) : [absolute], emulated);
    const [obstacle] = found.skipped;
    if (obstacle !== undefined && (!isDirectory || found.files.length === 0)) throw new Failure(obstacle);
    if (found.files.length === 0)
      throw new Failure(`${path} contains no files: specify files, or a directory that contains images.`);
    files.push(...found.files);
    skipped.push(...found.skipped);
    roots.push(isDirectory ? absolute : dirname(absolute));
  }
  return { files: withKeys(await withoutDuplicates(files), roots), skipped };
}

async function sendable(found: readonly string[], emulated: boolean) {
  const [files, skipped]: [string[], string[]] = [[], []];
  for (const file of found) {
    const obstacle = await obstacleTo(file, emulated);
    if (obstacle === undefined) files.push(file);
    else skipped.push(obstacle);
  }
  return { files, skipped };
}

/** A prefix unique to this run, so that no existing upload in an account is overwritten. */
export function runPrefix(startedAt: Date): string {
  return `npm-start/${startedAt.toISOString().slice(0, 19).replaceAll(':', '-')}Z/`;
}

export function withPrefix(prefix: string, files: readonly UploadFile[]): UploadFile[] {
  return files.map(({ file, key }) => ({ file, key: `${prefix}${key}` }));
}

async function checkPath(path: string, absolute: string): Promise<boolean> {
  const found = await stat(absolute).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT')
      throw new Failure(`${path} does not exist: check the spelling, and quote names with spaces.`);
    throw new Failure(`${path} cannot be read (${error.code ?? error.message}): check its permissions.`);
  });
  if (!found.isDirectory() && !found.isFile())
    throw new Failure(`${path} is neither a file nor a directory: specify files or directories.`);
  return found.isDirectory();
}

/** Why a file cannot be sent, and what to do about it. */
async function obstacleTo(file: string, emulated: boolean): Promise<string | undefined> {
  const name = JSON.stringify(file);
  // S3 accepts them, but the emulator's IAM does not match them, so the upload would never get an outcome.
  if (emulated && /\p{Cc}/u.test(file)) {
    return `${name} has a control character in its name, which the emulator does not support: rename it, or send it to an account with --stack.`;
  }
  try {
    await access(file, constants.R_OK);
    return undefined;
  } catch {
    // What Node.js puts in place of bytes that are not UTF-8.
    return file.includes('\ufffd')
      ? `${name} has a name that is not UTF-8, as keys in S3 are: rename it.`
      : `${file} cannot be read: check its permissions.`;
  }
}

async function filesBelow(directory: string): Promise<string[]> {
  const files: string[] = [];
  for (const entry of await readdir(directory, { withFileTypes: true })) {
    const path = join(directory, entry.name);
    if (entry.name.startsWith('.')) continue;
    if (entry.isDirectory()) files.push(...(await filesBelow(path)));
    // Links to files are followed, but not links to directories, which could form a cycle.
    else if (entry.isFile() || (entry.isSymbolicLink() && (await isFile(path)))) files.push(path);
  }
  return files.sort();
}

async function isFile(path: string): Promise<boolean> {
  return await stat(path).then(
    (found) => found.isFile(),
    () => false,
  );
}

async function withoutDuplicates(files: readonly string[]): Promise<string[]> {
  const seen = new Map<string, string>();
  for (const file of files) {
    const real = await realpath(file);
    if (!seen.has(real)) seen.set(real, file);
  }
  return [...seen.values()];
}

function withKeys(files: readonly string[], roots: readonly string[]): UploadFile[] {
  const shared = roots.reduce(sharedDirectory);
  return files.map((file) => ({ file, key: relative(shared, file).split(sep).join('/') }));
}

function sharedDirectory(one: string, other: string): string {
  if (other === one || other.startsWith(one.endsWith(sep) ? one : `${one}${sep}`)) return one;
  return sharedDirectory(dirname(one), other);
}
