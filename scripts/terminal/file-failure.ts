import { accessSync, constants, existsSync } from 'node:fs';
import { dirname } from 'node:path';

/**
 * The sentence for a file that this machine does not let us write: a folder that a `sudo` left to root, a read-only
 * mount, a full disk. Asked for any error that ends a command, so that no first write needs a check of its own.
 */
export function describeFileFailure(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error) || !('syscall' in error)) return undefined;
  const path = 'path' in error && typeof error.path === 'string' ? error.path : undefined;
  switch (error.code) {
    case 'ENOSPC':
    case 'EDQUOT':
      return 'The disk is full: make room (about 1.2 GB for a first start) and run this again.';
    case 'EROFS':
      return path && `${path} cannot be written, it is on a read-only file system: use a folder that can be written.`;
    case 'EACCES':
    case 'EPERM':
      // Connections and processes are refused with the same codes.
      return (
        path &&
        `${path} cannot be opened or written (${error.code}): the folder belongs to another user, perhaps since a sudo. ` +
          `Take it back: sudo chown -R "$(id -un)" '${dirname(path)}'`
      );
    case 'ENOENT':
      // What `mkdir` with its parents says of a read-only folder.
      return error.syscall === 'mkdir' && path !== undefined ? describeFileFailure(refusalOf(path)) : undefined;
    default:
      return undefined;
  }
}

/** Why nothing can be made at a path: what the nearest folder that exists answers. */
function refusalOf(path: string): unknown {
  const parent = dirname(path);
  if (parent !== path && !existsSync(parent)) return refusalOf(parent);
  try {
    accessSync(parent, constants.W_OK);
    return undefined;
  } catch (error) {
    return error;
  }
}
