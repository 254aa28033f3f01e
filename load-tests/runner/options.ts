import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { projectName } from '../../core/names.ts';
import { Failure } from '../../scripts/terminal/failure.ts';
import { callerDirectory } from '../../scripts/terminal/project.ts';

export type LoadOptions =
  | { readonly command: 'help' }
  | { readonly command: 'compare'; readonly before: string; readonly after: string }
  | {
      readonly command: 'run';
      readonly scenario: string;
      /** Of an account; undefined: the emulator. */
      readonly stack: string | undefined;
      readonly seed: number;
      readonly scale: number;
      readonly against: string | undefined;
      readonly keep: boolean;
      readonly yes: boolean;
    };

export const loadHelp = (
  scenarios: readonly string[],
): string => `Puts the pipeline under load and measures what its users feel: upload → ready, image by image.

  npm run load -- SCENARIO                   on an emulator of its own on this machine, which costs nothing
  npm run load -- SCENARIO --stack NAME      on a stack of your AWS account; says what it will cost, and asks
  npm run load -- compare BEFORE AFTER       two results (their run.json) side by side

Scenarios: ${scenarios.join(', ')}. load-tests/load.md says what each one proves.

Options, after the --

  --seed N        which images come in which order (default 1); the same seed gives the same run
  --scale X       that many times as many arrivals in the same time (default 1)
  --against JSON  an earlier result (its run.json), shown in the report beside this one
  --keep          leave the uploads in the bucket (else they are removed at the end)
  --yes           do not ask before it costs money
  --help          this
`;

export function parseLoadOptions(args: readonly string[]): LoadOptions {
  const { values, positionals } = parse(args);
  const [first, ...rest] = positionals;
  if (values.help || first === undefined) return { command: 'help' };
  if (first === 'compare') {
    const [before, after, ...more] = rest;
    if (before === undefined || after === undefined || more.length > 0) {
      throw new Failure('compare needs two results: npm run load -- compare BEFORE/run.json AFTER/run.json.');
    }
    return { command: 'compare', before: asPath(before), after: asPath(after) };
  }
  if (rest.length > 0) throw new Failure(`One scenario at a time: ${first} or ${rest.join(' or ')}.`);
  if (values.stack === '') throw new Failure(`--stack needs a name: --stack ${projectName}-dev.`);
  return {
    command: 'run',
    scenario: first,
    stack: values.stack,
    seed: asNumber('--seed', values.seed, Number.isSafeInteger, 'a whole number from 0'),
    scale: asNumber('--scale', values.scale, (scale) => scale > 0, 'a number above 0'),
    against: values.against === undefined ? undefined : asPath(values.against),
    keep: values.keep,
    yes: values.yes,
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        stack: { type: 'string' },
        seed: { type: 'string', default: '1' },
        scale: { type: 'string', default: '1' },
        against: { type: 'string' },
        keep: { type: 'boolean', default: false },
        yes: { type: 'boolean', short: 'y', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
  } catch (error) {
    // Node's own sentence, without its lecture on how to escape a leading dash.
    const [sentence = ''] = error instanceof Error ? error.message.split(/\. |\n/) : [];
    throw new Failure(`${sentence.replace(/\.$/, '')}: see npm run load -- --help for the options there are.`);
  }
}

function asPath(path: string): string {
  return resolve(callerDirectory(), path);
}

function asNumber(option: string, text: string, isFine: (value: number) => boolean, wanted: string): number {
  const value = Number(text);
  if (/^\d+(\.\d+)?$/.test(text) && isFine(value)) return value;
  throw new Failure(`${option} needs ${wanted}, not ${JSON.stringify(text)}.`);
}
