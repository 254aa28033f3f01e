import { readFileSync } from 'node:fs';
import { crc32, deflateSync } from 'node:zlib';
import fc from 'fast-check';
import sharp, { type Sharp } from 'sharp';

/** Files that nobody should upload, and that somebody will. One seed always makes the same. */

export interface HostileFile {
  readonly name: string;
  readonly bytes: Buffer;
}

/** Written into EXIF and XMP wherever they go in: to be found nowhere in what comes out. */
export const canary = 'DARKROOM-CANARY';

/** Makes a file only when its turn comes: some are large. */
export type Maker = readonly [name: string, make: () => Promise<Buffer>];

const fixture = (path: string) => readFileSync(new URL(`../fixtures/${path}`, import.meta.url));

/** Good files of every format, small enough to be broken hundreds of times. */
export async function goodFiles(): Promise<ReadonlyMap<string, Buffer>> {
  const small = sharp(fixture('photos/rocket.jpg'))
    .resize(160)
    .withExif({ IFD0: { Copyright: canary }, IFD3: gps });
  const encoded: readonly [string, Sharp][] = [
    ['baseline.jpg', small.clone().jpeg()],
    ['progressive.jpg', small.clone().jpeg({ progressive: true })],
    ['plain.png', small.clone().png()],
    ['interlaced.png', small.clone().png({ progressive: true })],
    ['sixteen-bit.png', small.clone().toColourspace('rgb16').png()],
    ['lossy.webp', small.clone().webp()],
    ['lossless.webp', small.clone().webp({ lossless: true })],
    ['still.avif', small.clone().avif({ effort: 0 })],
    ['still.gif', small.clone().gif()],
    ['lzw.tiff', small.clone().tiff({ compression: 'lzw' })],
  ];
  const made = await Promise.all(
    encoded.map(async ([name, picture]): Promise<[string, Buffer]> => [name, await picture.toBuffer()]),
  );
  const found = [
    'cmyk.jpg',
    'cmyk-alpha.tiff',
    'alpha.png',
    'animated-5-frames.gif',
    'animated-9-frames.webp',
    'sequence.avif',
  ];
  return new Map([...made, ...found.map((name): [string, Buffer] => [name, fixture(`formats/${name}`)])]);
}
const gps = { GPSLatitudeRef: 'N', GPSLatitude: '47/1 36/1 0/1', GPSLongitudeRef: 'W', GPSLongitude: '122/1 18/1 0/1' };

/** Good files, broken: torn, flipped, overwritten, spliced, lied about. */
export function brokenFiles(good: ReadonlyMap<string, Buffer>, seed: number, count: number): readonly Maker[] {
  const names = [...good.keys()];
  const at = (share: number, bytes: Buffer) => Math.floor(share * bytes.length);
  // 0 ≤ share < 1, denser at the head, where the lies are.
  const share = fc
    .tuple(fc.double({ min: 0, max: 0.999, noNaN: true }), fc.boolean())
    .map(([s, head]) => (head ? s ** 2 : s));
  const damage = fc.oneof(
    share.map((cut) => ['torn', (bytes: Buffer) => bytes.subarray(0, at(cut, bytes) + 16)] as const),
    fc.array(fc.tuple(share, fc.nat(7)), { minLength: 1, maxLength: 30 }).map(
      (flips) =>
        [
          'flipped',
          (bytes: Buffer) => {
            const copy = Buffer.from(bytes);
            for (const [where, bit] of flips)
              copy.writeUInt8(copy.readUInt8(at(where, copy)) ^ (1 << bit), at(where, copy));
            return copy;
          },
        ] as const,
    ),
    fc.tuple(share, fc.uint8Array({ minLength: 1, maxLength: 64 })).map(
      ([where, noise]) =>
        [
          'overwritten',
          (bytes: Buffer) => {
            const copy = Buffer.from(bytes);
            copy.set(noise.subarray(0, copy.length - at(where, copy)), at(where, copy));
            return copy;
          },
        ] as const,
    ),
    fc.tuple(share, share, fc.constantFrom(...names)).map(
      ([from, to, other]) =>
        [
          'spliced',
          (bytes: Buffer) => {
            const tail = good.get(other) ?? bytes;
            return Buffer.concat([bytes.subarray(0, at(from, bytes)), tail.subarray(at(to, tail))]);
          },
        ] as const,
    ),
    fc
      .tuple(share, fc.integer({ min: 1, max: 4096 }))
      .map(
        ([where, length]) =>
          [
            'holed',
            (bytes: Buffer) =>
              Buffer.concat([bytes.subarray(0, at(where, bytes)), bytes.subarray(at(where, bytes) + length)]),
          ] as const,
      ),
  );
  return fc
    .sample(fc.tuple(fc.constantFrom(...names), damage), { seed, numRuns: count })
    .map(([name, [what, act]]): Maker => [`${what} ${name}`, async () => act(good.get(name) ?? Buffer.alloc(0))]);
}

