/** `npm run docs`: writes every generated file and part of a page anew, from what it describes. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { command, main } from '../terminal/command.ts';
import { Failure } from '../terminal/failure.ts';
import { print } from '../terminal/print.ts';
import { projectDirectory, shownPath } from '../terminal/project.ts';
import { diagram } from './diagram.ts';
import { eventDocuments, unpublishedRelease } from './event-documents.ts';
import { withGenerated } from './generated-blocks.ts';

export const docsCommand = command({
  name: 'npm run docs',
  summary: 'Generates the event schemas, their AsyncAPI document and the diagram in README.md.',
  syntax: (line) =>
    line
      .option('--check', 'write nothing; name the files that are out of date, and exit with 1 if there are any')
      .option('--release', 'also release the event schemas: later changes must not break their consumers'),
  run: async ({ options: { check, release } }) => {
    const documents = new Map([...generatedDocuments(), ...(release ? unpublishedRelease() : [])]);
    const outdated = [...documents].filter(([path, content]) => content !== currentContent(path));
    const paths = outdated.map(([path]) => shownPath(join(projectDirectory, path)));
    if (check && paths.length > 0)
      throw new Failure(`Out of date: ${paths.join(', ')}. Run npm run docs and commit the result.`);
    for (const [path, content] of outdated) write(join(projectDirectory, path), content);
    print(paths.length === 0 ? 'All generated documents are up to date.' : `Written: ${paths.join(', ')}.`);
  },
});

/** By their paths in the project. */
export function generatedDocuments(): ReadonlyMap<string, string> {
  const readme = withGenerated(currentContent('README.md') ?? '', { diagram: `\`\`\`mermaid\n${diagram()}\n\`\`\`` });
  return new Map([...eventDocuments(), ['README.md', readme]]);
}

function currentContent(path: string): string | undefined {
  const file = join(projectDirectory, path);
  return existsSync(file) ? readFileSync(file, 'utf8') : undefined;
}

function write(file: string, content: string): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, content);
}

if (import.meta.main) await main(docsCommand);
