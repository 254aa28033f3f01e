/** Decoding, resizing and encoding measured separately, for each input format. */
import { readFileSync } from 'node:fs';
import sharp from 'sharp';
import { fromPixels, type Pixels, pixelsOf } from '../../adapters/sharp/pixels.ts';
import { baseSize, encoder } from '../../adapters/sharp/pyramid.ts';
import { sharpImageCodec } from '../../adapters/sharp/sharp-image-codec.ts';
import type { ImageHeader } from '../../core/metadata.ts';
import type { Bytes } from '../../core/ports.ts';
import { allPresets, type Preset, renditionGroups } from '../../core/presets.ts';
import { isSameSize, presetsFor, renditionSize, type Size } from '../../core/rendition.ts';
import { openImage } from '../../test/support/open-image.ts';
import { showSummary, summarise } from '../summary.ts';
import { table } from '../table.ts';
import { inputFile, usualInputs } from './inputs.ts';
import { sideBySide } from './measure.ts';
import { pixelsOfSize, renditionSizes } from './rendition-sizes.ts';

const ROUNDS = 5;
const percent = (share: number) => `${Math.round(100 * share)} %`;

export async function benchStages(): Promise<string> {
  const rows: string[][] = [];
  for (const [name, write] of Object.entries(usualInputs)) {
    rows.push([name, ...(await stagesOf(new Uint8Array(readFileSync(await inputFile(name, write)))))]);
  }
  return [
    `One 12-megapixel photograph in each format, all presets as shipped: CPU ms, medians of ${ROUNDS} interleaved ` +
      'rounds (least–most), and the share of the total. Decoders that can shrink while they read (JPEG, WebP) do so in ' +
      '“decode”; “resize” is everything from there to the smallest size. The floor is one decode to the largest size plus ' +
      'every encode, each from decoded pixels, and no conversion of colours. “Naive” is one sharp pipeline per rendition with our encoder settings.',
    table(['input', 'decode', 'resize', 'encode', 'total', 'total, × floor', 'naive, × floor'], rows),
  ].join('\n\n');
}

async function stagesOf(bytes: Bytes): Promise<string[]> {
  const codec = sharpImageCodec();
  const { header } = await openImage(codec, bytes);
  const presets = presetsFor(header, allPresets);
  const largest = baseSize(header, presets);
  if (!largest) throw new Error('no preset');
  const smaller = renditionSizes(header, presets).filter((size) => !isSameSize(size, largest));
  const base = await pixelsOf(withoutProfile(bytes).resize({ ...largest, fit: 'fill' }));
  const rasters = await shrinkDownwards(base, smaller);
  const shrunk = shrunkOnLoad(header, largest);

  const costs = await sideBySide(
    {
      decode: () => pixelsOf(shrunk ? withoutProfile(bytes).resize({ ...shrunk, fit: 'fill' }) : withoutProfile(bytes)),
      floor: async () => {
        await pixelsOf(withoutProfile(bytes).resize({ ...largest, fit: 'fill' }));
        await encodeAll(rasters, header, presets);
      },
      encode: () => encodeAll(rasters, header, presets),
      toLargest: () => pixelsOf(withoutProfile(bytes).resize({ ...largest, fit: 'fill' })),
      downwards: () => shrinkDownwards(base, smaller),
      whole: async () => {
        for (const group of renditionGroups) {
          await (await openImage(codec, bytes)).render(presetsFor(header, group.presets));
        }
      },
      naive: () => naive(bytes, header, presets),
    },
    ROUNDS,
  );
  const ofRound = (read: (cost: (stage: Parameters<typeof costs.get>[0]) => number) => number) =>
    summarise(
      Array.from({ length: ROUNDS }, (_, round) => read((stage) => (costs.get(stage) ?? [])[round]?.cpu ?? Number.NaN)),
    );
  const whole = ofRound((cost) => cost('whole'));
  const stage = (summary: ReturnType<typeof summarise>) =>
    `${showSummary(summary)}, ${percent(summary.median / whole.median)}`;
  return [
    stage(ofRound((cost) => cost('decode'))),
    // Decoding to the largest size includes the first resize: subtract the decode.
    stage(ofRound((cost) => Math.max(0, cost('toLargest') - cost('decode')) + cost('downwards'))),
    stage(ofRound((cost) => cost('encode'))),
    showSummary(whole),
    showSummary(
      ofRound((cost) => cost('whole') / cost('floor')),
      2,
    ),
    showSummary(
      ofRound((cost) => cost('naive') / cost('floor')),
      2,
    ),
  ];
}

const withoutProfile = (bytes: Bytes) => sharp(bytes, { ignoreIcc: true });

/** The size to which the decoder itself shrinks: libjpeg by 2, 4 or 8, libwebp to any size. */
function shrunkOnLoad({ format, width, height }: ImageHeader, largest: Size): Size | undefined {
  if (format === 'webp') return largest;
  if (format !== 'jpeg') return undefined;
  const factor = [8, 4, 2].find((by) => width / by >= largest.width) ?? 1;
  return { width: Math.ceil(width / factor), height: Math.ceil(height / factor) };
}

async function shrinkDownwards(base: Pixels, sizes: readonly Size[]): Promise<readonly Pixels[]> {
  const made: Pixels[] = [base];
  for (const size of sizes) {
    const from = made.findLast(({ width, height }) => width >= size.width && height >= size.height) ?? base;
    made.push(await pixelsOf(fromPixels(from).resize({ ...size, fit: 'cover' })));
  }
  return made;
}

async function encodeAll(rasters: readonly Pixels[], header: ImageHeader, presets: readonly Preset[]): Promise<void> {
  for (const preset of presets) {
    await encoder(fromPixels(pixelsOfSize(rasters, renditionSize(header, preset))), preset).toBuffer();
  }
}

async function naive(bytes: Bytes, header: ImageHeader, presets: readonly Preset[]): Promise<void> {
  for (const preset of presets) {
    await encoder(sharp(bytes).autoOrient().resize(renditionSize(header, preset)), preset).toBuffer();
  }
}
