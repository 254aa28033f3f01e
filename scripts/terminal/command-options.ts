import { Failure } from './failure.ts';

/** @throws {Failure} with Node's own sentence, without its lecture on how to escape a leading dash. */
export function parseOrSay<Parsed>(command: string, parse: () => Parsed): Parsed {
  try {
    return parse();
  } catch (error) {
    const [sentence = ''] = error instanceof Error ? error.message.split('. ') : [];
    throw new Failure(
      `${sentence.replace(/\.$/, '')}: see ${command.includes(' -- ') ? command : `${command} --`} --help for the options there are.`,
    );
  }
}

/** @throws {Failure} where the text is no whole number of that range. */
export function wholeNumber(
  option: string,
  text: string | undefined,
  { from, to, example }: { readonly from: number; readonly to: number; readonly example: number },
): number | undefined {
  if (text === undefined) return undefined;
  const number = Number(text);
  if (/^\d+$/.test(text) && number >= from && number <= to) return number;
  throw new Failure(
    `${option} needs a number from ${from} to ${to}, not ${JSON.stringify(text)}: for example ${option} ${example}.`,
  );
}
