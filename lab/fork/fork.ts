/** `npm run lab -- fork`. */
import type { RenditionGroup } from '../../core/presets.ts';
import { command } from '../../scripts/terminal/command.ts';
import { Failure } from '../../scripts/terminal/failure.ts';
import { changePresets } from './change-presets.ts';
import { type FailedTest, forkedCopy } from './forked-copy.ts';
import { presetVariants } from './preset-variants.ts';

const variants: ReadonlyMap<string, readonly RenditionGroup[]> = new Map(Object.entries(presetVariants));
const names = [...variants.keys()].join(', ');

/** The one test that must ask for confirmation after a change of presets. */
const GUARD = { file: 'test/core/presets.test.ts', says: 'Edit this list on purpose' };

export const forkCommand = command({
  name: 'fork',
  summary:
    'Changes the presets of a copy of this repository as a fork would, and runs its unit tests there. 3 minutes each.',
  syntax: (line) =>
    line
      .argument('[variant]', `one of ${names}; without it, all of them`)
      .argument('[files...]', 'only these test files'),
  notes: 'Fails unless exactly one test fails: the one that asks whether the public names were changed on purpose.',
  run: async ({ arguments: [wanted, files] }) => {
    if (wanted !== undefined && !variants.has(wanted))
      throw new Failure(`There is no variant ${wanted}: choose ${names}.`);
    let holds = true;
    for (const [name, groups] of variants) {
      if (wanted === undefined || wanted === name) holds = (await tryVariant(name, groups, files)) && holds;
    }
    return holds ? 0 : 1;
  },
});

/** Whether only the guard failed. */
async function tryVariant(name: string, groups: readonly RenditionGroup[], files: readonly string[]): Promise<boolean> {
  const copy = await forkedCopy();
  try {
    await changePresets(copy, groups);
    const { passed, failed } = await copy.unitTests(...files);
    const others = failed.filter((one) => !isGuard(one));
    const asked = failed.length - others.length;
    process.stdout.write(`${name}: ${passed} tests passed, ${failed.length} failed.\n`);
    if (asked !== 1)
      process.stdout.write(`  ${GUARD.file} should have asked once to confirm the names; it asked ${asked} times.\n`);
    for (const one of others) process.stdout.write(`  ${described(one)}\n`);
    return asked === 1 && others.length === 0;
  } finally {
    await copy.remove();
  }
}

function isGuard({ file, message }: FailedTest): boolean {
  return file === GUARD.file && message.includes(GUARD.says);
}

function described({ file, test = 'could not be loaded', message }: FailedTest): string {
  return `${file}: ${test}\n    ${message.split('\n')[0]}`;
}
