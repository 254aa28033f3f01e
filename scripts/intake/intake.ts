/** `npm run intake`: pauses and resumes the pipeline. */
import { Argument } from '@commander-js/extra-typings';
import { stackOption } from '../local/running-entry.ts';
import { stackNamed } from '../local/running-stack.ts';
import { intakeStatus, pauseIntake, resumeIntake } from '../stack/intake-switch.ts';
import { command, main, oneOf } from '../terminal/command.ts';
import { print } from '../terminal/print.ts';
import { showStep } from '../terminal/progress.ts';
import { describeIntake } from './intake-report.ts';

const actions = ['pause', 'resume', 'status'] as const;
type Action = (typeof actions)[number];

export const intakeCommand = command({
  name: 'npm run intake',
  summary: 'Pauses and resumes the pipeline: while intake is paused, uploads wait in UploadQueue.',
  syntax: (line) =>
    line.addArgument(new Argument('<action>', actions.join(', ')).argParser(oneOf(actions))).addOption(stackOption),
  examples: {
    'npm run intake -- status': 'show whether intake is open, how many uploads are waiting, and how long they are kept',
    'npm run intake -- pause': 'pause until you resume; also turns off the circuit breaker',
    'npm run intake -- resume': 'resume; also turns the circuit breaker on again',
  },
  notes: 'For when to pause, and for how long, see docs/runbooks/pause-intake.md.',
  run: ({ arguments: [action], options: { stack } }) => switchIntake(action, stack),
});

async function switchIntake(action: Action, stackName: string | undefined): Promise<void> {
  const stack = await stackNamed(stackName);
  try {
    if (action === 'pause') await showStep('Pause intake', () => pauseIntake(stack));
    if (action === 'resume') await showStep('Resume intake', () => resumeIntake(stack));
    print(...describeIntake(stack.name, await intakeStatus(stack), new Date()));
  } finally {
    stack.close();
  }
}

if (import.meta.main) await main(intakeCommand);
