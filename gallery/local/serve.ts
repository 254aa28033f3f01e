/** `node gallery/local/serve.ts`: the gallery, for the pipeline that `npm start` runs in another terminal. */
import { findRunningStack } from '../../scripts/local/running-stack.ts';
import { command, main, wholeNumber } from '../../scripts/terminal/command.ts';
import { Failure } from '../../scripts/terminal/failure.ts';
import { print } from '../../scripts/terminal/print.ts';
import { showStep } from '../../scripts/terminal/progress.ts';
import { startGallery } from './gallery.ts';

/** Next to 8080, which other programs like to take. */
export const defaultPagePort = 8090;

export const serveCommand = command({
  name: 'node gallery/local/serve.ts',
  summary: 'Deploys the gallery to the emulator that npm start runs in another terminal, and serves its page.',
  syntax: (line) =>
    line.option(
      '--port <n>',
      `port of the page on 127.0.0.1 (default: ${defaultPagePort})`,
      wholeNumber({ from: 1, to: 65_535 }),
    ),
  run: async ({ options: { port = defaultPagePort } }) => {
    const running = await findRunningStack();
    if (running === undefined)
      throw new Failure('No stack is running on this machine: run `npm start` in another terminal.');
    const { stack, address: emulator } = running;
    const { address } = await startGallery({ stack, emulator, port, step: showStep });
    print(`The gallery: ${address}`);
    return await new Promise<never>(() => undefined);
  },
});

if (import.meta.main) await main(serveCommand);
