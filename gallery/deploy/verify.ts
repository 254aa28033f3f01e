/** `npm run verify` in gallery/: checks a deployed gallery from outside. */
import { command, main, nonEmpty } from '../../scripts/terminal/command.ts';
import { print } from '../../scripts/terminal/print.ts';
import { readGallery, stackInAccount } from './account-gallery.ts';
import { verifyGallery } from './verify-gallery.ts';

export const verifyCommand = command({
  name: 'npm run verify',
  summary: 'Checks a deployed gallery from outside: page, sign-in, API and renditions. It changes nothing.',
  syntax: (line) => line.requiredOption('--stack <name>', 'the gallery’s stack in your AWS account', nonEmpty),
  examples: { 'npm run verify -- --stack darkroom-gallery-dev': 'after a release' },
  notes: 'It needs cloudformation:DescribeStacks. The exit code is 1 if a check fails.',
  run: ({ options: { stack } }) => verify(stack),
});

async function verify(name: string): Promise<number> {
  const stack = stackInAccount(name);
  let failed = 0;
  try {
    for await (const { what, problem } of verifyGallery(await readGallery(stack))) {
      if (problem !== undefined) failed += 1;
      print(problem === undefined ? `✔ ${what}` : `✖ ${what}. ${problem}`);
    }
    print(failed === 0 ? `${name} answers as it should.` : `${failed} to correct.`);
    return failed === 0 ? 0 : 1;
  } finally {
    stack.close();
  }
}

if (import.meta.main) await main(verifyCommand);
