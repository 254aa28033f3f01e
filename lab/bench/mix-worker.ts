/**
 * Opens, describes and renders one upload after another with the codec of a checkout: one line of JSON in, one line out
 * (line-worker.ts). The presets are those of this checkout.
 *
 *     node lab/bench/mix-worker.ts <directory of the checkout>
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';
import * as z from 'zod';
import type { Bytes, EncodedRendition, ImageCodec } from '../../core/ports.ts';
import { renditionGroups } from '../../core/presets.ts';
import { presetsFor } from '../../core/rendition.ts';
import { openImage } from '../../test/support/open-image.ts';
import { costOf } from './measure.ts';
import { referenceJob } from './reference-job.ts';

const codecModule = z.object({
  sharpImageCodec: z.custom<() => ImageCodec>((value) => typeof value === 'function'),
});

const [directory = ''] = process.argv.slice(2);
const path = join(directory, 'adapters/sharp/sharp-image-codec.ts');
const codec = codecModule.parse(await import(pathToFileURL(path).href)).sharpImageCodec();

async function answer(file: string) {
  const bytes: Bytes = new Uint8Array(readFileSync(file));
  const reference = await costOf(referenceJob);
  const metadata = await costOf(async () => (await openImage(codec, bytes)).portray());
  const groups: object[] = [];
  for (const { name, presets } of renditionGroups) {
    let renditions: readonly EncodedRendition[] = [];
    const { cpu } = await costOf(async () => {
      const image = await openImage(codec, bytes);
      const result = await image.render(presetsFor(image.header, presets));
      if (result.outcome === 'rejected') throw new Error(result.message);
      renditions = result.renditions;
    });
    const made = renditions.map(({ preset, bytes: encoded }) => ({ preset: preset.name, bytes: encoded.length }));
    groups.push({ name, cpu, renditions: made });
  }
  const { header } = await openImage(codec, bytes);
  return { bytes: bytes.length, header, reference: reference.cpu, metadata: metadata.cpu, groups };
}

for await (const line of createInterface({ input: process.stdin })) {
  const { file } = z.object({ file: z.string() }).parse(JSON.parse(line));
  process.stdout.write(`${JSON.stringify(await answer(file))}\n`);
}
