import { join } from 'node:path';
import pMap from 'p-map';
import { type InputFormat, inputFormats } from '../../core/metadata.ts';
import { batchesOf } from '../../scripts/stack/batches.ts';
import { showStep } from '../../scripts/terminal/progress.ts';
import { workDirectory } from '../../scripts/terminal/project.ts';
import { hostileAnimations } from '../../test/hostile/animations.ts';
import { brokenFiles, truncatedAtParts } from '../../test/hostile/broken-files.ts';
import { excessiveWork } from '../../test/hostile/excessive-work.ts';
import { falseHeaders } from '../../test/hostile/false-headers.ts';
import { goodFiles } from '../../test/hostile/good-files.ts';
import { hostileHeics } from '../../test/hostile/heics.ts';
import type { Maker } from '../../test/hostile/hostile-file.ts';
import { collections, oddFiles } from '../../test/hostile/odd-files.ts';
import { oddProfiles } from '../../test/hostile/profiles.ts';
import { ingredients } from '../../test/hostile/structured/ingredients.ts';
import { structuredFiles } from '../../test/hostile/structured-files.ts';
import { bombs } from './bombs.ts';
import { type Drawing, judgeDrawn } from './drawn-files.ts';
import {
  type Bounds,
  filesIn,
  judgeTogether,
  MEGABYTES_OF_WORKER,
  SECONDS_OF_WORKER,
  SIDE_BY_SIDE,
  type Tally,
  together,
} from './judged-files.ts';
import { overloads } from './overloads.ts';
import type { Proof, ProofOptions } from './proof.ts';

// 30 % must stay free: docs/decisions/0006-image-work.md.
const megabytes = Math.floor(MEGABYTES_OF_WORKER * 0.7);
const bounds: Bounds = { megabytes, seconds: SECONDS_OF_WORKER };
// Small files are rejected, or are far below a limit.
const boundsOfSmall: Bounds = { megabytes, seconds: 5 };
// Nothing but the kernel and the worker's clock bounds them.
const overlooking: Judging = {
  within: { megabytes: MEGABYTES_OF_WORKER, seconds: SECONDS_OF_WORKER },
  mode: 'overlooked',
};
// Of drawing files of each kind. The nightly workflow has an hour.
const MINUTES = 20;
const FILES_A_PROCESS = 50;
// Of HEICs, and of animations.
const MOST_OF_KIND = 500;
const FILES_A_LONG_PROCESS = 500;
const FILES_OF_OVERLOOKED = 10;
// Of each format.
const mutated = { some: 40, many: 20_000 };
const structured = { some: 40, many: 5_000 };
const overlooked = { some: 10, many: 100 };
// Of each kind.
const excessive = { some: 2, many: 10 };

/** Hostile files through the real workers, in separate processes. */
export async function proveHostile(options: ProofOptions): Promise<readonly Proof[]> {
  const { seed, long, runs, minutes = MINUTES } = options;
  const amount = ({ some, many }: { readonly some: number; readonly many: number }) => (long ? many : some);
  const ofKind = Math.min(runs ?? MOST_OF_KIND, MOST_OF_KIND);
  const made = await ingredients();
  const good = await goodFiles();
  const still = [
    ...(await oddFiles(good)),
    ...falseHeaders(good),
    ...(await oddProfiles()),
    ...collections(),
    ...truncatedAtParts(good),
  ];
  const alone = (makers: readonly Maker[]) => makers.map((maker) => [maker]);
  const mutations = inputFormats.map((format): Drawing => {
    const names = [...good.keys()].filter((name) => formatOf(name) === format);
    return { format, draw: (from, count) => brokenFiles(good, from, count, names) };
  });
  const structures = inputFormats.map(
    (format): Drawing => ({
      format,
      draw: (from, count) => structuredFiles(format, made, { seed: from, count }),
    }),
  );
  const drawn = (title: 'mutated' | 'structured', drawings: readonly Drawing[], count: number) =>
    judgedInTurn(title, drawings, count, { ...options, minutes });
  const unchecked = [
    ...excessiveWork(seed, 1),
    ...inputFormats.flatMap((format) => structuredFiles(format, made, { seed, count: amount(overlooked) })),
  ];
  return [
    proof('odd and misleading files', await judged('Odd and misleading', batchesOf(still, FILES_A_PROCESS)), bounds),
    proof(
      'HEICs that are damaged, or whose parts do not fit together,',
      await judged('HEIC', batchesOf(hostileHeics(seed, ofKind), FILES_A_PROCESS)),
      bounds,
    ),
    proof(
      'animations that are damaged, or whose frames do not fit together,',
      await judged('Animations', batchesOf(hostileAnimations(seed, ofKind), FILES_A_PROCESS)),
      bounds,
    ),
    proof(
      'small files that request excessive work',
      await judged('Excessive work', alone(excessiveWork(seed, amount(excessive))), { within: boundsOfSmall }),
      boundsOfSmall,
    ),
    proof('small files with very many parts', await judged('Overloads', alone(overloads())), bounds),
    proof('bombs, each in a fresh worker,', await judged('Bombs', alone(bombs()), { atOnce: 1 }), bounds),
    unbounded(await judged('Overlooked', batchesOf(unchecked, FILES_OF_OVERLOOKED), overlooking)),
    await drawn('mutated', mutations, runs ?? amount(mutated)),
    await drawn('structured', structures, runs ?? amount(structured)),
  ];
}

