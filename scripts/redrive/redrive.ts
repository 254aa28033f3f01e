/** `npm run redrive`: moves dead letters back to the pipeline. */
import { requireStack, stackOption } from '../local/running-entry.ts';
import { deadLetterQueueNames } from '../stack/dead-letter-queue-names.ts';
import { command, main, oneOf, wholeNumber } from '../terminal/command.ts';

// The limit of SQS's own message move task.
const fastest = 500;
const most = 1_000_000;

export const redriveCommand = command({
  name: 'npm run redrive',
  summary:
    'Shows why uploads are in a dead-letter queue, moves them back to the upload queue, and reports the outcome of each.',
  syntax: (line) =>
    line
      .option('--list', 'only show the causes; move nothing')
      .option('--queue <name>', `only this queue: ${deadLetterQueueNames.join(' or ')}`, oneOf(deadLetterQueueNames))
      .option('--max <n>', 'move at most this many messages', wholeNumber({ from: 1, to: most }))
      .option(
        '--rate <n>',
        'messages per second; a low rate leaves room for new uploads',
        wholeNumber({ from: 1, to: fastest }),
        fastest,
      )
      // Five attempts take a quarter of an hour where RetryBaseSeconds is 60.
      .option(
        '--wait <minutes>',
        'stop waiting after this long without a new outcome',
        wholeNumber({ from: 0, to: 1440 }),
        20,
      )
      .addOption(stackOption)
      .option('--yes', 'do not ask'),
  examples: {
    'npm run redrive -- --list': 'show why they failed',
    'npm run redrive -- --max 10': 'move a few first, to check that the cause is fixed',
    'npm run redrive -- --stack NAME': 'use a stack in the account and region of your AWS profile',
  },
  notes: `Queues: uploads holds messages that failed five times; undelivered holds events that EventBridge could not deliver.
A message that is not an S3 event stays in its queue, because it would only fail again.
You can stop with Ctrl-C at any time and run this again: processing a message twice does no harm.
The exit code is 0 only if every moved message has an outcome.`,
  run: async ({ options: { queue, max = most, rate: perSecond, wait: waitMinutes, ...options } }) => {
    requireStack(options.stack);
    const queues = queue === undefined ? deadLetterQueueNames : [queue];
    const { redrive } = await import('./redrive-dead-letters.ts');
    return await redrive({ ...options, queues, max, perSecond, waitMinutes });
  },
});

if (import.meta.main) await main(redriveCommand);
