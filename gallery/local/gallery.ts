/** The gallery on this machine: its stack on the emulator, and one origin for the browser. */
import { join } from 'node:path';
import type { EmulatorAddress } from '../../scripts/local/emulator.ts';
import type { Stack } from '../../scripts/stack/stack.ts';
import { sampleFiles } from '../../scripts/stack/upload-files.ts';
import type { Step } from '../../scripts/terminal/progress.ts';
import { buildPage } from '../page/build.ts';
import { demoIssuer } from './demo-issuer.ts';
import { emulatorBackend } from './emulator-backend.ts';
import { deployGallery, type GalleryOutputs } from './gallery-stack.ts';
import { insideOf } from './inside.ts';
import { startOrigin } from './origin.ts';

export interface Gallery {
  /** For the browser. */
  readonly address: string;
  readonly outputs: GalleryOutputs;
  close(): Promise<void>;
}

export interface GalleryOptions {
  readonly stack: Stack;
  readonly emulator: EmulatorAddress;
  /** Of the page on 127.0.0.1; 0 for any free one. */
  readonly port: number;
  readonly step: Step;
}

const pageDirectory = join(import.meta.dirname, '..', 'page', 'dist');

export async function startGallery({ stack, emulator, port, step }: GalleryOptions): Promise<Gallery> {
  await step('Building the page', () => buildPage(pageDirectory));
  const { promise, resolve, reject } = Promise.withResolvers<{ outputs: GalleryOutputs; end: () => void }>();
  const samples = (await sampleFiles()).map(({ file, key }) => ({ name: key, file }));
  const origin = await startOrigin({ port, pageDirectory, samples }, async (address) => {
    const issuer = await demoIssuer(address);
    const deployed = deployGallery(stack, emulator, address, step).then(async (outputs) => {
      const backend = emulatorBackend(stack, emulator, outputs, await insideOf(stack));
      resolve({ outputs, end: () => backend.close() });
      return backend;
    });
    deployed.catch(reject);
    return { issuer, backend: await deployed };
  });
  try {
    const { outputs, end } = await promise;
    return {
      address: origin.address,
      outputs,
      async close() {
        end();
        await origin.close();
      },
    };
  } catch (error) {
    await origin.close();
    throw error;
  }
}
