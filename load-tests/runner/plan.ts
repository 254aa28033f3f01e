/**
 * The changes of each virtual user. They depend only on the scenario, the seed and the number of users, so that a run can be
 * repeated, and its changes counted before it begins.
 */
import { createHash } from 'node:crypto';

export const sizeClasses = ['thumb', 'small', 'medium', 'large'] as const;
export type SizeClass = (typeof sizeClasses)[number];
/** What a user can upload: an image of some size, or a file that is not an image. */
export type ImageClass = SizeClass | 'corrupt';

export interface Mix {
  /** Shares of all images; they need not add up to 100. */
  readonly sizes: Readonly<Record<SizeClass, number>>;
  /** Share of users who upload a file that cannot be processed. */
  readonly corruptPercent: number;
  /** Share of users who send the same file to the same key twice in a row. */
  readonly twicePercent: number;
  /** Share of users who delete instead of uploading. */
  readonly deletePercent: number;
  /** Users share this many keys; 0: each has its own. */
  readonly sharedKeys: number;
}

export type PlannedChange =
  | { readonly kind: 'upload'; readonly key: string; readonly image: string }
  | { readonly kind: 'delete'; readonly key: string };

export interface Plan {
  readonly seed: number;
  /** Goes before every key. */
  readonly prefix: string;
  /** Users per phase; each phase has the whole mix, so that phases can be compared. */
  readonly phases: readonly number[];
  readonly mix: Mix;
  /** Names of the images to choose from. */
  readonly images: Readonly<Record<ImageClass, readonly string[]>>;
}

/** One entry per user, in order of arrival: the changes that user makes, one after another. */
export function planChanges({ phases, ...plan }: Plan): PlannedChange[][] {
  return phases.flatMap((users, phase) => {
    const first = phases.slice(0, phase).reduce((sum, count) => sum + count, 0);
    return planPhase(plan, { phase, first, users });
  });
}

function planPhase(
  { seed, prefix, mix, images }: Omit<Plan, 'phases'>,
  { phase, first, users }: { readonly phase: number; readonly first: number; readonly users: number },
): PlannedChange[][] {
  const { corruptPercent, twicePercent, deletePercent, sharedKeys } = mix;
  const usual = 100 - corruptPercent - twicePercent - deletePercent;
  const shares = { usual, corrupt: corruptPercent, twice: twicePercent, delete: deletePercent };
  const turns = deal(users, shares, [seed, 'turn', phase]);
  const count = (wanted: (turn: keyof typeof shares) => boolean) => turns.filter(wanted).length;
  const pictures = deal(
    count((turn) => turn === 'usual' || turn === 'twice'),
    pictureShares(mix, images),
    [seed, 'picture', phase],
  );
  const corrupt = deal(
    count((turn) => turn === 'corrupt'),
    Object.fromEntries(images.corrupt.map((image) => [image, 1])),
    [seed, 'corrupt', phase],
  );
  return turns.map((turn, index) => {
    const user = first + index;
    // A folder each: they are different senders.
    const folder = sharedKeys === 0 ? String(user).padStart(5, '0') : `shared-${draw(sharedKeys, [seed, 'key', user])}`;
    const key = `${prefix}${folder}/image.jpg`;
    if (turn === 'delete') return [{ kind: 'delete', key }];
    const image = (turn === 'corrupt' ? corrupt : pictures).shift();
    if (image === undefined) throw new Error('A user uploads an image that was not drawn.');
    const upload = { kind: 'upload', key, image } as const;
    return turn === 'twice' ? [upload, upload] : [upload];
  });
}

/** Each image of a class is used equally often. */
function pictureShares({ sizes }: Mix, images: Plan['images']): Record<string, number> {
  return Object.fromEntries(
    sizeClasses.flatMap((size) => {
      if (sizes[size] > 0 && images[size].length === 0) throw new Error(`There is no image of class ${size}.`);
      return images[size].map((image) => [image, sizes[size] / images[size].length]);
    }),
  );
}

/** Assigns `count` labels in proportion to their shares, rounded to whole numbers, at positions that the seed determines. */
function deal<Label extends string>(
  count: number,
  shares: Readonly<Record<Label, number>>,
  seed: readonly (string | number)[],
): Label[] {
  const labels = Object.keys(shares) as Label[];
  const total = labels.reduce((sum, label) => sum + shares[label], 0);
  const ends = labels.map((_, index) =>
    Math.round((labels.slice(0, index + 1).reduce((sum, label) => sum + shares[label], 0) / total) * count),
  );
  const ranks = Array.from({ length: count }, (_, index) => ({ index, weight: fraction([...seed, index]) }))
    .sort((one, other) => one.weight - other.weight || one.index - other.index)
    .map(({ index }) => index);
  const dealt: Label[] = [];
  for (const [rank, index] of ranks.entries()) {
    const label = labels[ends.findIndex((end) => rank < end)];
    if (label !== undefined) dealt[index] = label;
  }
  return dealt;
}

function draw(choices: number, seed: readonly (string | number)[]): number {
  return Math.floor(fraction(seed) * choices);
}

/** From 0 to 1, the same for the same seed on every machine. */
function fraction(seed: readonly (string | number)[]): number {
  return createHash('sha256').update(seed.join('/')).digest().readUInt32BE(0) / 2 ** 32;
}
