import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import pMap from 'p-map';
import * as z from 'zod';
import type { InputFormat } from '../../core/metadata.ts';
import type { Maker } from '../../test/hostile/hostile-file.ts';
import { filesIn, type Tally, tally, together } from './judged-files.ts';

/** Files of one format, drawn from a seed. */
export interface Drawing {
  readonly format: InputFormat;
  readonly draw: (seed: number, count: number) => readonly Maker[];
}

export interface DrawOptions {
  readonly seed: number;
  /** Of each format. */
  readonly count: number;
  readonly filesAtOnce: number;
  readonly sideBySide: number;
  /** Milliseconds since the epoch: no batch starts after that. */
  readonly until: number;
  /** Where the results are kept until all files are judged. */
  readonly progressFile: string;
  /** Continue a run that stopped; otherwise its results are deleted. */
  readonly resume: boolean;
  readonly judge: (makers: readonly Maker[], name: string) => Promise<Tally>;
  readonly report: (files: number) => void;
}

const progress = z.record(z.string(), tally);

interface Batch {
  readonly name: string;
  readonly make: () => readonly Maker[];
}

/** Draws and judges files in batches that take turns between formats, so that a run that stops has judged some of each. */
export async function judgeDrawn(drawings: readonly Drawing[], options: DrawOptions): Promise<Tally> {
  const { progressFile, until, sideBySide, judge, report } = options;
  if (!options.resume) rmSync(progressFile, { force: true });
  const done = existsSync(progressFile) ? progress.parse(JSON.parse(readFileSync(progressFile, 'utf8'))) : {};
  const batches = batchesOf(drawings, options);
  mkdirSync(dirname(progressFile), { recursive: true });
  await pMap(
    batches,
    async ({ name, make }) => {
      if (done[name] !== undefined || Date.now() >= until) return;
      done[name] = await judge(make(), name);
      writeFileSync(progressFile, JSON.stringify(done));
      report(filesIn(together(Object.values(done))));
    },
    { concurrency: sideBySide },
  );
  const isComplete = batches.every(({ name }) => done[name] !== undefined);
  if (isComplete) rmSync(progressFile, { force: true });
  return together(Object.values(done));
}

function batchesOf(drawings: readonly Drawing[], { seed, count, filesAtOnce }: DrawOptions): readonly Batch[] {
  return Array.from({ length: Math.ceil(count / filesAtOnce) }, (_, index) =>
    drawings.map(({ format, draw }): Batch => {
      const files = Math.min(filesAtOnce, count - index * filesAtOnce);
      // A batch does not depend on those before it, so a run can continue anywhere.
      return { name: `${format}-${index}-of-${files}`, make: () => draw(seed + index, files) };
    }),
  ).flat();
}
