/** `npm run lab -- recipes`. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { installSam } from '../../scripts/local/toolchain.ts';
import { command } from '../../scripts/terminal/command.ts';
import { Failure } from '../../scripts/terminal/failure.ts';
import { projectDirectory } from '../../scripts/terminal/project.ts';
import { forkedCopy } from './forked-copy.ts';
import { recipeSteps, type Step } from './recipe.ts';
import { edits, runRecipe } from './run-recipe.ts';

const folder = join(projectDirectory, 'docs', 'recipes');

export const recipePages: readonly string[] = readdirSync(folder)
  .filter((file) => file.endsWith('.md') && file !== 'README.md')
  .map((file) => file.replace(/\.md$/, ''));

export function stepsOf(page: string): readonly Step[] {
  return recipeSteps(readFileSync(join(folder, `${page}.md`), 'utf8'));
}

export const recipesCommand = command({
  name: 'recipes',
  summary:
    'Follows the recipes of docs/recipes in a copy of this repository: edits, commands and checks. Minutes each.',
  syntax: (line) =>
    line
      .argument('[recipe]', `one of ${recipePages.join(', ')}; without it, all of them`)
      .option('--edits', 'only apply the edits: whether each diff still applies. 2 s each')
      .option('--long', 'also run the whole suite where a recipe says so'),
  run: async ({ arguments: [wanted], options }) => {
    if (wanted !== undefined && !recipePages.includes(wanted))
      throw new Failure(`There is no recipe ${wanted}: choose ${recipePages.join(', ')}.`);
    let followed = true;
    for (const page of wanted === undefined ? recipePages : [wanted])
      followed = (await follow(page, options)) && followed;
    return followed ? 0 : 1;
  },
});

async function follow(page: string, options: { readonly edits?: true; readonly long?: true }): Promise<boolean> {
  const steps = options.edits ? edits(stepsOf(page)) : stepsOf(page);
  const copy = await forkedCopy();
  try {
    const sam = dirname(await installSam((line) => process.stdout.write(`${line}\n`)));
    const failure = await runRecipe(copy, steps, { long: options.long ?? false, tools: [sam] });
    if (failure === undefined) {
      process.stdout.write(`${page}: ${steps.length} steps followed.\n`);
      return true;
    }
    process.stdout.write(
      `${page}: step "${failure.step}"\n  ${failure.what}\n${failure.output}\nCorrect docs/recipes/${page}.md. In a fork that has followed or outgrown this recipe, delete the page and its line in docs/recipes/README.md.\n`,
    );
    return false;
  } finally {
    await copy.remove();
  }
}
