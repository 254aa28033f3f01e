import { parseArgs } from 'node:util';
import { parseOrSay } from '../terminal/command-options.ts';
import { Failure } from '../terminal/failure.ts';

export interface IntakeOptions {
  readonly action: 'pause' | 'resume' | 'status';
  /** Absent: the one on this machine. */
  readonly stack: string | undefined;
  readonly help: boolean;
}

const actions = ['pause', 'resume', 'status'] as const;

export const help = `Closes and opens the way from UploadQueue to the pipeline. While it is closed, uploads wait in the queue.

  npm run intake -- status           open or closed, how many wait, and for how long they are kept
  npm run intake -- pause            until you say resume: the circuit breaker is off as well
  npm run intake -- resume           opens it, and puts the circuit breaker on again

Options, after the --

  --stack NAME    a stack in the account of your AWS profile and region; without it, the one that npm start keeps up
  --help          this

docs/runbooks/pause-intake.md says when, and for how long.
`;

export function parseOptions(args: readonly string[]): IntakeOptions {
  const { values, positionals } = parseOrSay('npm run intake', () =>
    parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { stack: { type: 'string' }, help: { type: 'boolean', short: 'h', default: false } },
    }),
  );
  const [given = values.help ? 'status' : undefined, ...more] = positionals;
  const action = actions.find((known) => known === given);
  if (action === undefined || more.length > 0) {
    const got = positionals.length === 0 ? 'nothing' : JSON.stringify(positionals.join(' '));
    throw new Failure(`One of ${actions.join(', ')} is needed, not ${got}: for example npm run intake -- status`);
  }
  return { action, stack: values.stack, help: values.help };
}
