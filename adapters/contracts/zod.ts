/** zod/mini is a third of zod in a bundle (docs/decisions/0004) because it has no error messages of its own: add them once. */
import { en } from 'zod/locales';
import { config, minLength, string } from 'zod/mini';

config(en());

// biome-ignore lint/performance/noReExportAll: esbuild drops unused parts of this, but not of an exported namespace object.
export * from 'zod/mini';
export const text = string().check(minLength(1));
