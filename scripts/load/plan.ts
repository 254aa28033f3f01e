/**
 * What each virtual user of a run does. It follows from the scenario, the seed and the number of users alone, so that a run
 * can be repeated, and counted before it begins.
 */
import { createHash } from 'node:crypto';

export const sizeClasses = ['thumb', 'small', 'medium', 'large'] as const;
export type SizeClass = (typeof sizeClasses)[number];
/** What can be uploaded: a picture of some size, or a file that is none. */
export type ImageClass = SizeClass | 'corrupt';

export interface Mix {
  /** Shares of all pictures; they need not add up to 100. */
  readonly sizes: Readonly<Record<SizeClass, number>>;
  /** Of the users, upload a file that cannot be processed. */
  readonly corruptPercent: number;
  /** Of the users, send the same file to the same key a second time, at once. */
  readonly twicePercent: number;
  /** Of the users, delete instead of uploading. */
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
  readonly users: number;
  readonly mix: Mix;
  /** Names of the images to choose from. */
  readonly images: Readonly<Record<ImageClass, readonly string[]>>;
}

/** One entry a user, in the order of their arrival: the changes that user makes, one after the other. */
export function planChanges({ seed, prefix, users, mix, images }: Plan): PlannedChange[][] {
  const { corruptPercent, twicePercent, deletePercent, sharedKeys, sizes } = mix;
  const usual = 100 - corruptPercent - twicePercent - deletePercent;
  const turns = deal(users, { usual, corrupt: corruptPercent, twice: twicePercent, delete: deletePercent }, [
    seed,
    'turn',
  ]);
  const classes = deal(users, sizes, [seed, 'size']);
  return turns.map((turn, user) => {
    const key =
      sharedKeys === 0
        ? `${prefix}${String(user).padStart(5, '0')}.jpg`
        : `${prefix}shared-${draw(sharedKeys, [seed, 'key', user])}.jpg`;
    if (turn === 'delete') return [{ kind: 'delete', key }];
    const choices = images[turn === 'corrupt' ? 'corrupt' : (classes[user] ?? 'small')];
    const image = choices[draw(choices.length, [seed, 'image', user])];
    if (image === undefined) throw new Error('There is no image of a class that the mix asks for.');
    const upload = { kind: 'upload', key, image } as const;
    return turn === 'twice' ? [upload, upload] : [upload];
  });
}

/** Gives each of `count` one label: as many as its share says, to the nearest whole number, at places that the seed decides. */
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
