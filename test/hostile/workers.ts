import sharp from 'sharp';
import { sharpImageCodec } from '../../adapters/sharp/sharp-image-codec.ts';
import { extractMetadata } from '../../core/extract-metadata.ts';
import { defaultLimits } from '../../core/limits.ts';
import { rejectionReasons } from '../../core/outcome.ts';
import type { ImageCodec } from '../../core/ports.ts';
import { renditionGroups } from '../../core/presets.ts';
import { resizeImage } from '../../core/resize-image.ts';
import { InMemoryRenditionStore } from '../support/in-memory-rendition-store.ts';
import { InMemoryUploadStore } from '../support/in-memory-upload-store.ts';
import { uploadOf } from '../support/upload-events.ts';
import { canary } from './hostile-file.ts';

const ownCodec = sharpImageCodec();
const outcomes = ['processed', 'rejected'];

export interface Verdict {
  readonly outcome: string;
  /** CPU time of the slowest worker, without that of an image process. */
  readonly seconds: number;
  readonly defects: readonly string[];
}

/** Runs one file through all workers, like an upload. */
export async function judge(bytes: Buffer, codec: ImageCodec = ownCodec): Promise<Verdict> {
  const image = uploadOf({ size: bytes.length });
  const [uploads, renditions] = [new InMemoryUploadStore(), new InMemoryRenditionStore()];
  uploads.put(image, new Uint8Array(bytes));
  const task = { correlationId: 'hostile', image };
  const ports = { uploadReader: uploads, renditionStore: renditions, codec, limits: defaultLimits };
  const defects: string[] = [];
  const ended: string[] = [];
  const seconds: number[] = [];
  const works = [
    () => extractMetadata(task, ports, { keepLocation: false }),
    ...renditionGroups.map(
      ({ name }) =>
        () =>
          resizeImage({ ...task, group: name }, ports, renditionGroups),
    ),
  ];
  for (const work of works) {
    const before = process.cpuUsage();
    try {
      const result = await work();
      const reason = result.outcome === 'rejected' ? ` ${result.reason}` : '';
      ended.push(`${result.outcome}${reason}`);
      defects.push(...defectsOf(result));
    } catch (error) {
      defects.push(`A worker threw: ${error instanceof Error ? error.message : String(error)}`);
    }
    const { user, system } = process.cpuUsage(before);
    seconds.push((user + system) / 1e6);
  }
  for (const [key, rendition] of renditions.objects) defects.push(...(await leaks(key, Buffer.from(rendition.bytes))));
  const [outcome = 'nothing'] = ended.toSorted().toReversed();
  return { outcome, seconds: Math.max(...seconds), defects };
}

function defectsOf(result: Awaited<ReturnType<typeof extractMetadata | typeof resizeImage>>): string[] {
  const { outcome } = result;
  return [
    ...(outcomes.includes(outcome) ? [] : [`The outcome is ${outcome}.`]),
    ...(outcome === 'rejected' && !rejectionReasons.includes(result.reason)
      ? [`The reason ${result.reason} is not in the list.`]
      : []),
    ...(JSON.stringify(result).includes(canary) ? ['The result contains data that was hidden in the file.'] : []),
  ];
}

/** A rendition contains nothing but pixels. */
async function leaks(key: string, bytes: Buffer): Promise<string[]> {
  const { exif, xmp, iptc, orientation } = await sharp(bytes).metadata();
  const found = Object.entries({ exif, xmp, iptc, orientation }).filter(([, value]) => value !== undefined);
  const raw = [canary, 'Exif\0\0', 'http://ns.adobe.com/xap'].filter((mark) => bytes.includes(mark));
  return [...found.map(([name]) => name), ...raw].map((what) => `${key} contains ${JSON.stringify(what)}.`);
}
