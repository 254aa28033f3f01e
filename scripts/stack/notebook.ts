/**
 * What an audit has read so far, in a file: SQLite sorts millions of images by id in a few megabytes of memory, and a stopped
 * audit goes on where it was.
 */
import { mkdirSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import * as z from 'zod';
import { imageRecord } from '../../adapters/contracts/image-record.ts';
import { type CurrentUpload, type Finding, findingKinds, type Repair } from '../../core/audit.ts';
import type { ImageId } from '../../core/image.ts';
import type { ImageRecord } from '../../core/record.ts';

/** What was read of an image, except its renditions. */
export interface Noted {
  readonly imageId: ImageId;
  readonly upload: CurrentUpload | undefined;
  readonly record: ImageRecord | undefined;
}

/** An image that had findings at the first look. */
export interface Candidate {
  readonly imageId: ImageId;
  readonly key: string | undefined;
  /** Which state of the image it was: another one deserves another audit. */
  readonly state: string;
  readonly findings: readonly Finding[];
}

/** An image that had the same findings at both looks. */
export interface Confirmed {
  readonly imageId: ImageId;
  readonly key: string | undefined;
  readonly findings: readonly Finding[];
  readonly repairs: readonly Repair[];
}

const upload = z.object({
  key: z.string(),
  versionId: z.string().optional(),
  etag: z.string(),
  size: z.int(),
  storedAt: z.string(),
}) satisfies z.ZodType<CurrentUpload>;
const names = z.array(z.string());
const finding = z.discriminatedUnion('kind', [
  z.object({ kind: z.enum(['no-record', 'no-upload', 'failed', 'unannounced']) }),
  z.object({ kind: z.enum(['missing-rendition', 'orphan']), key: z.string() }),
  z.object({
    kind: z.literal('wrong-rendition'),
    key: z.string(),
    property: z.enum(['size', 'content type', 'cache header']),
    expected: z.string(),
    found: z.string(),
  }),
  z.object({ kind: z.literal('outdated'), missing: names, changed: names, unwanted: names }),
]) satisfies z.ZodType<Finding>;
const repair = z.discriminatedUnion('repair', [
  z.object({ repair: z.literal('process'), upload, sequencer: z.string() }),
  z.object({ repair: z.literal('delete'), key: z.string(), sequencer: z.string() }),
  z.object({ repair: z.literal('remove'), sequencer: z.string() }),
]) satisfies z.ZodType<Repair>;

const json = <Schema extends z.ZodType>(schema: Schema) =>
  z
    .string()
    .transform((text): unknown => JSON.parse(text))
    .pipe(schema);
const notedRow = z.object({
  id: z.string(),
  upload: json(upload).nullable(),
  record: z
    .string()
    .transform((text) => imageRecord.parse(JSON.parse(text)))
    .nullable(),
});
const candidateRow = z.object({
  id: z.string(),
  key: z.string().nullable(),
  state: z.string(),
  findings: json(z.array(finding)),
});
const confirmedRow = z.object({
  id: z.string(),
  key: z.string().nullable(),
  findings: json(z.array(finding)),
  repairs: json(z.array(repair)),
});

/** The place of a listing that is finished. No listing's own place is a word: they are JSON. */
export const DONE = 'done';

export type Notebook = ReturnType<typeof openNotebook>;

/** @param path of the file, or `:memory:` */
export function openNotebook(path: string) {
  if (path !== ':memory:') mkdirSync(dirname(path), { recursive: true });
  const database = new DatabaseSync(path);
  database.exec(`
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = NORMAL;
    CREATE TABLE IF NOT EXISTS places (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS images (id TEXT PRIMARY KEY, upload TEXT, record TEXT) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS candidates (id TEXT PRIMARY KEY, key TEXT, state TEXT NOT NULL, findings TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS confirmed
      (id TEXT PRIMARY KEY, key TEXT, findings TEXT NOT NULL, repairs TEXT NOT NULL) WITHOUT ROWID;
  `);
  const setPlace = database.prepare('INSERT OR REPLACE INTO places (name, value) VALUES (?, ?)');
  const getPlace = database.prepare('SELECT value FROM places WHERE name = ?');
  const noteUpload = database.prepare(
    'INSERT INTO images (id, upload) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET upload = excluded.upload',
  );
  const noteRecord = database.prepare(
    'INSERT INTO images (id, record) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET record = excluded.record',
  );
  const pageOfImages = database.prepare('SELECT * FROM images WHERE id > ? ORDER BY id LIMIT ?');
  const noteCandidate = database.prepare(
    'INSERT OR REPLACE INTO candidates (id, key, state, findings) VALUES (?, ?, ?, ?)',
  );
  const pageOfCandidates = database.prepare('SELECT * FROM candidates WHERE id > ? ORDER BY id LIMIT ?');
  const noteConfirmed = database.prepare(
    'INSERT OR REPLACE INTO confirmed (id, key, findings, repairs) VALUES (?, ?, ?, ?)',
  );
  const pageOfConfirmed = database.prepare('SELECT * FROM confirmed WHERE id > ? ORDER BY id LIMIT ?');
  const forgotten = database.prepare('DELETE FROM confirmed WHERE id = ?');
  const count = (table: string) =>
    z.object({ n: z.int() }).parse(database.prepare(`SELECT count(*) AS n FROM ${table}`).get()).n;

  const transaction = (work: () => void): void => {
    database.exec('BEGIN');
    try {
      work();
      database.exec('COMMIT');
    } catch (error) {
      database.exec('ROLLBACK');
      throw error;
    }
  };

  const notebook = {
    place(name: string): string | undefined {
      return z.object({ value: z.string() }).optional().parse(getPlace.get(name))?.value;
    },
    setPlace: (name: string, value: string) => void setPlace.run(name, value),

    /** A page of a listing and where the next one begins: both or neither. */
    noteUploads(uploads: readonly (CurrentUpload & { readonly imageId: ImageId })[], place: string): void {
      transaction(() => {
        for (const { imageId, ...found } of uploads) noteUpload.run(imageId, JSON.stringify(found));
        setPlace.run('uploads', place);
      });
    },
    noteRecords(records: readonly ImageRecord[], place: string): void {
      transaction(() => {
        for (const record of records) noteRecord.run(record.imageId, JSON.stringify(record));
        setPlace.run('records', place);
      });
    },
    /** All images that were judged in one go, and where the next one begins. */
    noteCandidates(candidates: readonly Candidate[], judged: ImageId): void {
      transaction(() => {
        for (const { imageId, key, state, findings } of candidates)
          noteCandidate.run(imageId, key ?? null, state, JSON.stringify(findings));
        setPlace.run('judged', judged);
      });
    },
    noteConfirmed({ imageId, key, findings, repairs }: Confirmed): void {
      noteConfirmed.run(imageId, key ?? null, JSON.stringify(findings), JSON.stringify(repairs));
    },
    forget: (imageId: ImageId) => void forgotten.run(imageId),

    images: (after = '', limit = 1000): Noted[] =>
      z
        .array(notedRow)
        .parse(pageOfImages.all(after, limit))
        .map(({ id, ...row }) => ({ imageId: id, upload: row.upload ?? undefined, record: row.record ?? undefined })),
    candidates: (after = '', limit = 1000): Candidate[] =>
      z
        .array(candidateRow)
        .parse(pageOfCandidates.all(after, limit))
        .map(({ id, key, ...row }) => ({ imageId: id, key: key ?? undefined, ...row })),
    confirmed: (after = '', limit = 1000): Confirmed[] =>
      z
        .array(confirmedRow)
        .parse(pageOfConfirmed.all(after, limit))
        .map(({ id, key, ...row }) => ({ imageId: id, key: key ?? undefined, ...row })),

    counts: () => ({ images: count('images'), candidates: count('candidates'), confirmed: count('confirmed') }),
    byKind(): ReadonlyMap<Finding['kind'], number> {
      const rows = database
        .prepare(
          "SELECT json_extract(value, '$.kind') AS kind, count(*) AS n FROM confirmed, json_each(findings) GROUP BY 1",
        )
        .all();
      const counts = z.array(z.object({ kind: z.enum(findingKinds), n: z.int() })).parse(rows);
      return new Map(counts.map(({ kind, n }) => [kind, n]));
    },
    close: () => database.close(),
  };
  return notebook;
}

/** What was read longer ago says little about today. */
const OLDEST_MILLIS = 24 * 3_600_000;

/** What any notebook has. */
export interface Places {
  place(name: string): string | undefined;
  setPlace(name: string, value: string): void;
  close(): void;
}

/** That of a run that was stopped within a day, or a new one. */
export function resumedNotebook(path: string, what: string, say: (line: string) => void): Notebook {
  return resumed(path, openNotebook, what, say);
}

/** {@link resumedNotebook}, for a notebook of another kind. */
export function resumed<Kind extends Places>(
  path: string,
  open: (path: string) => Kind,
  what: string,
  say: (line: string) => void,
): Kind {
  const found = open(path);
  const begun = found.place('begun');
  if (begun !== undefined && Date.now() - Date.parse(begun) < OLDEST_MILLIS) {
    say(`Going on with the ${what} of ${begun}. To begin again: --restart`);
    return found;
  }
  found.close();
  deleteNotebook(path);
  const fresh = open(path);
  fresh.setPlace('begun', new Date().toISOString());
  return fresh;
}

export function deleteNotebook(path: string): void {
  for (const suffix of ['', '-wal', '-shm']) rmSync(`${path}${suffix}`, { force: true });
}

/** Everything of one kind, a page at a time. */
export function* everyOf<Item extends { readonly imageId: ImageId }>(
  page: (after?: ImageId) => readonly Item[],
  from?: ImageId,
): Generator<Item> {
  for (let items = page(from); items.length > 0; items = page(items.at(-1)?.imageId)) yield* items;
}
