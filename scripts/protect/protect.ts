/** `npm run protect`: protects a stack in an account, which `sam deploy` and samconfig.toml cannot. */
import { Argument } from '@commander-js/extra-typings';
import { type NamedStack, namedStack } from '../stack/stack.ts';
import { type Protection, protect, readProtection, unprotect } from '../stack/stack-protection.ts';
import { command, main, nonEmpty, oneOf } from '../terminal/command.ts';
import { print } from '../terminal/print.ts';
import { showStep } from '../terminal/progress.ts';

const actions = ['on', 'off', 'status'] as const;

export const protectCommand = command({
  name: 'npm run protect',
  summary:
    'Keeps a stack from being deleted, and its buckets, table and key from being replaced or deleted by an update.',
  syntax: (line) =>
    line
      .addArgument(new Argument('<action>', actions.join(', ')).argParser(oneOf(actions)))
      .requiredOption('--stack <name>', 'a stack in your AWS account', nonEmpty)
      .option('--json', 'print the status as JSON'),
  examples: {
    'npm run protect -- --stack NAME status': 'show what is protected',
    'npm run protect -- --stack NAME on': 'turn on termination protection, and set governance/stack-policy.json',
    'npm run protect -- --stack NAME off': 'before an update that replaces one of them on purpose',
  },
  notes: 'Once for each stack: later deployments keep both. See docs/data.md.',
  run: async ({ arguments: [action], options: { stack: name, json } }) => {
    const stack = namedStack({ name, emulated: false, clientConfig: {} });
    try {
      if (action !== 'status') await change(stack, action);
      const status = await readProtection(stack);
      print(...(json ? [JSON.stringify({ stack: name, ...status }, null, 2)] : describeProtection(name, status)));
    } finally {
      stack.close();
    }
  },
});

async function change(stack: NamedStack, action: 'on' | 'off'): Promise<void> {
  if (action === 'on') await showStep('Protect', () => protect(stack));
  else await showStep('Stop protecting', () => unprotect(stack));
}

export function describeProtection(stack: string, { termination, resources }: Protection): string[] {
  return [
    `${stack} ${termination ? 'cannot be deleted' : 'can be deleted'}.`,
    resources.length === 0
      ? 'An update can replace or delete any of its resources.'
      : `No update can replace or delete ${resources.join(', ')}.`,
  ];
}

if (import.meta.main) await main(protectCommand);