function formatOf(name: string): InputFormat | undefined {
  const extension = name.split('.').at(-1);
  return extension === 'jpg' ? 'jpeg' : inputFormats.find((format) => format === extension);
}

interface Judging {
  readonly within?: Bounds;
  readonly atOnce?: number;
  readonly mode?: 'overlooked';
}

function judged(title: string, batches: readonly (readonly Maker[])[], judging: Judging = {}): Promise<Tally> {
  const { within = bounds, atOnce = SIDE_BY_SIDE, ...mode } = judging;
  return showStep(`${title}: ${batches.flat().length}`, async (report) => {
    let done = 0;
    const judge = async (batch: readonly Maker[], index: number) => {
      const name = `${title.toLowerCase().replaceAll(' ', '-')}-${index}`;
      const found = await judgeTogether(batch, { name, bounds: within, ...mode });
      done += batch.length;
      report(`${done} judged`);
      return found;
    };
    return together(await pMap(batches, judge, { concurrency: atOnce }));
  });
}

function judgedInTurn(
  title: 'mutated' | 'structured',
  drawings: readonly Drawing[],
  count: number,
  { seed, long, resume, minutes }: ProofOptions & { readonly minutes: number },
): Promise<Proof> {
  return showStep(`Files, ${title}: ${count} of each format`, async (report) => {
    const found = await judgeDrawn(drawings, {
      ...{ seed, count, resume, sideBySide: SIDE_BY_SIDE, until: Date.now() + minutes * 60_000 },
      filesAtOnce: long ? FILES_A_LONG_PROCESS : FILES_A_PROCESS,
      progressFile: join(workDirectory, `hostile-${title}-${seed}-${count}.json`),
      judge: (makers, name) => judgeTogether(makers, { name: `${title}-${name}`, bounds: boundsOfSmall }),
      report: (files) => report(`${files} judged`),
    });
    const [files, all] = [filesIn(found), count * drawings.length];
    const rest = files < all ? ` of ${all}; --resume --seed ${seed} continues` : '';
    const what = title === 'mutated' ? 'mutated files' : 'files of sound parts in hostile numbers, orders and places';
    return proof(what, found, boundsOfSmall, rest);
  });
}

function proof(what: string, found: Tally, within: Bounds, rest = ''): Proof {
  return {
    promise: `${what} end processed or rejected, within the worker’s memory and time, and leak nothing into renditions`,
    evidence:
      `${filesIn(found)} files${rest}: ${ends(found)}; ` +
      `at most ${found.megabytes} MB of ${within.megabytes} and ${found.seconds.toFixed(1)} s of ${within.seconds} per worker`,
    ...(found.against.length > 0 && { against: found.against.join('\n') }),
  };
}

function unbounded(found: Tally): Proof {
  return {
    promise:
      'files that no check looks at before they are decoded end processed or rejected, and the image after each is processed',
    evidence: `${filesIn(found)} files: ${ends(found)}`,
    ...(found.against.length > 0 && { against: found.against.join('\n') }),
  };
}

function ends({ outcomes }: Tally): string {
  return Object.entries(outcomes)
    .map(([outcome, files]) => `${outcome} ${files}`)
    .join(', ');
}
