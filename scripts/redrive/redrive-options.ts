import { parseArgs } from 'node:util';
import { type DeadLetterQueueName, deadLetterQueueNames } from '../stack/dead-letter-queue.ts';
import { parseOrSay, wholeNumber } from '../terminal/command-options.ts';
import { Failure } from '../terminal/failure.ts';

export interface RedriveOptions {
  readonly queues: readonly DeadLetterQueueName[];
  readonly list: boolean;
  readonly yes: boolean;
  readonly help: boolean;
  /** Absent: the one on this machine. */
  readonly stack: string | undefined;
  readonly max: number;
  readonly perSecond: number;
  /** Without news for so long, none is waited for. */
  readonly waitMinutes: number;
}

// As SQS's own message move task has it.
const fastest = 500;
const most = 1_000_000;
/** Five tries take a quarter of an hour where RetryBaseSeconds is 60. */
const defaultWait = 20;

export const help = `Says why uploads ended in a dead-letter queue, moves them back, and tells what became of each.

  npm run redrive                    of the stack that npm start keeps up; asks before it moves
  npm run redrive -- --stack NAME    of a stack in the account of your AWS profile and region
  npm run redrive -- --list          only says why, and changes nothing
  npm run redrive -- --max 10        a few first, to see whether the cause is mended

Options, after the --

  --queue NAME    uploads: what failed five times; undelivered: what EventBridge could not deliver (default both)
  --list          move nothing
  --max N         move N messages at the most
  --rate N        N messages a second (1 to ${fastest}; default ${fastest}): a low one leaves room for fresh uploads
  --wait MINUTES  stop waiting when nothing was decided for so long (default ${defaultWait}; 0 does not wait)
  --yes           move without asking
  --stack NAME    a stack in an account
  --help          this

A message that is no S3 event stays where it is: it would only die again. Exit code 0 only if every moved message was
decided: none died again, none is open. Repeats do no harm, so stop it with Ctrl-C whenever you like, and run it again.
`;

export function parseOptions(args: readonly string[]): RedriveOptions {
  const { values } = parseOrSay('npm run redrive', () =>
    parseArgs({
      args: [...args],
      options: {
        queue: { type: 'string' },
        list: { type: 'boolean', default: false },
        max: { type: 'string' },
        rate: { type: 'string' },
        wait: { type: 'string' },
        yes: { type: 'boolean', default: false },
        stack: { type: 'string' },
        help: { type: 'boolean', short: 'h', default: false },
      },
    }),
  );
  return {
    queues: asQueues(values.queue),
    list: values.list,
    yes: values.yes,
    help: values.help,
    stack: values.stack,
    max: wholeNumber('--max', values.max, { from: 1, to: most, example: 10 }) ?? most,
    perSecond: wholeNumber('--rate', values.rate, { from: 1, to: fastest, example: 20 }) ?? fastest,
    waitMinutes: wholeNumber('--wait', values.wait, { from: 0, to: 1440, example: defaultWait }) ?? defaultWait,
  };
}

function asQueues(name: string | undefined): readonly DeadLetterQueueName[] {
  if (name === undefined) return deadLetterQueueNames;
  const known = deadLetterQueueNames.find((queue) => queue === name);
  if (known !== undefined) return [known];
  throw new Failure(`--queue is ${deadLetterQueueNames.join(' or ')}, not ${JSON.stringify(name)}.`);
}
