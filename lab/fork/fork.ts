/** `npm run fork`: see the help below. */
import { parseArgs } from 'node:util';
import { describeFailure, Failure } from '../../scripts/terminal/failure.ts';
import { changePresets } from './change-presets.ts';
import { type FailedTest, forkedCopy } from './forked-copy.ts';
import { presetVariants } from './preset-variants.ts';

const help = `Changes the presets of a copy of this repository as a fork would, and runs its unit tests there.

  npm run fork                      every variant: ${Object.keys(presetVariants).join(', ')}
  npm run fork -- one-preset        one of them
  npm run fork -- one-preset FILE…  only these test files

Ends with 1 unless exactly one test fails in each: the one that asks whether the public names changed on purpose.
`;

/** The one test that a change of presets has to answer to. */
const GUARD = { file: 'test/core/presets.test.ts', says: 'Edit this list on purpose' };

if (import.meta.main) {
  try {
    await fork(process.argv.slice(2));
  } catch (error) {
    process.stderr.write(`${describeFailure(error)}\n`);
    process.exitCode = 1;
  }
}

async function fork(args: readonly string[]): Promise<void> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { help: { type: 'boolean', short: 'h', default: false } },
  });
  if (values.help) {
    process.stdout.write(help);
    return;
  }
  const [wanted, ...files] = positionals;
  for (const name of wanted === undefined ? Object.keys(presetVariants) : [wanted]) {
    const complaints = await tryVariant(name, files);
    if (complaints.length > 0) throw new Failure(`${name}:\n${complaints.join('\n')}`);
  }
}

async function tryVariant(name: string, files: readonly string[]): Promise<readonly string[]> {
  const groups = Object.entries(presetVariants).find(([variant]) => variant === name)?.[1];
  if (groups === undefined) {
    throw new Failure(`There is no variant ${name}: ${Object.keys(presetVariants).join(', ')}.`);
  }
  const copy = await forkedCopy();
  try {
    await changePresets(copy, groups);
    const { passed, failed } = await copy.unitTests(...files);
    const guards = failed.filter(isGuard);
    process.stdout.write(
      `${name}: ${passed} tests passed, ${failed.length} failed, ${guards.length} of them the guard of public names.\n`,
    );
    return [
      ...(guards.length === 1 ? [] : [`${GUARD.file} should ask to confirm the public names, and did not.`]),
      ...failed.filter((one) => !isGuard(one)).map(told),
    ];
  } finally {
    await copy.remove();
  }
}

function isGuard({ file, message }: FailedTest): boolean {
  return file === GUARD.file && message.includes(GUARD.says);
}

function told({ file, test = 'could not be loaded', message }: FailedTest): string {
  return `${file}: ${test}\n    ${message.split('\n')[0]}`;
}
