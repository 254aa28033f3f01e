import { accessSync, constants, existsSync } from 'node:fs';
import { dirname } from 'node:path';

/** An error that the user can act on. The message is one or two sentences: what happened, and what to do. */
export class Failure extends Error {
  override readonly name = 'Failure';
}

/** The message of a {@link Failure} or of an AWS error; the whole stack trace for a programming error. */
export function describeFailure(error: unknown): string {
  if (error instanceof Failure) return error.message;
  if (error instanceof Error && '$fault' in error) return `AWS rejected the request: ${error.message} (${error.name})`;
  return describeFileFailure(error) ?? (error instanceof Error ? (error.stack ?? error.message) : String(error));
}

/**
 * The message for a file that cannot be written: the folder belongs to root after a `sudo`, the file system is read-only,
 * or the disk is full. Called for any error that ends a command, so individual writes need no check.
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
    case 'ENOENT':
      // A recursive `mkdir` reports ENOENT for a read-only folder.
      return error.syscall === 'mkdir' && path !== undefined ? describeFileFailure(errorOfWritingTo(path)) : undefined;
    default:
      return undefined;
  }
}

/** Why a path cannot be created: the error for writing to its nearest existing parent. */
function errorOfWritingTo(path: string): unknown {
  const parent = dirname(path);
  if (parent !== path && !existsSync(parent)) return errorOfWritingTo(parent);
  try {
    accessSync(parent, constants.W_OK);
    return undefined;
  } catch (error) {
    return error;
  }
}
