import { type CommandLine, parse } from '../../scripts/terminal/command.ts';

/** What a command line is given after it was parsed. @throws with what it would print, if it is refused. */
export function parsedOptions(line: CommandLine, args: readonly string[]): Readonly<Record<string, unknown>> {
  let printed = '';
  const print = (text: string) => {
    printed += text;
  };
  const parsed = parse(line, args, { out: print, error: print });
  if (typeof parsed === 'number') throw new Error(printed);
  return { arguments: parsed.arguments, ...parsed.options };
}
