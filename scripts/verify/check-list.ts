/** What `npm run verify` checks. Loads no AWS SDK, so that help and `--list` answer at once. */

interface ListedCheck {
  readonly name: string;
  /** What is true if the check passes. */
  readonly promise: string;
  /** The page that explains it. */
  readonly page: string;
  /** What to do if the check fails. */
  readonly remedy: string;
  /** Why the emulator cannot serve it. */
  readonly onlyInAccount?: string;
}

export const checkList = [
  {
    name: 'picture',
    promise: 'An upload gets its record and renditions, an overwrite replaces them, and a deletion removes them.',
    page: 'docs/runbooks/probe-pipeline.md',
    remedy:
      'In the first five minutes of a stack, S3 sends no events: run it again. Otherwise, find the image’s correlation id in the logs.',
  },
  {
    name: 'encrypted-queues',
    promise: 'Events reach the encrypted upload queue, and a domain event reaches a consumer’s encrypted queue.',
    page: 'docs/runbooks/undelivered-events.md',
    remedy: 'Compare the policies of DataKey and of the queues with template.yaml, and deploy it again.',
  },
  {
    name: 'rejections',
    promise: 'For each reason, a file that cannot be processed is rejected with that reason, or refused by the bucket.',
    page: 'docs/formats.md',
    remedy: 'Verify with the commit that is deployed. If the reason is wrong, roll the release back.',
  },
  {
    name: 'dead-letter',
    promise: 'An upload that fails five times becomes a dead letter, and a redrive processes it.',
    page: 'docs/runbooks/dead-letters.md',
    remedy:
      'Run this as the role in OperatorRoleArn. Otherwise, compare UploadQueue’s RedrivePolicy with template.yaml.',
  },
  {
    name: 'alarm-actions',
    promise: 'Every alarm is switched on and notifies a topic.',
    page: 'docs/observability.md',
    remedy: 'Switch its actions on (aws cloudwatch enable-alarm-actions), or deploy the stack again.',
  },
  {
    name: 'alarm-message',
    promise: 'An alarm that fires sends a message through every alarm topic.',
    page: 'docs/observability.md',
    remedy: 'Compare the policies of the topic and of its key with template.yaml, and deploy it again.',
  },
  {
    name: 'alarm-subscribers',
    promise: 'Someone receives the messages of every alarm topic.',
    page: 'docs/observability.md',
    remedy: 'Subscribe a person or a pager to the topic (aws sns subscribe), and confirm the subscription.',
    onlyInAccount: 'nobody subscribes to its topics',
  },
  {
    name: 'alarm-metrics',
    promise: 'Every alarm watches a metric that exists, with its dimensions.',
    page: 'docs/observability.md',
    remedy: 'Metrics of a new stack take up to 15 minutes: run it again. Otherwise, correct the alarm’s dimensions.',
    onlyInAccount: 'it publishes almost no metrics',
  },
  {
    name: 'versions',
    promise: 'All traffic goes to the newest version of each function and of the workflow.',
    page: 'docs/runbooks/bad-release.md',
    remedy: 'Wait until the release or rollback ends. Remove weights that it leaves behind as the page describes.',
  },
  {
    name: 'warm-workers',
    promise: 'Workers are warm where ProvisionConcurrency asks for it, and you pay for none elsewhere.',
    page: 'docs/runbooks/warm-workers.md',
    remedy: 'Wait for READY, or start them again with npm run warm -- --stack NAME on. Stop the others with off.',
    onlyInAccount: 'it provisions no concurrency',
  },
  {
    name: 'permissions',
    promise: 'Each role may do what its policies grant, under its boundary, and nothing that would harm the stack.',
    page: 'docs/security.md',
    remedy: 'Compare the role and its permissions boundary with template.yaml and governance/, and deploy again.',
  },
  {
    name: 'keys',
    promise: 'The keys are enabled and rotated, and usable by this account and the services that need them only.',
    page: 'docs/security.md',
    remedy: 'Compare the key’s policy with template.yaml, and deploy it again.',
  },
  {
    name: 'encryption',
    promise:
      'Buckets and tables are encrypted with the stack’s key, and grants on it are DynamoDB’s or this account’s.',
    page: 'docs/security.md',
    remedy: 'Revoke a grant that you do not know (aws kms revoke-grant). Deploy the stack again if a resource changed.',
    onlyInAccount: 'it ignores encryption settings in templates, and creates no grants',
  },
  {
    name: 'quotas',
    promise: 'The account’s quotas are large enough for the stage at full load.',
    page: 'docs/verify.md#quotas',
    remedy: 'Request an increase in Service Quotas, or lower the stage’s row in the Mappings of template.yaml.',
    onlyInAccount: 'it has no quotas',
  },
] as const satisfies readonly ListedCheck[];

export type CheckName = (typeof checkList)[number]['name'];
export const checkNames: readonly CheckName[] = checkList.map(({ name }) => name);
