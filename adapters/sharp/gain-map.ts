import type { Bytes } from '../../core/ports.ts';
import { joinBytes } from './join-bytes.ts';
import { segmentsOf } from './jpeg-segments.ts';

/**
 * The gain map of an Ultra HDR JPEG: a small JPEG behind the picture that says how much brighter each place is on brighter screens.
 * Found by the index of the file's images (CIPA DC-007, MPF), described by ISO 21496-1 or by Adobe's XMP.
 */
export interface GainMap {
  readonly image: Bytes;
  readonly description: Description;
}

type Description =
  | { readonly kind: 'iso'; readonly numbers: Uint8Array }
  | { readonly kind: 'xmp'; readonly numbers: ReadonlyMap<string, string> };

const SOI_LENGTH = 2;
const APP1 = 0xe1;
const APP2 = 0xe2;
const SOS = 0xda;
const MPF = 'MPF\0';
const XMP = 'http://ns.adobe.com/xap/1.0/\0';
const ISO = 'urn:iso:std:iso:ts:21496:-1\0';
const NAMESPACE = 'http://ns.adobe.com/hdr-gain-map/1.0/';

export function gainMapOf(upload: Bytes): GainMap | undefined {
  for (const image of furtherImages(upload)) {
    const description = descriptionIn(image);
    if (description !== undefined) return { image, description };
  }
  return undefined;
}

// ── Reading ─────────────────────────────────────────────────────────────────────────────────────────────────────────

const MAX_IMAGES = 10;
const IMAGE_ENTRIES = 0xb002;
const ENTRY_LENGTH = 16;

/** All but the first of the index. Numbers beyond the end of the file read as none. */
function furtherImages(upload: Bytes): readonly Bytes[] {
  const index = [...headSegments(upload)].find(({ marker, body }) => marker === APP2 && startsWith(body, MPF));
  if (index === undefined) return [];
  // Offsets count from here.
  const from = index.end - index.body.length + MPF.length;
  const view = new DataView(upload.buffer, upload.byteOffset + from, index.body.length - MPF.length);
  const little = view.byteLength >= 8 && view.getUint16(0) === 0x4949;
  const uint16 = (at: number) => (at + 2 <= view.byteLength ? view.getUint16(at, little) : 0);
  const uint32 = (at: number) => (at + 4 <= view.byteLength ? view.getUint32(at, little) : 0);
  const directory = uint32(4);
  const fields = Array.from(
    { length: Math.min(uint16(directory), MAX_IMAGES) },
    (_, field) => directory + 2 + 12 * field,
  );
  const field = fields.find((at) => uint16(at) === IMAGE_ENTRIES);
  if (field === undefined) return [];
  const images = Math.min(Math.floor(uint32(field + 4) / ENTRY_LENGTH), MAX_IMAGES);
  // Images lie one behind another, so that all together are read in one pass over the file.
  let left = upload.length;
  return Array.from({ length: images }, (_, image) => uint32(field + 8) + ENTRY_LENGTH * image)
    .map((at) => ({ length: uint32(at + 4), offset: uint32(at + 8) }))
    .filter(({ offset }) => offset > 0)
    .map(({ offset, length }) => upload.subarray(from + offset, from + offset + length))
    .filter((image) => image[0] === 0xff && image[1] === 0xd8)
    .filter((image) => {
      left -= image.length;
      return left >= 0;
    });
}

// Programs write about ten, and more only for long XMP.
const MAX_SEGMENTS = 1_000;

function* headSegments(jpeg: Uint8Array) {
  let left = MAX_SEGMENTS;
  for (const segment of segmentsOf(jpeg)) {
    if (segment.marker === SOS || left === 0) return;
    yield segment;
    left -= 1;
  }
}

// Versions, flags and two numbers of the whole map, and five for each of one or three colours.
const ISO_LENGTHS: readonly number[] = [61, 141];

function descriptionIn(image: Uint8Array): Description | undefined {
  const bodies = [...headSegments(image)].filter(({ marker }) => marker === APP1 || marker === APP2);
  const iso = bodies.find(({ body }) => startsWith(body, ISO))?.body.subarray(ISO.length);
  // Nothing but numbers: no other data of the upload may pass.
  if (iso !== undefined && ISO_LENGTHS.includes(iso.length)) return { kind: 'iso', numbers: iso };
  const xmp = bodies.find(({ body }) => startsWith(body, XMP))?.body;
  return xmp && numbersIn(Buffer.from(xmp).toString('latin1'));
}

const NAMES = ['GainMapMin', 'GainMapMax', 'Gamma', 'OffsetSDR', 'OffsetHDR', 'HDRCapacityMin', 'HDRCapacityMax'];

