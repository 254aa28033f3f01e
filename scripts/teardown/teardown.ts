/** `npm run teardown`: deletes a stack in an account, and says what stays. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type NamedStack, namedStack } from '../stack/stack.ts';
import { command, main, nonEmpty } from '../terminal/command.ts';
import { confirm } from '../terminal/confirm.ts';
import { print } from '../terminal/print.ts';
import { showStep } from '../terminal/progress.ts';
import { shownPath, workDirectory } from '../terminal/project.ts';
import { deleteStack } from './delete-stack.ts';
import { removeRules } from './foreign-rules.ts';
import { resourcesToImport } from './retained.ts';
import { describeTeardown, readTeardown, type Teardown } from './teardown-plan.ts';

export const teardownCommand = command({
  name: 'npm run teardown',
  summary:
    'Deletes a stack in your account, after removing what would stop CloudFormation half-way, and says what stays.',
  syntax: (line) =>
    line
      .requiredOption('--stack <name>', 'the stack to delete', nonEmpty)
      .option('--dry-run', 'only show what would be deleted, what would stay, and what that costs')
      .option('--json', 'print that as JSON, and delete nothing')
      .option('--yes', 'do not ask'),
  examples: {
    'npm run teardown -- --stack NAME --dry-run': 'show what would happen',
    'npm run teardown -- --stack NAME': 'ask, then delete',
  },
  notes:
    'Buckets, records and their key stay. docs/data.md says how to delete them, or how to take them over into a new stack.',
  run: async ({ options: { stack: name, dryRun, json, yes } }) => {
    const stack = namedStack({ name, emulated: false, clientConfig: {} });
    try {
      const plan = await readTeardown(stack);
      print(...(json ? [JSON.stringify({ stack: name, ...plan }, null, 2)] : describeTeardown(name, plan)));
      if (json || dryRun) return 0;
      if (!yes && !(await confirm(`Delete the stack ${name}?`))) return 0;
      await teardown(stack, plan);
      return 0;
    } finally {
      stack.close();
    }
  },
});

async function teardown(stack: NamedStack, plan: Teardown): Promise<void> {
  const { busName, rules, retained } = plan;
  // First, while it is still known what belonged to the stack.
  const file = join(workDirectory, `${stack.name}-retained.json`);
  mkdirSync(workDirectory, { recursive: true });
  writeFileSync(file, `${JSON.stringify(resourcesToImport(retained), null, 2)}\n`);
  if (busName !== undefined && rules.length > 0) {
    await showStep('Remove the rules of consumers', () => removeRules(stack, busName, rules));
  }
  await showStep('Delete the stack', () => deleteStack(stack));
  print(
    `${stack.name} is deleted. ${shownPath(file)} lists what stays, for a stack that takes it over (docs/data.md).`,
  );
}

if (import.meta.main) await main(teardownCommand);
