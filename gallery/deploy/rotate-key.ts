/** `npm run rotate-key` in gallery/: replaces the key that signs cookies. */
import { CloudFrontClient } from '@aws-sdk/client-cloudfront';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { command, main, nonEmpty } from '../../scripts/terminal/command.ts';
import { confirm } from '../../scripts/terminal/confirm.ts';
import { Failure } from '../../scripts/terminal/failure.ts';
import { print } from '../../scripts/terminal/print.ts';
import { outputFor } from '../../scripts/terminal/progress.ts';
import { readGallery, stackInAccount } from './account-gallery.ts';
import { describeChange, describeRest } from './cookie-key-report.ts';
import { isChange, nextStep } from './cookie-key-steps.ts';
import { advance, readKeys, registerNextKey } from './cookie-keys.ts';

export const rotateKeyCommand = command({
  name: 'npm run rotate-key',
  summary: 'Replaces the key that signs the cookies for renditions, in three runs. No page notices.',
  syntax: (line) =>
    line
      .requiredOption('--stack <name>', 'the gallery’s stack in your AWS account', nonEmpty)
      .option('--dry-run', 'show what is due, and do nothing')
      .option('--json', 'print the result as JSON')
      .option('--yes', 'do not ask'),
  examples: {
    'npm run rotate-key -- --stack darkroom-gallery-dev': 'start a rotation, or do the step of it that is due',
    'npm run rotate-key -- --stack darkroom-gallery-dev --dry-run': 'show whether a rotation is in progress',
  },
  notes:
    'First CloudFront begins to accept a new key; after 15 minutes, functions sign with it; after 70 more, CloudFront no longer accepts the old ' +
    'one. Each run says when the next one is due. Nothing breaks if it comes later.',
  run: ({ options }) => run(options),
});

interface RotateOptions {
  readonly stack: string;
  readonly dryRun?: true;
  readonly json?: true;
  readonly yes?: true;
}

async function run({ stack: name, dryRun, json, yes }: RotateOptions): Promise<number> {
  const stack = stackInAccount(name);
  const cloudFront = new CloudFrontClient({ region: 'us-east-1' });
  const secrets = new SecretsManagerClient({});
  const { step, say } = outputFor(json);
  const tell = (done: readonly string[], rest: string) => {
    if (json) print(JSON.stringify({ stack: name, done, rest }, null, 2));
    else say(...done, rest);
    return 0;
  };
  try {
    const { outputs } = await readGallery(stack);
    const store = { cloudFront, secrets, name: outputs.CookieKeyGroupName, secretId: outputs.CookieKeySecretName };
    const { keys } = await readKeys(store);
    if (keys.signing === undefined || keys.group === undefined) {
      throw new Failure(`${name} has no key yet: run npm run publish -- --stack ${name} first.`);
    }
    const due = nextStep(keys, Date.now());
    const starts = due.step === 'none';
    if (dryRun) {
      if (starts) return tell([], `Cookies are signed with ${keys.signing}. This would start a rotation.`);
      return tell([], isChange(due) ? `Due: ${describeChange(due)}.` : describeRest(due));
    }
    if (starts) {
      if (!yes && !(await confirm(`Cookies are signed with ${keys.signing}. Replace that key?`))) return 0;
      await step('Register a new key', () => registerNextKey(store));
    }
    const done: string[] = [];
    const { step: rest } = await advance(store, { report: (change) => done.push(`Done: ${describeChange(change)}.`) });
    return tell(done, describeRest(rest));
  } finally {
    stack.close();
    cloudFront.destroy();
    secrets.destroy();
  }
}

if (import.meta.main) await main(rotateKeyCommand);
