/** From nothing to a deployed stack on this machine: what `npm start` and the pipeline tests have in common. */
import type { Failure } from '../terminal/failure.ts';
import type { Step } from '../terminal/step.ts';
import { build, deploy, type StackOutputs } from './deploy.ts';
import { type EmulatorAddress, type EmulatorOptions, startEmulator } from './emulator.ts';
import { installToolchain } from './toolchain.ts';

export interface LocalStack {
  readonly address: EmulatorAddress;
  readonly port: number;
  readonly outputs: StackOutputs;
  /** Resolves if the emulator ends before `stop`; never rejects. */
  readonly crashed: Promise<Failure>;
  stop(): Promise<void>;
}

export async function startLocalStack(
  port: number,
  step: Step,
  functionEnvironment?: EmulatorOptions['functionEnvironment'],
): Promise<LocalStack> {
  const { ministack, sam } = await step('Tools: MiniStack and SAM CLI', installToolchain);
  // Before the build, so that a busy port is said at once.
  const emulator = await step('Emulator', () => startEmulator({ ministack, port, functionEnvironment }));
  try {
    const template = await step('Build', (report) => build(sam, report));
    const outputs = await step('Deploy', (report) => deploy(sam, template, emulator, report));
    return { address: emulator, port: emulator.port, outputs, crashed: emulator.crashed, stop: emulator.stop };
  } catch (error) {
    await emulator.stop();
    throw error;
  }
}
