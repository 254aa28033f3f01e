/** zod/mini is a third of zod in a bundle (docs/decisions/0004) because it has no error messages: add them once. */
import { en } from 'zod/locales';
import { config, minLength, string } from 'zod/mini';

config(en());

// esbuild drops the unused parts of `export *`, but not those of a namespace object: 12 kB instead of 430.
// biome-ignore lint/performance/noBarrelFile: see above.
// biome-ignore lint/performance/noReExportAll: see above.
export * from 'zod/mini';
export const text = string().check(minLength(1));
