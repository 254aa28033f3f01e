/** What is uploaded, the order of its events, the faults in the meantime, and what is erased and backfilled: all drawn from one seed. */
import fc from 'fast-check';
import { steps } from '../../core/steps.ts';
import { numberAt, templateFor } from '../../scripts/template/template.ts';
import { functionPermissions } from '../../test/support/function-permissions.ts';

export interface Image {
  readonly key: string;
  /** What must be shown in the end. */
  readonly shown: string;
  readonly before: string | undefined;
}

export type Trouble =
  | { readonly kind: 'killed' }
  | { readonly kind: 'throttled'; readonly stem: string; readonly to: number }
  | { readonly kind: 'denied'; readonly stem: string; readonly sid: string; readonly action: string };

export const troubleKinds = ['killed', 'throttled', 'denied'] as const satisfies readonly Trouble['kind'][];

export interface ChaosPlan {
  readonly images: readonly Image[];
  /** Uploaded like the others, and erased in the middle of the run: some of their events come before, some after. */
  readonly erased: readonly Image[];
  /** Their events are lost. They are backfilled at the same time. */
  readonly unnoticed: readonly Image[];
  /** How much of all messages is sent before the erasure and the backfill begin: between 0 and 1. */
  readonly commandsAfter: number;
  /** One after another, while uploads are in progress. */
  readonly troubles: readonly Trouble[];
  /** Repeats a fifth of them, and shuffles all. */
  disorder(messages: readonly string[]): readonly string[];
}

const local = templateFor('local').resources;
/** Workers of each function, as stage local reserves them. */
export const reserved: ReadonlyMap<string, number> = new Map(
  steps.map(({ name }) => {
    const properties = local.get(`${name}Function`)?.Properties;
    if (properties === undefined) throw new Error(`template.yaml has no ${name}Function.`);
    return [name, numberAt(properties['ReservedConcurrentExecutions'])];
  }),
);
/** The permissions without which no image can be processed: to run the workflow, and those of the workers. */
const processing = steps.filter(({ takes }) => takes === 'image' || takes === 'rendition').map(({ name }) => name);
const permissions = functionPermissions
  // The emulator's events have no version.
  .filter(({ action }) => action !== 's3:GetObjectVersion')
  .filter(({ stem, sid }) => sid === 'RunWorkflow' || processing.some((name) => name === stem))
  .map(({ stem, sid, action }) => ({ stem, sid, action }));
const trouble: fc.Arbitrary<Trouble> = fc.oneof(
  fc.constant<Trouble>({ kind: 'killed' }),
  fc.record({
    kind: fc.constant('throttled' as const),
    stem: fc.constantFrom(...reserved.keys()),
    to: fc.constantFrom(0, 1),
  }),
  fc.constantFrom(...permissions).map((permission): Trouble => ({ kind: 'denied', ...permission })),
);
export const colours = ['#123456', '#654321', '#2e8b57', '#daa520', '#8b0000', '#708090', '#4b0082', '#f5f5dc'];
// Of the events, which are repeated, and of the images, which are uploaded twice.
const REPEATED = 0.2;
const REPLACED = 0.2;
export const erasedFolder = 'chaos-erased/';
export const unnoticedFolder = 'chaos-unnoticed/';
// Enough to be in every state; each waits for the whole run to calm down.
const A_FEW = 5;

export function chaosPlan({ seed, uploads }: { readonly seed: number; readonly uploads: number }): ChaosPlan {
  // Property tests prefer small and extreme values; here, all must be equally likely.
  const draw = <Value>(arbitrary: fc.Arbitrary<Value>, count: number) =>
    fc.sample(fc.noBias(arbitrary), { seed, numRuns: count });
  const image = fc.record({
    shown: fc.constantFrom(...colours),
    other: fc.constantFrom(...colours),
    chance: fc.integer({ min: 0, max: 99 }),
  });
  const [commandsAfter = 0] = draw(fc.integer({ min: 20, max: 60 }), 1).map((percent) => percent / 100);
  const drawn = draw(image, uploads + 2 * A_FEW);
  const imagesAt = (from: number, count: number, keyOf: (index: number) => string): Image[] =>
    drawn.slice(from, from + count).map(({ shown, other, chance }, index) => ({
      ...{ key: keyOf(index), shown },
      before: chance < REPLACED * 100 && other !== shown ? other : undefined,
    }));
  return {
    // A folder each: one sender may not have all of them in progress.
    images: imagesAt(0, uploads, (index) => `chaos-${index}/image.png`),
    erased: imagesAt(uploads, A_FEW, (index) => `${erasedFolder}${index}.png`),
    unnoticed: imagesAt(uploads + A_FEW, A_FEW, (index) => `${unnoticedFolder}${index}.png`),
    commandsAfter,
    troubles: draw(trouble, uploads),
    disorder(messages) {
      const [repeated = []] = draw(
        fc.shuffledSubarray([...messages], evenly(Math.round(messages.length * REPEATED))),
        1,
      );
      const all = [...messages, ...repeated];
      const [shuffled = []] = draw(fc.shuffledSubarray(all, evenly(all.length)), 1);
      return shuffled;
    },
  };
}

const evenly = (length: number) => ({ minLength: length, maxLength: length });
