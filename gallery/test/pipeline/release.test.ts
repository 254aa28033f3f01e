import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { CloudFormationClient, DeleteStackCommand, DescribeStacksCommand } from '@aws-sdk/client-cloudformation';
import { CreateBucketCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { projectName } from '../../../core/names.ts';
import { buildRelease } from '../../../scripts/release/build.ts';
import { readReceipt } from '../../../scripts/release/receipt.ts';
import { workDirectory } from '../../../scripts/terminal/project.ts';
import { actionsOfPolicy, inlineActionsOf } from '../../../test/support/policy-actions.ts';
import { providedStack } from '../../../test/support/provided-stack.ts';
import { recordRequests } from '../../../test/support/recorded-requests.ts';
import { galleryApplication, pipelineParameters } from '../../local/gallery-stack.ts';

/** A release of the gallery on the emulator, with the commands that release.yml runs. It has no distribution there, and so no page. */

const [dev, prod] = [`${projectName}-gallery-dev`, `${projectName}-gallery-prod`];
const pipeline = providedStack();
const cloudFormation = new CloudFormationClient(pipeline.clientConfig);
const emulator = inject('emulator');
const bucket = `${projectName}-test-gallery-artifacts`;
// Two levels below the project, as the folder to which the workflows download the artifact.
const directory = join(workDirectory, 'gallery-rehearsal');
let requests: Awaited<ReturnType<typeof recordRequests>>;
const called: string[] = [];

beforeAll(async () => {
  await pipeline.clients.s3.send(new CreateBucketCommand({ Bucket: bucket }));
  requests = await recordRequests(emulator);
  await buildRelease(directory, { emulated: galleryApplication }, () => undefined);
  const parameters = [...(await pipelineParameters(pipeline, cloudFormation)), 'DemoIssuer=http://localhost:1'];
  const how = ['--stage', 'local', '--bucket', bucket, '--role', 'arn:aws:iam::000000000000:role/deploy'];
  const release = (...args: readonly string[]) =>
    promisify(execFile)(process.execPath, [join(directory, 'release.mjs'), ...args, '--in', directory], {
      env: { ...emulator.environment, AWS_ENDPOINT_URL: requests.endpoint },
    });
  const receipt = join(directory, `receipt-${dev}.json`);
  await release('changes', ...how, '--stack', dev, '--parameters', parameters.join(' '));
  await release('deploy', '--stack', dev);
  await release('changes', ...how, '--stack', prod, '--after', receipt, '--parameters', parameters.join(' '));
  await release('deploy', '--stack', prod);
  called.push(...requests.take());
  // A safety bound, as in vitest.config.ts: two deployments take longer than one test does.
}, 600_000);
afterAll(async () => {
  for (const StackName of [dev, prod]) await cloudFormation.send(new DeleteStackCommand({ StackName }));
  await requests.stop();
  cloudFormation.destroy();
  pipeline.close();
});

it('brings the artifact of the gallery that was built once to dev, and then to prod', async () => {
  for (const StackName of [dev, prod]) {
    const { Stacks: [found] = [] } = await cloudFormation.send(new DescribeStacksCommand({ StackName }));
    expect(found?.StackStatus).toBe('CREATE_COMPLETE');
    expect(found?.Outputs?.map(({ OutputKey }) => OutputKey)).toContain('LiveApiId');
  }
  const receipts = await Promise.all([dev, prod].map((name) => readReceipt(join(directory, `receipt-${name}.json`))));
  expect(receipts[0]?.artifact).toBe(receipts[1]?.artifact);
});

it('takes the description of the API from the artifact', async () => {
  const built = await readFile(join(directory, 'unpacked', 'build', 'template.yaml'), 'utf8');
  expect(built).toContain('"Location":"openapi.yaml"');
  expect(await readFile(join(directory, 'unpacked', 'build', 'openapi.yaml'), 'utf8')).toContain('/v1/uploads');
});

it('calls only what the release role of governance/deploy-role.yaml may', () => {
  const allowed = [...actionsOfPolicy('ReviewPolicy'), ...inlineActionsOf('ReleaseRole', 'release', 'publish')];
  expect(called).toContain('cloudformation:ExecuteChangeSet');
  expect(called.filter((action) => !allowed.includes(action))).toEqual([]);
});
