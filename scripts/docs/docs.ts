/** `npm run docs`: regenerates every generated file and section. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { command, main } from '../terminal/command.ts';
import { projectDirectory } from '../terminal/project.ts';
import { runInTerminal } from '../terminal/run-command.ts';
import { eventDocuments, unpublishedRelease } from './event-documents.ts';
import { type Documents, writeDocuments } from './write-documents.ts';

export const docsCommand = command({
  name: 'npm run docs',
  summary: 'Generates the event schemas, their AsyncAPI document, and the tables and charts of the lab.',
  syntax: (line) =>
    line
      .option('--check', 'write nothing; list the files that are out of date, and exit with 1 if there are any')
      .option('--release', 'also release the event schemas; later changes must not break their consumers'),
  run: async ({ options: { check, release } }) => {
    const ours = writeDocuments(new Map([...generatedDocuments(), ...(release ? unpublishedRelease() : [])]), {
      check,
    });
    const labs = await generateLabDocs(check ? ['--check'] : []);
    return Math.max(ours, labs);
  },
});

export function generatedDocuments(): Documents {
  return eventDocuments();
}

/** Runs as a script, because a fork may have deleted the lab. */
async function generateLabDocs(options: readonly string[]): Promise<number> {
  const script = join(projectDirectory, 'lab', 'lab.ts');
  if (!existsSync(script)) return 0;
  return await runInTerminal({ command: 'node', args: [script, 'docs', ...options] });
}

if (import.meta.main) await main(docsCommand);
