import { Listr, PRESET_TIMER } from 'listr2';
import { print, printError } from './print.ts';
import { printable } from './printable.ts';

/** Shows what a long step is currently doing. */
export type Report = (progress: string) => void;

/** Runs work under a title; the caller decides how progress is shown. */
export type Step = <Result>(title: string, work: (report: Report) => Promise<Result>) => Promise<Result>;

/** One line per step: a spinner in a terminal, plain lines elsewhere. */
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
          // The program prints the message itself when it ends; the list must not repeat it.
          throw new Error('see below');
        }
      },
    },
    {
      // With its own listeners, listr2 would exit on Ctrl-C before the emulator is stopped.
      registerSignalListeners: false,
      exitOnError: false,
      // Plain lines also in a terminal whose width is unknown.
      fallbackRendererCondition: () => !process.stdout.isTTY || !process.stdout.columns,
      rendererOptions: { showErrorMessage: false, collapseErrors: false, timer: PRESET_TIMER },
      fallbackRendererOptions: { timer: PRESET_TIMER },
    },
  );
  await Promise.all([list.run(), promise]);
  return await promise;
};

/** For programs: standard output has only JSON. */
export const quietStep: Step = async (title, work) => {
  printError(`${title} …`);
  return await work(() => undefined);
};

/** How a command says what it does. With `--json`, standard output has only the result. */
export function outputFor(json: true | undefined): { readonly step: Step; readonly say: typeof print } {
  return json ? { step: quietStep, say: printError } : { step: showStep, say: print };
}

/** A spinner hides the cursor, and does not restore it if the program ends first. */
export function showCursor(): void {
  if (process.stdout.isTTY) process.stdout.write('\u001B[?25h');
}
