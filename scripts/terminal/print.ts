import wrapAnsi from 'wrap-ansi';
import { printableLines } from './printable.ts';

/** Columns of the terminal; undefined where a file or a program reads the output. */
export function terminalColumns(stream: NodeJS.WriteStream = process.stdout): number | undefined {
  return stream.isTTY && stream.columns > 0 ? stream.columns : undefined;
}

/** Writes lines, without anything in them that could control a terminal; a terminal gets them broken between words. */
export function print(...lines: readonly string[]): void {
  process.stdout.write(`${wrapped(printableLines(lines.join('\n')), terminalColumns())}\n`);
}

export function printError(...lines: readonly string[]): void {
  process.stderr.write(`${wrapped(printableLines(lines.join('\n')), terminalColumns(process.stderr))}\n`);
}

/** Each line broken between words, its parts indented alike. */
export function wrapped(text: string, columns: number | undefined): string {
  if (columns === undefined) return text;
  return text
    .split('\n')
    .map((line) => {
      const [indent = ''] = /^ */.exec(line) ?? [];
      return wrapAnsi(line.slice(indent.length), columns - indent.length).replaceAll(/^/gm, indent);
    })
    .join('\n');
}
