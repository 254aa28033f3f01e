/** Global setup of the pipeline tests: one emulator on a free port, with the real template deployed to it. */
import { mkdirSync, writeFileSync } from 'node:fs';
import type { TestProject } from 'vitest/node';
import type { EmulatorAddress } from '../../scripts/local/emulator.ts';
import { isolateThisProcess } from '../../scripts/local/isolated-environment.ts';
import { startLocalStack } from '../../scripts/local/local-stack.ts';
import type { StackOutputs } from '../../scripts/stack/stack.ts';
import { describeFailure } from '../../scripts/terminal/failure.ts';
import type { Step } from '../../scripts/terminal/progress.ts';
import { workDirectory } from '../../scripts/terminal/project.ts';
import { onceOrphaned } from '../../scripts/terminal/stop-on-signals.ts';
import { divertingEnvironment } from '../faults/fault-proxy.ts';
import { recordedCallsFile, recordingEnvironment } from './recorded-calls.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** provided-stack.ts makes the Stack of these two. */
    readonly emulator: EmulatorAddress;
    readonly outputs: StackOutputs;
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  isolateThisProcess();
  // The emulator ends when this process does, however that happens.
  onceOrphaned(() => process.exit(1));
  try {
    mkdirSync(workDirectory, { recursive: true });
    writeFileSync(recordedCallsFile, '');
    const { stack, emulator } = await startLocalStack(0, step, functionEnvironment());
    project.provide('emulator', {
      endpoint: emulator.endpoint,
      certificate: emulator.certificate,
      environment: emulator.environment,
    });
    project.provide('outputs', stack.outputs);
    stack.close();
    return emulator.stop;
  } catch (error) {
    // vitest would show a misleading stack trace.
    process.stderr.write(`\n${describeFailure(error)}\n\n`);
    process.exit(1);
  }
}

function functionEnvironment() {
  const diverting = divertingEnvironment();
  const NODE_OPTIONS = `${recordingEnvironment.NODE_OPTIONS} ${diverting.NODE_OPTIONS}`;
  // Workflow retries wait a tenth of their time, which is still long enough for throttled calls.
  return { ...recordingEnvironment, ...diverting, NODE_OPTIONS, SFN_WAIT_SCALE: '0.1' };
}

const step: Step = async (title, work) => {
  const startedAt = performance.now();
  const report = (progress: string): void => void process.stderr.write(`  ${progress} …\n`);
  const result = await work(report);
  process.stderr.write(`  ${title}: ${((performance.now() - startedAt) / 1000).toFixed(1)} s\n`);
  return result;
};
