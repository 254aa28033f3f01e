import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { Argument } from '@commander-js/extra-typings';
import { describe, expect, it } from 'vitest';
import { redriveCommand } from '../../scripts/redrive/redrive.ts';
import { renameCommand } from '../../scripts/rename/rename.ts';
import { startCommand } from '../../scripts/start/start.ts';
import {
  command,
  commandGroup,
  oneOf,
  parse,
  positiveNumber,
  someOf,
  wholeNumber,
} from '../../scripts/terminal/command.ts';

const develop = command({
  name: 'develop',
  summary: 'Develops a film.',
  syntax: (line) =>
    line
      .addArgument(new Argument('<films...>', 'which films').argParser(someOf(['colour', 'monochrome'])))
      .option('--minutes <n>', 'how long', wholeNumber({ from: 1, to: 90 }), 8)
      .option('--dilution <x>', 'how strong', positiveNumber)
      .option('--agitate', 'turn the tank over')
      .option('--bath <name>', 'which bath', oneOf(['stop', 'fixer'])),
  examples: { 'npm run lab -- develop colour': 'one roll' },
  notes: 'Mind the temperature.',
  run: async ({ arguments: [films], options }) => {
    seen = { films, ...options };
    return options.agitate ? 3 : undefined;
  },
});
const lab = commandGroup({ name: 'npm run lab', summary: 'Works with film.', commands: [develop] });
let seen: unknown;

async function run(line: Parameters<typeof parse>[0], ...args: readonly string[]) {
  const printed = { out: '', error: '' };
  const parsed = parse(line, args, {
    out: (text) => {
      printed.out += text;
    },
    error: (text) => {
      printed.error += text;
    },
  });
  const exitCode = typeof parsed === 'number' ? parsed : ((await parsed.run(new AbortController().signal)) ?? 0);
  return { exitCode, ...printed };
}

describe('a command line', () => {
  it('passes on parsed arguments and options, with their defaults', async () => {
    expect(await run(develop, 'colour', 'monochrome', '--dilution', '1.5')).toMatchObject({ exitCode: 0 });
    expect(seen).toEqual({ films: ['colour', 'monochrome'], minutes: 8, dilution: 1.5 });
  });

  it('exits with the code that its work returns', async () => {
    expect(await run(lab, 'develop', 'colour', '--agitate', '--bath', 'fixer')).toMatchObject({ exitCode: 3 });
    expect(seen).toEqual({ films: ['colour'], minutes: 8, agitate: true, bath: 'fixer' });
  });

  it('shows its usage with npm, its options and its examples on --help, and exits with 0', async () => {
    const { exitCode, out, error } = await run(lab, 'develop', '--help');
    expect(out).toContain('Usage: npm run lab -- develop [options] <films...>');
    for (const part of ['--minutes <n>', '(default: 8)', 'npm run lab -- develop colour  one roll', 'temperature'])
      expect(out).toContain(part);
    expect({ exitCode, error }).toEqual({ exitCode: 0, error: '' });
  });

  it.each([
    ['npm start', startCommand],
    ['npm run rename', renameCommand],
    ['npm run redrive', redriveCommand],
  ])('shows a help page that fits 80 columns: %s', async (_, line) => {
    const { out } = await run(line, '--help');
    expect(out).toContain('Examples:');
    expect(out.split('\n').filter(({ length }) => length > 80)).toEqual([]);
  });

  it.each([
    ['an unknown option', ['colour', '--minuts', '3'], "Unknown option '--minuts'. Did you mean --minutes?"],
    ['a number out of range', ['colour', '--minutes', '91'], 'Use a whole number from 1 to 90.'],
    ['an invalid number', ['colour', '--minutes', '1e1'], 'Use a whole number from 1 to 90.'],
    ['zero', ['colour', '--dilution', '0'], 'Use a number above 0.'],
    [
      'an unknown word',
      ['monocrome'],
      "Invalid films 'monocrome'. Use one of colour, monochrome. Did you mean monochrome?",
    ],
    ['a word similar to none', ['slides'], /Use one of colour, monochrome\.\n/],
    [
      'an unknown choice',
      ['colour', '--bath', 'fixr'],
      "Invalid value 'fixr' for --bath <name>. Use one of stop, fixer.",
    ],
    ['an option without a value', ['colour', '--bath'], "Option '--bath <name>' argument missing."],
  ])('with %s, prints an error and how to get help to stderr, and exits with 1', async (_, args, sentence) => {
    const { exitCode, out, error } = await run(lab, 'develop', ...args);
    expect(error).toMatch(sentence);
    expect(error).toContain('For help: npm run lab -- develop --help');
    expect(error.split('\n').length).toBe(3);
    expect({ exitCode, out }).toEqual({ exitCode: 1, out: '' });
  });

  it('without a required argument, names it and prints its help to stderr, and exits with 1', async () => {
    const { exitCode, out, error } = await run(develop);
    expect(error).toMatch(/^Missing required argument 'films'\.\n\nUsage: develop/);
    expect({ exitCode, out }).toEqual({ exitCode: 1, out: '' });
  });

  it('suggests the correct subcommand', async () => {
    const { exitCode, error } = await run(lab, 'devlop');
    expect(error).toContain("Unknown command 'devlop'. Did you mean develop?");
    expect(exitCode).toBe(1);
  });
});

describe('a process that runs a command', () => {
  function start(spec: string) {
    const module = new URL('../../scripts/terminal/command.ts', import.meta.url);
    const failure = new URL('../../scripts/terminal/failure.ts', import.meta.url);
    const source = `
      import { command, main } from '${module}';
      import { Failure } from '${failure}';
      const forever = setInterval(() => undefined, 1000);
      await main(command({ name: 'example', summary: '', syntax: (line) => line, ${spec} }));`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', source], { stdio: ['ignore', 'pipe', 'pipe'] });
    const ended = Promise.all([once(child, 'close'), text(child.stderr)]);
    return { child, ended: ended.then(([[exitCode], error]) => ({ exitCode, error })) };
  }

  it('prints a failure as one sentence, cleans up, and exits with 1', async () => {
    const { ended } = start(`
      run: async () => { throw new Failure('The film is torn.'); },
      cleanUp: async () => console.error('Cleaned up.'),`);
    expect(await ended).toEqual({ exitCode: 1, error: 'The film is torn.\nCleaned up.\n' });
  });

  it('when stopped, says so, cleans up, and exits with the code of the signal', async () => {
    const { child, ended } = start(`
      run: () => new Promise(() => console.log('running')),
      cleanUp: async () => console.error('Cleaned up.'),`);
    await once(child.stdout, 'data');
    child.kill('SIGINT');
    expect(await ended).toEqual({ exitCode: 130, error: '\nStopped.\nCleaned up.\n' });
  });

  it('when stopped, waits for a command that restores what it changed, and hides errors that the stop causes', async () => {
    const { child, ended } = start(`
      runsToEnd: true,
      run: ({ signal }) => new Promise((_, reject) => {
        signal.addEventListener('abort', () => { console.error('Put back.'); reject(new Error('aborted')); });
        console.log('running');
      }),
      cleanUp: async () => console.error('Cleaned up.'),`);
    await once(child.stdout, 'data');
    child.kill('SIGTERM');
    expect(await ended).toEqual({ exitCode: 143, error: 'Put back.\n\nStopped.\nCleaned up.\n' });
  });
});