/** Every place where a PNG's or a JPEG's next part begins is a place to be torn at. */
export function tornAtParts(good: ReadonlyMap<string, Buffer>): readonly Maker[] {
  return [...good].flatMap(([name, bytes]) =>
    partsOf(bytes).map((end): Maker => [`torn at ${end} ${name}`, async () => bytes.subarray(0, end)]),
  );
}

function partsOf(bytes: Buffer): number[] {
  const ends: number[] = [];
  if (bytes.subarray(1, 4).toString() === 'PNG') {
    for (let end = 8; end < bytes.length; end += bytes.readUInt32BE(end) + 12) ends.push(end);
  } else if (bytes.readUInt16BE(0) === 0xffd8) {
    for (let end = 2; end + 4 < bytes.length && bytes[end] === 0xff; end += bytes.readUInt16BE(end + 2) + 2)
      ends.push(end);
  }
  return ends;
}

/** Files that are not what they seem, or hold what they should not. */
export async function oddFiles(good: ReadonlyMap<string, Buffer>): Promise<readonly Maker[]> {
  const of = (name: string) => good.get(name) ?? Buffer.alloc(0);
  const still = (name: string, bytes: Buffer | string): Maker => [name, async () => Buffer.from(bytes)];
  const photo = sharp(of('baseline.jpg'));
  const svg = fixture('formats/drawing.svg').toString();
  const oriented = [1, 2, 3, 4, 5, 6, 7, 8].flatMap((orientation): Maker[] => [
    [
      `orientation ${orientation}.jpg`,
      () => photo.clone().withMetadata({ orientation }).withXmp(xmp).jpeg().toBuffer(),
    ],
    [
      `orientation ${orientation}.webp`,
      () => photo.clone().withMetadata({ orientation }).withXmp(xmp).webp().toBuffer(),
    ],
  ]);
  return [
    ...oriented,
    still('empty', ''),
    still('one byte', 'x'),
    still('zeros', Buffer.alloc(10_000)),
    still('a gigabyte of nothing, in its header', Buffer.from('89504e470d0a1a0a7fffffff49484452', 'hex')),
    still('page.jpg', '<!doctype html><script>alert(1)</script>'),
    still('drawing.png', svg),
    still('drawing after a mark', `\ufeff  ${svg}`),
    still('far picture.svg', '<svg xmlns="http://www.w3.org/2000/svg"><image href="http://127.0.0.1:9/x.png"/></svg>'),
    still('entities.svg', `<!DOCTYPE s [<!ENTITY a "${'ha'.repeat(99)}">]><svg>${'&a;'.repeat(999)}</svg>`),
    still('document.pdf', '%PDF-1.7\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>'),
    still('picture.ppm', 'P6 9999 9999 255\n'),
    still('iphone.heic', fixture('formats/iphone11pro-head.heic')),
    still('picture.bmp', fixture('formats/picture.bmp')),
    still(
      'a page behind a photograph.jpg',
      Buffer.concat([of('baseline.jpg'), Buffer.from(`<script>${canary}</script>`)]),
    ),
    still(
      'an archive behind a picture.png',
      Buffer.concat([of('plain.png'), Buffer.from('PK\u0003\u0004'), Buffer.from(canary)]),
    ),
    still('a photograph behind a GIF’s head.gif', Buffer.concat([Buffer.from('GIF89a'), of('baseline.jpg')])),
    still('two photographs.jpg', Buffer.concat([of('baseline.jpg'), of('progressive.jpg')])),
    still('text.png', pngWith(of('plain.png'), 'tEXt', Buffer.from(`Comment\0${canary}`))),
    still('ten megabytes of text in a kilobyte.png', pngWith(of('plain.png'), 'zTXt', bombOfText())),
    still('colours of nonsense.png', pngWith(of('plain.png'), 'iCCP', nonsenseProfile())),
    still('10,000 frames.gif', animation(10_000)),
    still('10,001 frames.gif', animation(10_001)),
    ...lies(good),
  ];
}
const xmp = `<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="${canary}"/></rdf:RDF></x:xmpmeta>`;

