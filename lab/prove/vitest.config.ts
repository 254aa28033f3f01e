import { defineConfig } from 'vitest/config';

/** What mutants of core have to survive: its own tests. */
export default defineConfig({ test: { include: ['test/core/**/*.test.ts'] } });
