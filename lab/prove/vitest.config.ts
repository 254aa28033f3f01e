import { defineConfig } from 'vitest/config';

/** Mutation tests run only core's own tests. */
export default defineConfig({ test: { include: ['test/core/**/*.test.ts'] } });
