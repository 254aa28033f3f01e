import { accessSync, constants, existsSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

/** An error that the user can act on. The message is one or two sentences: what happened, and what to do. */
export class Failure extends Error {
  override readonly name = 'Failure';
}

/** The message of a {@link Failure} or of an AWS error; the whole stack trace for a programming error. */
export function describeFailure(error: unknown): string {
  if (error instanceof Failure) return error.message;
  if (error instanceof Error && '$fault' in error) return `AWS rejected the request: ${error.message} (${error.name})`;
  return (
    describeNoAccess(error) ??
    describeFileFailure(error) ??
    (error instanceof Error ? (error.stack ?? error.message) : String(error))
  );
}

/** The SDK's own errors, before AWS has answered. */
function describeNoAccess(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  if (error.name === 'CredentialsProviderError' || error.message === 'Region is missing')
    return `There is no access to AWS (${error.message.replace(/\.$/, '')}): check your AWS profile and region.`;
  if ('code' in error && noConnection.includes(String(error.code)))
    return `There is no connection (${error.message}): check your network and region, or for a stack on this machine, whether npm start still runs.`;
  return undefined;
}

const noConnection = ['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'ENETUNREACH', 'EHOSTUNREACH'];

/**
 * The message for a file that cannot be written: the folder belongs to root after a `sudo`, the file system is read-only,
 * the disk is full, or a file has the name of a folder. Called for any error that ends a command, so individual writes need no check.
 */
function describeFileFailure(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error) || !('syscall' in error)) return undefined;
  const path = 'path' in error && typeof error.path === 'string' ? error.path : undefined;
  switch (error.code) {
    case 'ENOSPC':
    case 'EDQUOT':
      return 'The disk is full: free some space (about 1.2 GB for the first start) and run this again.';
    case 'EROFS':
      return path && `${path} cannot be written because its file system is read-only: use a writable folder.`;
    case 'EACCES':
    case 'EPERM':
      // Without a path, it is a connection or a process that was refused.
      return (
        path &&
        `${path} cannot be opened or written (${error.code}): the folder belongs to another user, perhaps because of an earlier sudo. ` +
          `To take ownership: sudo chown -R "$(id -un)" '${dirname(path)}'`
      );
    case 'ENOTDIR':
    case 'EEXIST':
      return path && fileInTheWay(path);
    case 'EISDIR':
      return path && `${path} is a folder, not a file: move it, or use another name.`;
    case 'ENAMETOOLONG':
      return path && `${path} is too long for a file name: use a shorter one.`;
    case 'ENOENT':
      // A recursive `mkdir` reports ENOENT for a read-only folder.
      return error.syscall === 'mkdir' && path !== undefined
        ? (describeFileFailure(errorOfWritingTo(path)) ?? `${path} cannot be created there: use another folder.`)
        : undefined;
    default:
      return undefined;
  }
}

/** Which part of the path is a file, where the path needs a folder. */
function fileInTheWay(path: string): string | undefined {
  const found = nearestExisting(path);
  if (statSync(found).isDirectory()) return undefined;
  return `${found} is a file, not a folder: move it, or use another folder.`;
}

/** The path itself, or the last of its parents that exists. */
export function nearestExisting(path: string): string {
  return existsSync(path) || dirname(path) === path ? path : nearestExisting(dirname(path));
}

/** Why a path cannot be created: the error for writing to its nearest existing parent. */
function errorOfWritingTo(path: string): unknown {
  try {
    accessSync(nearestExisting(dirname(path)), constants.W_OK);
    return undefined;
  } catch (error) {
    return error;
  }
}
