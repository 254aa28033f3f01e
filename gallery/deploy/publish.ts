/** `npm run publish` in gallery/: everything that follows `sam deploy`. */
import { join } from 'node:path';
import { CloudFrontClient } from '@aws-sdk/client-cloudfront';
import { S3Client } from '@aws-sdk/client-s3';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import type { NamedStack } from '../../scripts/stack/stack.ts';
import { command, main, nonEmpty } from '../../scripts/terminal/command.ts';
import { confirm } from '../../scripts/terminal/confirm.ts';
import { print } from '../../scripts/terminal/print.ts';
import { outputFor } from '../../scripts/terminal/progress.ts';
import { workDirectory } from '../../scripts/terminal/project.ts';
import { stackInAccount } from './account-gallery.ts';
import { carryOut, planPublication } from './publish-gallery.ts';
import { addPersonCommand, describePlan } from './publish-report.ts';

export const publishCommand = command({
  name: 'npm run publish',
  summary:
    'Finishes the deployment of the gallery: makes the key for cookies, connects the two stacks, and publishes the page.',
  syntax: (line) =>
    line
      .requiredOption('--stack <name>', 'the gallery’s stack in your AWS account', nonEmpty)
      .option('--dry-run', 'show what would be done, and do nothing')
      .option('--json', 'print the result as JSON')
      .option('--yes', 'do not ask'),
  examples: {
    'npm run publish -- --stack darkroom-gallery-dev': 'after sam deploy, and after each change of the page',
    'npm run publish -- --stack darkroom-gallery-dev --dry-run': 'show what remains to be done',
  },
  notes:
    'Does only what is not done yet, so it can be repeated at any time, also after an error. It sets parameters of both stacks, and later ' +
    'deployments keep them. It is free, apart from invalidations after the first 1,000 paths of a month ($0.005 each).',
  run: ({ options }) => run(options),
});

interface PublishOptions {
  readonly stack: string;
  readonly dryRun?: true;
  readonly json?: true;
  readonly yes?: true;
}

async function run({ stack: name, dryRun, json, yes }: PublishOptions): Promise<number> {
  const stacks: NamedStack[] = [];
  const open = (stack: string) => {
    const opened = stackInAccount(stack);
    stacks.push(opened);
    return opened;
  };
  const clients = {
    s3: new S3Client({}),
    // CloudFront has one endpoint for all regions.
    cloudFront: new CloudFrontClient({ region: 'us-east-1' }),
    secrets: new SecretsManagerClient({}),
  };
  const { step, say } = outputFor(json);
  const tell = (result: object) => {
    if (json) print(JSON.stringify({ stack: name, ...result }, null, 2));
  };
  try {
    const publication = await step('Build the page, and read the stacks', () =>
      planPublication(name, { open, ...clients }, join(workDirectory, 'gallery-page')),
    );
    const { plan, gallery } = publication;
    if (dryRun || !yes) say(...describePlan(plan));
    if (dryRun || (!yes && !(await confirm(`Do this to ${name}?`)))) {
      tell({ ...plan, done: false });
      return 0;
    }
    const invalidation = await carryOut(publication, step);
    tell({ ...plan, invalidation, done: true });
    say(
      `The gallery is at ${plan.page}`,
      `To add a person: ${addPersonCommand(gallery.outputs.UserPoolId, 'PERSON@EXAMPLE.COM')}`,
    );
    return 0;
  } finally {
    for (const stack of stacks) stack.close();
    for (const client of Object.values(clients)) client.destroy();
  }
}

if (import.meta.main) await main(publishCommand);
