/**
 * One worker's life in a fresh process: a file through `portray` or through a rendition group, as often as asked.
 *
 *     node scripts/bench/render-once.ts <file> <portray | name of a group> [times]
 *
 * Prints its peak memory in MB as JSON.
 */

import { readFileSync } from 'node:fs';
import { sharpImageCodec } from '../../adapters/sharp-image-codec.ts';
import { renditionGroups } from '../../core/presets.ts';
import { presetsFor } from '../../core/rendition.ts';
import { peakKilobytes } from './measure.ts';

const [file = '', job = 'portray', times = '1'] = process.argv.slice(2);
const codec = sharpImageCodec();
const group = renditionGroups.find(({ name }) => name === job);

for (let run = 0; run < Number(times); run += 1) {
  const bytes = new Uint8Array(readFileSync(file));
  const inspected = await codec.inspect(bytes);
  if (inspected.outcome === 'rejected') throw new Error(inspected.message);
  const { header } = inspected;
  if (group) await codec.render(bytes, header, presetsFor(header, group.presets));
  else await codec.portray(bytes, header);
}

console.log(JSON.stringify({ megabytes: Math.round(peakKilobytes() / 1024) }));
