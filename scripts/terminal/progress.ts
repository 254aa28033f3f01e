import { Listr, PRESET_TIMER } from 'listr2';
import { printable } from './printable.ts';
import type { Step } from './step.ts';

/** One line a step: a spinner in a terminal, plain lines elsewhere. */
export const showStep: Step = async (title, work) => {
  const { promise, resolve, reject } = Promise.withResolvers<Awaited<ReturnType<typeof work>>>();
  const list = new Listr(
    {
      title,
      task: async (_, task) => {
        try {
          const report = (progress: string): void => {
            task.output = printable(progress);
          };
          resolve(await work(report));
        } catch (error) {
          reject(error);
          // The sentence itself ends the program, and is to be read once.
          throw new Error('see below');
        }
      },
    },
    {
      // The first has to be able to stop the emulator.
      registerSignalListeners: false,
      exitOnError: false,
      // Also in a terminal that does not know its width.
      fallbackRendererCondition: () => !process.stdout.isTTY || !process.stdout.columns,
      rendererOptions: { showErrorMessage: false, collapseErrors: false, timer: PRESET_TIMER },
      fallbackRendererOptions: { timer: PRESET_TIMER },
    },
  );
  await Promise.all([list.run(), promise]);
  return await promise;
};

/** A spinner hides it, and cannot show it again when the program ends meanwhile. */
export function showCursor(): void {
  if (process.stdout.isTTY) process.stdout.write('\u001B[?25h');
}
