/**
 * What an audit, a re-render or a backfill has read so far, in a file: SQLite sorts millions of images by id in a few megabytes of
 * memory, and a stopped command goes on where it was.
 */
import { createHash } from 'node:crypto';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import { imageRecord } from '../../adapters/contracts/image-record.ts';
import { type CurrentUpload, type Finding, findingKinds, type Repair } from '../../core/audit.ts';
import type { ImageId, UploadAddress } from '../../core/image.ts';
import type { ImageRecord } from '../../core/record.ts';
import { workDirectory } from '../terminal/project.ts';
import { openNotebookFile } from './notebook-file.ts';
import type { Stack } from './stack.ts';

/** What was read of an image, except its renditions. */
export interface Noted {
  readonly imageId: ImageId;
  readonly upload: CurrentUpload | undefined;
  readonly record: ImageRecord | undefined;
}

/** An image that had findings at the first look. */
export interface Candidate {
  readonly imageId: ImageId;
  readonly address: UploadAddress | undefined;
  /** Which state of the image it was: another one deserves another audit. */
  readonly state: string;
  readonly findings: readonly Finding[];
}

/** An image that had the same findings at both looks. */
export interface Confirmed {
  readonly imageId: ImageId;
  readonly address: UploadAddress | undefined;
  readonly findings: readonly Finding[];
  readonly repairs: readonly Repair[];
}

const address = z.object({ bucket: z.string(), key: z.string() }) satisfies z.ZodType<UploadAddress>;
const upload = address.extend({
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
  address.extend({ repair: z.literal('delete'), sequencer: z.string() }),
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
  address: json(address).nullable(),
  state: z.string(),
  findings: json(z.array(finding)),
});
const confirmedRow = z.object({
  id: z.string(),
  address: json(address).nullable(),
  findings: json(z.array(finding)),
  repairs: json(z.array(repair)),
});

/** The place of a listing that is finished. No listing's own place is a word: they are JSON. */
export const DONE = 'done';

export type Notebook = ReturnType<typeof openNotebook>;

/** @param path of the file, or `:memory:` */
export function openNotebook(path: string) {
  const { database, place, setPlace, transaction } = openNotebookFile(
    path,
    `
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = NORMAL;
    CREATE TABLE IF NOT EXISTS images (id TEXT PRIMARY KEY, upload TEXT, record TEXT) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS candidates (id TEXT PRIMARY KEY, address TEXT, state TEXT NOT NULL, findings TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS confirmed
      (id TEXT PRIMARY KEY, address TEXT, findings TEXT NOT NULL, repairs TEXT NOT NULL) WITHOUT ROWID;
  `,
  );
  const noteUpload = database.prepare(
    'INSERT INTO images (id, upload) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET upload = excluded.upload',
  );
  const noteRecord = database.prepare(
    'INSERT INTO images (id, record) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET record = excluded.record',
  );
  const pageOfImages = database.prepare('SELECT * FROM images WHERE id > ? ORDER BY id LIMIT ?');
  const noteCandidate = database.prepare(
    'INSERT OR REPLACE INTO candidates (id, address, state, findings) VALUES (?, ?, ?, ?)',
  );
  const pageOfCandidates = database.prepare('SELECT * FROM candidates WHERE id > ? ORDER BY id LIMIT ?');
  const noteConfirmed = database.prepare(
    'INSERT OR REPLACE INTO confirmed (id, address, findings, repairs) VALUES (?, ?, ?, ?)',
  );
  const pageOfConfirmed = database.prepare('SELECT * FROM confirmed WHERE id > ? ORDER BY id LIMIT ?');
  const forgotten = database.prepare('DELETE FROM confirmed WHERE id = ?');
  const count = (table: string) =>
    z.object({ n: z.int() }).parse(database.prepare(`SELECT count(*) AS n FROM ${table}`).get()).n;

  const notebook = {
    place,
    setPlace,
    /** All or none. */
    setPlaces(places: Readonly<Record<string, string>>): void {
      transaction(() => {
        for (const [name, value] of Object.entries(places)) setPlace(name, value);
      });
    },

    /** A page of a listing and where the next one begins: both or neither. */
    noteUploads(uploads: readonly (CurrentUpload & { readonly imageId: ImageId })[], next: string): void {
      transaction(() => {
        for (const { imageId, ...found } of uploads) noteUpload.run(imageId, JSON.stringify(found));
        setPlace('uploads', next);
      });
    },
    noteRecords(records: readonly ImageRecord[], next: string): void {
      transaction(() => {
        for (const record of records) noteRecord.run(record.imageId, JSON.stringify(record));
        setPlace('records', next);
      });
    },
    /** All images that were judged in one go, and where the next one begins. */
    noteCandidates(candidates: readonly Candidate[], judged: ImageId): void {
      transaction(() => {
        for (const { imageId, address, state, findings } of candidates)
          noteCandidate.run(imageId, textOf(address), state, JSON.stringify(findings));
        setPlace('judged', judged);
      });
    },
    noteConfirmed({ imageId, address, findings, repairs }: Confirmed): void {
      noteConfirmed.run(imageId, textOf(address), JSON.stringify(findings), JSON.stringify(repairs));
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
        .map(({ id, address, ...row }) => ({ imageId: id, address: address ?? undefined, ...row })),
    confirmed: (after = '', limit = 1000): Confirmed[] =>
      z
        .array(confirmedRow)
        .parse(pageOfConfirmed.all(after, limit))
        .map(({ id, address, ...row }) => ({ imageId: id, address: address ?? undefined, ...row })),

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

function textOf(address: UploadAddress | undefined): string | null {
  return address === undefined ? null : JSON.stringify(address);
}

/** @param scope what it is about: another scope has another notebook */
export function notebookPath(folder: string, { name }: Pick<Stack, 'name'>, scope: unknown): string {
  const part = createHash('sha256').update(JSON.stringify(scope)).digest('hex').slice(0, 12);
  return join(workDirectory, folder, `${name}-${part}.sqlite`);
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
