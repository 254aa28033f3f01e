/** What each option of a preset adds to the work for one photograph or animation. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { sharpImageCodec } from '../../adapters/sharp/sharp-image-codec.ts';
import type { Bytes } from '../../core/ports.ts';
import type { Preset } from '../../core/presets.ts';
import { openImage } from '../../test/support/open-image.ts';
import { showSummary, summarise } from '../summary.ts';
import { table } from '../table.ts';
import { profiles } from './inputs.ts';
import { sideBySide } from './measure.ts';

const ROUNDS = 7;
const photo = fileURLToPath(new URL('../../test/fixtures/photos/book-d90-12mp.jpg', import.meta.url));

const large: Preset = { name: 'large', format: 'webp', width: 1280, quality: 80, effort: 2 };
const medium: Preset = { name: 'medium', format: 'webp', width: 640, quality: 80, effort: 2 };
const box = { name: 'box', format: 'webp', width: 320, height: 320, quality: 80, effort: 2 } as const;
const moving: Preset = { name: 'moving', format: 'webp', width: 640, quality: 80, effort: 2, animated: true };
const FRAMES = 30;

export async function benchOptions(): Promise<string> {
  const codec = sharpImageCodec();
  const still: Bytes = new Uint8Array(readFileSync(photo));
  const animation = await panOver(still);
  const inP3 = new Uint8Array(await sharp(still).withIccProfile(profiles.displayP3).jpeg({ quality: 90 }).toBuffer());
  const keep = (preset: Preset): Preset => ({ ...preset, gamut: 'keep-p3' });
  const watermark = { png: await logo(), corner: 'bottom-right', share: 0.2, opacity: 0.7 } as const;
  const render = (bytes: Bytes, presets: readonly Preset[]) => async () => {
    const result = await (await openImage(codec, bytes)).render(presets);
    if (result.outcome === 'rejected') throw new Error(result.message);
  };

  const costs = await sideBySide(
    {
      sizes: render(still, [large, medium]),
      centre: render(still, [large, medium, { ...box, fit: 'cover', focus: 'centre' as const }]),
      attention: render(still, [large, medium, { ...box, fit: 'cover', focus: 'attention' as const }]),
      pad: render(still, [large, medium, { ...box, fit: 'pad', background: '#ffffff' }]),
      watermark: render(still, [{ ...large, watermark }, medium]),
      p3: render(inP3, [large, medium]),
      keepAll: render(inP3, [keep(large), keep(medium)]),
      keepOne: render(inP3, [keep(large), medium]),
      poster: render(animation, [medium]),
      animation: render(animation, [moving]),
    },
    ROUNDS,
  );
  const more = (name: Parameters<typeof costs.get>[0], than: Parameters<typeof costs.get>[0]) =>
    summarise(
      Array.from({ length: ROUNDS }, (_, round) => {
        const cpu = (which: typeof name) => (costs.get(which) ?? [])[round]?.cpu ?? Number.NaN;
        return cpu(name) - cpu(than);
      }),
    );
  const rows: [string, ReturnType<typeof summarise>][] = [
    ['one more rendition: `cover` 320 × 320, focus `centre`', more('centre', 'sizes')],
    ['one more rendition: `cover` 320 × 320, focus `attention`', more('attention', 'sizes')],
    ['one more rendition: `pad` 320 × 320', more('pad', 'sizes')],
    ['`watermark` on a rendition 1280 px wide', more('watermark', 'sizes')],
    ['`gamut` on all renditions of a photograph in Display P3', more('keepAll', 'p3')],
    ['`gamut` on one of two renditions of such a photograph', more('keepOne', 'p3')],
    [`\`animated\` at 640 × 360, ${FRAMES} frames, instead of a still`, more('animation', 'poster')],
  ];
  return [
    `CPU ms that each option adds, medians of ${ROUNDS} interleaved rounds (least–most), for one 12-megapixel JPEG or a GIF of ` +
      `${FRAMES} frames made from it. Lambda takes about 0.68 of that (lab/docs/cost.md).`,
    table(
      ['option', 'CPU ms more'],
      rows.map(([option, summary]) => [option, showSummary(summary)]),
    ),
  ].join('\n\n');
}

/** A camera that moves over a photograph. */
async function panOver(bytes: Bytes): Promise<Bytes> {
  const frames = Array.from({ length: FRAMES }, (_, frame) =>
    sharp(bytes)
      .resize(1280)
      .extract({ left: frame * 10, top: frame * 5, width: 640, height: 360 })
      .png()
      .toBuffer(),
  );
  return new Uint8Array(
    await sharp(await Promise.all(frames), { join: { animated: true } })
      .gif()
      .toBuffer(),
  );
}

async function logo(): Promise<string> {
  const picture = sharp({ create: { width: 300, height: 100, channels: 4, background: '#ffffffa0' } });
  return (await picture.png().toBuffer()).toString('base64');
}
