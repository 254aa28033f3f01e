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

/** Everything between `<!-- npm run cost: name -->` and `<!-- end -->`. */
export function withBlocks(text: string, command: string, blocks: Readonly<Record<string, string>>): string {
  return Object.entries(blocks).reduce((current, [name, content]) => {
    const start = `<!-- npm run ${command}: ${name} -->`;
    const from = current.indexOf(start);
    const to = current.indexOf('<!-- end -->', from);
    if (from < 0 || to < 0) throw new Error(`The document has no place for ${name}: ${start} … <!-- end -->.`);
    return `${current.slice(0, from + start.length)}\n\n${content}\n\n${current.slice(to)}`;
  }, text);
}
