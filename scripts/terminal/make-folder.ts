import { mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { nearestExisting } from './failure.ts';

/**
 * Creates a folder whose path a user chose, with its parents. One at a time, because a recursive `mkdir` never returns in a
 * file system that accepts no folders, such as /proc.
 */
export function makeFolder(path: string): void {
  const existing = nearestExisting(path);
  if (existing === path && statSync(path).isDirectory()) return;
  if (existing !== path && existing !== dirname(path)) makeFolder(dirname(path));
  try {
    mkdirSync(path);
  } catch (error) {
    // Another process may have created it in the meantime.
    if (nearestExisting(path) !== path || !statSync(path).isDirectory()) throw error;
  }
}
