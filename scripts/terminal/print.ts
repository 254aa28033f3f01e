import wrapAnsi from 'wrap-ansi';
import { printableLines } from './printable.ts';

/** Width of the terminal; undefined if the output goes to a file or another program. */
export function terminalColumns(stream: NodeJS.WriteStream = process.stdout): number | undefined {
  return stream.isTTY && stream.columns > 0 ? stream.columns : undefined;
}

/** Writes lines without characters that could control a terminal, wrapped between words in a terminal. */
export function print(...lines: readonly string[]): void {
  process.stdout.write(`${wrapped(printableLines(lines.join('\n')), terminalColumns())}\n`);
}

export function printError(...lines: readonly string[]): void {
  process.stderr.write(`${wrapped(printableLines(lines.join('\n')), terminalColumns(process.stderr))}\n`);
}

/** Wraps each line between words, and keeps its indentation. */
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
