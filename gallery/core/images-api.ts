/** The operations of the API. Another person's image is one that does not exist: nothing here looks beyond the caller's own. */
import { imageIdOf } from '../../core/image.ts';
import { type Limits, rejectBytes } from '../../core/limits.ts';
import type { components } from '../api/schema.ts';
import type { Answer } from './answer.ts';
import { isDeleted, viewOf } from './gallery-image.ts';
import type { ImageStore, UploadTickets } from './ports.ts';
import { uploadKey } from './upload-key.ts';

type Schemas = components['schemas'];

/** Long enough for a large photograph over a slow line to begin: S3 checks the time when the request arrives. */
const TICKET_SECONDS = 300;

export async function createUpload(
  owner: string,
  { name, type, bytes, replaces }: Schemas['UploadRequest'],
  ports: {
    readonly images: Pick<ImageStore, 'find'>;
    readonly tickets: UploadTickets;
    readonly bucket: string;
    readonly limits: Limits;
    readonly randomId: () => string;
    readonly now: () => number;
  },
): Promise<Answer<Schemas['UploadTicket']>> {
  const rejection = rejectBytes(bytes, ports.limits);
  if (rejection !== undefined) return { problem: 'too-large', detail: rejection.message };
  const replaced = replaces === undefined ? undefined : await ports.images.find(owner, replaces);
  if (replaces !== undefined && (replaced === undefined || isDeleted(replaced))) return { problem: 'not-found' };
  const key = replaced?.key ?? uploadKey(owner, ports.randomId(), name);
  const { url, fields } = await ports.tickets.issue({ key, contentType: type, bytes, seconds: TICKET_SECONDS });
  const expiresAt = new Date(ports.now() + 1000 * TICKET_SECONDS).toISOString();
  return { status: 201, body: { imageId: await imageIdOf(ports.bucket, key), url, fields: { ...fields }, expiresAt } };
}

export async function listImages(
  owner: string,
  { limit = 50, page, since }: { readonly limit?: number; readonly page?: string; readonly since?: number },
  { images }: { readonly images: Pick<ImageStore, 'newestCursor' | 'list' | 'changedSince'> },
): Promise<Answer<Schemas['ImageList']>> {
  if (since !== undefined) {
    if (page !== undefined) return { problem: 'invalid-request', detail: 'Give either page or since.' };
    const found = await images.changedSince(owner, since, limit);
    const cursor = found.images.at(-1)?.cursor ?? since;
    return { status: 200, body: { images: found.images.map(viewOf), cursor, hasMore: found.hasMore } };
  }
  // First, so that a change which the list does not contain has a higher cursor.
  const cursor = (await images.newestCursor(owner)) ?? 0;
  const { images: found, next } = await images.list(owner, { limit, page });
  const more = next === undefined ? { hasMore: false } : { hasMore: true, next };
  return { status: 200, body: { images: found.map(viewOf), cursor, ...more } };
}

export async function getImage(
  owner: string,
  { id, ifNoneMatch }: { readonly id: string; readonly ifNoneMatch?: string | undefined },
  { images }: { readonly images: Pick<ImageStore, 'find'> },
): Promise<Answer<Schemas['Image']>> {
  const found = await images.find(owner, id);
  if (found === undefined || isDeleted(found)) return { problem: 'not-found' };
  const headers = { ETag: `"${found.cursor}"` };
  const known = ifNoneMatch?.split(',').map((tag) => tag.trim().replace(/^W\//, '')) ?? [];
  if (known.includes(headers.ETag) || known.includes('*')) return { status: 304, headers };
  return { status: 200, headers, body: viewOf(found) };
}

export async function deleteImage(
  owner: string,
  id: string,
  ports: { readonly images: Pick<ImageStore, 'find'>; readonly uploads: { remove(key: string): Promise<void> } },
): Promise<Answer> {
  const found = await ports.images.find(owner, id);
  if (found === undefined || isDeleted(found)) return { problem: 'not-found' };
  await ports.uploads.remove(found.key);
  return { status: 202 };
}

export async function checkHealth({
  images,
}: {
  readonly images: Pick<ImageStore, 'newestCursor'>;
}): Promise<Answer<Schemas['Health']>> {
  // A person whom no token can name.
  const answers = await images.newestCursor('#health').then(
    () => true,
    () => false,
  );
  return answers ? { status: 200, body: { status: 'ok' } } : { problem: 'unavailable' };
}
