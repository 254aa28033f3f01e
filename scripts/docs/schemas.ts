/**
 * `npm run schemas`: docs/events out of adapters/contracts/domain-events.ts. With `--release` also docs/events/v<schemaVersion>,
 * which later changes are held to; refused where it would break a consumer of what is released already.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { projectDirectory, shownPath } from '../terminal/project.ts';
import {
  brokenPromises,
  eventDocuments,
  eventSchemas,
  json,
  releaseDirectory,
  releasedSchemas,
} from './event-documents.ts';

const { values } = parseArgs({ options: { release: { type: 'boolean', default: false } } });

write(join(projectDirectory, 'docs', 'events'), eventDocuments());
if (values.release) release();

function release(): void {
  const schemas = eventSchemas();
  const broken = brokenPromises(releasedSchemas(), schemas);
  if (broken.length > 0) {
    console.error(
      `Not released, for this breaks consumers: raise schemaVersion in adapters/contracts/domain-events.ts, or take it back.\n${broken.join('\n')}`,
    );
    process.exitCode = 1;
    return;
  }
  write(releaseDirectory, new Map([...schemas].map(([type, schema]) => [`${type}.json`, json(schema)])));
}

function write(folder: string, documents: ReadonlyMap<string, string>): void {
  mkdirSync(folder, { recursive: true });
  for (const [name, content] of documents) {
    writeFileSync(join(folder, name), content);
    console.log(shownPath(join(folder, name)));
  }
}
