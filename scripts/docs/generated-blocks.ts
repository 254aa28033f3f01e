import { Failure } from '../terminal/failure.ts';

/** Parts of a page that a command writes: all between `<!-- generated: NAME -->` and `<!-- end of generated: NAME -->`. */
export function withGenerated(page: string, blocks: Readonly<Record<string, string>>): string {
  return Object.entries(blocks).reduce((current, [name, content]) => {
    const [start, end] = [`<!-- generated: ${name} -->`, `<!-- end of generated: ${name} -->`];
    const [before, rest] = current.split(start);
    const after = rest?.split(end)[1];
    if (before === undefined || after === undefined)
      throw new Failure(`The page has no place for ${name}: add the lines ${start} and ${end}.`);
    return `${before}${start}\n\n${content}\n\n${end}${after}`;
  }, page);
}
