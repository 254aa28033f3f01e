/** `npm run verify`: checks a deployed stack, in the account, before you rely on it. */
import { requireStack, stackOption } from '../local/running-entry.ts';
import { command, main, path, someOf } from '../terminal/command.ts';
import { print } from '../terminal/print.ts';
import { plainTable } from '../terminal/table.ts';
import { checkList, checkNames } from './check-list.ts';

export const verifyCommand = command({
  name: 'npm run verify',
  summary:
    'Checks in a deployed stack what tests cannot show: run it after the first deployment and after each release.',
  syntax: (line) =>
    line
      .addOption(stackOption)
      .option('--only <name>', 'only this check; repeat it for more', someOf(checkNames))
      .option('--except <name>', 'not this check; repeat it for more', someOf(checkNames))
      .option('--list', 'only list the checks; check nothing')
      .option('--json <file>', 'write the results as JSON', path)
      .option('--yes', 'do not ask'),
  examples: {
    'npm run verify -- --stack NAME': 'check everything; takes about 15 minutes in an account',
    'npm run verify -- --stack NAME --only versions --only keys': 'only some checks',
    'npm run verify -- --stack NAME --except dead-letter': 'all that takes five minutes or less',
    'npm run verify -- --list': 'what is checked, and where it is explained',
  },
  notes: `It uses real uploads and fires alarms, so tell whoever is on call. It removes everything that it creates, also after Ctrl-C. docs/verify.md lists the permissions, the price, and what stays in metrics and records.
On the emulator, checks that it cannot serve say so and do not count as passed.
The exit code is 0 only if no check failed.`,
  // After Ctrl-C, too, what was created is removed.
  runsToEnd: true,
  run: async ({ options: { list, ...options }, signal }) => {
    if (list) {
      print(plainTable(['Check', 'Promise', 'If it fails', 'Page'], checkList.map(listed)));
      return 0;
    }
    requireStack(options.stack);
    const { verify } = await import('./verify-stack.ts');
    return await verify(options, signal);
  },
});

function listed({ name, promise, remedy, page }: (typeof checkList)[number]): string[] {
  return [name, promise, remedy, page];
}

if (import.meta.main) await main(verifyCommand);
