import { Failure } from '../../scripts/terminal/failure.ts';

/** The page with these figures between the two comments that name their section. */
export function replaceSection(page: string, name: string, figures: string): string {
  const [start, end] = [`<!-- bench ${name} -->`, `<!-- /bench ${name} -->`];
  const [before, rest] = page.split(start);
  const after = rest?.split(end)[1];
  if (before === undefined || after === undefined) {
    throw new Failure(`The page has no place for ${name}: put ${start} and ${end} where its figures belong.`);
  }
  return `${before}${start}\n${figures}\n${end}${after}`;
}
