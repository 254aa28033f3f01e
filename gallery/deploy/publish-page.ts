/** What follows a release of the gallery: publishes the page that was built with it. People use `npm run publish`, which builds the page. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CloudFrontClient } from '@aws-sdk/client-cloudfront';
import { S3Client } from '@aws-sdk/client-s3';
import * as z from 'zod';
import { command, main, nonEmpty } from '../../scripts/terminal/command.ts';
import { print } from '../../scripts/terminal/print.ts';
import { readGallery, stackInAccount } from './account-gallery.ts';
import { configurationOf, pageFiles, publish, readPublished, releaseOf, targetOf } from './page-release.ts';

/** Next to this file, once it is in an artifact. */
export const PAGE_FOLDER = 'page';
export const PAGE_LIST = 'page.json';

const builtFiles = z.array(z.object({ name: z.string(), hashed: z.boolean() }));

export const publishPageCommand = command({
  name: 'after-release.mjs',
  summary: 'Publishes the page that was built with this release.',
  syntax: (line) => line.requiredOption('--stack <name>', 'the gallery’s stack', nonEmpty),
  run: ({ options: { stack } }) => publishPage(stack, import.meta.dirname),
});

/** @param folder with the built page and the list of its files */
export async function publishPage(name: string, folder: string): Promise<void> {
  const stack = stackInAccount(name);
  const [s3, cloudFront] = [new S3Client({}), new CloudFrontClient({ region: 'us-east-1' })];
  try {
    const { outputs } = await readGallery(stack);
    const built = builtFiles.parse(JSON.parse(await readFile(join(folder, PAGE_LIST), 'utf8')));
    const files = await pageFiles(join(folder, PAGE_FOLDER), built, configurationOf(outputs));
    const release = releaseOf(files, await readPublished(s3, outputs.PageBucketName));
    await publish(release, { s3, cloudFront, ...targetOf(outputs) });
    const uploaded = release.upload.map((file) => file.name).join(', ');
    print(uploaded === '' ? `The page is published at ${outputs.PageAddress}` : `Published ${uploaded}`);
  } finally {
    for (const each of [s3, cloudFront]) each.destroy();
    stack.close();
  }
}

if (import.meta.main) await main(publishPageCommand);
