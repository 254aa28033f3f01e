import { describe, expect, it } from 'vitest';
import { commandCases, defectsOfRerun, earlier, endings } from '../prove/command-cases.ts';

/** The plan of `npm run lab -- prove killed-commands`, and each defect that it can report. */

const [list, send] = ['s3:ListBucket', 'sqs:SendMessageBatch'];
const calls = { erase: [list, 'dynamodb:Scan', list, list], backfill: [list, send], rerender: [send] };
const cases = commandCases(calls, 1);

describe('the cases', () => {
  it('are each action of each command with every fault', () => {
    const tried = cases.map(({ command, action, kind }) => `${command} ${action} ${kind}`);
    const actions = [
      `erase ${list}`,
      'erase dynamodb:Scan',
      `backfill ${list}`,
      `backfill ${send}`,
      `rerender ${send}`,
    ];
    expect(tried.toSorted()).toEqual(
      actions.flatMap((action) => endings.map((kind) => `${action} ${kind}`)).toSorted(),
    );
  });

  it('happen at calls that the command makes, and not only at the first ones', () => {
    const ofList = Array.from({ length: 20 }, (_, seed) =>
      commandCases(calls, seed).filter(({ command, action }) => command === 'erase' && action === list),
    ).flat();
    expect(new Set(ofList.map(({ skipped }) => skipped))).toEqual(new Set([0, 1, 2]));
    expect(cases.filter(({ command, skipped }) => command !== 'erase' && skipped > 0)).toEqual([]);
  });

  it('depend only on the seed, and so does their order', () => {
    expect(commandCases(calls, 1)).toEqual(cases);
    expect(commandCases(calls, 2)).not.toEqual(cases);
  });

  it('move to an earlier call if the command ends before, and in the end to its first', () => {
    const tried = { command: 'erase', action: list, kind: 'denied', skipped: 5 } as const;
    const before = earlier(tried);
    expect(before).toEqual({ ...tried, skipped: 2 });
    expect(earlier({ ...tried, skipped: 1 })).toEqual({ ...tried, skipped: 0 });
    expect(earlier({ ...tried, skipped: 0 })).toBeUndefined();
  });
});

describe('a command that was run again', () => {
  const well = { happened: 1, exitCode: 0, end: { outcome: 'deleted' }, control: { outcome: 'deleted' } };

  it('has no defects if it succeeds, and ends as without a fault', () => {
    expect(defectsOfRerun(well)).toEqual([]);
  });

  it.each([
    ['The fault never occurred.', { happened: 0 }],
    ['Run again, it ended with exit code 1.', { exitCode: 1 }],
    ['Run again, it ended with exit code null.', { exitCode: null }],
    [
      'It ends with {"outcome":"processed"}, and without a fault with {"outcome":"deleted"}.',
      { end: { outcome: 'processed' } },
    ],
  ])('%s', (sentence, wrong) => {
    expect(defectsOfRerun({ ...well, ...wrong })).toEqual([sentence]);
  });
});
