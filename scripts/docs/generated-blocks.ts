/** Parts of a document that a command writes: everything between `<!-- npm run lab cost: name -->` and `<!-- end -->`. */
export function withBlocks(text: string, command: string, blocks: Readonly<Record<string, string>>): string {
  return Object.entries(blocks).reduce((current, [name, content]) => {
    const start = `<!-- npm run ${command}: ${name} -->`;
    const from = current.indexOf(start);
    const to = current.indexOf('<!-- end -->', from);
    if (from < 0 || to < 0) throw new Error(`The document has no place for ${name}: ${start} … <!-- end -->.`);
    return `${current.slice(0, from + start.length)}\n\n${content}\n\n${current.slice(to)}`;
  }, text);
}
