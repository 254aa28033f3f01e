import { readdirSync } from 'node:fs';
import { deflateSync } from 'node:zlib';
import sharp from 'sharp';
import { gifOfFrames } from './containers/gif.ts';
import { pngChunk, pngWith } from './containers/png.ts';
import { fixture, xmp } from './good-files.ts';
import { canary, type Maker } from './hostile-file.ts';

/** Files that are not what they appear to be, or contain what they should not. */
export async function oddFiles(good: ReadonlyMap<string, Buffer>): Promise<readonly Maker[]> {
  const of = (name: string) => good.get(name) ?? Buffer.alloc(0);
  const still = (name: string, bytes: Buffer | string): Maker => [name, async () => Buffer.from(bytes)];
  const photo = sharp(of('baseline.jpg'));
  const svg = fixture('formats/drawing.svg').toString();
  const oriented = [1, 2, 3, 4, 5, 6, 7, 8].flatMap((orientation) =>
    (['jpeg', 'webp', 'png', 'tiff', 'avif'] as const).map(
      (format): Maker => [
        `orientation ${orientation}.${format}`,
        () => photo.clone().withMetadata({ orientation }).withXmp(xmp).toFormat(format).toBuffer(),
      ],
    ),
  );
  return [
    ...oriented,
    still('empty', ''),
    still('one byte', 'x'),
    still('zeros', Buffer.alloc(10_000)),
    still('a header that claims gigabytes', Buffer.from('89504e470d0a1a0a7fffffff49484452', 'hex')),
    still('page.jpg', '<!doctype html><script>alert(1)</script>'),
    still('drawing.png', svg),
    still('drawing after a byte-order mark', `\ufeff  ${svg}`),
    still('remote image.svg', '<svg xmlns="http://www.w3.org/2000/svg"><image href="http://127.0.0.1:9/x.png"/></svg>'),
    still('entities.svg', `<!DOCTYPE s [<!ENTITY a "${'ha'.repeat(99)}">]><svg>${'&a;'.repeat(999)}</svg>`),
    still('document.pdf', '%PDF-1.7\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>'),
    still('picture.ppm', 'P6 9999 9999 255\n'),
    still('iphone.heic', fixture('formats/iphone11pro-head.heic')),
    still('picture.bmp', fixture('formats/picture.bmp')),
    still(
      'a web page after a photo.jpg',
      Buffer.concat([of('baseline.jpg'), Buffer.from(`<script>${canary}</script>`)]),
    ),
    still(
      'an archive after an image.png',
      Buffer.concat([of('plain.png'), Buffer.from('PK\u0003\u0004'), Buffer.from(canary)]),
    ),
    still('a photo after a GIF signature.gif', Buffer.concat([Buffer.from('GIF89a'), of('baseline.jpg')])),
    still('two photos.jpg', Buffer.concat([of('baseline.jpg'), of('progressive.jpg')])),
    still('text.png', pngWith(of('plain.png'), pngChunk('tEXt', Buffer.from(`Comment\0${canary}`)))),
    still('ten megabytes of text in a kilobyte.png', pngWith(of('plain.png'), bombOfText())),
    still('10,000 frames.gif', gifOfFrames(10_000)),
    still('10,001 frames.gif', gifOfFrames(10_001)),
  ];
}

function bombOfText(): Buffer {
  const text = Buffer.concat([Buffer.from('Comment\0\0'), deflateSync(Buffer.alloc(10_000_000, 'A'))]);
  return pngChunk('zTXt', text);
}

/** All of PngSuite, where names starting with x are corrupt on purpose, and the eight EXIF orientations as cameras write them. */
export function collections(): readonly Maker[] {
  return ['pngsuite', 'exif-orientation'].flatMap((folder) =>
    readdirSync(new URL(`../fixtures/${folder}`, import.meta.url))
      .sort()
      .map((name): Maker => [name, async () => fixture(`${folder}/${name}`)]),
  );
}
