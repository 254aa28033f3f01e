import type { ServerMessage } from '../api/live.ts';
import { type GalleryImage, viewOf } from './gallery-image.ts';
import type { Connections, ImageStore, LiveSender } from './ports.ts';

/** Windows and devices of one person. Each change is sent to all of them. */
export const MOST_CONNECTIONS = 10;

/** Sends the image to everyone who watches, and forgets connections that have ended without saying so. */
export async function showChange(
  image: GalleryImage,
  { connections, sender }: { readonly connections: Omit<Connections, 'add'>; readonly sender: LiveSender },
): Promise<void> {
  const text = JSON.stringify({ kind: 'image', image: viewOf(image) } satisfies ServerMessage);
  const sent = (await connections.list(image.owner)).map(async (connectionId) => {
    if ((await sender.send(connectionId, text)) === 'gone') await connections.remove(image.owner, connectionId);
  });
  await Promise.all(sent);
}

/**
 * Adds, then counts: of connections that open at the same moment, the last to be added sees all others, so there are never more than
 * that. Too many at once can all be refused; pages try again.
 *
 * @returns false if the person has as many connections as one may.
 */
export async function openConnection(
  owner: string,
  connectionId: string,
  { connections }: { readonly connections: Connections },
): Promise<boolean> {
  await connections.add(owner, connectionId);
  if ((await connections.list(owner)).length <= MOST_CONNECTIONS) return true;
  await connections.remove(owner, connectionId);
  return false;
}

/**
 * A change that is sent before API Gateway has opened the connection makes it look ended, so it may have been forgotten. It is added
 * again before the cursor is read: what comes later is sent, and for the rest the client sees the cursor.
 *
 * @returns undefined if the person has as many connections as one may
 */
export async function greeting(
  owner: string,
  connectionId: string,
  { connections, images }: { readonly connections: Connections; readonly images: Pick<ImageStore, 'newestCursor'> },
): Promise<ServerMessage | undefined> {
  const isKnown = (await connections.list(owner)).includes(connectionId);
  if (!isKnown && !(await openConnection(owner, connectionId, { connections }))) return undefined;
  return { kind: 'hello', cursor: (await images.newestCursor(owner)) ?? 0 };
}
