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
const application: Application = {
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

/** @param issuer the address of the demo sign-in */
export async function deployGallery(
  { name, clientConfig }: Stack,
  emulator: EmulatorAddress,
  issuer: string,
  step: Step,
): Promise<GalleryOutputs> {
  const cloudFormation = new CloudFormationClient(clientConfig);
  const outputsOf = async (StackName: string) => {
    const { Stacks: [found] = [] } = await cloudFormation.send(new DescribeStacksCommand({ StackName }));
    return Object.fromEntries(
      (found?.Outputs ?? []).map(({ OutputKey = '', OutputValue }) => [OutputKey, OutputValue]),
    );
  };
  try {
    const sam = await step('SAM CLI', installSam);
    const template = await step('Build the gallery', (report) => build(sam, report, undefined, application));
    const pipeline = pipelineOutputs.parse(await outputsOf(name));
    const parameters = [
      ...application.parameters,
      ...Object.entries(pipeline).map(([parameter, value]) => `${parameter}=${value}`),
      `DemoIssuer=${issuer}`,
    ];
    await step('Deploy the gallery', (report) =>
      deploy(sam, template, emulator, report, { ...application, parameters }),
    );
    return outputs.parse(await outputsOf(galleryStackName));
  } finally {
    cloudFormation.destroy();
  }
}
