/** `npm run intake`: see intake-options.ts for what it does and takes. */

import { stackNamed } from '../local/running-stack.ts';
import { intakeStatus, pauseIntake, resumeIntake } from '../stack/intake-switch.ts';
import { describeFailure } from '../terminal/failure.ts';
import { showCursor, showStep } from '../terminal/progress.ts';
import { onceStopped } from '../terminal/stop-on-signals.ts';
import { help, type IntakeOptions, parseOptions } from './intake-options.ts';
import { describeIntake } from './intake-report.ts';

onceStopped((exitCode) => {
  showCursor();
  process.exit(exitCode);
});
try {
  await turnIntake(parseOptions(process.argv.slice(2)));
} catch (error) {
  process.stderr.write(`${describeFailure(error)}\n`);
  process.exitCode = 1;
}

async function turnIntake(options: IntakeOptions): Promise<void> {
  if (options.help) {
    process.stdout.write(help);
    return;
  }
  const stack = await stackNamed(options.stack);
  try {
    if (options.action === 'pause') await showStep('Pause intake', () => pauseIntake(stack));
    if (options.action === 'resume') await showStep('Resume intake', () => resumeIntake(stack));
    process.stdout.write(`${describeIntake(stack.name, await intakeStatus(stack), new Date()).join('\n')}\n`);
  } finally {
    stack.close();
  }
}
