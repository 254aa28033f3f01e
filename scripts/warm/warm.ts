/** `npm run warm`: keeps workers warm, or stops it. */
import { Argument } from '@commander-js/extra-typings';
import { stackNamed } from '../local/running-stack.ts';
import type { Stack } from '../stack/stack.ts';
import { command, main, nonEmpty, oneOf } from '../terminal/command.ts';
import { confirm } from '../terminal/confirm.ts';
import { Failure } from '../terminal/failure.ts';
import { print } from '../terminal/print.ts';
import { type Step, showStep } from '../terminal/progress.ts';
import { describeWarm, planOf } from './warm-report.ts';
import { switchOff, switchOn, warmStatus } from './warm-workers.ts';

const actions = ['on', 'off', 'status'] as const;
type Action = (typeof actions)[number];

export const warmCommand = command({
  name: 'npm run warm',
  summary: 'Shows which workers are kept warm, starts them, or stops them and the bill for them.',
  syntax: (line) =>
    line
      .addArgument(new Argument('<action>', actions.join(', ')).argParser(oneOf(actions)))
      .option('--stack <name>', 'a stack in your AWS account', nonEmpty)
      .option('--dry-run', 'show what would be done, and do nothing')
      .option('--json', 'print the status as JSON')
      .option('--yes', 'do not ask'),
  examples: {
    'npm run warm -- --stack NAME status': 'show what is warm, and whether it is ready',
    'npm run warm -- --stack NAME off': 'deploy without warm workers, and delete those that the deployment leaves',
    'npm run warm -- --stack NAME on': 'deploy with warm workers, and wait until they are ready',
  },
  notes:
    'The next sam deploy must have the same ProvisionConcurrency: edit samconfig.toml. See docs/runbooks/warm-workers.md.',
  run: ({ arguments: [action], options }) => warm(action, options),
});

interface WarmOptions {
  readonly stack?: string;
  readonly dryRun?: true;
  readonly json?: true;
  readonly yes?: true;
}

async function warm(action: Action, options: WarmOptions): Promise<number> {
  const stack = await stackNamed(options.stack);
  try {
    if (action !== 'status' && !(await change(stack, action, options))) return 0;
    const status = await warmStatus(stack);
    print(
      ...(options.json
        ? [JSON.stringify({ stack: stack.name, ...status }, null, 2)]
        : describeWarm(stack.name, status)),
    );
    return 0;
  } finally {
    stack.close();
  }
}

/** Whether anything was done. */
async function change(stack: Stack, action: 'on' | 'off', { dryRun, yes, json }: WarmOptions): Promise<boolean> {
  if (stack.emulated)
    throw new Failure('The emulator keeps no workers warm: name a stack in your account with --stack NAME.');
  if (dryRun || !yes) {
    const plan = planOf(action, await warmStatus(stack));
    print(...(dryRun && json ? [JSON.stringify({ stack: stack.name, plan }, null, 2)] : plan));
  }
  if (dryRun || (!yes && !(await confirm(`Do this to ${stack.name}?`)))) return false;
  const step: Step = json ? (_, work) => work(() => undefined) : showStep;
  if (action === 'off') await step('Stop warm workers', () => switchOff(stack));
  else await step('Start warm workers', () => switchOn(stack));
  return true;
}

if (import.meta.main) await main(warmCommand);