/** A width and a height that the rest of the file does not bear out. */
function lies(good: ReadonlyMap<string, Buffer>): Maker[] {
  return [0, 1, 159, 161, 5_000, 65_535, 2 ** 31 - 1].flatMap((side) => {
    const png = Buffer.from(good.get('plain.png') ?? '');
    png.writeUInt32BE(side, 16);
    png.writeUInt32BE(side, 20);
    png.writeUInt32BE(crc32(png.subarray(12, 29)), 29);
    const small = Math.min(side, 65_535);
    const gif = Buffer.from(good.get('still.gif') ?? '');
    gif.writeUInt16LE(small, 6);
    gif.writeUInt16LE(small, 8);
    const jpeg = Buffer.from(good.get('baseline.jpg') ?? '');
    const frame = jpeg.indexOf(Buffer.from([0xff, 0xc0]));
    jpeg.writeUInt16BE(small, frame + 5);
    jpeg.writeUInt16BE(small, frame + 7);
    const made: readonly [string, Buffer][] = [
      ['png', png],
      ['gif', gif],
      ['jpg', jpeg],
    ];
    return made.map(([type, bytes]): Maker => [`says ${side} × ${side}.${type}`, async () => bytes]);
  });
}

/** A few kilobytes that want to be gigabytes: just within the limits, and beyond. */
export function bombs(): readonly Maker[] {
  const flat = (side: number) =>
    sharp({ create: { width: side, height: side, channels: 3, background: '#123456' }, limitInputPixels: false });
  return [
    ['40 megapixels.avif', () => flat(6_320).avif({ effort: 0 }).toBuffer()],
    ['49 megapixels.avif', () => flat(7_000).avif({ effort: 0 }).toBuffer()],
    ['100 megapixels.png', () => flat(10_000).png().toBuffer()],
    ['400 megapixels.png', () => flat(20_000).png().toBuffer()],
    ['79 megapixels, interlaced.png', () => flat(8_900).png({ progressive: true }).toBuffer()],
    ['144 megapixels, interlaced.png', () => flat(12_000).png({ progressive: true }).toBuffer()],
    ['100 megapixels, progressive.jpg', () => flat(10_000).jpeg({ progressive: true }).toBuffer()],
    ['144 megapixels, progressive.jpg', () => flat(12_000).jpeg({ progressive: true }).toBuffer()],
    ['250 megapixels.jpg', () => flat(15_800).jpeg().toBuffer()],
    ['100 megapixels.webp', () => flat(10_000).webp({ lossless: true, effort: 0 }).toBuffer()],
    ['268 megapixels.webp', () => flat(16_383).webp({ lossless: true, effort: 0 }).toBuffer()],
    ['100 megapixels.tiff', () => flat(10_000).tiff({ compression: 'lzw' }).toBuffer()],
    [
      '65,535 pixels high.png',
      () =>
        sharp({ create: { width: 1, height: 65_535, channels: 3, background: 'red' } })
          .png()
          .toBuffer(),
    ],
  ];
}

/** Keys that a path, a URL or a shell would read differently. */
export const hostileKeys: readonly string[] = [
  ...[
    'a b.jpg',
    'a+b.jpg',
    'a%2Fb.jpg',
    'a%252Fb.jpg',
    '../../etc/passwd',
    '/leading.jpg',
    'a//b.jpg',
    'folder/',
    '.',
    '..',
  ],
  ...[
    'é.jpg'.normalize('NFC'),
    'é.jpg'.normalize('NFD'),
    '🦊.jpg',
    '\u202egpj.exe',
    'مرحبا.jpg',
    'a\nb.jpg',
    'a\u0000b.jpg',
  ],
  ...[
    "'; drop table images; --.jpg",
    `\${jndi:ldap://x}.jpg`,
    '$(reboot).jpg',
    'a"b.jpg',
    '{%$image%}.jpg',
    'a#v1',
    'COM1.jpg',
  ],
  // S3's longest: 1,024 bytes.
  ...['k'.repeat(1024), 'ü'.repeat(512)],
];

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type), data]);
  const framed = Buffer.alloc(body.length + 8);
  framed.writeUInt32BE(data.length, 0);
  body.copy(framed, 4);
  framed.writeUInt32BE(crc32(body), body.length + 4);
  return framed;
}

/** After the header, where a PNG's colours and texts stand. */
function pngWith(png: Buffer, type: string, data: Buffer): Buffer {
  return Buffer.concat([png.subarray(0, 33), chunk(type, data), png.subarray(33)]);
}

function bombOfText(): Buffer {
  return Buffer.concat([Buffer.from('Comment\0\0'), deflateSync(Buffer.alloc(10_000_000, 'A'))]);
}

function nonsenseProfile(): Buffer {
  return Buffer.concat([Buffer.from('profile\0\0'), deflateSync(Buffer.from(canary.repeat(99)))]);
}

/** One pixel, many times. */
function animation(frames: number): Buffer {
  const head = Buffer.from('47494638396101000100800000000000ffffff', 'hex');
  const frame = Buffer.from('21f904000a0000002c00000000010001000002024401003b'.slice(0, -2), 'hex');
  return Buffer.concat([head, ...Array.from({ length: frames }, () => frame), Buffer.from('3b', 'hex')]);
}
