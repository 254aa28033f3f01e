import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { print, printError } from '../terminal/print.ts';
import { projectDirectory, shownPath } from '../terminal/project.ts';

/** Contents by path in the project. */
export type Documents = ReadonlyMap<string, string>;

/** Writes the documents that have changed; with `check`, only lists them. Returns the exit code. */
export function writeDocuments(
  documents: Documents,
  { check = false }: { readonly check?: boolean | undefined },
): number {
  const outdated = [...documents].filter(([path, content]) => content !== currentContent(path));
  const paths = outdated.map(([path]) => shownPath(join(projectDirectory, path))).join(', ');
  if (outdated.length === 0) {
    print(`Up to date: ${documents.size} generated documents.`);
    return 0;
  }
  if (check) {
    printError(`Out of date: ${paths}. Run npm run docs and commit the result.`);
    return 1;
  }
  for (const [path, content] of outdated) {
    const file = join(projectDirectory, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, content);
  }
  print(`Written: ${paths}.`);
  return 0;
}

export function currentContent(path: string): string | undefined {
  const file = join(projectDirectory, path);
  return existsSync(file) ? readFileSync(file, 'utf8') : undefined;
}
