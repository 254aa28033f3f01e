import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import * as z from 'zod';

const placed = z.object({ value: z.string() }).optional();

/**
 * Opens the SQLite file in which a command notes what it has read and done, so that one that was stopped goes on.
 *
 * @param path of the file, or `:memory:`
 * @param tables SQL that creates them, unless they are there
 */
export function openNotebookFile(path: string, tables: string) {
  if (path !== ':memory:') mkdirSync(dirname(path), { recursive: true });
  const database = new DatabaseSync(path);
  database.exec(`
    ${tables}
    CREATE TABLE IF NOT EXISTS places (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
  `);
  const setPlace = database.prepare('INSERT OR REPLACE INTO places (name, value) VALUES (?, ?)');
  const getPlace = database.prepare('SELECT value FROM places WHERE name = ?');
  return {
    database,
    /** How far something has come. */
    place: (name: string): string | undefined => placed.parse(getPlace.get(name))?.value,
    setPlace: (name: string, value: string): void => void setPlace.run(name, value),
    /** All writes of the work, or none. */
    transaction(work: () => void): void {
      database.exec('BEGIN');
      try {
        work();
        database.exec('COMMIT');
      } catch (error) {
        database.exec('ROLLBACK');
        throw error;
      }
    },
  };
}
