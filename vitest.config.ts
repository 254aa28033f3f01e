import { configDefaults, defineConfig } from 'vitest/config';

const unitTests = [
  'test/{core,adapters,docs,functions,hostile,model,template,scripts}/**/*.test.ts',
  '{gallery,gallery/page,lab,load-tests}/test/*.test.ts',
];
// They decode thousands of real files, which takes about as long as all other unit tests together.
const pictureTests = [
  'test/adapters/{animation,bounded-image-codec,colour-profile,heic,native-limits,picture-table,preset-options}.test.ts',
  'test/adapters/{sharp-image-codec,tiff-file,watermark}.test.ts',
  'test/hostile/*.test.ts',
];

const withoutEmulator = {
  // One process for many files, which still start fresh. As many processes as cores: by default, Vitest leaves one
  // core to itself, which on a laptop or runner with two is half of the machine.
  isolate: false,
  maxWorkers: '100%',
  setupFiles: ['test/support/fresh-file.ts'],

  // Safety bounds, never a measure: the slowest tests take a few seconds of processor time, which is minutes on a
  // busy machine.
  testTimeout: 120_000,
  hookTimeout: 120_000,
};

/** What a browser or the pipeline does at some point may take a busy machine longer than a second, Vitest's default for `expect.poll`. */
const poll = { timeout: 60_000 };

export default defineConfig({
  test: {
    // Tests read these files instead of importing them: with --changed, a change to one runs all tests.
    forceRerunTriggers: [
      ...configDefaults.forceRerunTriggers,
      '**/{template.yaml,samconfig.toml,package-lock.json,openapi.yaml,translate.py,fresh-file.ts}',
      '**/{statemachine,events,governance,fixtures}/**',
    ],
    // A defect that breaks many tests shows in the first few, so the slow ones need not run.
    bail: 10,
    projects: [
      {
        test: {
          ...withoutEmulator,
          name: 'unit',
          include: unitTests,
          exclude: [...configDefaults.exclude, ...pictureTests],
        },
      },
      { test: { ...withoutEmulator, name: 'pictures', include: pictureTests } },
      {
        test: {
          name: 'browser',
          include: ['gallery/test/browser/*.test.ts'],
          // One browser at a time: two would compete for the processor.
          fileParallelism: false,
          testTimeout: 120_000,
          hookTimeout: 120_000,
          expect: { poll },
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          name: 'pipeline',
          include: ['{test,gallery/test,gallery/test/browser,lab/test}/pipeline/**/*.test.ts'],
          globalSetup: ['test/support/emulated-stack.ts'],
          // All files share one stack, and some measure it.
          fileParallelism: false,
          // Safety bounds for a pipeline that hangs on a busy machine: an outage takes all five attempts.
          testTimeout: 300_000,
          hookTimeout: 300_000,
          expect: { poll },
          // The others first: they are quick, and would compete with the emulator for processor time.
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});
