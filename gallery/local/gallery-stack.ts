/** Deploys the gallery next to the pipeline that runs on this machine's emulator. */
import { CloudFormationClient, DescribeStacksCommand } from '@aws-sdk/client-cloudformation';
import * as z from 'zod';
import { projectName } from '../../core/names.ts';
import { type Application, architecture, build, deploy } from '../../scripts/local/deploy.ts';
import type { EmulatorAddress } from '../../scripts/local/emulator.ts';
import { installSam } from '../../scripts/local/toolchain.ts';
import type { Stack } from '../../scripts/stack/stack.ts';
import type { Step } from '../../scripts/terminal/progress.ts';

export const galleryStackName = `${projectName}-gallery-local`;

const outputs = z.object({
  ApiId: z.string(),
  LiveApiId: z.string(),
  ImageTableName: z.string(),
  ChangeQueueUrl: z.string(),
  ChangeDeadLetterQueueUrl: z.string(),
});
export type GalleryOutputs = z.infer<typeof outputs>;

/** What `sam build` reads. Its output is the same for every emulator, so the outputs of the pipeline's stack come later. */
export const galleryApplication: Application = {
  buildFolder: 'gallery-build',
  directory: 'gallery',
  inputs: [
    'gallery/{template.yaml,samconfig.toml,package-lock.json}',
    'gallery/{adapters,api,core,functions}/**/*',
    'package-lock.json',
    'tsconfig.json',
    '{adapters,core}/**/*',
  ],
  parameters: ['Stage=local', architecture()],
};

const pipelineOutputs = z.object({
  UploadBucketName: z.string(),
  RenditionBucketName: z.string(),
  DomainEventBusName: z.string(),
  DataKeyArn: z.string(),
});

async function outputsOf(client: CloudFormationClient, StackName: string) {
  const { Stacks: [found] = [] } = await client.send(new DescribeStacksCommand({ StackName }));
  return Object.fromEntries((found?.Outputs ?? []).map(({ OutputKey = '', OutputValue }) => [OutputKey, OutputValue]));
}

/** What names the resources of that pipeline. */
export async function pipelineParameters(
  { name }: Pick<Stack, 'name'>,
  client: CloudFormationClient,
): Promise<string[]> {
  const pipeline = pipelineOutputs.parse(await outputsOf(client, name));
  return Object.entries(pipeline).map(([parameter, value]) => `${parameter}=${value}`);
}

/** @param issuer the address of the demo sign-in */
export async function deployGallery(
  pipeline: Stack,
  emulator: EmulatorAddress,
  issuer: string,
  step: Step,
): Promise<GalleryOutputs> {
  const cloudFormation = new CloudFormationClient(pipeline.clientConfig);
  try {
    const sam = await step('SAM CLI', installSam);
    const template = await step('Build the gallery', (report) => build(sam, report, undefined, galleryApplication));
    const parameters = [
      ...galleryApplication.parameters,
      ...(await pipelineParameters(pipeline, cloudFormation)),
      `DemoIssuer=${issuer}`,
    ];
    await step('Deploy the gallery', (report) =>
      deploy(sam, template, emulator, report, { ...galleryApplication, parameters }),
    );
    return outputs.parse(await outputsOf(cloudFormation, galleryStackName));
  } finally {
    cloudFormation.destroy();
  }
}
