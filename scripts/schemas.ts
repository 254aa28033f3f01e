/**
 * `npm run schemas`: docs/events out of scripts/domain-events.ts. With `--release` also docs/events/v<schemaVersion>,
 * which later changes are held to.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { schemaVersion } from './domain-events.ts';
import { eventDocuments, eventSchemas, json } from './event-documents.ts';
import { projectDirectory, shownPath } from './project.ts';

const { values } = parseArgs({ options: { release: { type: 'boolean', default: false } } });
const directory = join(projectDirectory, 'docs', 'events');

write(directory, eventDocuments());
if (values.release) {
  write(
    join(directory, `v${schemaVersion}`),
    new Map([...eventSchemas()].map(([type, schema]) => [`${type}.json`, json(schema)])),
  );
}

function write(folder: string, documents: ReadonlyMap<string, string>): void {
  mkdirSync(folder, { recursive: true });
  for (const [name, content] of documents) {
    writeFileSync(join(folder, name), content);
    console.log(shownPath(join(folder, name)));
  }
}
