import fc from 'fast-check';

/** A unit of a file that its format knows: a segment, a chunk, a block, a box, an entry of a directory. */
export interface Part {
  readonly type: string;
  readonly body: Buffer;
  /** The length that the part claims to have; by default, the true one. */
  readonly claims?: number;
  /** Bytes that belong to the part and are not counted in its length, like the scan of a JPEG. */
  readonly tail?: Buffer;
}

/** A change to the parts of a file. It has a name, so that a defect shows what caused it. */
export interface Edit {
  readonly name: string;
  readonly apply: (parts: readonly Part[]) => readonly Part[];
}

/** Repeats something so that it stays small: large files have their own proofs. */
export function copies<Each>(each: Each, count: number, bytesOfEach: number): Each[] {
  const most = Math.max(1, Math.floor(MOST_BYTES / Math.max(1, bytesOfEach)));
  return Array.from({ length: Math.min(count, most) }, () => each);
}

const MOST_BYTES = 60_000;

/** Where something is in a file of any length. */
export const share = fc.double({ min: 0, max: 0.999, noNaN: true });

/** Counts, lengths, sizes and offsets: few, many, at the edges of their types, and beyond what a file can have. */
export const anyNumber = fc.oneof(
  fc.nat(300),
  fc.constantFrom(0, 1, 2, 127, 128, 255, 256, 4_095, 4_096, 32_767, 32_768, 65_535, 65_536, 1_000_000),
  fc.constantFrom(2 ** 24 - 1, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 8, 2 ** 32 - 1),
);

/** Sides of an image: most are small, so that most files get beyond the limit for pixels. */
export const anySide = fc.oneof(
  { weight: 9, arbitrary: fc.integer({ min: 1, max: 300 }) },
  { weight: 1, arbitrary: fc.constantFrom(0, 1, 2_000, 16_383, 65_535) },
);

export const anyBytes = (maxLength: number) => fc.uint8Array({ maxLength }).map((bytes) => Buffer.from(bytes));

const times = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: 2, max: 8 }) },
  { weight: 1, arbitrary: fc.integer({ min: 9, max: 2_000 }) },
);

/** One change to any parts. @param additional parts that could be inserted */
function editOf(additional: fc.Arbitrary<Part>): fc.Arbitrary<Edit> {
  const place = (at: number, parts: readonly Part[]) => Math.floor(at * parts.length);
  const replaced = (at: number, parts: readonly Part[], by: (part: Part) => readonly Part[]) => {
    const part = parts[place(at, parts)];
    return part === undefined ? parts : parts.toSpliced(place(at, parts), 1, ...by(part));
  };
  const edit = (name: string, at: number, by: (part: Part) => readonly Part[]): Edit => ({
    name,
    apply: (parts) => replaced(at, parts, by),
  });
  return fc.oneof(
    { weight: 3, arbitrary: fc.tuple(share, additional).map(([at, part]) => inserted(at, part)) },
    fc
      .tuple(share, times)
      .map(([at, count]) =>
        edit(`repeated ${count}`, at, (part) => copies(part, count, part.body.length + (part.tail?.length ?? 0) + 8)),
      ),
    share.map((at) => edit('removed', at, () => [])),
    fc.tuple(share, share).map(
      ([from, to]): Edit => ({
        name: 'moved',
        apply: (parts) => {
          const part = parts[place(from, parts)];
          return part ? parts.toSpliced(place(from, parts), 1).toSpliced(place(to, parts), 0, part) : parts;
        },
      }),
    ),
    {
      weight: 4,
      arbitrary: fc
        .tuple(share, share, fc.constantFrom(1, 2, 4), anyNumber, fc.boolean())
        .map(([at, where, length, value, little]) =>
          edit('renumbered', at, (part) => [{ ...part, body: renumbered(part.body, where, length, value, little) }]),
        ),
    },
    fc
      .tuple(share, share)
      .map(([at, keep]) =>
        edit('cut', at, (part) => [{ ...part, body: part.body.subarray(0, Math.floor(keep * part.body.length)) }]),
      ),
    fc
      .tuple(share, fc.nat(3_000), fc.nat(255))
      .map(([at, length, value]) =>
        edit('padded', at, (part) => [{ ...part, body: Buffer.concat([part.body, Buffer.alloc(length, value)]) }]),
      ),
    fc.tuple(share, anyNumber).map(([at, claims]) => edit(`claims ${claims}`, at, (part) => [{ ...part, claims }])),
    fc.tuple(share, share).map(
      ([from, to]): Edit => ({
        name: 'shared',
        apply: (parts) => {
          const other = parts[place(from, parts)];
          return other ? replaced(to, parts, (part) => [{ ...part, body: other.body }]) : parts;
        },
      }),
    ),
    fc
      .tuple(share, share, anyBytes(40))
      .map(([at, where, noise]) =>
        edit('disturbed', at, (part) => [{ ...part, tail: disturbed(part.tail ?? Buffer.alloc(0), where, noise) }]),
      ),
  );
}

function inserted(at: number, part: Part): Edit {
  return { name: `plus ${part.type}`, apply: (parts) => parts.toSpliced(Math.floor(at * (parts.length + 1)), 0, part) };
}

function renumbered(body: Buffer, share: number, length: number, value: number, little: boolean): Buffer {
  const copy = Buffer.from(body);
  // Numbers are at even places, and most of those in a long part at its start.
  const place = copy.length > 40 ? share ** 3 : share;
  const at = Math.floor((place * (copy.length - length + 1)) / 2) * 2;
  if (at < 0 || at + length > copy.length) return copy;
  if (little) copy.writeUIntLE(value % 256 ** length, at, length);
  else copy.writeUIntBE(value % 256 ** length, at, length);
  return copy;
}

function disturbed(tail: Buffer, share: number, noise: Buffer): Buffer {
  const at = Math.floor(share * tail.length);
  return Buffer.concat([tail.subarray(0, at), noise, tail.subarray(at + noise.length)]);
}

/** Some changes, one after another; half of the files have only one, or most would be refused at once. */
export function editsOf(additional: fc.Arbitrary<Part>): fc.Arbitrary<Edit> {
  const edit = editOf(additional);
  const some = fc.array(edit, { maxLength: 6 });
  return fc
    .oneof(
      edit.map((each) => [each]),
      some,
    )
    .map((edits) => ({
      name: edits.map(({ name }) => name).join(', ') || 'unchanged',
      apply: (parts) => edits.reduce((changed, { apply }) => apply(changed), parts),
    }));
}

/** A part made of bytes that are joined. */
export function part(type: string, ...content: readonly Buffer[]): Part {
  return { type, body: Buffer.concat(content) };
}
