import { readFileSync } from 'node:fs';

/** A real photograph of test/fixtures/photos (credits beside them). */
export const photo = (name: string): Buffer => readFileSync(new URL(`../fixtures/photos/${name}`, import.meta.url));
