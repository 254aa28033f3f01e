/** Behavior that all commands share: help, errors, exit codes, and Ctrl-C. */
import { resolve } from 'node:path';
import {
  Command,
  CommanderError,
  type CommandUnknownOpts,
  InvalidArgumentError,
  type OptionValues,
} from '@commander-js/extra-typings';
import { closest, distance } from 'fastest-levenshtein';
import { describeFailure } from './failure.ts';
import { printError } from './print.ts';
import { showCursor } from './progress.ts';
import { callerDirectory } from './project.ts';
import { endRunningCommands } from './run-command.ts';
import { onceStopped } from './stop-on-signals.ts';

interface Description {
  /** As typed: `npm run redrive`; for a subcommand, a single word. */
  readonly name: string;
  readonly summary: string;
  /** Command lines, and what each one does. */
  readonly examples?: Readonly<Record<string, string>>;
  /** Shown at the end of the help. */
  readonly notes?: string;
}

/** How a command stops and cleans up. */
interface Ending {
  /** Called once on Ctrl-C, `kill` or a closed terminal: reports unfinished work, and returns the exit code. */
  readonly onStop?: (exitCode: number) => number;
  /** After a stop, waits for `run` to restore what it changed. Otherwise the process ends at once. */
  readonly runsToEnd?: boolean;
  /** Always runs last, even after an error or a stop. */
  readonly cleanUp?: () => Promise<void>;
}

type ExitCode = number;

interface Spec<Arguments extends unknown[], Options extends OptionValues> extends Description, Ending {
  /** Declares arguments and options with commander's methods. */
  readonly syntax: (line: Command) => Command<Arguments, Options>;
  /** Subcommands. */
  readonly commands?: readonly CommandLine[];
  readonly run: (input: {
    readonly arguments: Arguments;
    readonly options: Options;
    /** Aborted when the process is stopped. */
    readonly signal: AbortSignal;
  }) => Promise<ExitCode | undefined> | Promise<void>;
}

/** A command with a valid command line, ready to run. */
interface Task extends Ending {
  readonly arguments: readonly unknown[];
  readonly options: OptionValues;
  readonly run: (signal: AbortSignal) => Promise<ExitCode | undefined> | Promise<void>;
}

export interface Output {
  readonly out: (text: string) => void;
  readonly error: (text: string) => void;
}

interface Parsing {
  readonly output: Output;
  readonly accept: (task: Task) => void;
  readonly refuse: (line: CommandUnknownOpts, error: CommanderError) => never;
}

export interface CommandLine {
  readonly parser: (parsing: Parsing) => CommandUnknownOpts;
}

export function command<Arguments extends unknown[], Options extends OptionValues>({
  syntax,
  run,
  commands = [],
  ...spec
}: Spec<Arguments, Options>): CommandLine {
  return {
    parser: (parsing) => {
      const line = syntax(emptyLine(spec, parsing));
      line.action(() => {
        const [given, options] = [line.processedArgs, line.opts()];
        parsing.accept({
          ...spec,
          arguments: given,
          options,
          run: (signal) => run({ arguments: given, options, signal }),
        });
      });
      for (const { parser } of commands) line.addCommand(parser(parsing));
      return line;
    },
  };
}

export function commandGroup(spec: Description & { readonly commands: readonly CommandLine[] }): CommandLine {
  return {
    parser: (parsing) => {
      const line: Command = emptyLine(spec, parsing);
      for (const { parser } of spec.commands) line.addCommand(parser(parsing));
      return line;
    },
  };
}

/** Runs the command and exits the process. */
export async function main(line: CommandLine, args: readonly string[] = process.argv.slice(2)): Promise<never> {
  const parsed = parse(line, args, {
    out: (text) => process.stdout.write(text),
    error: (text) => process.stderr.write(text),
  });
  return typeof parsed === 'number' ? process.exit(parsed) : await perform(parsed);
}

/** Returns the task, or an exit code if help was requested or the command line is invalid. */
export function parse(line: CommandLine, args: readonly string[], output: Output): Task | ExitCode {
  let task: Task | ExitCode = 1;
  try {
    const parser = line.parser({
      output,
      accept: (accepted) => {
        task = accepted;
      },
      refuse: (refused, error) => {
        if (!error.code.startsWith('commander.help')) explain(refused, error, output);
        throw error;
      },
    });
    parser.parse(args, { from: 'user' });
    return task;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode;
    throw error;
  }
}

/** For tests: the parsed arguments and options. @throws with the printed error if the command line is invalid. */
export function parsedOptions(line: CommandLine, args: readonly string[]): Readonly<Record<string, unknown>> {
  let printed = '';
  const print = (text: string) => {
    printed += text;
  };
  const parsed = parse(line, args, { out: print, error: print });
  if (typeof parsed === 'number') throw new Error(printed);
  return { arguments: parsed.arguments, ...parsed.options };
}

async function perform({ run, onStop = sayStopped, runsToEnd = false, cleanUp }: Task): Promise<never> {
  const stopping = new AbortController();
  let stopped: ExitCode | undefined;
  let ending: Promise<never> | undefined;
  const end = (exitCode: ExitCode): Promise<never> => {
    ending ??= (async () => {
      endRunningCommands();
      await cleanUp?.();
      showCursor();
      process.exit(exitCode);
    })();
    return ending;
  };
  onceStopped((exitCode) => {
    stopped = exitCode;
    stopping.abort();
    endRunningCommands();
    if (!runsToEnd) void end(onStop(exitCode));
  });
  try {
    const exitCode = (await run(stopping.signal)) ?? 0;
    return await end(stopped === undefined ? exitCode : onStop(stopped));
  } catch (error) {
    // An error after a stop is a consequence of the stop.
    if (stopped !== undefined) return await end(onStop(stopped));
    printError(describeFailure(error));
    return await end(1);
  }
}

