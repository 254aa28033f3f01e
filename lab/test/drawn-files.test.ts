import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Maker } from '../../test/hostile/hostile-file.ts';
import { type Drawing, type DrawOptions, judgeDrawn } from '../prove/drawn-files.ts';
import { filesIn, type Tally, verdictsIn } from '../prove/judged-files.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'drawn-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const drawings = (['png', 'gif'] as const).map(
  (format): Drawing => ({
    format,
    draw: (seed, count) =>
      Array.from({ length: count }, (_, index): Maker => [`${seed} ${index}.${format}`, async () => Buffer.alloc(0)]),
  }),
);

const fine: Tally = { outcomes: { processed: 1 }, megabytes: 1, seconds: 1, against: [] };

/** Judges 5 files of each of two formats, two at once. */
async function drawn(options: Partial<DrawOptions> = {}) {
  const judged: string[] = [];
  const found = await judgeDrawn(drawings, {
    ...{ seed: 7, count: 5, filesAtOnce: 2, sideBySide: 1, until: Number.POSITIVE_INFINITY, resume: false },
    progressFile: join(folder, 'progress.json'),
    judge: async (makers) => {
      judged.push(...makers.map(([name]) => name));
      return { ...fine, outcomes: { processed: makers.length } };
    },
    report: () => undefined,
    ...options,
  });
  return { judged, found };
}

describe('drawn files', () => {
  it('are as many of each format as requested, and take turns', async () => {
    const { judged, found } = await drawn();
    expect(judged.map((name) => name.split('.')[1]).join(' ')).toBe('png png gif gif png png gif gif png gif');
    expect(new Set(judged).size).toBe(10);
    expect(filesIn(found)).toBe(10);
  });

  it('are the same again for the same seed', async () => {
    expect((await drawn()).judged).toEqual((await drawn()).judged);
    expect((await drawn()).judged).not.toEqual((await drawn({ seed: 90 })).judged);
  });

  it('that were judged before a run stopped are not judged again when it is resumed, and count', async () => {
    const all = (await drawn()).judged;
    let batches = 0;
    const first: string[] = [];
    const breaks = drawn({
      judge: async (makers) => {
        batches += 1;
        if (batches > 2) throw new Error('stopped');
        first.push(...makers.map(([name]) => name));
        return { ...fine, outcomes: { processed: makers.length } };
      },
    });
    await expect(breaks).rejects.toThrow('stopped');
    const { judged, found } = await drawn({ resume: true });
    expect([...first, ...judged]).toEqual(all);
    expect(filesIn(found)).toBe(10);
  });

  it('that were judged before count only for a run that is resumed', async () => {
    await drawn({ until: 0 });
    expect((await drawn()).judged).toHaveLength(10);
    // A run that ends leaves nothing to resume.
    expect((await drawn({ resume: true })).judged).toHaveLength(10);
  });

  it('are not judged after the time is over, and the result says how many were', async () => {
    expect(filesIn((await drawn({ until: 0 })).found)).toBe(0);
  });
});

describe('a process that judges files', () => {
  const lines = (...all: readonly object[]) => all.map((line) => `${JSON.stringify(line)}\n`).join('');
  const verdict = { outcome: 'processed', seconds: 1, defects: [], megabytes: 100 };

  it('that ends before its last file blames the file it was judging', () => {
    const stdout = lines({ file: 'a' }, { file: 'a', ...verdict }, { file: 'b' });
    expect(verdictsIn(stdout, 'signal SIGSEGV')).toMatchObject([
      { file: 'a', defects: [] },
      { file: 'b', defects: ['The process ended with signal SIGSEGV.'] },
    ]);
  });

  it('that ends after its last file blames none', () => {
    expect(verdictsIn(lines({ file: 'a' }, { file: 'a', ...verdict }), undefined)).toMatchObject([{ file: 'a' }]);
  });
});
