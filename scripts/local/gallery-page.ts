/** The page of gallery/, next to a stack on this machine's emulator. A fork may have deleted that folder. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import * as z from 'zod';
import type { Step } from '../terminal/progress.ts';
import { projectDirectory } from '../terminal/project.ts';
import type { LocalStack } from './local-stack.ts';
import { choosePort } from './port.ts';

const usualPort = 8090;

/** What gallery/local/gallery.ts exports. Nothing imports the gallery statically, so that it can be deleted. */
type StartGallery = (
  options: LocalStack & { readonly port: number; readonly step: Step },
) => Promise<{ readonly address: string }>;
const exported = z.object({ startGallery: z.custom<StartGallery>((value) => typeof value === 'function') });

/** Returns its address, or undefined if there is no gallery, or no page in it. */
export async function startGalleryPage(local: LocalStack, step: Step): Promise<string | undefined> {
  const gallery = join(projectDirectory, 'gallery');
  const file = join(gallery, 'local', 'gallery.ts');
  if (!existsSync(file) || !existsSync(join(gallery, 'page'))) return undefined;
  const { startGallery } = exported.parse(await import(pathToFileURL(file).href));
  const { port } = await choosePort(undefined, usualPort);
  return (await startGallery({ ...local, port, step })).address;
}