export function sayStopped(exitCode: ExitCode): ExitCode {
  printError('\nStopped.');
  return exitCode;
}

/** Below this, a sentence is not wrapped to the right of what it explains. */
const LEAST_COLUMNS = 20;
const SENTENCE_COLUMNS = 30;

function emptyLine({ name, summary, examples = {}, notes }: Description, { output, refuse }: Parsing): Command {
  const line = new Command(name)
    .description(summary)
    .helpOption('-h, --help', 'show this help')
    .helpCommand(false)
    .allowExcessArguments(false)
    .configureHelp({
      minWidthToWrap: LEAST_COLUMNS,
      commandUsage: (shown) => `${invocation(shown)} ${shown.usage()}`.trim(),
    })
    .configureOutput({ writeOut: output.out, writeErr: output.error, outputError: () => undefined });
  line.exitOverride((error) => refuse(line, error));
  line.addHelpText('after', () => {
    const help = line.createHelp();
    const helpWidth = (process.stdout.isTTY ? process.stdout.columns : undefined) ?? 80;
    help.prepareContext({ helpWidth });
    help.minWidthToWrap = LEAST_COLUMNS;
    const width = Math.max(0, ...Object.keys(examples).map(({ length }) => length));
    // To the right of the examples if there is room for sentences; otherwise, below each example.
    const toTheRight = width + SENTENCE_COLUMNS <= helpWidth;
    const items = Object.entries(examples).map(([typed, effect]) =>
      toTheRight
        ? help.formatItem(typed, width, effect, help)
        : `  ${typed}\n${help.boxWrap(effect, helpWidth - 6).replaceAll(/^/gm, '      ')}`,
    );
    const sections = [
      ...(items.length > 0 ? [`Examples:\n${items.join('\n')}`] : []),
      ...(notes === undefined ? [] : [help.boxWrap(notes, helpWidth)]),
    ];
    return sections.map((section) => `\n${section}`).join('\n');
  });
  return line;
}

/** `npm run lab -- cost`: npm passes on only what follows the two dashes. */
function invocation(line: CommandUnknownOpts): string {
  const words = [line.name()];
  for (let above = line.parent; above !== null; above = above.parent) words.unshift(above.name());
  const [program = '', ...subcommands] = words;
  return [program, ...(program.startsWith('npm') ? ['--'] : []), ...subcommands].join(' ');
}

/** Prints one sentence and how to get help; if a required argument is missing, the whole help. */
function explain(line: CommandUnknownOpts, error: CommanderError, output: Output): void {
  const sentence = error.message
    .replace(/^error: /, '')
    .replace(/^command-argument value (.*) is invalid for argument '(.*?)'/, 'invalid $2 $1')
    .replace(/^option '(.*?)' argument (.*) is invalid/, 'invalid value $2 for $1')
    .replace(/\n\((.*)\)$/, '. $1')
    .replace(/^./, (letter) => letter.toUpperCase())
    .replace(/(?<![.?])$/, '.');
  if (error.code === 'commander.missingArgument') {
    output.error(`${sentence}\n\n`);
    line.outputHelp({ error: true });
  } else {
    output.error(`${sentence}\nFor help: ${invocation(line)} --help\n`);
  }
}

/** Parses an option or argument that must be one of these words. */
export function oneOf<const Word extends string>(words: readonly Word[]): (text: string) => Word {
  return (text) => {
    const found = words.find((word) => word === text);
    if (found !== undefined) return found;
    throw new InvalidArgumentError(`Use one of ${words.join(', ')}.${suggestion(text, words)}`);
  };
}

/** `Did you mean …?` with a leading space, or an empty string if no word is similar. */
export function suggestion(text: string, words: readonly string[]): string {
  const similar = closest(text, words);
  return distance(text, similar) <= Math.max(1, similar.length * 0.4) ? ` Did you mean ${similar}?` : '';
}

/** {@link oneOf}, for an argument that may be repeated. */
export function someOf<const Word extends string>(
  words: readonly Word[],
): (text: string, previous: readonly Word[] | undefined) => readonly Word[] {
  const parseOne = oneOf(words);
  return (text, previous = []) => [...previous, parseOne(text)];
}

/** Parses an option that takes a whole number in a range, inclusive. */
export function wholeNumber({ from, to }: { readonly from: number; readonly to: number }): (text: string) => number {
  return (text) => {
    const number = Number(text);
    if (/^\d+$/.test(text) && number >= from && number <= to) return number;
    const range = to === Number.MAX_SAFE_INTEGER ? `of ${from} or more` : `from ${from} to ${to}`;
    throw new InvalidArgumentError(`Use a whole number ${range}.`);
  };
}

/** Parses an option that takes a path, relative to the directory where the command was typed. Returns an absolute path. */
export function path(text: string): string {
  if (text === '') throw new InvalidArgumentError('Use the path of a file or directory.');
  return resolve(callerDirectory(), text);
}

/** Parses an option that takes a name. */
export function nonEmpty(text: string): string {
  if (text === '') throw new InvalidArgumentError('Use a name.');
  return text;
}

/** Parses an option that takes any number above zero. */
export function positiveNumber(text: string): number {
  const number = Number(text);
  if (/^\d+(\.\d+)?$/.test(text) && number > 0) return number;
  throw new InvalidArgumentError('Use a number above 0.');
}