/** Of one number for all colours, and a picture that is the darker of the two. */
function numbersIn(xmp: string): Description | undefined {
  const prefix = new RegExp(`xmlns:(\\w{1,20})=["']${NAMESPACE}`).exec(xmp)?.[1];
  if (prefix === undefined || new RegExp(`${prefix}:BaseRenditionIsHDR=["']True`, 'i').test(xmp)) return undefined;
  const numbers = NAMES.flatMap((name): [string, string][] => {
    const value = new RegExp(`\\b${prefix}:${name}=["'](-?\\d{1,9}(?:\\.\\d{1,9})?)["']`).exec(xmp)?.[1];
    return value === undefined ? [] : [[name, value]];
  });
  const isList = new RegExp(`<${prefix}:(?:${NAMES.join('|')})>`).test(xmp);
  return isList || !numbers.some(([name]) => name === 'GainMapMax')
    ? undefined
    : { kind: 'xmp', numbers: new Map(numbers) };
}

function startsWith(body: Uint8Array, text: string): boolean {
  return Buffer.from(body.subarray(0, text.length)).toString('latin1') === text;
}

// ── Writing ─────────────────────────────────────────────────────────────────────────────────────────────────────────

/** The picture with the scaled map behind it, and nothing else of the upload. */
export function withGainMap(picture: Bytes, map: Bytes, description: Description): Bytes {
  const described = joinBytes([map.subarray(0, SOI_LENGTH), aboutMap(description), map.subarray(SOI_LENGTH)]);
  const about = aboutPicture(description, described.length);
  const length = picture.length + about.length + INDEX_LENGTH;
  const index = indexOf(length, described.length, SOI_LENGTH + about.length);
  return joinBytes([picture.subarray(0, SOI_LENGTH), about, index, picture.subarray(SOI_LENGTH), described]);
}

function segment(marker: number, ...parts: readonly (string | Uint8Array)[]): Uint8Array {
  const body = Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part, 'latin1') : part)));
  return Buffer.concat([Buffer.from([0xff, marker, (body.length + 2) >> 8, (body.length + 2) & 255]), body]);
}

function aboutMap(description: Description): Uint8Array {
  if (description.kind === 'iso') return segment(APP2, ISO, description.numbers);
  const numbers = [...description.numbers].map(([name, value]) => ` hdrgm:${name}="${value}"`).join('');
  return segment(APP1, XMP, rdf(` hdrgm:Version="1.0"${numbers} hdrgm:BaseRenditionIsHDR="False"`, ''));
}

const ISO_VERSIONS_LENGTH = 4;

function aboutPicture(description: Description, mapLength: number): Uint8Array {
  if (description.kind === 'iso') return segment(APP2, ISO, description.numbers.subarray(0, ISO_VERSIONS_LENGTH));
  const item = (semantic: string, more: string) =>
    `<rdf:li rdf:parseType="Resource"><Container:Item Item:Semantic="${semantic}" Item:Mime="image/jpeg"${more}/></rdf:li>`;
  const items = `${item('Primary', '')}${item('GainMap', ` Item:Length="${mapLength}"`)}`;
  const container = 'http://ns.google.com/photos/1.0/container/';
  return segment(
    ...([APP1, XMP] as const),
    rdf(
      ` xmlns:Container="${container}" xmlns:Item="${container}item/" hdrgm:Version="1.0"`,
      `<Container:Directory><rdf:Seq>${items}</rdf:Seq></Container:Directory>`,
    ),
  );
}

function rdf(attributes: string, content: string): string {
  return (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">' +
    `<rdf:Description rdf:about="" xmlns:hdrgm="${NAMESPACE}"${attributes}>${content}</rdf:Description></rdf:RDF></x:xmpmeta>`
  );
}

const FIELDS_AT = 10;
const ENTRIES_AT = FIELDS_AT + 3 * 12 + 4;
const INDEX_HEAD = 4 + MPF.length;
const INDEX_LENGTH = INDEX_HEAD + ENTRIES_AT + 2 * ENTRY_LENGTH;
const PRIMARY = 0x030000;

/** Of two images: the picture, and the map right behind it. */
function indexOf(pictureLength: number, mapLength: number, at: number): Uint8Array {
  const body = Buffer.alloc(ENTRIES_AT + 2 * ENTRY_LENGTH);
  body.write('II*\0', 'latin1');
  body.writeUInt32LE(8, 4);
  body.writeUInt16LE(3, 8);
  const field = (index: number, tag: number, type: number, count: number, value: number) => {
    const start = FIELDS_AT + 12 * index;
    body.writeUInt16LE(tag, start);
    body.writeUInt16LE(type, start + 2);
    body.writeUInt32LE(count, start + 4);
    body.writeUInt32LE(value, start + 8);
  };
  field(0, 0xb000, 7, 4, Buffer.from('0100').readUInt32LE());
  field(1, 0xb001, 4, 1, 2);
  field(2, IMAGE_ENTRIES, 7, 2 * ENTRY_LENGTH, ENTRIES_AT);
  const entry = (index: number, kind: number, length: number, offset: number) => {
    for (const [number, value] of [kind, length, offset].entries()) {
      body.writeUInt32LE(value, ENTRIES_AT + ENTRY_LENGTH * index + 4 * number);
    }
  };
  entry(0, PRIMARY, pictureLength, 0);
  entry(1, 0, mapLength, pictureLength - at - INDEX_HEAD);
  return segment(APP2, MPF, body);
}
