/** Which images an erasure is about, what was found of them, and how far it has come: a stopped one goes on where it was. */
import * as z from 'zod';
import type { Count, Hold, Verdict } from '../../core/erase.ts';
import type { ImageId } from '../../core/image.ts';
import { openNotebookFile } from '../stack/notebook-file.ts';

export interface Target {
  readonly imageId: ImageId;
  readonly key: string;
  /** By the first look, before anything was removed. */
  readonly found: Count;
  /** If there is one, nothing of the image is removed. */
  readonly holds: readonly Hold[];
  /** The highest place in the order that a dead letter names. */
  readonly newestLetter?: string | undefined;
  /** The highest place in the order that a line of history has, by the first look. */
  readonly newestLine?: string | undefined;
  /** When the key was deleted: what is older is erased. Undefined until then. */
  readonly deletedAt?: string | undefined;
  /** The deletion makes a tombstone above this place in the order. Undefined if there is one already. */
  readonly tombstoneAbove?: string | undefined;
  /** The place of the tombstone in the order: what history says up to it is erased. */
  readonly through?: string | undefined;
  /** Uploaded after the deletion, as of when history is erased. */
  readonly newVersions?: readonly string[] | undefined;
  /** By the last look. */
  readonly verdict?: Verdict | undefined;
}

const count = z.object({
  versions: z.int(),
  'delete markers': z.int(),
  renditions: z.int(),
  record: z.int(),
  'dead letters': z.int(),
  decisions: z.int(),
  'history lines': z.int(),
}) satisfies z.ZodType<Count>;
const target = z.object({
  imageId: z.string(),
  key: z.string(),
  found: count,
  holds: z.array(
    z.discriminatedUnion('hold', [
      z.object({ hold: z.literal('legal hold'), versionId: z.string() }),
      z.object({ hold: z.literal('retention'), versionId: z.string(), mode: z.string(), until: z.string() }),
    ]),
  ),
  newestLetter: z.string().optional(),
  newestLine: z.string().optional(),
  deletedAt: z.string().optional(),
  tombstoneAbove: z.string().optional(),
  through: z.string().optional(),
  newVersions: z.array(z.string()).optional(),
  verdict: z
    .object({ left: count, uploadedAgain: z.boolean(), tombstoneUntil: z.number().optional() })
    .transform((found) => ({ ...found, tombstoneUntil: found.tombstoneUntil }))
    .optional(),
}) satisfies z.ZodType<Target>;
const row = z.object({ target: z.string() }).transform((found) => target.parse(JSON.parse(found.target)));

export type ErasureNotebook = ReturnType<typeof openErasureNotebook>;

/** @param path of the file, or `:memory:` */
export function openErasureNotebook(path: string) {
  const { database, place, setPlace } = openNotebookFile(
    path,
    'CREATE TABLE IF NOT EXISTS targets (id TEXT PRIMARY KEY, target TEXT NOT NULL) WITHOUT ROWID;',
  );
  const save = database.prepare('INSERT OR REPLACE INTO targets (id, target) VALUES (?, ?)');
  const find = database.prepare('SELECT target FROM targets WHERE id = ?');
  const page = database.prepare('SELECT target FROM targets WHERE id > ? ORDER BY id LIMIT ?');
  return {
    place,
    setPlace,
    save: (image: Target) => void save.run(image.imageId, JSON.stringify(image)),
    find: (imageId: ImageId): Target | undefined => row.optional().parse(find.get(imageId)),
    targets: (after = '', limit = 100): Target[] => z.array(row).parse(page.all(after, limit)),
    close: () => database.close(),
  };
}
