/**
 * `node load-module.ts FILE [PACKAGE]` loads the package and then the file in a fresh process, timed separately. Prints both
 * times in milliseconds as JSON.
 */
import { createRequire } from 'node:module';

const [file = '', packageBefore] = process.argv.slice(2);
const require = createRequire(import.meta.url);

const start = performance.now();
if (packageBefore !== undefined) require(packageBefore);
const between = performance.now();
require(file);
const end = performance.now();

process.stdout.write(JSON.stringify({ before: between - start, own: end - between }));
// A client may keep the process alive.
process.exit();
