/** Starts an emulator and deploys the stack to it, for `npm start` and the pipeline tests. */
import { createAdoptedBucket } from '../stack/adopted-bucket.ts';
import { createArchive } from '../stack/archive.ts';
import { readStack, type Stack, type StackAddress } from '../stack/stack.ts';
import type { Step } from '../terminal/progress.ts';
import { build, deploy, stackName } from './deploy.ts';
import { clientConfig, type Emulator, type EmulatorAddress, type EmulatorOptions, startEmulator } from './emulator.ts';
import { installToolchain } from './toolchain.ts';

export interface LocalStack {
  readonly stack: Stack;
  /** Owned by this process. Stopping it removes the stack. */
  readonly emulator: Emulator;
}

export async function startLocalStack(
  port: number,
  step: Step,
  functionEnvironment?: EmulatorOptions['functionEnvironment'],
): Promise<LocalStack> {
  const { ministack, sam } = await step('Tools: MiniStack and SAM CLI', installToolchain);
  // Before the build, so that a port conflict is reported at once.
  const emulator = await step('Emulator', () => startEmulator({ ministack, port, functionEnvironment }));
  try {
    const template = await step('Build', (report) => build(sam, report));
    await step('Deploy', (report) => deploy(sam, template, emulator, report));
    const stack = await readStack(localStackAddress(emulator));
    await createArchive(stack);
    await createAdoptedBucket(stack);
    return { stack, emulator };
  } catch (error) {
    await emulator.stop();
    throw error;
  }
}

/** The stack's address on an emulator that this or another process runs. */
export function localStackAddress(emulator: EmulatorAddress): StackAddress {
  return { name: stackName, emulated: true, clientConfig: clientConfig(emulator) };
}
