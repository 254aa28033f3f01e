/** `npm run parameters` in gallery/: the parameters of the gallery's stack that name the pipeline's resources. */
import * as z from 'zod';
import { describeStack } from '../../scripts/stack/stack.ts';
import { command, main, nonEmpty } from '../../scripts/terminal/command.ts';
import { Failure } from '../../scripts/terminal/failure.ts';
import { stackInAccount } from './account-gallery.ts';

/** Outputs of the pipeline's stack, and parameters of the gallery's. */
export const sharedNames = ['UploadBucketName', 'RenditionBucketName', 'DomainEventBusName', 'DataKeyArn'] as const;

export const parametersCommand = command({
  name: 'npm run parameters',
  summary: 'Prints what sam deploy needs to know of the pipeline, for --parameter-overrides.',
  syntax: (line) => line.requiredOption('--pipeline <name>', 'the pipeline’s stack in your AWS account', nonEmpty),
  examples: {
    'sam deploy --parameter-overrides Stage=dev $(npm run -s parameters -- --pipeline darkroom-dev)':
      'in gallery/: deploy the gallery next to that pipeline',
  },
  run: async ({ options: { pipeline } }) => {
    const stack = stackInAccount(pipeline);
    try {
      const { Outputs = [] } = await describeStack(stack);
      const found = new Map(Outputs.map(({ OutputKey, OutputValue }) => [OutputKey, OutputValue]));
      const pairs = sharedNames.map((name) => {
        const value = z.string().safeParse(found.get(name));
        if (!value.success) throw new Failure(`The stack ${pipeline} has no output ${name}: is it a pipeline’s stack?`);
        return `${name}=${value.data}`;
      });
      process.stdout.write(`${pairs.join(' ')}\n`);
    } finally {
      stack.close();
    }
  },
});

if (import.meta.main) await main(parametersCommand);
