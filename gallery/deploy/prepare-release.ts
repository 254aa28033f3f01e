/**
 * `npm run release -- build --application gallery` runs this: the page of the release and the command that publishes it, in one folder,
 * because the job that has a role in AWS builds nothing.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { bundleTool } from '../../scripts/local/bundle-tool.ts';
import { buildPage } from '../page/build.ts';
import { PAGE_FOLDER, PAGE_LIST } from './publish-page.ts';

export async function prepareRelease(folder: string): Promise<void> {
  const built = await buildPage(join(folder, PAGE_FOLDER));
  await writeFile(join(folder, PAGE_LIST), `${JSON.stringify(built, null, 2)}\n`);
  await bundleTool(join(import.meta.dirname, 'publish-page.ts'), join(folder, 'after-release.mjs'));
}

if (import.meta.main) {
  const [, , folder] = process.argv;
  if (folder === undefined) throw new Error('Pass the folder to write to.');
  await prepareRelease(folder);
}
